import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/base/bytes.js';
import { decodeText, encodeText } from '../../src/base/bytes.js';
import { ByteReader } from '../../src/transport/byte-stream.js';
import {
  bandPackets,
  isData,
  MAX_PACKET,
  MAX_PACKET_DATA,
  type Packet,
  packet,
  PacketReader,
  packetText,
  PacketWriter,
  sideBandData,
} from '../../src/transport/pkt-line.js';
import {
  findDestination,
  isExcluded,
  mapBack,
  mapThrough,
  parseRefspec,
  tryParseRefspec,
} from '../../src/transport/refspec.js';
import { anonymizeUrl, guessDirectory, redactUrl, rewriteUrl } from '../../src/transport/url.js';
import { Random } from '../support/random.js';
import { sandbox } from '../support/sandbox.js';

/** The bytes in pieces of any size. */
async function* pieces(bytes: Bytes, random: Random): AsyncGenerator<Bytes> {
  for (let at = 0; at < bytes.length; ) {
    const next = Math.min(bytes.length, at + random.below(random.pick([2, 9, 20_000])));
    yield bytes.subarray(at, next);
    at = next;
  }
}
const reading = (text: string, random = new Random(1)) =>
  new PacketReader(new ByteReader(pieces(encodeText(text), random)));

describe('pkt-line', () => {
  it('what is written is read, however the bytes come', async () => {
    const random = new Random(3);
    for (let round = 0; round < 40; round++) {
      const sent: Packet[] = [];
      const chunks: Bytes[] = [];
      const writer = new PacketWriter({ write: async (data) => void chunks.push(data.slice()), end: async () => {} });
      for (let i = random.below(12); i >= 0; i--) {
        const kind = random.below(6);
        if (kind === 0) {
          writer.flush();
          sent.push('flush');
        } else if (kind === 1) {
          writer.delim();
          sent.push('delim');
        } else {
          const length = random.pick([0, 1, 5, 300, MAX_PACKET_DATA]);
          const data = Uint8Array.from({ length }, () => random.below(256));
          writer.write(data);
          sent.push(data);
        }
        if (random.below(3) === 0) await writer.send();
      }
      await writer.send();
      const whole = new Uint8Array(Buffer.concat(chunks));
      const reader = new PacketReader(new ByteReader(pieces(whole, random)));
      for (const each of sent) {
        const got = await reader.read();
        if (isData(each)) expect(isData(got) && Buffer.from(got).equals(each)).toBe(true);
        else expect(got).toBe(each);
      }
      expect(await reader.read()).toBe('eof');
    }
  });

  it('knows its borders', async () => {
    expect(decodeText(packet('a\n'))).toBe('0006a\n');
    expect(packet(new Uint8Array(MAX_PACKET_DATA)).length).toBe(MAX_PACKET);
    expect(() => packet(new Uint8Array(MAX_PACKET_DATA + 1))).toThrow('impossibly long line');
    expect(packetText(encodeText('x\n\n'))).toBe('x\n');
    const marks = reading('0000' + '0001' + '0002' + '0004');
    expect([await marks.read(), await marks.read(), await marks.read()]).toEqual(['flush', 'delim', 'response-end']);
    expect(await marks.read()).toEqual(new Uint8Array(0));
    await expect(reading('0003').read()).rejects.toThrow('bad line length 3');
    await expect(reading('fff5').read()).rejects.toThrow('bad line length');
    await expect(reading('00g0').read()).rejects.toThrow('bad line length character: 00g0');
    await expect(reading('-001').read()).rejects.toThrow('bad line length character');
    await expect(reading('000').read()).rejects.toThrow('hung up unexpectedly');
    await expect(reading('0009abc').read()).rejects.toThrow('hung up unexpectedly');
    await expect(
      new PacketReader(new ByteReader(pieces(encodeText('0008ERR 000bERR no'), new Random(2))), {
        dieOnError: true,
      }).read(),
    ).rejects.toThrow('remote error: ');
    await expect(
      (async () => {
        const many = new PacketReader(new ByteReader(pieces(encodeText('0000'.repeat(5)), new Random(2))), {
          maxPackets: 3,
        });
        for (let i = 0; i < 5; i++) await many.read();
      })(),
    ).rejects.toMatchObject({ code: 'LIMIT' });
  });

  it('side bands: what is for us, what is for the user, what ends it', async () => {
    const random = new Random(4);
    const data = Uint8Array.from({ length: 150_000 }, () => random.below(256));
    for (const limit of [1000, MAX_PACKET]) {
      const stream = new Uint8Array(
        Buffer.concat([bandPackets(1, data, limit), bandPackets(2, encodeText('progress')), encodeText('0000')]),
      );
      const said: string[] = [];
      const got: Bytes[] = [];
      const reader = new PacketReader(new ByteReader(pieces(stream, new Random(5))));
      for await (const chunk of sideBandData(reader, (text) => said.push(decodeText(text)))) got.push(chunk.slice());
      expect(Buffer.concat(got).equals(data)).toBe(true);
      expect(said.join('')).toBe('progress');
    }
    const failing = sideBandData(reading(`${decodeText(bandPackets(3, encodeText('no such luck')))}0000`), () => {});
    await expect(failing.next()).rejects.toThrow('remote error: no such luck');
    await expect(sideBandData(reading('0006\u0009x'), () => {}).next()).rejects.toThrow(/bad band #9/);
    const reader = reading('0006a\n');
    expect(isData(await reader.peek())).toBe(true);
    expect(await reader.readLine()).toBe('a');
  });
});

describe('refspecs', () => {
  it('are valid where stock git says so', () => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', '.']);
    box.git(['commit', '-q', '--allow-empty', '-m', 'one']);
    const sides = [
      '',
      'HEAD',
      '@',
      'main',
      'refs/heads/main',
      'refs/heads/*',
      '*',
      'refs/*/x',
      'refs/**',
      'a..b',
      'x ',
      'refs/heads/a*b',
      '^x',
      'tag',
    ];
    const random = new Random(8);
    const tried = new Set<string>();
    while (tried.size < 60) {
      const left = random.pick(sides);
      const right = random.pick([undefined, ...sides]);
      const sign = random.pick(['', '', '+', '^']);
      tried.add(`${sign}${left}${right === undefined ? '' : `:${right}`}`);
    }
    for (const spec of tried) {
      const words = ['-c', 'remote.r.url=.', '-c', `remote.r.fetch=${spec}`, 'ls-remote', 'r'];
      const valid = !/invalid refspec/.test(box.tryGit(words).stderr);
      expect({ spec, valid: tryParseRefspec(spec, 'fetch') !== undefined }).toEqual({ spec, valid });
    }
  }, 300_000);

  it('map names there and back', () => {
    const spec = parseRefspec('+refs/heads/*:refs/remotes/origin/*', 'fetch');
    expect(spec).toMatchObject({ force: true, pattern: true, negative: false });
    expect(mapThrough(spec, 'refs/heads/a/b')).toBe('refs/remotes/origin/a/b');
    expect(mapThrough(spec, 'refs/tags/a')).toBeUndefined();
    expect(mapBack(spec, 'refs/remotes/origin/a/b')).toBe('refs/heads/a/b');
    expect(mapThrough(parseRefspec('refs/heads/a*z:refs/x/*-y', 'fetch'), 'refs/heads/abcz')).toBe('refs/x/bc-y');
    const specs = [spec, parseRefspec('^refs/heads/private/*', 'fetch')];
    expect(isExcluded(specs, 'refs/heads/private/x')).toBe(true);
    expect(isExcluded(specs, 'refs/heads/public')).toBe(false);
    expect(findDestination(specs, 'refs/heads/public')).toBe('refs/remotes/origin/public');
    expect(parseRefspec(':', 'push').matching).toBe(true);
    expect(parseRefspec(':gone', 'push')).toMatchObject({ src: '', dst: 'gone' });
    expect(() => parseRefspec('a:b:c d', 'fetch')).toThrow("invalid refspec 'a:b:c d'");
  });
});

describe('URLs', () => {
  it('are taken apart as stock git takes them apart', () => {
    const box = sandbox();
    box.git(['init', '-q', '.']);
    const random = new Random(13);
    const hosts = [
      'host',
      'user@host',
      'user@host:22',
      'host:22',
      '[::1]',
      'user@[::1]:22',
      '[host]',
      '[user@host:22]',
      '[::1]:',
      'host:',
    ];
    const paths = ['repo', '~/repo', '/~repo', 'a/b:c', '/', '', '~'];
    const tried = new Set<string>();
    for (const scheme of ['git', 'ssh', 'git+ssh'])
      for (let i = 0; i < 8; i++) tried.add(`${scheme}://${random.pick(hosts)}/${random.pick(paths)}`);
    for (let i = 0; i < 20; i++) tried.add(`${random.pick(hosts)}:${random.pick(paths)}`);
    // Two colons at once name a helper, which stock git does not look for here.
    for (const url of tried) if (url.includes('::') && !url.includes('[')) tried.delete(url);
    // Behind a bracket they are an empty port for stock git, and a path that starts with a colon for us.
    for (const url of tried) if (url.includes(']::')) tried.delete(url);
    for (const local of ['file:///abs/path', '/abs/path', './rel:colon', 'plain', '../up', 'c:/windows'])
      tried.add(local);
    for (const url of tried) {
      const words = ['fetch-pack', '--diag-url', url];
      const stock = box.tryGit(words);
      const bough = box.tryBough(words);
      expect({ url, code: bough.code, out: bough.stdout }).toEqual({ url, code: stock.code, out: stock.stdout });
    }
  }, 300_000);

  it('name folders, and show no passwords', () => {
    for (const [url, name] of [
      ['https://host/a/repo.git', 'repo'],
      ['https://host/a/repo.git/', 'repo'],
      ['host:repo', 'repo'],
      ['ssh://host:1234/', 'host'],
      ['/a/repo/.git', 'repo'],
      ['user:pass@host:path/x.git', 'x'],
    ] as const)
      expect(guessDirectory(url, false)).toBe(name);
    expect(guessDirectory('https://host/a/repo.git', true)).toBe('repo.git');
    for (const show of [redactUrl, anonymizeUrl]) {
      expect(show('https://user:secret@host/x')).not.toContain('secret');
      expect(show('https://host/x?a=b@c')).toBe('https://host/x?a=b@c');
    }
    const rules = [
      { base: 'ssh://a/', prefix: 'https://a/' },
      { base: 'ssh://deep/', prefix: 'https://a/deep/' },
    ];
    expect(rewriteUrl('https://a/x', rules)).toBe('ssh://a/x');
    expect(rewriteUrl('https://a/deep/x', rules)).toBe('ssh://deep/x');
    expect(rewriteUrl('https://b/x', rules)).toBeUndefined();
  });
});

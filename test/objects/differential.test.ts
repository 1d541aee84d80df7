import { afterAll, describe, expect, test } from 'vitest';
import { encodeText } from '../../src/base/bytes.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../../src/base/oid.js';
import { parseCommit, parseCommitLinks, serializeCommit } from '../../src/objects/commit.js';
import { LooseObjects } from '../../src/objects/loose.js';
import { kindOfMode } from '../../src/objects/mode.js';
import { parseTag, serializeTag } from '../../src/objects/tag.js';
import { compareEntries, parseTree, serializeTree, type TreeEntry } from '../../src/objects/tree.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import { type Sandbox, sharedSandbox } from '../support/sandbox.js';

const CASES = cases(150);

const names = ['A U Thor', 'Zoë', 'J. "Quote" Doe', 'x', '', '名前', 'a, b & c'];
const mails = ['a@b', 'author@example.com', '', 'odd mail', 'a.b+c@d'];
const zones = ['+0000', '-0700', '+0530', '+1400', '-0000', '+051800', '+00:30', '0000'];
const texts = [
  '',
  'subject\n',
  'subject\n\nbody\n',
  'no newline',
  '\n\nleading\n',
  'tr\u00e9s bien\n',
  'tab\tand \u0001 control\n',
  'line\r\n',
  'Signed-off-by: x <y>\n',
];

function person(random: Random): string {
  return `${random.pick(names)} <${random.pick(mails)}> ${random.below(2) === 0 ? random.below(2 ** 31) : random.below(10)} ${random.pick(zones)}`;
}

function oid(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => random.below(16).toString(16)).join('');
}

const signature = '-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----';

function commit(random: Random, digits: number): string {
  let text = `tree ${oid(random, digits)}\n`;
  for (let n = random.below(4); n > 0; n--) text += `parent ${oid(random, digits)}\n`;
  text += `author ${person(random)}\ncommitter ${person(random)}\n`;
  if (random.chance(0.2)) text += `encoding ${random.pick(['ISO-8859-1', 'UTF-8', 'SHIFT_JIS', 'x'])}\n`;
  if (random.chance(0.2)) text += `gpgsig ${signature.replaceAll('\n', '\n ')}\n`;
  if (random.chance(0.2))
    text += `mergetag object ${oid(random, digits)}\n type commit\n tag v1\n tagger ${person(random)}\n \n message\n ${signature.replaceAll('\n', '\n ')}\n`;
  if (random.chance(0.2)) text += `HG:rename-source hg\nunknown header value\nempty \n`;
  return `${text}\n${random.pick(texts)}`;
}

function tag(random: Random, digits: number): string {
  let text = `object ${oid(random, digits)}\ntype ${random.pick(['commit', 'tree', 'blob', 'tag'])}\ntag ${random.pick(['v1.0', 'x', 'a/b'])}\n`;
  if (random.chance(0.9)) text += `tagger ${person(random)}\n`;
  return `${text}\n${random.pick(texts)}${random.chance(0.3) ? `${signature}\n` : ''}`;
}

function tree(random: Random, digits: number): TreeEntry[] {
  const rows = new Map<string, TreeEntry>();
  for (let n = random.below(12); n > 0; n--) {
    const name = random.pick([
      'a',
      'a.b',
      'a-',
      'a0',
      'b',
      'zz',
      'é',
      '\udcff\udcfe',
      'A',
      'with space',
      '-dash',
      'foo.c',
      'foo',
      'foo1',
    ]);
    rows.set(name, {
      name,
      mode: random.pick([0o100644, 0o100755, 0o120000, 0o40000, 0o160000, 0o100664]),
      oid: oid(random, digits) as Oid,
    });
  }
  return [...rows.values()];
}

describe.each(['sha1', 'sha256'] as const)('random objects, %s', (algorithm: HashAlgorithm) => {
  const box: Sandbox & { remove(): void } = sharedSandbox();
  afterAll(() => box.remove());
  box.git(['init', '-q', '--bare', `--object-format=${algorithm}`, 'r']);
  const loose = new LooseObjects(nodePlatform, box.path('r/objects'), algorithm);
  const digits = algorithm === 'sha1' ? 40 : 64;
  const random = new Random(algorithm === 'sha1' ? 11 : 12);

  /** Writes with stock git, all at once, and answers the ids. */
  function written(kind: ObjectKind, datas: readonly Uint8Array[]): string[] {
    datas.forEach((data, i) => {
      nodePlatform.fs.writeFile(box.path(`in${i}`), data);
    });
    const paths = datas.map((_, i) => `${box.path(`in${i}`)}\n`).join('');
    return box
      .git(['hash-object', '-t', kind, '-w', '--literally', '--stdin-paths'], { cwd: 'r', input: paths })
      .trim()
      .split('\n');
  }

  test('ids are git’s, what git wrote is read, and parse and serialize are inverse', () => {
    const made: Record<string, Uint8Array[]> = { commit: [], tag: [], tree: [], blob: [] };
    for (let i = 0; i < CASES; i++) {
      made['commit']!.push(encodeText(commit(random, digits)));
      made['tag']!.push(encodeText(tag(random, digits)));
      made['tree']!.push(serializeTree(tree(random, digits), { sorted: true }));
      made['blob']!.push(random.bytes(random.below(3000)));
    }
    for (const [kind, datas] of Object.entries(made)) {
      const compared = new Compared(`objects: ${kind} by git, ${algorithm}`);
      const ids = written(kind as ObjectKind, datas);
      datas.forEach((data, i) => {
        const read = loose.read(ids[i] as Oid)!;
        const text = Buffer.from(data).toString('latin1');
        compared.same(
          text,
          [
            loose.hash(kind as ObjectKind, data),
            read.kind,
            Buffer.from(read.data).toString('latin1'),
            loose.readHeader(ids[i] as Oid),
          ],
          [ids[i], kind, text, { kind, size: data.length }],
        );
      });
      compared.finish();
    }
    // git sorts the rows itself where they come in another order
    const shuffled = made['tree']!.map((data) =>
      parseTree(data, digits / 2)
        .reverse()
        .map(({ mode, oid, name }) => `${mode.toString(8).padStart(6, '0')} ${kindOfMode(mode)} ${oid}\t${name}\0`),
    );
    const input = encodeText(shuffled.map((rows) => `${rows.join('')}\0`).join(''));
    const sorted = box.git(['mktree', '-z', '--missing', '--batch'], { cwd: 'r', input }).trim().split('\n');
    expect(sorted).toEqual(made['tree']!.map((data) => loose.hash('tree', data)));
    for (const data of made['tree']!) {
      const rows = parseTree(data, digits / 2);
      expect(Buffer.from(serializeTree(rows)).equals(data)).toBe(true);
      expect([...rows].sort(compareEntries)).toEqual(rows);
    }
    for (const data of made['commit']!) {
      const links = parseCommitLinks(data);
      const whole = parseCommit(data);
      expect([links.tree, links.parents]).toEqual([whole.tree, whole.parents]);
    }
  });

  test('what bough writes, stock git reads: content, kind, size, and fsck where it is well formed', () => {
    const ids: string[] = [];
    const datas: Uint8Array[] = [];
    const kinds: ObjectKind[] = [];
    for (let i = 0; i < CASES * 2; i++) {
      const kind = i < CASES ? 'blob' : random.pick(['commit', 'tree', 'tag'] as const);
      const data =
        kind === 'blob'
          ? random.bytes(random.below(5000))
          : kind === 'tree'
            ? serializeTree(tree(random, digits), { sorted: true })
            : encodeText(kind === 'commit' ? commit(random, digits) : tag(random, digits));
      ids.push(loose.write(kind, data));
      datas.push(data);
      kinds.push(kind);
    }
    const out = box.run('git', ['cat-file', '--batch'], { cwd: 'r', input: ids.map((id) => `${id}\n`).join('') }).raw;
    const compared = new Compared(`objects: by bough, read by git, ${algorithm}`);
    let at = 0;
    ids.forEach((id, i) => {
      const expected = `${id} ${kinds[i]} ${datas[i]!.length}\n${Buffer.from(datas[i]!).toString('latin1')}\n`;
      compared.same(expected, expected, out.toString('latin1', at, at + expected.length));
      at += expected.length;
    });
    compared.same('length', at, out.length);
    compared.finish();
    const entries = ids.slice(0, 40).map((id, i): TreeEntry => ({ name: `n${i}`, mode: 0o100644, oid: id as Oid }));
    const root = loose.write('tree', serializeTree(entries, { sorted: true }));
    const author = { name: 'A', email: 'a@b', seconds: 1, zone: '+0100' };
    const made = loose.write(
      'commit',
      serializeCommit({ tree: root, parents: [], author, committer: author, extra: [], message: 'x\n' }),
    );
    const named = loose.write(
      'tag',
      serializeTag({ target: made, targetKind: 'commit', name: 'v', tagger: author, extra: [], message: 'm\n' }),
    );
    box.git(['update-ref', 'refs/tags/v', named], { cwd: 'r' });
    expect(box.git(['rev-parse', 'v^{tree}'], { cwd: 'r' }).trim()).toBe(root);
    const ran = box.tryGit(['fsck', '--full', '--strict', '--no-dangling', '--connectivity-only'], { cwd: 'r' });
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(parseTag(loose.read(named)!.data)).toMatchObject({ target: made, name: 'v' });
  });
});

test('commits and tags, odd ones too, come back byte for byte from their parsed form', () => {
  const random = new Random(5);
  for (let i = 0; i < CASES * 3; i++) {
    const digits = random.chance(0.5) ? 40 : 64;
    const c = commit(random, digits);
    const bytes = encodeText(c);
    expect(Buffer.from(serializeCommit(parseCommit(bytes))).toString()).toBe(Buffer.from(bytes).toString());
    const t = encodeText(tag(random, digits));
    expect(Buffer.from(serializeTag(parseTag(t))).toString()).toBe(Buffer.from(t).toString());
  }
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeText } from '../../src/base/bytes.js';
import type { Oid } from '../../src/base/oid.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import { pairOfChange, percentOf, type FilePair } from '../../src/diff/pair.js';
import { detectRenames, type RenameOptions } from '../../src/diff/renames.js';
import { serializeTree } from '../../src/objects/tree.js';
import { diffTrees } from '../../src/diff/trees.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { Random } from '../support/random.js';
import { stock } from '../support/stock.js';
import { since } from '../support/version.js';

/** A tree as paths and contents; both programs get it through fast-import. */
type Files = ReadonlyMap<string, string>;

const names = ['a', 'b', 'c.c', 'd/a', 'd/b', 'd/c.c', 'e/a', 'e/f/b', 'e/f/g', 'x', 'y/a', 'z'];

function makeText(random: Random): string {
  // a rewrite is looked for in files of 400 bytes and more
  return random
    .times(random.below(random.oneIn(3) ? 120 : 24), () => `line ${random.below(40)}${random.oneIn(20) ? '\r' : ''}`)
    .join('\n');
}

function editText(random: Random, text: string): string {
  const lines = text.split('\n');
  if (lines.length > 24 && random.oneIn(2)) {
    lines.splice(0, random.below(lines.length), ...random.times(random.below(100), () => `new ${random.below(1000)}`));
  }
  for (let i = random.below(6); i > 0; i--) {
    const at = random.below(lines.length + 1);
    if (random.oneIn(2)) lines.splice(at, 1);
    else lines.splice(at, random.below(2), `new ${random.below(1000)}`);
  }
  return lines.join('\n');
}

function makeTrees(random: Random): [Files, Files] {
  const old = new Map<string, string>();
  const fresh = new Map<string, string>();
  for (const name of names) if (random.oneIn(2)) old.set(name, random.oneIn(12) ? '' : makeText(random));
  for (const [name, text] of old) {
    const target = random.oneIn(3) ? name : random.oneIn(5) ? undefined : random.pick(names);
    if (target !== undefined) fresh.set(target, random.oneIn(3) ? text : editText(random, text));
    if (random.oneIn(5)) fresh.set(random.pick(names), editText(random, text));
  }
  return [old, fresh];
}

const forms: [readonly string[], RenameOptions & { readonly unmodified?: boolean }][] = [
  [['-M'], { find: 'renames', limit: 1000 }],
  [['-M80%'], { find: 'renames', minimumScore: 48_000, limit: 1000 }],
  [['-M100%'], { find: 'renames', minimumScore: 60_000 }],
  [['-C'], { find: 'copies', limit: 1000 }],
  [['-C', '--find-copies-harder'], { find: 'copies', harder: true, unmodified: true, limit: 1000 }],
  [['-B', '-M'], { find: 'renames', rewrites: {} }],
  [['-B20%/40%', '-C'], { find: 'copies', rewrites: { split: 12_000, keep: 24_000 } }],
  [['-M', '-l1'], { find: 'renames', limit: 1 }],
  [['-M', '--no-rename-empty'], { find: 'renames', empty: false }],
];

let repository: string;
beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), 'bough-renames-'));
  stock(['init', '-q', '--bare', '.'], { cwd: repository });
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

const line = (pair: FilePair): string => {
  const scored = pair.status === 'R' || pair.status === 'C' || (pair.status === 'M' && pair.score > 0);
  const score = scored ? String(percentOf(pair.score)).padStart(3, '0') : '';
  const from = pair.status === 'R' || pair.status === 'C' ? `${pair.old.path}\t` : '';
  return `${pair.status}${score}\t${from}${pair.new.path}`;
};

describe('renames, copies and rewrites are git’s', () => {
  it('on random trees', async () => {
    const random = new Random(20_26);
    // before 2.43 a last piece without a newline did not count
    const end = since(43) ? '' : '\n';
    const cases = random.times(150, () =>
      makeTrees(random).map(
        (files) => new Map([...files].map(([path, text]) => [path, text === '' ? '' : text + end])),
      ),
    );
    const objects = new MemoryObjectStore('sha1', nodePlatform);
    // 150 pairs of commits for git; the same trees in memory for us
    const stream: Uint8Array[] = [];
    for (const pair of cases) {
      for (const files of pair) {
        stream.push(encodeText(`reset refs/heads/x\n\ncommit refs/heads/x\n`));
        stream.push(encodeText('committer A <a@example.com> 1700000000 +0000\ndata 0\ndeleteall\n'));
        for (const [path, text] of files) {
          const bytes = encodeText(text);
          stream.push(encodeText(`M 100644 inline ${path}\ndata ${bytes.length}\n`), bytes, encodeText('\n'));
        }
      }
    }
    stock(['fast-import', '--quiet', '--force'], { cwd: repository, input: Buffer.concat(stream) });
    const contents = new Set(cases.flatMap((pair) => pair.flatMap((files) => [...files.values()])));
    for (const text of contents) objects.write('blob', encodeText(text));
    const write = (files: Files): Oid<'tree'> => {
      const rows = new Map<string, Map<string, string>>();
      const entries: { name: string; mode: number; oid: Oid }[] = [];
      for (const [path, text] of files) {
        const slash = path.indexOf('/');
        if (slash < 0) entries.push({ name: path, mode: 0o100644, oid: objects.hash('blob', encodeText(text)) });
        else {
          const below = rows.get(path.slice(0, slash)) ?? new Map<string, string>();
          below.set(path.slice(slash + 1), text);
          rows.set(path.slice(0, slash), below);
        }
      }
      for (const [name, below] of rows) entries.push({ name, mode: 0o040000, oid: write(below) });
      return objects.write('tree', serializeTree(entries, { sorted: true })) as Oid<'tree'>;
    };
    const pairs = cases.map(([old, fresh]) => [write(old!), write(fresh!)] as const);
    let rewritten = 0;
    for (const [args, options] of forms) {
      const input = pairs.map((pair) => `${pair.join(' ')}\n`).join('');
      const answer = stock(['diff-tree', '--stdin', '-r', '--name-status', ...args], { cwd: repository, input });
      const expected = answer.split(/^[0-9a-f]{40} [0-9a-f]{40}\n/m).slice(1);
      for (const [n, [old, fresh]] of pairs.entries()) {
        const raw: FilePair[] = [];
        await diffTrees(objects, old, fresh, 20, { recursive: true, unmodified: options.unmodified }, (change) => {
          raw.push(pairOfChange(objects, change));
        });
        const found = await detectRenames(raw, options);
        rewritten += found.pairs.filter(({ status, score }) => status === 'M' && score > 0).length;
        const got = found.pairs.map((pair) => `${line(pair)}\n`).join('');
        expect(got, `${args.join(' ')}, case ${n}`).toBe(expected[n]);
      }
    }
    expect(rewritten).toBeGreaterThan(20);
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeText, encodeText } from '../../src/base/bytes.js';
import type { TextMergeOptions } from '../../src/merge/text.js';
import { mergeContent, mergeText } from '../../src/merge/text.js';
import type { TextShape } from '../diff/texts.js';
import { editLines, joinLines, makeLines } from '../diff/texts.js';
import { Random } from '../support/random.js';
import { stockGit } from '../support/sandbox.js';
import { since } from '../support/version.js';

const labels = { ours: 'ours', base: 'base', theirs: 'theirs' };
const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  LC_ALL: 'C',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_COMMITTER_DATE: '1700000000 +0000',
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bough-text-merge-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Triple = readonly [string, string, string];

function makeTriples(seed: number, count: number, unique = false): Triple[] {
  const random = new Random(seed);
  return random.times(count, () => {
    const lines = random.pick([8, 30, 90]);
    const shape: TextShape = { lines, alphabet: unique ? 100_000 : random.pick([4, 12, 60]) };
    const base = makeLines(random, shape);
    const edit = (): string => joinLines(random, editLines(random, base, shape, lines / 8 + 1));
    return [joinLines(random, base), edit(), edit()] as const;
  });
}

const merged = (triple: Triple, options: TextMergeOptions): { text: string; conflicts: number } => {
  const [base, ours, theirs] = triple.map((text) => encodeText(text));
  const answer = mergeText(base!, ours!, theirs!, { labels, ...options });
  return { text: decodeText(answer.bytes), conflicts: answer.conflicts };
};

describe('git merge-file', () => {
  const forms: [string, TextMergeOptions][] = [
    ['', {}],
    ['--diff3', { style: 'diff3' }],
    ['--zdiff3', { style: 'zdiff3' }],
    ['--ours', { favor: 'ours' }],
    ['--theirs', { favor: 'theirs' }],
    ['--union', { favor: 'union' }],
    ['--marker-size=11', { markerSize: 11 }],
  ];
  for (const [seed, [flag, options]] of forms.entries()) {
    it(flag === '' ? 'plain' : flag, () => {
      for (const [n, triple] of makeTriples(100 + seed, 40).entries()) {
        for (const [i, name] of ['base', 'ours', 'theirs'].entries())
          writeFileSync(join(folder, name), encodeText(triple[i]!));
        const args = ['-p', '-L', 'ours', '-L', 'base', '-L', 'theirs', ...(flag === '' ? [] : [flag])];
        const run = spawnSync(stockGit, ['merge-file', ...args, 'ours', 'base', 'theirs'], { cwd: folder, env });
        const expected = { text: decodeText(run.stdout), conflicts: run.status };
        expect(merged(triple, { algorithm: 'myers', level: 'zealous-alnum', ...options }), `case ${n}`).toEqual(
          expected,
        );
      }
    });
  }
});

describe('the text driver of git merge-tree', () => {
  // one merge of many files; before 2.54 git's histogram diff differs where lines repeat
  const triples = [...makeTriples(200, 150, true), ...(since(54) ? makeTriples(201, 300) : [])];
  const git = (args: readonly string[], input?: string | Uint8Array): Buffer => {
    const run = spawnSync(stockGit, ['-C', join(folder, 'repo'), ...args], { env, input, maxBuffer: 1 << 28 });
    if (run.status !== 0 && run.status !== 1) throw new Error(run.stderr.toString());
    return run.stdout;
  };
  let commits: string[];
  beforeAll(() => {
    execFileSync(stockGit, ['init', '-q', '--bare', join(folder, 'repo')], { env });
    const parts: Uint8Array[] = [];
    for (const [i, side] of ['base', 'ours', 'theirs'].entries()) {
      const from = i === 0 ? '' : 'from refs/heads/base\n';
      parts.push(
        encodeText(`commit refs/heads/${side}\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\n${from}`),
      );
      for (const [n, triple] of triples.entries()) {
        const bytes = encodeText(triple[i]!);
        parts.push(encodeText(`M 100644 inline ${n}\ndata ${bytes.length}\n`), bytes, encodeText('\n'));
      }
    }
    git(['fast-import', '--quiet'], Buffer.concat(parts));
    commits = ['ours', 'theirs'];
  });
  for (const style of ['merge', 'diff3', 'zdiff3'] as const) {
    it(style, () => {
      const config = ['-c', `merge.conflictStyle=${style}`, '-c', 'merge.renames=false'];
      const answer = git([...config, 'merge-tree', '--write-tree', '-z', '--no-messages', ...commits]).toString(
        'latin1',
      );
      const [tree, ...rows] = answer.split('\0');
      const conflicted = new Set(rows.filter((row) => row !== '').map((row) => row.split('\t')[1]!));
      const base = git(['rev-parse', '--short', 'base']).toString().trim();
      const names = triples.map((_, n) => `${tree}:${n}\n`).join('');
      const contents = git(['cat-file', '--batch'], names);
      let at = 0;
      for (const [n, triple] of triples.entries()) {
        const end = contents.indexOf(10, at);
        const size = Number(contents.subarray(at, end).toString().split(' ')[2]);
        const text = decodeText(contents.subarray(end + 1, end + 1 + size));
        at = end + 2 + size;
        const got = merged(triple, { style, labels: { ...labels, base } });
        expect({ text: got.text, conflict: got.conflicts > 0 }, `case ${n}`).toEqual({
          text,
          conflict: conflicted.has(String(n)),
        });
      }
    });
  }
});

describe('laws', () => {
  it('takes the side that changed, and equal changes once', () => {
    for (const [base, ours, theirs] of makeTriples(300, 200)) {
      expect(merged([base, ours, ours], {})).toEqual({ text: ours, conflicts: 0 });
      expect(merged([base, base, theirs], {})).toEqual({ text: theirs, conflicts: 0 });
      expect(merged([base, ours, base], {})).toEqual({ text: ours, conflicts: 0 });
      expect(merged([base, theirs, ours], {}).conflicts > 0).toBe(merged([base, ours, theirs], {}).conflicts > 0);
    }
  });
});

describe('binary content', () => {
  const [base, ours, theirs] = ['a\0', 'b\0', 'c\0'].map((text) => encodeText(text)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  it('keeps ours in conflict, or the favoured side, or below the real merge the base', () => {
    expect(mergeContent(base, ours, theirs)).toEqual({ bytes: ours, conflicts: 1, binary: true });
    expect(mergeContent(base, ours, theirs, { favor: 'theirs' })).toEqual({
      bytes: theirs,
      conflicts: 0,
      binary: true,
    });
    expect(mergeContent(base, ours, theirs, { favor: 'ours' })).toEqual({ bytes: ours, conflicts: 0, binary: true });
    expect(mergeContent(base, ours, theirs, { favor: 'ours', depth: 1 }).bytes).toBe(base);
  });
});

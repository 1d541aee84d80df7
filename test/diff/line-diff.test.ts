import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeText, encodeText } from '../../src/base/bytes.js';
import type { Change, DiffAlgorithm, LineDiffOptions } from '../../src/diff/line-diff.js';
import { diffLines } from '../../src/diff/line-diff.js';
import { lineBytes, splitAlike, splitLines } from '../../src/diff/lines.js';
import { Random } from '../support/random.js';
import { stockGit } from '../support/sandbox.js';
import { since } from '../support/version.js';
import type { TextShape } from './texts.js';
import { editLines, joinLines, makeLines } from './texts.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bough-line-diff-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makePairs(seed: number, count: number, spaces: boolean): [string, string][] {
  const random = new Random(seed);
  return random.times(count, () => {
    const shape: TextShape = random.pick([
      { lines: 30, alphabet: 2 + random.below(5), spaces },
      { lines: 30, alphabet: 2 + random.below(12), spaces },
      { lines: 250, alphabet: 2 + random.below(80), spaces },
    ]);
    const a = makeLines(random, shape);
    const b = random.oneIn(4) ? makeLines(random, shape) : editLines(random, a, shape, shape.lines === 30 ? 6 : 20);
    return [joinLines(random, a), joinLines(random, b)];
  });
}

const range = (at: number, count: number): string => `${count === 0 ? at : at + 1}${count === 1 ? '' : `,${count}`}`;
const show = (changes: readonly Change[]): string =>
  changes.map((change) => `${range(change.a, change.aCount)} ${range(change.b, change.bCount)}`).join('|');

/** git's answers for all pairs in one run: the hunk headers without context. */
function askGit(pairs: readonly (readonly [string, string])[], args: readonly string[]): string[] {
  for (const [i, side] of ['a', 'b'].entries()) {
    rmSync(join(folder, side), { recursive: true, force: true });
    mkdirSync(join(folder, side));
    for (const [n, pair] of pairs.entries()) writeFileSync(join(folder, side, String(n)), encodeText(pair[i]!));
  }
  const run = spawnSync(stockGit, ['diff', '--no-index', '-U0', '--no-color', '--no-ext-diff', ...args, 'a', 'b'], {
    cwd: folder,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' },
  });
  const answers = pairs.map(() => '');
  let at = -1;
  for (const line of run.stdout.split('\n')) {
    const file = /^diff --git a\/a\/(\d+) /.exec(line);
    const hunk = /^@@ -(\S+) \+(\S+) @@/.exec(line);
    if (file !== null) at = Number(file[1]);
    else if (hunk !== null) answers[at] += `${answers[at] === '' ? '' : '|'}${hunk[1]} ${hunk[2]}`;
  }
  return answers;
}

function compare(
  pairs: readonly (readonly [string, string])[],
  options: LineDiffOptions,
  args: readonly string[],
): void {
  const expected = askGit(pairs, args);
  const got = pairs.map(([a, b]) =>
    show(diffLines(splitLines(encodeText(a)), splitLines(encodeText(b)), { ...options, trimTail: true })),
  );
  expect(got).toEqual(expected);
}

describe('line diff is git’s', () => {
  // Since 2.54 a histogram diff compares groups of changes anew that slid beside one another; since 2.49 minimal drops no lines.
  const algorithms: [DiffAlgorithm, number][] = [
    ['myers', 0],
    ['minimal', 49],
    ['patience', 0],
    ['histogram', 54],
  ];
  for (const [algorithm, needed] of algorithms) {
    it.skipIf(!since(needed))(needed === 0 ? algorithm : `${algorithm} (needs git 2.${needed})`, () => {
      compare(makePairs(11, 1000, false), { algorithm }, [`--diff-algorithm=${algorithm}`]);
      compare(makePairs(12, 500, false), { algorithm, indentHeuristic: false }, [
        `--diff-algorithm=${algorithm}`,
        '--no-indent-heuristic',
      ]);
    });
  }

  it('histogram, in any version, where nothing repeats', () => {
    const random = new Random(13);
    const shape: TextShape = { lines: 120, alphabet: 100_000 };
    const pairs = random.times(500, (): [string, string] => {
      const a = makeLines(random, shape);
      return [joinLines(random, a), joinLines(random, editLines(random, a, shape, 12))];
    });
    compare(pairs, { algorithm: 'histogram' }, ['--histogram']);
  });

  it('with white space overlooked', () => {
    compare(makePairs(14, 500, true), { whitespace: { ignoreAllSpace: true } }, ['-w']);
    compare(makePairs(15, 500, true), { whitespace: { ignoreSpaceChange: true } }, ['-b']);
    compare(makePairs(16, 500, true), { whitespace: { ignoreSpaceAtEol: true } }, ['--ignore-space-at-eol']);
    compare(makePairs(17, 500, true), { whitespace: { ignoreCrAtEol: true } }, ['--ignore-cr-at-eol']);
  });

  it('on long files, where the search gives up early', () => {
    const random = new Random(18);
    const pairs = random.times(12, (): [string, string] => {
      const shape: TextShape = { lines: 4000, alphabet: random.pick([4, 60, 5000]) };
      const a = makeLines(random, shape);
      const b = random.oneIn(2) ? makeLines(random, shape) : editLines(random, a, shape, 400);
      return [joinLines(random, a), joinLines(random, b)];
    });
    compare(pairs, {}, []);
    compare(pairs, { algorithm: 'patience' }, ['--patience']);
  });

  it('with anchors', () => {
    const pairs: [string, string][] = [
      ['a\nb\nc\n', 'c\na\nb\n'],
      ['a\nb\nc\nd\n', 'd\nc\nb\na\n'],
    ];
    for (const anchor of ['a', 'b', 'c', 'd'])
      compare(pairs, { algorithm: 'patience', anchors: [encodeText(anchor)] }, [`--anchored=${anchor}`]);
  });
});

it('a file cut along another one has the lines it has by itself', () => {
  const random = new Random(77);
  const piece = (): string => ['a\n', 'b', '\n', 'longer line of text\n', 'x\r\n'][random.below(5)]!;
  const text = (length: number): string => Array.from({ length }, piece).join('');
  for (let i = 0; i < 4000; i++) {
    const [head, tail] = [text(random.below(5)), text(random.below(5))];
    const base = splitLines(encodeText(head + text(random.below(4)) + tail));
    const bytes = encodeText(head + text(random.below(4)) + tail);
    const { lines, prefix, suffix } = splitAlike(base, bytes);
    const plain = splitLines(bytes);
    expect([...lines.starts]).toEqual([...plain.starts]);
    expect(lines.count).toBe(plain.count);
    expect(prefix + suffix).toBeLessThanOrEqual(Math.min(base.count, lines.count));
    const line = (of: typeof base, at: number): string => decodeText(lineBytes(of, at));
    for (let k = 0; k < prefix; k++) expect(line(lines, k)).toBe(line(base, k));
    for (let k = 1; k <= suffix; k++) expect(line(lines, lines.count - k)).toBe(line(base, base.count - k));
  }
});

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BatchCase, bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { Random } from '../support/random.js';
import { Sandbox } from '../support/sandbox.js';
import { since } from '../support/version.js';

// BOUGH_BLAME_CASES: how many files; BOUGH_BLAME_SEED: where to begin.
const count = Number(process.env['BOUGH_BLAME_CASES'] ?? 60);
const seed = Number(process.env['BOUGH_BLAME_SEED'] ?? 1);

let folder: string;
let bundle: string;
let box: Sandbox;

const words = [
  ...['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'x', 'y', 'return', 'function', 'if', 'for', 'value', 'index'],
  ...['count', 'Total', '{', '}', '(', ')', '= 0;', '+= 1;', '// note', ''],
];

function line(random: Random): string {
  const parts = Array.from({ length: random.below(7) }, () => random.pick(words));
  return parts.join(random.chance(0.75) ? ' ' : '') + (random.chance(0.3) ? String(random.below(1000)) : '');
}

/** A line much like another one, or little. */
function changed(random: Random, text: string): string {
  switch (random.below(6)) {
    case 0:
      return text.toUpperCase();
    case 1:
      return `\t${text}`;
    case 2:
      return `${text} ${random.pick(words)}`;
    case 3:
      return text.slice(0, text.length >> 1);
    case 4:
      return text.replace(/[aeiou]/g, '_');
    default:
      return random.pick(words) + text;
  }
}

function edited(random: Random, before: readonly string[]): string[] {
  return before.flatMap((text) => {
    const kind = random.below(10);
    if (kind < 3) return [text];
    if (kind < 6) return [changed(random, text)];
    if (kind < 7) return [line(random), text];
    if (kind < 8) return [];
    if (kind < 9) return [text.slice(0, 6), text.slice(6)];
    return [changed(random, random.pick(before)), changed(random, text)];
  });
}

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'bough-blame-')));
  box = new Sandbox(folder);
  mkdirSync(join(folder, 'bundle'));
  bundle = await bundleCommands(join(folder, 'bundle'));
  const random = new Random(seed);
  let files = Array.from({ length: count }, (_, i) =>
    Array.from({ length: 1 + random.below(i % 5 === 4 ? 50 : 14) }, () => line(random)),
  );
  let stream = '';
  for (let mark = 1; mark <= 3; mark++) {
    stream += `commit refs/heads/main\nmark :${mark}\ncommitter A <a@example.com> ${1_500_000_000 + mark * 60} +0000\n`;
    stream += `data 1\n${mark}\n${mark > 1 ? `from :${mark - 1}\n` : ''}`;
    files.forEach((lines, i) => {
      const text = lines.map((one) => `${one}\n`).join('');
      stream += `M 100644 inline f${i}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
    });
    files = files.map((lines) => edited(random, lines));
  }
  box.git(['init', '-q', '-b', 'main', 'r']);
  const imported = box.tryGit(['fast-import', '--quiet'], { cwd: 'r', input: stream });
  if (imported.code !== 0) throw new Error(imported.stderr);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function compare(options: readonly (readonly string[])[]): void {
  const marks = ['-c', 'blame.markIgnoredLines', '-c', 'blame.markUnblamableLines'];
  const cases: BatchCase[] = Array.from({ length: count }, (_, i) => ({
    cwd: join(folder, 'r'),
    words: [...marks, 'blame', ...options[i % options.length]!, 'main', '--', `f${i}`],
  }));
  const answers = runBatch(folder, bundle, cases, box.env);
  const differing = cases
    .map((one, i) => ({ one, ours: answers[i]!, theirs: stockAnswer(one, box.env) }))
    .filter(({ ours, theirs }) => ours.code !== theirs.code || ours.stdout !== theirs.stdout)
    .map(({ one }) => one.words.join(' '));
  expect(differing).toEqual([]);
}

it('guesses where the lines of an ignored commit come from as stock git does', { timeout: 600_000 }, () => {
  compare([
    ['-sn', '--ignore-rev', 'main'],
    ['-sn', '--ignore-rev=main', '--ignore-rev=main~1'],
    ['-sn', '--ignore-rev', 'main~1'],
    ['-sn', '-w', '--ignore-rev', 'main'],
  ]);
});

it.runIf(since(55))('tells scores and how much was read as stock git does', { timeout: 600_000 }, () => {
  compare([['--score-debug'], ['--show-stats'], ['--show-stats', '-M'], ['--score-debug', '-C', '-C', '--show-stats']]);
});

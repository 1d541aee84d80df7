import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BatchCase, bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { Random } from '../support/random.js';
import { Sandbox } from '../support/sandbox.js';
import { since } from '../support/version.js';

let folder: string;
let bundle: string;
let box: Sandbox;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'bough-lines-')));
  box = new Sandbox(folder);
  mkdirSync(join(folder, 'bundle'));
  bundle = await bundleCommands(join(folder, 'bundle'));
  box.git(['init', '-q', '-b', 'main', 'r']);
  const random = new Random(5);
  const files = ['b.py', 'a.py'].map((name) => ({
    name,
    lines: Array.from({ length: 40 }, (_, i) => (i % 8 === 0 ? `def f${i}(x):` : `    value_${i} = x + ${i}`)),
  }));
  for (let i = 0; i < 14; i++) {
    for (const { name, lines } of files) {
      for (let n = 0; i > 0 && n < 3; n++) {
        const at = random.below(lines.length);
        const kind = random.below(4);
        if (kind === 0) lines.splice(at, 1);
        else if (kind === 1) lines.splice(at, 0, `    added_${i} = ${n}`);
        else if (kind === 2) lines[at] = `${lines[at]} # ${i}`;
        else lines.splice(random.below(lines.length), 0, ...lines.splice(at, 3));
      }
      writeFileSync(join(folder, 'r', name), lines.map((line) => `${line}\n`).join(''));
    }
    box.git(['add', '.'], { cwd: 'r' });
    box.git(['commit', '-q', '-m', `step ${i}`], { cwd: 'r' });
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function differing(commands: readonly (readonly string[])[]): string[] {
  const cases: BatchCase[] = commands.map((words) => ({ cwd: join(folder, 'r'), words: [...words] }));
  const answers = runBatch(folder, bundle, cases, box.env);
  return cases
    .filter((one, i) => {
      const theirs = stockAnswer(one, box.env);
      return answers[i]!.code !== theirs.code || answers[i]!.stdout !== theirs.stdout;
    })
    .map((one) => one.words.join(' '));
}

it.runIf(since(55))('log -L shows ranges as other patches are shown', { timeout: 120_000 }, () => {
  const ranges = [['-L3,12:a.py'], ['-L3,9:a.py', '-L20,30:a.py'], ['-L/def f8/,+9:b.py', '-L1,6:a.py']];
  const options = [
    ...[[], ['-s'], ['--raw', '-p'], ['--name-only'], ['--word-diff'], ['--word-diff=porcelain'], ['--color-words']],
    ...[['--color-moved', '--color=always'], ['--color-moved=plain', '--color=always', '--graph'], ['-W'], ['-w']],
    ...[['--output-indicator-new=>'], ['--line-prefix=| '], ['--graph', '--word-diff'], ['-U0'], ['--reverse']],
    ...[['--ws-error-highlight=all', '--color=always'], ['--stat'], ['--patience'], ['-G', 'added']],
  ];
  expect(differing(ranges.flatMap((range) => options.map((words) => ['log', ...range, ...words])))).toEqual([]);
});

it.runIf(since(55))('prefixes of word diffs where moved lines are coloured', { timeout: 120_000 }, () => {
  const moved = ['--color-moved', '--color=always'];
  const forms = [['--word-diff'], ['--color-words'], ['--color-words=.'], ['--word-diff=porcelain']];
  const commands = forms.flatMap((form) => [
    ['log', '-p', '--graph', ...form, ...moved],
    ['diff', '--line-prefix=Q', ...form, ...moved, 'HEAD~9', 'HEAD'],
  ]);
  expect(differing(commands)).toEqual([]);
});

import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { table } from '../../src/commands/table.js';
import { type BatchAnswer, bundleCommands, fellOver, runBatch, stockAnswer } from '../support/batch.js';
import { sandbox } from '../support/sandbox.js';

/** Those that serve for ever, or wait for somebody. */
const never = new Set(['serve', 'daemon', 'watch', 'browse', 'credential-cache--daemon']);

const words: readonly (readonly string[])[] = [
  [],
  ['--no-such-option'],
  ['-Z'],
  [''],
  ['--'],
  ['no-such-thing'],
  ['no-such-thing', '--', 'nowhere'],
  ['HEAD', 'HEAD', 'HEAD', 'HEAD'],
  ['HEAD^{tree}'],
  ['-n', 'abc'],
  ['0000000000000000000000000000000000000000'],
  ['..'],
  ['HEAD@{99}'],
  [':(bad)x'],
  ['../outside'],
  ['--format=%(nonsense)', '--pretty=%', '--date=x'],
];

/** A quarter of the commands each time; all of them with BOUGH_WRONG=all, other exit codes than git's into BOUGH_WRONG_LOG. */
const all = process.env['BOUGH_WRONG'] === 'all';

test('wrong words, in a repository and elsewhere, are answered in words', async () => {
  const box = sandbox();
  const bundle = await bundleCommands(box.directory);
  const names = Object.keys(table)
    .filter((name) => !never.has(name))
    .filter((_name, i) => all || i % 4 === 1);
  const wrong: string[] = [];
  for (const name of names) {
    const places = ['in', 'out', 'bare', 'unborn'].map((place) => box.path(`${name}-${place}`));
    const [inside, outside, bare, unborn] = places as [string, string, string, string];
    box.git(['init', '-q', '-b', 'main', inside]);
    writeFileSync(`${inside}/a`, 'a\n');
    box.git(['add', 'a'], { cwd: inside });
    box.git(['commit', '-q', '-m', 'a'], { cwd: inside });
    mkdirSync(outside);
    box.git(['clone', '-q', '--bare', inside, bare]);
    box.git(['init', '-q', '-b', 'main', unborn]);
    const env = { ...box.env, GIT_CEILING_DIRECTORIES: box.directory };
    const cases = places.flatMap((cwd) => words.map((some) => ({ cwd, words: [name, ...some] })));
    let answers: BatchAnswer[];
    try {
      answers = runBatch(box.directory, bundle, cases, env);
    } catch (error) {
      wrong.push(`${name}: ${String(error).slice(0, 600)}`);
      continue;
    }
    for (const [i, { code, stderr }] of answers.entries()) {
      const where = `${cases[i]!.cwd.split('-').pop()}: git ${cases[i]!.words.map((word) => `'${word}'`).join(' ')}`;
      if (fellOver(stderr)) wrong.push(`${where}: ${stderr.slice(0, 500)}`);
      // A strategy says with 2 that it is not for this.
      else if (code !== 0 && code !== 1 && stderr === '' && !/^merge-/.test(name))
        wrong.push(`${where}: ${code} without a word`);
      if (process.env['BOUGH_WRONG_LOG'] !== undefined && i < words.length * 2) {
        const stock = stockAnswer(cases[i]!, env);
        if (stock.code !== code)
          appendFileSync(
            process.env['BOUGH_WRONG_LOG'],
            `${where}\n  git ${stock.code}: ${JSON.stringify(stock.stderr.slice(0, 200))}\n  us  ${code}: ${JSON.stringify(stderr.slice(0, 200))}\n`,
          );
      }
    }
  }
  expect(wrong).toEqual([]);
}, 600_000);

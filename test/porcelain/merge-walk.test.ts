import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import type { Sandbox } from '../support/sandbox.js';
import { sandbox } from '../support/sandbox.js';
import { randomHistory } from '../merge/random-history.js';

/** Not where a folder above it is a file or a link. */
function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}

/** Steps of the walk; `BOUGH_WALK=seed:steps` runs others by hand. */
const [seed = 3, steps = 14] = (process.env['BOUGH_WALK'] ?? '').split(':').filter(Boolean).map(Number);

/** Everything about a work tree that has to agree, but for ids of commits whose messages differ between versions. */
function stateOf(box: Sandbox, copy: string): string {
  const git = (...args: string[]) => box.tryGit(args, { cwd: copy }).stdout;
  const files: string[] = [];
  const walk = (directory: string) => {
    for (const entry of readdirSync(join(box.path(copy), directory), { withFileTypes: true })) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (path === '.git') continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) files.push(`${path} ${readFileSync(box.path(copy, path), 'latin1')}`);
      else files.push(path);
    }
  };
  walk('');
  const there = (name: string) => existsSync(box.path(copy, '.git', name));
  return [
    git('ls-files', '-s'),
    git('log', '--format=%T %an', '-20'),
    ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'sequencer/todo', 'MERGE_MSG', 'SQUASH_MSG']
      .filter(there)
      .join(' '),
    files
      .sort()
      .join('\n')
      .replace(/[0-9a-f]{7,40}/g, '<id>')
      .replace(/\.merge_file_\w{6}/g, '<temporary>'),
  ].join('\n---\n');
}

it('a random walk of merges, picks, reverts and their ends leaves what stock git leaves', () => {
  const box = sandbox();
  const random = new Random(seed);
  const { stream, commits } = randomHistory(random, 16, { submodules: false });
  box.git(['init', '-q', 'one']);
  box.git(['fast-import', '--quiet', '--force'], { cwd: 'one', input: stream });
  for (const [key, value] of [
    ['core.abbrev', '12'],
    ['advice.mergeConflict', 'false'],
    ['merge.conflictStyle', 'merge'],
  ]) {
    box.git(['config', key!, value!], { cwd: 'one' });
  }
  box.git(['checkout', '-q', '-B', 'main', 'refs/heads/c3'], { cwd: 'one' });
  cpSync(box.path('one'), box.path('two'), { recursive: true, verbatimSymlinks: true });
  box.git(['update-index', '-q', '--refresh'], { cwd: 'two' });
  const told: string[] = [];
  let compared = 0;
  for (let step = 0; step < steps; step++) {
    const words = nextCommand(box, random, commits);
    told.push(words.join(' '));
    if (words[0] === 'resolve') {
      for (const copy of ['one', 'two']) {
        for (const path of box.git(['diff', '--name-only', '--diff-filter=U', '-z'], { cwd: copy }).split('\0')) {
          if (path === '') continue;
          if (!isFile(box.path(copy, path))) box.tryGit(['rm', '-q', '--cached', '--', path], { cwd: copy });
          else {
            writeFileSync(box.path(copy, path), `resolved ${step}\n`);
            box.tryGit(['add', '-f', '--', path], { cwd: copy });
          }
        }
      }
      continue;
    }
    const date = `${1_800_000_000 + 100 * step} +0000`;
    const env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, GIT_EDITOR: ':' };
    const expected = box.tryGit(words, { cwd: 'one', env });
    // Some merges trip stock git's own assertions; there is nothing to compare with from there on.
    if (expected.stderr.includes('BUG: ')) break;
    compared++;
    const actual = box.tryBough(words, { cwd: 'two', env });
    const trace = `${told.join('\n')}\nstock: ${expected.stdout}${expected.stderr}\nbough: ${actual.stdout}${actual.stderr}`;
    expect(`${actual.code}\n${stateOf(box, 'two')}`, trace).toBe(`${expected.code}\n${stateOf(box, 'one')}`);
  }
  expect(compared).toBeGreaterThan(steps / 2);
}, 600_000);

/** Strategies and options; conflicts of `resolve` are labelled with names of temporary files. */
const otherWays = [
  ['-s', 'resolve'],
  ['-s', 'ours'],
  ['-s', 'resolve', '-s', 'ort'],
  ['-X', 'ours'],
  ['-X', 'theirs'],
  ['-X', 'no-renames'],
  ['-X', 'find-renames=30%'],
  ['-X', 'ignore-all-space'],
  ['--no-commit'],
  ['--no-commit', '--no-ff'],
];

function nextCommand(box: Sandbox, random: Random, commits: number): string[] {
  const there = (name: string) => existsSync(box.path('one', '.git', name));
  const one = () => `refs/heads/c${random.below(commits)}`;
  const busy = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'sequencer'].find(there);
  if (busy !== undefined && random.chance(0.85)) {
    const unmerged = box.tryGit(['ls-files', '-u'], { cwd: 'one' }).stdout !== '';
    if (unmerged && random.chance(0.5)) return ['resolve'];
    const name =
      busy === 'MERGE_HEAD'
        ? 'merge'
        : busy === 'REVERT_HEAD' || /^revert/m.test(box.tryGit(['rev-parse', '--git-dir'], { cwd: 'one' }).stdout)
          ? 'revert'
          : 'cherry-pick';
    if (name === 'merge') return random.chance(0.5) ? ['merge', '--abort'] : ['commit', '-q', '-m', 'merged'];
    return [name, random.pick(['--abort', '--continue', '--skip'])];
  }
  switch (random.below(seed === 3 ? 6 : 9)) {
    case 0:
    case 1:
      return ['merge', '-m', 'merge', ...(random.chance(0.3) ? ['--no-ff'] : []), one()];
    case 6:
      return ['merge', '-m', 'several', one(), one(), ...(random.chance(0.3) ? [one()] : [])];
    case 7:
      return ['merge', '-m', 'merge', ...random.pick(otherWays), one()];
    case 8:
      return ['merge', '--squash', one()];
    case 2:
      return ['cherry-pick', '-m', '1', ...(random.chance(0.3) ? ['-n'] : []), one()].filter(
        (word, i, all) => !(word === '-m' || (word === '1' && all[i - 1] === '-m')),
      );
    case 3:
      return ['cherry-pick', one(), one()];
    case 4:
      return ['revert', '--no-edit', `HEAD${random.chance(0.5) ? '' : '~1'}`];
    default:
      return ['reset', '-q', '--hard'];
  }
}

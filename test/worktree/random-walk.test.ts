import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { root } from '../support/root.js';
import { fixedEnvironment, stockGit } from '../support/sandbox.js';

/** The same random script of everyday commands, run by stock git in one copy and by bough in the other. */
const seed = Number(process.env['BOUGH_WALK_SEED'] ?? 1);
const steps = Number(process.env['BOUGH_WALK_STEPS'] ?? 220);
const stop = process.env['BOUGH_WALK_KEEP'] !== undefined;

const paths = ['a', 'b', 'c.txt', 'd/a', 'd/b', 'd/e/f', 'e', 'e/x', 'x y', 'ign.o', 'd/ign.o', 'link', 'd/e'];
const branches = ['main', 'one', 'two', 'three'];

interface Copy {
  readonly directory: string;
  readonly program: readonly string[];
  readonly env: Record<string, string>;
}

type Action = { readonly name: string; readonly git?: readonly string[]; readonly edit?: (copy: Copy) => void };

function run(copy: Copy, args: readonly string[], when: number): { code: number; out: string; err: string } {
  const date = `${1700000000 + when * 60} +0100`;
  const [command, ...before] = copy.program;
  const result = spawnSync(command!, [...before, ...args], {
    cwd: copy.directory,
    env: { ...copy.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    encoding: 'latin1',
  });
  return { code: result.status ?? 128, out: result.stdout, err: result.stderr };
}

function put(copy: Copy, path: string, text: string): void {
  const file = join(copy.directory, path);
  try {
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      const above = join(copy.directory, parent);
      if (existsSync(above) && !lstatSync(above).isDirectory()) return;
    }
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file) && lstatSync(file).isDirectory()) return;
    rmSync(file, { force: true });
    writeFileSync(file, text);
  } catch {
    // What cannot be made here cannot be made in the other copy either.
  }
}

function nextAction(random: Random, step: number): Action {
  const path = random.pick(paths);
  const other = random.pick(paths);
  const branch = random.pick(branches);
  const lines = Array.from({ length: 1 + random.below(6) }, () => `line ${random.below(5)}`).join('\n');
  const text = `${lines}\n`;
  const edit = (name: string, work: (copy: Copy) => void): Action => ({ name, edit: work });
  const git = (...args: string[]): Action => ({ name: args.join(' '), git: args });
  switch (random.below(44)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return edit(`write ${path}`, (copy) => put(copy, path, text));
    case 5:
      return edit(`append ${path}`, (copy) => {
        const file = join(copy.directory, path);
        if (existsSync(file) && lstatSync(file).isFile())
          writeFileSync(file, `${readFileSync(file, 'latin1')}more ${step}\n`);
      });
    case 6:
      return edit(`remove ${path}`, (copy) => {
        try {
          rmSync(join(copy.directory, path), { recursive: true, force: true });
        } catch {
          // A file stands where one of its directories would be.
        }
      });
    case 7:
      return edit(`chmod ${path}`, (copy) => {
        const file = join(copy.directory, path);
        if (existsSync(file) && lstatSync(file).isFile())
          chmodSync(file, (lstatSync(file).mode & 0o100) !== 0 ? 0o644 : 0o755);
      });
    case 8:
      return edit(`link ${path}`, (copy) => {
        const file = join(copy.directory, path);
        if (!existsSync(dirname(file)) || !lstatSync(dirname(file)).isDirectory()) return;
        if (existsSync(file) && lstatSync(file).isDirectory()) return;
        rmSync(file, { force: true });
        symlinkSync(other, file);
      });
    case 9:
    case 10:
      return git('add', '-A');
    case 11:
      return git('add', path);
    case 12:
      return git('add', '-u');
    case 13:
      return git('add', '-N', path);
    case 14:
      return git('add', '-f', '.');
    case 15:
    case 16:
    case 17:
      return git('commit', '-q', '-m', `commit ${step}`);
    case 18:
      return git('commit', '-q', '-am', `all ${step}`);
    case 19:
      return git('commit', '-q', '-m', `only ${step}`, path);
    case 20:
      return git('commit', '-q', '--amend', '-m', `amended ${step}`);
    case 21:
      return git('rm', '-q', path);
    case 22:
      return git('rm', '-q', '--cached', path);
    case 23:
      return git('rm', '-rqf', path);
    case 24:
      return git('mv', path, other);
    case 25:
    case 26:
      return git('checkout', '-q', branch);
    case 27:
      return git('checkout', '-q', '-b', branch);
    case 28:
      return git('switch', '-q', branch);
    case 29:
      return git('checkout', '-q', '--', path);
    case 30:
      return git('checkout', '-q', random.pick(['HEAD~1', branch]), '--', path);
    case 31:
      return git(
        'reset',
        '-q',
        random.pick(['--mixed', '--hard', '--soft', '--keep', '--merge']),
        random.pick(['HEAD', 'HEAD~1', branch]),
      );
    case 32:
      return git('reset', '-q', '--hard');
    case 33:
      return git('reset', '-q', '--', path);
    case 34:
      return git('restore', '-q', random.pick(['--staged', '--worktree']), path);
    case 35:
      return git('restore', '-q', '-SW', '-s', random.pick(['HEAD', 'HEAD~1']), path);
    case 36:
      return git('clean', '-fdq');
    case 37:
      return git(
        'stash',
        'push',
        '-q',
        ...random.pick([[], ['-u'], ['-k'], ['-a'], ['-m', `stash ${step}`], ['--', path]]),
      );
    case 38:
      return git(
        'stash',
        random.pick(['pop', 'apply', 'drop']),
        '-q',
        ...random.pick([[], ['--index'], ['stash@{1}']]),
      );
    case 39:
      return git('checkout', '-q', '-f', branch);
    case 40:
      return git('checkout', '-q', '-B', branch, random.pick(['HEAD', 'HEAD~1']));
    case 41:
      return git('checkout', '-q', '--detach', random.pick(['HEAD', 'HEAD~1', branch]));
    case 42:
      return git('status', '--short');
    default:
      return git('update-index', '--refresh');
  }
}

/** Everything of a repository that both must agree on. */
function state(copy: Copy): string {
  const reader: Copy = { ...copy, program: [stockGit] };
  const parts: string[] = [];
  parts.push(
    run(
      reader,
      ['--no-optional-locks', 'status', '--porcelain=v2', '--branch', '-uall', '--ignored', '-z'],
      0,
    ).out.replaceAll('\0', '\n'),
  );
  parts.push(run(reader, ['ls-files', '-s', '-v', '--resolve-undo'], 0).out);
  parts.push(run(reader, ['for-each-ref'], 0).out);
  const gitDir = join(copy.directory, '.git');
  const read = (name: string): string =>
    existsSync(join(gitDir, name)) ? readFileSync(join(gitDir, name), 'latin1') : '';
  parts.push(
    read('HEAD'),
    read('logs/HEAD'),
    read('logs/refs/stash'),
    read('ORIG_HEAD'),
    ...branches.map((branch) => read(`logs/refs/heads/${branch}`)),
  );
  parts.push(files(copy.directory, ''));
  return parts.join('\n----\n');
}

function files(directory: string, prefix: string): string {
  let out = '';
  for (const name of readdirSync(join(directory, prefix)).sort()) {
    if (prefix === '' && name === '.git') continue;
    const path = prefix + name;
    const stat = lstatSync(join(directory, path));
    if (stat.isDirectory()) out += `${path}/\n${files(directory, `${path}/`)}`;
    else if (stat.isSymbolicLink()) out += `${path} -> ${readlinkSync(join(directory, path))}\n`;
    else out += `${path} ${(stat.mode & 0o111) !== 0 ? 'x' : '-'} ${readFileSync(join(directory, path), 'latin1')}\n`;
  }
  return out;
}

it(`agrees with stock git over ${steps} random steps`, { timeout: 3_600_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'bough-walk-'));
  const bough = [process.execPath, join(root, 'bin/git')];
  const env = { ...fixedEnvironment(base), GIT_OPTIONAL_LOCKS: '1' };
  const copies: Copy[] = [
    { directory: join(base, 'stock'), program: [stockGit], env },
    { directory: join(base, 'bough'), program: bough, env },
  ];
  try {
    const random = new Random(seed);
    for (const copy of copies) {
      mkdirSync(copy.directory);
      run({ ...copy, program: [stockGit] }, ['init', '-q', '-b', 'main'], 0);
      put(copy, '.gitignore', '*.o\n');
      put(copy, 'a', 'one\n');
      run({ ...copy, program: [stockGit] }, ['add', '.'], 0);
      run({ ...copy, program: [stockGit] }, ['commit', '-qm', 'first'], 0);
    }
    const history: string[] = [];
    let before = '';
    for (let step = 1; step <= steps; step++) {
      const action = nextAction(random, step);
      history.push(action.name);
      if (action.edit !== undefined) {
        for (const copy of copies) action.edit(copy);
        continue;
      }
      const answers = copies.map((copy) => run(copy, action.git!, step));
      const told = `step ${step}: ${action.name}\n${history.slice(-12).join('\n')}\nstock: ${answers[0]!.code} ${answers[0]!.err}\nbough: ${answers[1]!.code} ${answers[1]!.err}\nbefore:\n${before}`;
      expect(answers[1]!.code, told).toBe(answers[0]!.code);
      const [stockState, boughState] = copies.map(state);
      expect(boughState, told).toBe(stockState);
      before = stockState!;
    }
  } finally {
    if (!stop) rmSync(base, { recursive: true, force: true });
    else console.log(base);
  }
});

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
  lutimesSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { root } from '../support/root.js';
import { fixedEnvironment, stockGit } from '../support/sandbox.js';
import { current } from '../support/version.js';

/**
 * The same random script of everyday commands, run by stock git in one copy and by bough in the other. After each step
 * exit code, status, index, refs, reflogs, states in progress and files must be the same; where stock git is the version
 * that bough follows, what is printed too, and the commands are more.
 *
 *   BOUGH_WALK_SEED=7 BOUGH_WALK_STEPS=1000 npx vitest run test/worktree/random-walk.test.ts
 *
 * BOUGH_WALK_SEED may be a range (`7-12`); BOUGH_WALK_KEEP=1 leaves both copies where they are.
 */
const [first, last] = (process.env['BOUGH_WALK_SEED'] ?? '1').split('-').map(Number);
const seeds = Array.from({ length: (last ?? first!) - first! + 1 }, (_, i) => first! + i);
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

/**
 * Stock git knows times to the second only: what it answers about a file written in the same second as the index hangs
 * on how fast the machine is. So each edit has a time of its own, and an index is always younger than what it is about
 * (what happens within one tick is the matter of `same-tick.test.ts`).
 */
let edits = 0;
function stamp(file: string): void {
  const time = 1_600_000_000 + edits++;
  lutimesSync(file, time, time);
}
function nextSecond(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1050);
}
function ageIndex(copy: Copy): void {
  const file = join(copy.directory, '.git/index');
  const later = Date.now() / 1000 + 3600;
  if (existsSync(file)) utimesSync(file, later, later);
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
    stamp(file);
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
        if (!existsSync(file) || !lstatSync(file).isFile()) return;
        writeFileSync(file, `${readFileSync(file, 'latin1')}more ${step}\n`);
        stamp(file);
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
        stamp(file);
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

/** What the short list above has not: other forms, merges and picks, conflicts, marks in the index, ignored files. */
function widerAction(random: Random, step: number): Action {
  const path = random.pick(paths);
  const other = random.pick(paths);
  const branch = random.pick(branches);
  const tag = random.pick(['t1', 't2']);
  const commit = random.pick([
    'HEAD',
    'HEAD~1',
    'HEAD~2',
    branch,
    `${branch}~1`,
    '@{-1}',
    't1',
    'stash@{0}',
    ':/commit',
  ]);
  const git = (...args: string[]): Action => ({ name: args.join(' '), git: args });
  const some = (...list: string[][]): string[] => random.pick([[], ...list]);
  switch (random.below(60)) {
    case 0:
      return git('mv', ...some(['-f'], ['-k'], ['-v'], ['-n']), path, other);
    case 1:
      return git('mv', ...some(['-f'], ['-k']), path, other, 'd');
    case 2:
      return git('rm', ...some(['-f'], ['-r'], ['-n', '-r'], ['--cached', '-r'], ['--ignore-unmatch']), path);
    case 3:
      return git('clean', random.pick(['-fd', '-fdx', '-fX', '-f', '-n', '-nd', '-fdX', '-ndx']), ...some([path]));
    case 4:
      return git('restore', ...some(['-S'], ['-W'], ['-SW'], ['-S', '-s', commit], ['-s', commit]), path);
    case 5:
      return git(
        'restore',
        random.pick(['--ours', '--theirs', '-m', '--conflict=diff3', '--ignore-unmerged']),
        '--',
        path,
      );
    case 6:
      return git(
        'stash',
        'push',
        ...some(['-S'], ['-u'], ['-k'], ['--no-keep-index'], ['-a'], ['-S', '-k']),
        ...some(['--', path]),
      );
    case 7:
      return git('stash', random.pick(['list', 'show', 'pop', 'apply', 'drop', 'create', 'save', 'clear']));
    case 8:
      return git('stash', 'show', ...some(['-p'], ['-u'], ['--stat'], ['--only-untracked']), ...some(['stash@{1}']));
    case 9:
      return git('stash', 'branch', `stashed${step}`, ...some(['stash@{1}']));
    case 10:
      return git('stash', 'pop', ...some(['--index'], ['-q']), ...some(['1']));
    case 11:
    case 12:
      return git('switch', ...some(['-m'], ['-f'], ['--discard-changes']), branch);
    case 13:
      return git('switch', random.pick(['-c', '-C']), branch, ...some([commit]));
    case 14:
      return git('switch', '--detach', commit);
    case 15:
      return git(random.pick(['switch', 'checkout']), '--orphan', random.pick([branch, `orphan${step}`]));
    case 16:
      return git(random.pick(['switch', 'checkout']), '-');
    case 17:
    case 18:
      return git('checkout', ...some(['-m'], ['-f'], ['--detach'], ['-q'], ['--no-overlay']), branch);
    case 19:
      return git('checkout', random.pick(['--ours', '--theirs', '-m', '--conflict=zdiff3', '-f', '-q']), '--', path);
    case 20:
      return git('checkout', ...some(['--no-overlay'], ['-f']), commit, '--', path);
    case 21:
      return git('checkout', commit);
    case 22:
      return git('reset', random.pick(['--mixed', '--hard', '--soft', '--keep', '--merge', '-N']), ...some([commit]));
    case 23:
      return git('reset', ...some(['-N']), commit, '--', path);
    case 24:
    case 25:
      return git('commit', '--amend', '--no-edit', ...some(['-a'], [path], ['--allow-empty'], ['--reset-author']));
    case 26:
      return git(
        'commit',
        random.pick(['--fixup', '--squash']),
        commit,
        '-m',
        'more',
        ...some(['-a'], ['--allow-empty']),
      );
    case 27:
      return git(
        'commit',
        '-m',
        `wide ${step}`,
        ...some(['-i', path], ['-o', path, other], ['-a'], ['--allow-empty'], ['-v']),
      );
    case 28:
      return git(
        'commit',
        random.pick(['--dry-run', '--short', '--porcelain', '--long', '-C', '-c']),
        ...some(['HEAD'], ['-a']),
      );
    case 29:
      return git('branch', ...some(['-f'], ['-c'], ['-t']), branch, ...some([commit]));
    case 30:
      return git(
        'branch',
        random.pick(['-d', '-D', '-m', '-M', '-u', '--unset-upstream', '-v', '-vv', '-a', '--contains']),
        ...some([branch]),
      );
    case 31:
      return git(
        'branch',
        random.pick(['--merged', '--no-merged', '--points-at', '--contains', '-l', '-C']),
        ...some([commit], [branch]),
      );
    case 32:
      return git(
        'tag',
        ...some(['-f'], ['-d'], ['-a', '-m', `tag ${step}`], ['-f', '-m', 'x'], ['-l']),
        tag,
        ...some([commit]),
      );
    case 33:
    case 34:
    case 35:
      return git(
        'merge',
        ...some(
          ['--no-ff'],
          ['--squash'],
          ['--ff-only'],
          ['--no-commit'],
          ['--no-edit'],
          ['-s', 'ours'],
          ['-X', 'theirs'],
          ['--autostash'],
        ),
        branch,
      );
    case 36:
      return git('merge', random.pick(['--abort', '--continue', '--quit']));
    case 37:
    case 38:
      return git('cherry-pick', ...some(['-x'], ['-n'], ['--ff'], ['--allow-empty'], ['-m', '1']), commit);
    case 39:
      return git('revert', '--no-edit', ...some(['-n'], ['-m', '1']), commit);
    case 40:
      return git(random.pick(['cherry-pick', 'revert']), random.pick(['--abort', '--continue', '--skip', '--quit']));
    case 41:
      return git(
        'update-index',
        random.pick(['--assume-unchanged', '--no-assume-unchanged', '--skip-worktree', '--no-skip-worktree']),
        path,
      );
    case 42:
      return git(
        'update-index',
        random.pick(['--add', '--remove', '--force-remove', '--chmod=+x', '--chmod=-x', '--unresolve']),
        '--',
        path,
      );
    case 43:
      return git(
        'update-index',
        random.pick(['--refresh', '--really-refresh', '--again', '-q', '--clear-resolve-undo']),
      );
    case 44:
      return git(
        'add',
        random.pick(['-n', '-v', '-f', '-N', '--refresh', '--chmod=+x', '--renormalize', '--ignore-errors']),
        path,
      );
    case 45:
      return git('add', ...some(['-A'], ['-u'], ['-v']), random.pick(['.', 'd', '*.o', ':!a', ':/', 'e']));
    case 46: {
      const file = random.pick(['.gitignore', 'd/.gitignore']);
      const rules = random.pick(['*.o\n', 'e\n!d/e\n', '/b\n*.o\n', 'd/\n']);
      return { name: 'rules', edit: (copy) => put(copy, file, rules) };
    }
    case 47: {
      const text = random.pick(['a text eol=crlf\n', '* -text\n', '*.txt binary\n', '']);
      return { name: 'attributes', edit: (copy) => put(copy, '.gitattributes', text) };
    }
    case 48:
      return git(
        'status',
        ...some(['-s'], ['-sb'], ['--ignored'], ['-v'], ['-uno'], ['--porcelain=v2', '--show-stash'], ['-uall', '-z']),
      );
    case 49:
      return git(
        'diff',
        ...some(['--cached'], ['--stat'], ['HEAD'], ['--name-status', commit], ['--ours'], ['--base'], ['--cc']),
      );
    case 50:
      return git(
        random.pick(['log', 'show', 'reflog']),
        ...some(['--stat'], ['-p', '-2'], ['--oneline', '-3']),
        ...some([commit]),
      );
    case 51:
      return git(
        'ls-files',
        ...some(
          ['-d'],
          ['-m'],
          ['-o'],
          ['-k'],
          ['-u'],
          ['-t'],
          ['-s'],
          ['-oi', '--exclude-standard'],
          ['--others', '--directory'],
          ['-v'],
        ),
      );
    case 52:
      return git('describe', ...some(['--all'], ['--tags'], ['--always', '--dirty']), ...some([commit]));
    case 53:
      return git(
        'checkout-index',
        ...some(['-f', '-a'], ['-a'], ['-u', '-a'], ['-f', '--stage=all', '--temp']),
        ...some(['--', path]),
      );
    case 54:
      return git(
        'read-tree',
        ...some(['-m', '-u'], ['-m'], ['--reset', '-u'], ['-n', '-m', '-u']),
        random.pick(['HEAD', commit]),
      );
    case 55:
      return git('grep', ...some(['-n'], ['-c'], ['--cached'], ['-l', '--untracked']), random.pick(['line 1', 'more']));
    case 56:
      return git('blame', '-s', ...some(['HEAD']), '--', path);
    case 57:
      return git('check-ignore', '-v', ...some(['-n'], ['--no-index']), path, other);
    case 58:
      return git('diff-index', ...some(['--cached'], ['-p']), commit);
    default:
      return git('diff-files', ...some(['-p'], ['-0'], ['-q']), ...some(['--', path]));
  }
}

/**
 * Of a path in conflict that is left out by its full name (`:!a`), stock git leaves out the first stage only, and so marks
 * the path as resolved: bough leaves it alone, as documented.
 */
function marksExcluded(copy: Copy, args: readonly string[]): boolean {
  return args.includes(':!a') && run({ ...copy, program: [stockGit] }, ['ls-files', '-u', 'a'], 0).out !== '';
}

/** What a command printed, without what is another thing at each run. */
function shown({ out, err }: { out: string; err: string }): string {
  // Lists of options are in our own words.
  if (err.startsWith('usage: ') || err.includes('\nusage: ')) return err.split('\n', 1)[0]!;
  const temporary = /\.merge_file_\w+/g;
  // Stock git reads attributes again for each thing it asks about, and says so each time.
  const told = err.replace(/^(.* is not a valid attribute name: .*\n)\1+/gm, '$1');
  return `${out}\n---- stderr\n${told}`.replace(temporary, '.merge_file_X').replace(/(bough-walk-\w+)\/\w+/g, '$1');
}

/** The first line that is another one, of both. */
function firstDifference(theirs: string, ours: string): string {
  const [a, b] = [theirs.split('\n'), ours.split('\n')];
  const at = Math.max(
    a.findIndex((line, i) => line !== b[i]),
    b.findIndex((line, i) => line !== a[i]),
  );
  return `line ${at}\nstock: ${a.slice(at, at + 5).join('\n       ')}\nbough: ${b.slice(at, at + 5).join('\n       ')}`;
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
  if (current) {
    const names = [
      'MERGE_HEAD',
      'MERGE_MSG',
      'MERGE_MODE',
      'CHERRY_PICK_HEAD',
      'REVERT_HEAD',
      'SQUASH_MSG',
      'AUTO_MERGE',
    ];
    parts.push(...names.map((name) => `${name}: ${read(name)}`), read('config'));
    parts.push(existsSync(join(gitDir, 'sequencer')) ? 'sequencer' : '');
  }
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

it.each(seeds)(`agrees with stock git over ${steps} random steps, seed %i`, { timeout: 3_600_000 }, (seed) => {
  const base = mkdtempSync(join(tmpdir(), 'bough-walk-'));
  const bough = [process.execPath, join(process.env['BOUGH_WALK_BUILD'] ?? root, 'bin/git')];
  const env = { ...fixedEnvironment(base), GIT_OPTIONAL_LOCKS: '1' };
  const differing: string[] = [];
  let done = 0;
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
      ageIndex(copy);
    }
    const history: string[] = [];
    let before = '';
    for (let step = 1; step <= steps; step++) {
      const action = current && random.oneIn(2) ? widerAction(random, step) : nextAction(random, step);
      history.push(action.name);
      if (action.edit !== undefined) {
        for (const copy of copies) action.edit(copy);
        continue;
      }
      // Stock git's stash is several programs, each of which reads what the one before wrote within the same second: that
      // counts where attributes change with it.
      const { directory } = copies[0]!;
      if (marksExcluded(copies[0]!, action.git!)) continue;
      if (action.git![0] === 'stash' && existsSync(join(directory, '.gitattributes'))) nextSecond();
      const answers = copies.map((copy) => run(copy, action.git!, step));
      for (const copy of copies) ageIndex(copy);
      const told = `seed ${seed} step ${step}: ${action.name}\n${history.slice(-14).join('\n')}\nstock: ${answers[0]!.code} ${answers[0]!.err}\nbough: ${answers[1]!.code} ${answers[1]!.err}\nbefore:\n${before}`;
      const [stockState, boughState] = copies.map(state);
      expect(boughState, told).toBe(stockState);
      // What was only printed otherwise leaves both copies the same: the walk goes on and tells at its end.
      const [theirs, ours] = answers.map((answer) => `exit ${answer.code}${current ? `\n${shown(answer)}` : ''}`);
      if (ours !== theirs)
        differing.push(
          `seed ${seed} step ${step}: ${history.slice(-9).join('; ')}\n${firstDifference(theirs!, ours!)}`,
        );
      before = stockState!;
      done = step;
    }
    expect(differing).toEqual([]);
  } finally {
    if (process.env['BOUGH_WALK_SEED'] !== undefined) console.log(`${done} steps\n${differing.join('\n\n')}`);
    if (!stop) rmSync(base, { recursive: true, force: true });
    else console.log(base);
  }
});

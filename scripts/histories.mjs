// Compares bough with stock git on the commits of a real repository:
//   npm run histories -- REPO [--count=N] [--seed=S] [--git=PROGRAM] [--only=KIND,...]
// For N random commits each: `diff-tree -p -M`, `log -p`, `show`, `blame` of a random file, `status` after random edits,
// and `checkout` between the commits. Prints the number of cases and of differences of each kind, and how to see each
// difference again.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(import.meta.dirname, '..');
const kinds = ['diff-tree', 'log', 'show', 'blame', 'checkout', 'status'];

/** Numbers that a seed decides (mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/**
 * Runs the comparison and answers `{ kind: { cases, differences: [text] } }`. `repository` is read only; two clones that
 * borrow its objects are made in `scratch` and removed.
 */
export function compareHistories({ repository, count = 200, seed = 1, git = 'git', only = kinds, tell = () => {} }) {
  const scratch = mkdtempSync(join(tmpdir(), 'bough-histories-'));
  try {
    return new Comparison(scratch, resolve(repository), { count, seed, git, only, tell }).run();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

class Comparison {
  constructor(scratch, repository, options) {
    this.options = options;
    this.scratch = scratch;
    this.random = randomNumbers(options.seed);
    this.results = Object.fromEntries(options.only.map((kind) => [kind, { cases: 0, differences: [] }]));
    this.env = {
      PATH: process.env.PATH,
      HOME: scratch,
      TZ: 'UTC',
      LC_ALL: 'C',
      TERM: 'dumb',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'A U Thor',
      GIT_AUTHOR_EMAIL: 'author@example.com',
      GIT_COMMITTER_NAME: 'C O Mitter',
      GIT_COMMITTER_EMAIL: 'committer@example.com',
    };
    this.stock = { name: 'stock', directory: join(scratch, 'stock'), program: [options.git] };
    this.bough = {
      name: 'bough',
      directory: join(scratch, 'bough'),
      program: [process.execPath, join(root, 'bin/git')],
    };
    for (const { directory } of [this.stock, this.bough]) {
      this.git(['clone', '-q', '-n', '--shared', repository, directory], scratch);
      // Blame and log of a long history would take stock git itself minutes without it.
      this.git(['commit-graph', 'write', '--reachable'], directory);
    }
    this.commits = this.git(['rev-list', '--all'], this.stock.directory).toString('latin1').trim().split('\n');
    this.picked = Array.from({ length: options.count }, () => this.commits[this.random(this.commits.length)]);
  }

  start(copy, args, input) {
    const [command, ...before] = copy.program;
    const run = spawnSync(command, [...before, ...args], {
      cwd: copy.directory,
      env: this.env,
      input,
      maxBuffer: 1 << 30,
    });
    if (run.error !== undefined) throw run.error;
    return run;
  }

  git(args, cwd) {
    const run = this.start({ directory: cwd, program: this.stock.program }, args);
    if (run.status !== 0) throw new Error(`git ${args.join(' ')}: ${run.stderr}`);
    return run.stdout;
  }

  /** Both programs' answer to the same words, as one text. */
  ask(args, input) {
    return [this.stock, this.bough].map((copy) => {
      const run = this.start(copy, args, input);
      return `exit ${run.status}\n${run.stdout.toString('latin1')}\n--- stderr\n${run.stderr.toString('latin1')}`;
    });
  }

  note(kind, what, expected, actual) {
    const result = this.results[kind];
    result.cases++;
    if (result.cases % 20 === 0) this.options.tell(`${kind}: ${result.cases} so far\n`);
    if (expected === actual) return true;
    const [a, b] = [expected.split('\n'), actual.split('\n')];
    const at = a.findIndex((line, i) => line !== b[i]);
    const line = at < 0 ? a.length : at;
    result.differences.push(`${what}\n  line ${line + 1}\n  stock: ${a[line]}\n  bough: ${b[line]}`);
    this.options.tell(`DIFFERENCE ${kind}: ${result.differences.at(-1)}\n`);
    return false;
  }

  run() {
    const { only, tell } = this.options;
    for (const kind of only) {
      const started = Date.now();
      const made = {
        'diff-tree': () =>
          this.batches('diff-tree', (commits) => [['diff-tree', '-p', '-M', '--root', '-r', '--stdin'], commits]),
        log: () => this.batches('log', (commits) => [['log', '-p', '--no-walk=unsorted', '--stdin'], commits]),
        show: () => this.batches('show', (commits) => [['show', ...commits], undefined]),
        blame: () => this.blames(),
        status: () => this.statuses(),
        checkout: () => this.checkouts(),
      }[kind];
      made();
      const { cases, differences } = this.results[kind];
      tell(
        `${kind}: ${cases} cases, ${differences.length} differences, ${((Date.now() - started) / 1000).toFixed(0)} s\n`,
      );
    }
    return this.results;
  }

  /** Twenty commits to a process; where the answers differ, each commit once more on its own. */
  batches(kind, words) {
    const ask = (commits) => {
      const [args, input] = words(commits);
      return this.ask(args, input === undefined ? undefined : `${input.join('\n')}\n`);
    };
    for (let i = 0; i < this.picked.length; i += 20) {
      const commits = this.picked.slice(i, i + 20);
      const [expected, actual] = ask(commits);
      if (expected === actual) {
        this.results[kind].cases += commits.length;
        continue;
      }
      let alone = 0;
      for (const commit of commits) {
        if (!this.note(kind, `${kind} ${commit}`, ...ask([commit]))) alone++;
      }
      if (alone === 0) this.note(kind, `${kind} ${commits.join(' ')} (each alone is the same)`, expected, actual);
    }
  }

  blames() {
    for (const commit of this.picked) {
      const files = this.git(['ls-tree', '-r', '-z', commit], this.stock.directory)
        .toString('latin1')
        .split('\0')
        .filter((line) => line.startsWith('100'))
        .map((line) => Buffer.from(line.slice(line.indexOf('\t') + 1), 'latin1').toString());
      if (files.length === 0) continue;
      const file = files[this.random(files.length)];
      const option = [[], ['-w'], ['-M'], ['-p'], ['--line-porcelain'], ['-C'], ['-s'], ['-e']][this.random(8)];
      const args = ['blame', ...option, commit, '--', file];
      this.note('blame', args.join(' '), ...this.ask(args));
    }
  }

  /** Moves both copies; answers whether they are the same afterwards. */
  move(kind, commit) {
    const before = this.git(['rev-parse', '-q', '--verify', 'HEAD'], this.stock.directory).toString().trim();
    const states = [this.stock, this.bough].map((copy) => {
      const run = this.start(copy, ['checkout', '-q', '--detach', commit]);
      return `exit ${run.status}\n${run.stderr}\n${this.stateOf(copy, this.here === undefined ? undefined : before, commit)}`;
    });
    this.here = commit;
    return this.note(kind, `checkout ${before} -> ${commit}`, ...states);
  }

  /** HEAD, index, every file's name and kind, and the content of those that had to change. */
  stateOf(copy, before, after) {
    const git = (...args) => this.git(args, copy.directory).toString('latin1');
    const changed =
      before === undefined
        ? git('ls-files', '-z')
        : git('diff-tree', '-r', '-z', '--name-only', '--no-renames', before, after);
    const out = [git('rev-parse', 'HEAD'), git('ls-files', '-s', '-v', '-z').replaceAll('\0', '\n'), git('write-tree')];
    out.push(git('status', '--porcelain=v2', '--ignored'));
    const files = new Map();
    const walk = (directory) => {
      for (const entry of readdirSync(join(copy.directory, directory), { withFileTypes: true })) {
        const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
        if (path === '.git') continue;
        if (entry.isDirectory()) walk(path);
        else {
          const stat = lstatSync(join(copy.directory, path));
          files.set(path, `${stat.mode.toString(8)} ${stat.size} ${path}`);
        }
      }
    };
    walk('');
    out.push(...files.values());
    for (const raw of changed.split('\0')) {
      const path = Buffer.from(raw, 'latin1').toString();
      if (!files.has(path)) continue;
      const file = join(copy.directory, path);
      out.push(`${path}: ${lstatSync(file).isSymbolicLink() ? readlinkSync(file) : readFileSync(file, 'latin1')}`);
    }
    return out.join('\n');
  }

  checkouts() {
    for (const commit of this.picked) this.move('checkout', commit);
  }

  /** The same edits in both copies, then `status` in several forms; afterwards everything is put back. */
  statuses() {
    const forms = [
      ['status'],
      ['status', '--porcelain=v2', '--branch', '-z'],
      ['status', '-s', '-uall'],
      ['status', '--porcelain', '--ignored'],
    ];
    if (this.here === undefined) {
      for (const copy of [this.stock, this.bough]) this.start(copy, ['checkout', '-q', '--detach', this.picked[0]]);
    }
    const files = this.git(['ls-files', '-z'], this.stock.directory).toString('latin1').split('\0').filter(Boolean);
    const names = files.map((raw) => Buffer.from(raw, 'latin1').toString()).filter((name) => !name.includes('\ufffd'));
    for (let i = 0; i < this.options.count; i++) {
      const told = [];
      const stage = [];
      for (let edit = 1 + this.random(6); edit > 0; edit--) {
        const name = names[this.random(names.length)];
        const other = `new-${this.random(1000)}`;
        const what = this.random(9);
        told.push(`${what} ${name}`);
        for (const { directory } of [this.stock, this.bough]) change(directory, name, other, what);
        if (this.random(3) === 0) stage.push(this.random(2) === 0 ? name : '.');
      }
      for (const path of stage) {
        told.push(`add ${path}`);
        for (const copy of [this.stock, this.bough]) this.start(copy, ['add', '-A', '--', path]);
      }
      const args = forms[i % forms.length];
      this.note(
        'status',
        `seed ${this.options.seed} case ${i}: ${told.join(', ')}; ${args.join(' ')}`,
        ...this.ask(args),
      );
      for (const copy of [this.stock, this.bough]) {
        this.start(copy, ['reset', '-q', '--hard']);
        this.start(copy, ['clean', '-q', '-ffdx']);
      }
    }
  }
}

function change(directory, name, other, what) {
  const file = join(directory, name);
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (what === 6) writeFileSync(join(directory, other), 'untracked\n');
  else if (what === 7) {
    mkdirSync(join(directory, other, 'deep'), { recursive: true });
    writeFileSync(join(directory, other, 'deep', 'file.o'), 'untracked\n');
  }
  if (stat === undefined || stat.isDirectory()) return;
  if (what === 0) writeFileSync(file, stat.isFile() ? `${readFileSync(file, 'latin1')}more\n` : '', 'latin1');
  else if (what === 1) rmSync(file);
  else if (what === 2 && stat.isFile()) chmodSync(file, (stat.mode & 0o100) === 0 ? 0o755 : 0o644);
  else if (what === 3) {
    rmSync(file);
    symlinkSync('somewhere', file);
  } else if (what === 4) renameSync(file, join(dirname(file), other));
  else if (what === 5 && stat.isFile())
    writeFileSync(file, readFileSync(file)); // the same content, another time
  else if (what === 8) {
    rmSync(file);
    mkdirSync(file);
    writeFileSync(join(file, 'inside'), 'a file in the place of a file\n');
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = { tell: (text) => process.stdout.write(text) };
  for (const word of process.argv.slice(2)) {
    const match = /^--(count|seed|git|only)=(.*)$/.exec(word);
    if (match === null) options.repository = word;
    else
      options[match[1]] = { count: Number, seed: Number, git: String, only: (text) => text.split(',') }[match[1]](
        match[2],
      );
  }
  if (options.repository === undefined) {
    process.stderr.write('usage: npm run histories -- REPO [--count=N] [--seed=S] [--git=PROGRAM] [--only=KIND,...]\n');
    process.exit(129);
  }
  const results = Object.values(compareHistories(options));
  const cases = results.reduce((sum, result) => sum + result.cases, 0);
  const differences = results.reduce((sum, result) => sum + result.differences.length, 0);
  process.stdout.write(`${cases} cases, ${differences} differences\n`);
  process.exitCode = differences === 0 ? 0 : 1;
}

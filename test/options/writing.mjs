// npm run options -- [COMMAND...] [--git=PROGRAM] [--docs=DIR] [--seed=N] [--random=N] [--only=TEXT] [--show=N] [--list]
//
// Command lines with every option that git's documentation names, in both programs, on copies of the same repositories in
// several states: output, exit code, work tree, index, and every file of the git directory are compared. Without DIR (the
// folder of git's `git-*.adoc`) only the lists are not compared with the documentation. `--list` only says what is not covered.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { COMMANDS } from './cases.mjs';
import { documented } from './documented.mjs';
import { listRule } from './lists.mjs';
import { makeState } from './states.mjs';
import { bundleCommands } from '../support/batch-host.mjs';

const flag = (name, otherwise) => {
  const word = process.argv.find((arg) => arg.startsWith(`--${name}=`));
  return word === undefined ? otherwise : word.slice(name.length + 3);
};
const git = flag('git', 'git');
const docs = flag('docs');
const random = Number(flag('random', '60'));
const only = flag('only', '');
const show = Number(flag('show', '20'));
const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const bough = flag('bough', resolve(import.meta.dirname, '../../bin/git'));

let seed = Number(flag('seed', '1'));
const next = () => {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return seed / 0x7fffffff;
};
const pick = (list) => list[Math.floor(next() * list.length) % list.length];

const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const scratch = mkdtempSync(join(base, 'bough-options-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
const tools = join(scratch, 'tools');
const home = join(scratch, 'home');
mkdirSync(tools);
mkdirSync(home);
const script = (name, text) => {
  writeFileSync(join(tools, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(tools, name), 0o755);
};
script('editor', 'cat -A "$1" | sed "s/^/saw: /" >&2; echo "edited line" >>"$1"');
script('git-ext', 'echo "ext got $#: $*"');
mkdirSync(join(home, '.gnupg'), { mode: 0o700 });
// The first use makes a keybox, and says so.
spawnSync('gpg', ['--list-keys'], { env: { PATH: process.env.PATH, HOME: home } });
script('browse', 'echo "browse $*"');
writeFileSync(
  join(home, '.gitconfig'),
  '[user]\n\tname = C O Mitter\n\temail = committer@example.com\n[init]\n\tdefaultBranch = main\n[maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n',
);
const env = {
  PATH: `${tools}:${process.env.PATH}`,
  HOME: home,
  TZ: 'UTC',
  LC_ALL: 'C',
  TERM: 'dumb',
  COLUMNS: '80',
  PAGER: 'cat',
  GIT_EDITOR: join(tools, 'editor'),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_COMMITTER_DATE: '1700100000 +0200',
  GIT_AUTHOR_DATE: '1700100000 +0200',
  GIT_TEST_DATE_NOW: '1700200000',
  GIT_TERMINAL_PROMPT: '0',
};

const states = new Map();
function stateOf(name) {
  let state = states.get(name);
  if (state === undefined) {
    const folder = makeState(name, join(scratch, 'at'), git, env);
    if (existsSync(join(scratch, 'at/repo'))) writeFileSync(join(scratch, 'at', folder, 'list'), '*.txt\nb.txt\n');
    copy(join(scratch, 'at'), join(scratch, `state-${name}`));
    state = { name, folder, before: undefined };
    states.set(name, state);
  }
  return state;
}

/** Everything below a folder: kind, mode and content of each file. */
function everything(folder) {
  const found = new Map();
  const walk = (path, name) => {
    for (const entry of readdirSync(path).sort()) {
      const full = join(path, entry);
      const inner = name === '' ? entry : `${name}/${entry}`;
      const stat = lstatSync(full);
      if (stat.isDirectory()) {
        found.set(`${inner}/`, '');
        walk(full, inner);
      } else if (stat.isSymbolicLink()) found.set(inner, `link ${readlinkSync(full)}`);
      else
        found.set(
          inner,
          `${(stat.mode & 0o111) !== 0 ? 'x' : '-'} ${stat.isFile() ? readFileSync(full, 'latin1') : 'special'}`,
        );
    }
  };
  walk(folder, '');
  return found;
}

/** A copy with modes and times. */
function copy(from, to) {
  const stat = lstatSync(from);
  if (stat.isDirectory()) {
    mkdirSync(to);
    for (const entry of readdirSync(from)) copy(`${from}/${entry}`, `${to}/${entry}`);
  } else if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    lutimesSync(to, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  } else {
    copyFileSync(from, to);
    utimesSync(to, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  }
}

let fresh = '';
function prepare(state) {
  if (fresh === state.name) return;
  rmSync(join(scratch, 'at'), { recursive: true, force: true });
  copy(join(scratch, `state-${state.name}`), join(scratch, 'at'));
  fresh = state.name;
}

/** bough's commands in one process; what it answers differently is asked again of a process of its own. */
class Server {
  #commands;
  #child;
  #answer;

  async start() {
    this.#commands = await bundleCommands(scratch);
    this.#fork();
    await this.#next();
  }

  #fork() {
    this.#child = spawn(process.execPath, [join(import.meta.dirname, 'serve.mjs'), this.#commands], {
      env,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (message) => this.#answer(message));
    this.#child.on('exit', () => this.#answer?.({ code: 'gone' }));
  }

  #next() {
    return new Promise((done) => (this.#answer = done));
  }

  async run(cwd, words, input) {
    const files = Object.fromEntries(['stdin', 'stdout', 'stderr'].map((name) => [name, join(scratch, name)]));
    writeFileSync(files.stdin, input);
    const answered = this.#next();
    this.#child.send({ cwd, words, ...files });
    const { code } = await answered;
    if (code === 'gone') {
      this.#fork();
      await this.#next();
    }
    return { status: code, stdout: readFileSync(files.stdout, 'latin1'), stderr: readFileSync(files.stderr, 'latin1') };
  }

  stop() {
    this.#answer = undefined;
    this.#child.removeAllListeners();
    this.#child.kill();
  }
}

const isIndex = (path, content) => /(^|\/)index$/.test(path) || (content ?? '').startsWith('- DIRC');
/** Names that are made up at random. */
const steady = (path) =>
  path.replaceAll(/(\.merge_(?:file|link)_|\.stash\.)\w{6}/g, '$1X').replaceAll(/(sharedindex\.)[0-9a-f]{40,}/g, '$1X');

async function answer(program, state, words, stdin) {
  prepare(state);
  const cwd = join(scratch, 'at', state.folder);
  const ran =
    program === undefined
      ? await server.run(cwd, words, stdin)
      : spawnSync(program[0], [...program.slice(1), ...words], {
          cwd,
          env,
          input: stdin,
          encoding: 'latin1',
          timeout: 60_000,
        });
  const after = everything(join(scratch, 'at'));
  const changed = new Map();
  state.before ??= everything(join(scratch, `state-${state.name}`));
  for (const [path, content] of after) if (state.before.get(path) !== content) changed.set(path, content);
  for (const path of state.before.keys()) if (!after.has(path)) changed.set(path, 'gone');
  if (changed.size > 0) {
    fresh = '';
    for (const path of [...changed.keys()]) {
      if (!isIndex(path, changed.get(path)) || changed.get(path) === 'gone') continue;
      const listed = spawnSync(git, ['ls-files', '-s', '-v', '--full-name'], {
        cwd: join(scratch, 'at', state.folder),
        env: { ...env, GIT_INDEX_FILE: join(scratch, 'at', path) },
        encoding: 'latin1',
      });
      const undo = spawnSync(git, ['ls-files', '--resolve-undo', '--full-name'], {
        cwd: join(scratch, 'at', state.folder),
        env: { ...env, GIT_INDEX_FILE: join(scratch, 'at', path) },
        encoding: 'latin1',
      });
      changed.set(path, `version ${changed.get(path).charCodeAt(9)}\n${listed.stdout}${listed.stderr}${undo.stdout}`);
    }
    for (const [path, content] of changed)
      if (path.includes('/objects/') && !content.startsWith('gone')) changed.set(path, 'object');
  }
  for (const [path, content] of [...changed]) {
    if (steady(path) === path) continue;
    changed.delete(path);
    changed.set(`${steady(path)} ${content}`, 'made');
  }
  return { code: ran.status ?? `signal ${ran.signal}`, stdout: ran.stdout, stderr: ran.stderr, changed };
}

/** What differs on purpose (docs/differences-from-git.md), or where stock git is wrong: by command line, with the reason. */
const KEPT = [
  [/(?:skipHash|manyFiles)=true update-index --split-index/, 'git cannot find a shared index without a checksum'],
  [/^update-index (?:-q --\S+ )?(?:x\.o|untracked\.txt|sub\/c\.txt)$/, 'git stores a file that it then does not add'],
  [/branch\.main\.remote= branch/, 'git falls over an empty name of a remote'],
  [/^(?:checkout|restore) .*(?:-- \.|:!a\.txt|:\/)$/, 'git empties a file that is only intended to be added'],
  [/^stash push .*-- \.$/, 'git loses files where it cannot put one back'],
  [/^version .*--build-option|^--version --build-options/, 'says how it was built'],
  [/^--(?:html|info|man)-path|^help (?:-w|--web)|help.format=html/, "each program's own folders"],
  [/ --author=(?:Committer .*--dry-run|$)/, 'git counts commits wrongly after it has searched for an author'],
  [/hook list .*pre-commit$|hook\.jobs=bad hook run/, 'outside of a repository, as inside', 'none'],
  [/bigFileThreshold/, 'git begins a pack for a big file'],
];

/** Names of the programs, and the lists of options, which are each program's own. */
function plain(text, code) {
  let out = text.replaceAll(/git version [^\n]*/g, 'git version X').replaceAll(scratch, 'SCRATCH');
  out = steady(out);
  const usage = /^(?:.*\n)*?(?:usage| {3}or): .*\n/m.test(out) && (code === 129 || out.startsWith('usage:'));
  if (usage) out = out.replace(/\n\n(?=[ \t]+-|[A-Za-z][^\n]*\n[ \t]+-)[\s\S]*$/, '\n').replace(/\n+$/, '\n');
  return out;
}

const withoutHints = (text) => text.replaceAll(/^hint: .*\n/gm, '');

/** The lines that only one side has. */
function lineDifference(a, b) {
  const [left, right] = [a.split('\n'), b.split('\n')];
  return [
    ...left.filter((line) => !right.includes(line)).map((line) => `-${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `+${line}`),
  ].join('\n');
}

let rule;
/** The lists and pages of help are compared by what both programs have (lists.mjs). */
function listed(words, theirs, ours) {
  if (names.length > 0 && !names.includes('help')) return;
  rule ??= listRule([[git], [process.execPath, bough]], env);
  rule(words, theirs, ours);
}

async function compare(state, words, stdin) {
  const theirs = await answer([git], state, words, stdin);
  const quick = await answer(undefined, state, words, stdin);
  const copy = { ...theirs };
  listed(words, copy, quick);
  const faults = differences(state, copy, quick);
  if (faults.length === 0) return faults;
  const ours = await answer([process.execPath, bough], state, words, stdin);
  listed(words, theirs, ours);
  return differences(state, theirs, ours);
}

function differences(state, theirs, ours) {
  const faults = [];
  if (theirs.code !== ours.code) faults.push(`exit code: ${theirs.code}, ours ${ours.code}`);
  for (const stream of ['stdout', 'stderr']) {
    let [a, b] = [plain(theirs[stream], theirs.code), plain(ours[stream], ours.code)];
    if (stream === 'stderr' && !/^hint: /m.test(a)) b = withoutHints(b);
    if (a !== b) faults.push(`${stream}:\n${a}${stream}, ours:\n${b}`);
  }
  for (const path of new Set([...theirs.changed.keys(), ...ours.changed.keys()])) {
    const [a, b] = [theirs.changed.get(path), ours.changed.get(path)];
    if (a === b) continue;
    if (/(^|\/)index$/.test(path) && (a === undefined || b === undefined)) {
      const listing = spawnSync(git, ['ls-files', '-s', '-v', '--full-name'], {
        cwd: join(scratch, 'at', state.folder),
        env: { ...env, GIT_INDEX_FILE: join(scratch, `state-${state.name}`, path) },
        encoding: 'latin1',
      }).stdout;
      if ((a ?? b).includes(`\n${listing}`)) continue;
    }
    faults.push(`${path}:\n${lineDifference(a ?? '(as before)', b ?? '(as before)')}`);
  }
  return faults;
}

function split(text) {
  const words = [];
  for (const match of text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)) {
    words.push(match[1] ?? match[2] ?? match[3].replaceAll('·', ' '));
  }
  return words;
}

const settings = (text) => split(text).flatMap((word) => ['-c', word]);

function casesOf(name, known) {
  const { states: where, options, operands, lines, config, configured } = COMMANDS[name];
  const cases = [];
  let written = true;
  const add = (state, words) => cases.push({ state, words, written });
  const command = [name];
  for (const option of options) {
    for (let i = 0; i < 4; i++)
      add(where[(cases.length * 7 + i * 5) % where.length], [...command, ...split(option), ...split(pick(operands))]);
  }
  for (const line of lines) {
    const words = split(line);
    for (let i = 0; i < 4; i++) add(pick(where), words);
    add(where[0], words);
    if (where.length > 1) add(where[1], words);
  }
  for (const setting of config) {
    for (const line of configured) add(pick(where.slice(0, 6)), [...settings(setting), ...split(line)]);
  }
  for (const operand of new Set(operands))
    for (let i = 0; i < 3; i++) add(pick(where), [...command, ...split(operand)]);
  written = false;
  for (const option of known.options) {
    if (option.name.startsWith('--')) {
      add(where[1], [...command, `${option.name}=`]);
      if (option.value === 'none') add(where[1], [...command, `${option.name}=x`]);
      add(where[0], [...command, option.name]);
      if (!option.name.startsWith('--no-')) add(where[1], [...command, `--no-${option.name.slice(2)}`]);
      add(where[1], [...command, option.name.slice(0, -1)]);
    } else add(where[1], [...command, option.name]);
  }
  for (let i = 0; i < random; i++) {
    const chosen = Array.from({ length: 1 + Math.floor(next() * 3) }, () => pick(options));
    add(pick(where), [...command, ...chosen.flatMap(split), ...split(pick(operands))]);
  }
  add(where[0], [...command, '-h']);
  add(where[0], [...command, '--nothing-like-it']);
  add(where[0], [...command, '-?']);
  const seen = new Set();
  return cases.filter(({ state, words }) => {
    const key = `${state} ${JSON.stringify(words)}`;
    if (seen.has(key) || !`${state}: ${words.join(' ')}`.includes(only)) return false;
    seen.add(key);
    return true;
  });
}

/** Documented options and variables that no command line has. */
function missing({ options, variables }, cases) {
  const words = new Set(
    cases
      .filter((one) => one.written)
      .flatMap((one) => one.words.flatMap((word) => [word, word.split('=')[0], word.slice(0, 2)])),
  );
  const set = new Set(
    Object.values(COMMANDS).flatMap((one) =>
      one.config.flatMap((text) => split(text).map((word) => word.split('=')[0].toLowerCase())),
    ),
  );
  const absent = options.filter((option) => !words.has(option.name)).map((option) => option.name);
  const like = (variable) =>
    new RegExp(
      `^${variable
        .toLowerCase()
        .replaceAll('.', '\\.')
        .replaceAll(/<[^>]*>|\*/g, '.+')}$`,
    );
  return [...absent, ...variables.filter((variable) => ![...set].some((word) => like(variable).test(word)))];
}

const server = new Server();
if (!process.argv.includes('--list')) await server.start();
let total = 0;
let differing = 0;
let uncovered = 0;
const seen = new Set();
for (const name of names.length > 0 ? names : Object.keys(COMMANDS)) {
  const known = docs === undefined ? { options: [], variables: [] } : documented(docs, name);
  const cases = casesOf(name, known);
  const absent = only === '' ? missing(known, cases) : [];
  uncovered += absent.length;
  let different = 0;
  let kept = 0;
  if (!process.argv.includes('--list')) {
    cases.sort((a, b) => (a.state < b.state ? -1 : a.state > b.state ? 1 : 0));
    for (const { state, words } of cases) {
      const stdin = words.some((word) => word.startsWith('--pathspec-from-file') || word === '--stdin')
        ? words.includes('--pathspec-file-nul') || words.includes('-z')
          ? 'a.txt\0b.txt\0x.o\0'
          : 'a.txt\nb.txt\nx.o\n'
        : words.includes('--index-info')
          ? '100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 0\tfresh\n0 0000000000000000000000000000000000000000\ta.txt\n'
          : words.some((word) => /^(-p|-i|--patch|--interactive|-[a-zA-Z]*p[a-zA-Z]*)$/.test(word))
            ? 'y\nn\ny\nq\n'
            : 'words on stdin\n\nbody\n# comment\n';
      total++;
      const faults = await compare(stateOf(state), words, stdin);
      if (faults.length === 0) continue;
      const reason = KEPT.find(
        ([pattern, , where]) => pattern.test(words.join(' ')) && (where === undefined || where === state),
      )?.[1];
      if (reason !== undefined) {
        kept++;
        continue;
      }
      different++;
      const told = faults.join('\n');
      if (!seen.has(told) && seen.add(told).size <= show)
        console.log(
          `--- ${state}: git ${words.map((word) => (/^[\w./:=@^{}~*%,+-]+$/.test(word) ? word : `'${word}'`)).join(' ')}\n${told}\n`,
        );
    }
  }
  differing += different;
  const documentation =
    docs === undefined ? '' : `, ${known.options.length} options and ${known.variables.length} variables documented`;
  console.log(
    `${name}: ${cases.length} command lines, ${different} different${kept > 0 ? `, ${kept} kept so` : ''}${documentation}${absent.length > 0 ? `, not covered: ${absent.join(' ')}` : ''}`,
  );
}
console.log(`${total} command lines, ${differing} different, ${uncovered} documented options not covered`);
if (!process.argv.includes('--list')) server.stop();
process.exit(differing === 0 && uncovered === 0 ? 0 : 1);

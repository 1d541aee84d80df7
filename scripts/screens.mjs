// node scripts/screens.mjs [--check]: the screens of a person at the terminal, bough's beside stock git's, in
// docs/screens. Both programs run in a pseudo-terminal over the same repository; the bytes they send must be equal.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { hasTerminal, inTerminal } from './terminal.mjs';

const root = resolve(import.meta.dirname, '..');
const stock = process.env['BOUGH_TEST_GIT'] ?? 'git';
const target = join(root, 'docs/screens');

if (!hasTerminal()) {
  console.error('screens: SKIPPED, there is no `script` (util-linux) to make a terminal with');
  process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), 'bough-screens-'));
const env = {
  PATH: process.env['PATH'],
  HOME: scratch,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_PAGER: 'cat',
  LC_ALL: 'C',
  TZ: 'UTC',
  GIT_AUTHOR_NAME: 'Ada Lovelace',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada Lovelace',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_AUTHOR_DATE: '1700100000 +0000',
  GIT_COMMITTER_DATE: '1700100000 +0000',
};

/** A small repository with branches, a merge, a tag, and changes of every kind in the work tree. */
function makeRepository(directory) {
  mkdirSync(directory);
  let seconds = 1_700_000_000;
  const git = (...words) =>
    execFileSync(stock, words, {
      cwd: directory,
      env: { ...env, GIT_AUTHOR_DATE: `${seconds} +0000`, GIT_COMMITTER_DATE: `${seconds} +0000` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const file = (name, text) => writeFileSync(join(directory, name), text);
  const commit = (message) => {
    seconds += 3600;
    git('add', '-A');
    git('commit', '-qm', message);
  };
  const program = (greeting, end) =>
    `def greet(name):\n    print("${greeting}, " + name)\n\n\ndef count(items):\n    total = 0\n    for item in items:\n        total += 1\n    return total\n\n\ndef main():\n    greet("world")\n    ${end}\n`;
  git('init', '-q', '-b', 'main');
  file('hello.py', program('Hello', 'return 0'));
  file('notes.txt', 'one\ntwo\nthree\n');
  commit('Greet the world');
  git('switch', '-q', '-c', 'topic');
  file('topic.txt', 'a topic\n');
  commit('Start a topic');
  file('topic.txt', 'a topic\nand more of it\n');
  commit('Say more about it');
  git('switch', '-q', 'main');
  file('notes.txt', 'one\ntwo\nthree\nfour\n');
  commit('Count to four');
  git('tag', 'v1.0');
  seconds += 3600;
  git('merge', '-q', '--no-ff', '-m', "Merge branch 'topic'", 'topic');
  git('switch', '-q', '-c', 'next');
  file('notes.txt', 'one\ntwo\nthree\nfour\nfive\n');
  commit('Count on');
  git('switch', '-q', 'main');
  file('hello.py', program('Good day', 'print(count([1, 2, 3]))\n    return 0'));
  file('new.txt', 'staged\n');
  git('add', 'new.txt');
  git('mv', 'topic.txt', 'subject.txt');
  file('untracked.txt', 'nobody knows me\n');
  rmSync(join(directory, 'notes.txt'));
}

const scenes = [
  { name: 'status', words: ['status'] },
  { name: 'log-graph', words: ['log', '--graph', '--oneline', '--decorate', '--all', '--stat'] },
  {
    name: 'add-p',
    words: ['add', '-p', 'hello.py'],
    answers: ['s\n', '?\n', 'y\n', 'n\n'],
  },
  // Compared, but not painted.
  { words: ['diff'] },
  { words: ['diff', '--cached', '--stat', '-p', '-M'] },
  { words: ['diff', '--color-words', 'HEAD~2'] },
  { words: ['diff', '--color-moved', 'HEAD~3'] },
  { words: ['show', '--stat', '-p', 'HEAD'] },
  { words: ['log', '-p', '-3'] },
  { words: ['log', '--graph', '--all'] },
  { words: ['log', '--oneline', '-2'], env: { GIT_PAGER: 'sed -e s/^/page:/' } },
  { words: ['status', '-sb'] },
  { words: ['branch', '-vv', '-a'] },
  { words: ['branch', 'a..b'] },
  { words: ['tag', '-n'] },
  { words: ['grep', '-n', 'greet'] },
  { words: ['blame', '--color-lines', 'HEAD', '--', 'hello.py'] },
  { words: ['shortlog', '-s', 'HEAD'] },
  { words: ['show-branch', '--all'] },
  { words: ['checkout', '-f', 'HEAD~2'] },
  { words: ['checkout', 'next'] },
  { words: ['add'] },
  { words: ['add', '-i'], answers: ['s\n', 'u\n', '1\n', '\n', 'q\n'], prompt: />+ (?:\x1b\[m)?$/ },
  { words: ['add', '-p'], answers: ['q\n'] },
  { words: ['checkout', '-p'], answers: ['n\n', 'y\n', 'q\n'] },
  { words: ['reset', '-p'], answers: ['y\n', 'n\n', 'q\n'] },
  { words: ['stash', '-p'], answers: ['y\n', 'n\n', 'q\n'] },
  { words: ['restore', '-p', 'hello.py'], answers: ['s\n', 'y\n', 'n\n'] },
  { words: ['commit', '-p', '-m', 'part'], answers: ['y\n', 'q\n'] },
  { words: ['clean', '-i'], answers: ['2\n', 'x*\n', '\n', '5\n'], prompt: />+ (?:\x1b\[m)?$/ },
  { words: ['commit', '-v'], env: { GIT_EDITOR: 'sed -i -e 1s/^/Typed/' } },
  { words: ['commit'], env: { GIT_EDITOR: 'true' } },
  { words: ['stash', 'push'] },
  { words: ['merge', 'next'] },
  { words: ['cherry-pick', 'next'] },
  { words: ['switch', '--detach', 'v1.0'] },
  { words: ['switch', 'v1.0'] },
  { words: ['switch', 'topic'] },
  { words: ['checkout', '--detach', 'topic'] },
  { words: ['checkout', '-p', 'HEAD~1'], answers: ['n\n', 'q\n'] },
  { words: ['reset', '-p', 'HEAD~1'], answers: ['?\n', 'q\n'] },
  { words: ['restore', '-p', '-s', 'HEAD~1'], answers: ['n\n', 'q\n'] },
  { words: ['stash', '-p', '-k'], answers: ['?\n', 'y\n', 'q\n'] },
  { words: ['clean', '-i'], answers: ['bad\n', '5\n'], prompt: />+ (?:\x1b\[m)?$/ },
  { words: ['status', '-v'] },
  { words: ['worktree', 'list'] },
  { words: ['rm', 'hello.py'] },
  { words: ['nonsense'] },
];

// ---------------------------------------------------------------- from a terminal's bytes to a picture

const palette = ['#3b4252', '#bf616a', '#a3be8c', '#ebcb8b', '#81a1c1', '#b48ead', '#88c0d0', '#e5e9f0'];

/** Lines of spans, each with its style. */
function screen(bytes) {
  const lines = [[]];
  let style = {};
  for (const [, code, end, text] of bytes.toString('utf8').matchAll(/\x1b\[([\d;]*)([A-Za-z])|(\r\n|\r|[^\x1b\r]+)/g)) {
    if (end === 'm') style = styled(style, code);
    if (text === undefined || text === '\r') continue;
    for (const [i, part] of text.split(/\r\n|\n/).entries()) {
      if (i > 0) lines.push([]);
      if (part !== '') lines[lines.length - 1].push({ text: part, style });
    }
  }
  if (lines[lines.length - 1].length === 0) lines.pop();
  return lines;
}

function styled(before, codes) {
  let style = { ...before };
  for (const code of codes === '' ? [0] : codes.split(';').map(Number)) {
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 7) style.reverse = true;
    else if (code >= 30 && code < 38) style.color = palette[code - 30];
    else if (code >= 40 && code < 48) style.background = palette[code - 40];
  }
  return style;
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const [charWidth, lineHeight, columns] = [7.8, 17, 80];

function panel(title, lines, left) {
  let out = `<text x="${left}" y="20" class="title">${escaped(title)}</text>\n`;
  for (const [row, spans] of lines.entries()) {
    let at = 0;
    for (const { text, style } of spans) {
      const x = left + at * charWidth;
      const y = 46 + row * lineHeight;
      if (style.background !== undefined || style.reverse === true)
        out += `<rect x="${x}" y="${y - 13}" width="${text.length * charWidth}" height="${lineHeight}" fill="${style.background ?? '#d8dee9'}"/>\n`;
      const fill = style.reverse === true ? '#2e3440' : style.color;
      const attributes = [
        fill === undefined ? '' : ` fill="${fill}"`,
        style.bold === true ? ' font-weight="bold"' : '',
        style.italic === true ? ' font-style="italic"' : '',
        style.dim === true ? ' opacity="0.6"' : '',
      ].join('');
      out += `<text x="${x.toFixed(1)}" y="${y}"${attributes} textLength="${(text.length * charWidth).toFixed(1)}">${escaped(text)}</text>\n`;
      at += text.length;
    }
  }
  return out;
}

function picture(scene, ours, theirs, equal) {
  const [left, right] = [screen(ours), screen(theirs)];
  const height = 70 + Math.max(left.length, right.length) * lineHeight;
  const half = columns * charWidth + 30;
  const command = scene.words.join(' ');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * half + 20}" height="${height}" xml:space="preserve" font-family="monospace" font-size="13" fill="#d8dee9">\n` +
    `<title>${escaped(`bough ${command} beside git ${command}`)}</title>\n` +
    '<style>text{white-space:pre}.title{font-weight:bold;fill:#eceff4}</style>\n' +
    `<rect width="100%" height="100%" fill="#2e3440"/>\n<rect x="${half}" width="1" height="100%" fill="#4c566a"/>\n` +
    panel(`bough ${command}`, left, 15) +
    panel(`git ${command}`, right, half + 15) +
    `<text x="15" y="${height - 10}" class="title">${equal ? `the same ${ours.length} bytes` : 'the bytes differ'}</text>\n</svg>\n`
  );
}

// ----------------------------------------------------------------

let differing = 0;
try {
  makeRepository(join(scratch, 'fixed'));
  // bough under git's name, so that both are called alike.
  mkdirSync(join(scratch, 'bin'));
  writeFileSync(join(scratch, 'bin/git'), `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/git')}' "$@"\n`);
  chmodSync(join(scratch, 'bin/git'), 0o755);
  const write = !process.argv.includes('--check');
  if (write) mkdirSync(target, { recursive: true });
  for (const scene of scenes) {
    const run = async (program) => {
      const directory = join(scratch, 'here');
      rmSync(directory, { recursive: true, force: true });
      cpSync(join(scratch, 'fixed'), directory, { recursive: true });
      const { answers } = scene;
      const more = scene.env ?? {};
      return inTerminal([program, ...scene.words], {
        cwd: directory,
        env: { ...env, ...more },
        ...(answers === undefined ? {} : { answers }),
        ...(scene.prompt === undefined ? {} : { prompt: scene.prompt }),
      });
    };
    const theirs = await run(stock);
    const ours = await run(join(scratch, 'bin/git'));
    const equal = ours.bytes.equals(theirs.bytes) && ours.code === theirs.code;
    if (!equal) differing++;
    console.log(
      `${equal ? 'equal' : 'DIFFERENT'}\t${scene.words.join(' ')}\t${ours.bytes.length} and ${theirs.bytes.length} bytes, exit ${ours.code} and ${theirs.code}`,
    );
    if (write && scene.name !== undefined)
      writeFileSync(join(target, `${scene.name}.svg`), picture(scene, ours.bytes, theirs.bytes, equal));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(differing === 0 ? 0 : 1);

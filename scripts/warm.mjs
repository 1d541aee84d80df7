// Runs the everyday commands on a small repository, so that bin/start.js has kept their code before anybody waits for it:
// the first run of a command is three times as long as the third.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const program = resolve(import.meta.dirname, '../bin/bough.js');
const home = mkdtempSync(join(tmpdir(), 'bough-warm-'));
const directory = join(home, 'r');
const env = {
  PATH: process.env.PATH,
  HOME: home,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
};

function bough(...words) {
  const { status, stderr } = spawnSync(process.execPath, [program, '-C', directory, ...words], { env });
  if (status !== 0) throw new Error(`bough ${words.join(' ')}: ${stderr}`);
}

try {
  mkdirSync(join(directory, 'folder'), { recursive: true });
  bough('init', '-q', '-b', 'main');
  // What a run loads beyond what is kept is kept by the next: three rounds leave nothing to compile.
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 3; i++) writeFileSync(join(directory, 'folder', `${i}.txt`), `${i}\n${round}\n`);
    bough('status');
    bough('status', '--short');
    bough('diff');
    bough('add', '-A');
    bough('diff', '--cached');
    bough('commit', '-q', '-m', `round ${round}`);
    bough('log');
    bough('log', '--oneline', '-3');
    bough('show');
    bough('rev-parse', 'HEAD');
    bough('branch', `side-${round}`);
    bough('branch');
    bough('checkout', '-q', `side-${round}`);
    writeFileSync(join(directory, 'folder', 'side.txt'), `${round}\n`);
    bough('add', 'folder/side.txt');
    bough('commit', '-q', '-m', 'side');
    bough('switch', '-q', 'main');
    writeFileSync(join(directory, 'folder', '0.txt'), `changed\n${round}\n`);
    bough('commit', '-q', '-a', '-m', 'main');
    bough('merge', '-q', '-m', 'merge', `side-${round}`);
    bough('reset', '-q', '--hard');
    bough('ls-files');
    bough('--version');
    // From here on objects and refs are read from packs as well.
    bough('gc', '-q');
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}

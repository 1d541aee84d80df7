import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTerminal, inTerminal } from '../../scripts/terminal.mjs';
import { root } from '../support/root.js';
import { sharedSandbox, stockGit } from '../support/sandbox.js';
import { current } from '../support/version.js';

describe.skipIf(!hasTerminal())('a person at the terminal (needs script of util-linux)', () => {
  let box: ReturnType<typeof sharedSandbox>;
  let bough: string;

  beforeAll(() => {
    box = sharedSandbox();
    mkdirSync(box.path('bin'));
    bough = box.path('bin/git');
    writeFileSync(bough, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/git')}' "$@"\n`);
    chmodSync(bough, 0o755);
    const cwd = 'fixed';
    box.git(['init', '-q', '-b', 'main', cwd]);
    const file = (name: string, text: string): void => writeFileSync(box.path(cwd, name), text);
    const commit = (message: string): void => {
      box.git(['add', '-A'], { cwd });
      box.git(['commit', '-qm', message], { cwd });
    };
    file('a.txt', 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n');
    file('moved.txt', 'first line that moves\nsecond line that moves\nthird line that moves\nstays\n');
    commit('first');
    box.git(['switch', '-qc', 'topic'], { cwd });
    file('topic.txt', 'topic\n');
    commit('topic work');
    box.git(['switch', '-q', 'main'], { cwd });
    file('b.txt', 'bee \n');
    commit('second');
    box.git(['merge', '-q', '--no-ff', '-m', 'merge topic', 'topic'], { cwd });
    box.git(['tag', 'v1'], { cwd });
    file('a.txt', 'ONE\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten more \n');
    file('moved.txt', 'stays\nfirst line that moves\nsecond line that moves\nthird line that moves\n');
    file('staged.txt', 'staged\n');
    box.git(['add', 'staged.txt'], { cwd });
    file('untracked.txt', 'untracked\n');
  });
  afterAll(() => box.remove());

  interface Scene {
    readonly answers?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly prompt?: RegExp;
  }

  /** What a program shows, in a fresh copy of the repository. */
  async function shown(program: string, words: readonly string[], scene: Scene = {}) {
    const directory = box.path('here');
    rmSync(directory, { recursive: true, force: true });
    cpSync(box.path('fixed'), directory, { recursive: true });
    const { env, ...rest } = scene;
    const ran = await inTerminal([program, ...words], {
      cwd: directory,
      env: { ...box.env, GIT_PAGER: 'cat', ...env },
      ...rest,
    });
    return { code: ran.code, text: ran.bytes.toString('latin1') };
  }

  async function same(words: readonly string[], scene: Scene = {}): Promise<string> {
    const theirs = await shown(stockGit, words, scene);
    const ours = await shown(bough, words, scene);
    expect(ours).toEqual(theirs);
    return ours.text;
  }

  it.each([
    ['status'],
    ['status -sb'],
    ['diff'],
    ['diff --color-moved'],
    ['diff --word-diff'],
    ['diff --stat'],
    ['diff --cached'],
    ['branch -vv -a'],
    ['show --stat --format=%an topic'],
    ['log --graph --format=%C(auto)%h%Cgreen%s'],
    ['grep -n o a.txt'],
    ['-c color.ui=false diff'],
    ['-c color.diff=never status'],
    ['diff --no-color'],
    ['stash list'],
  ])('%s in colour', async (line) => {
    await same(line.split(' '));
  });

  it.runIf(current)('log with decorations in colour (needs git 2.55)', async () => {
    expect(await same(['log', '--graph', '--oneline', '--all'])).toContain('\x1b[');
  });

  it('colours do not ask NO_COLOR, and a dumb terminal has none', async () => {
    expect(await same(['diff'], { env: { NO_COLOR: '1' } })).toContain('\x1b[');
    const plain = await inTerminal(['sh', '-c', `TERM=dumb '${bough}' diff`], {
      cwd: box.path('fixed'),
      env: { ...box.env, GIT_PAGER: 'cat' },
    });
    expect(plain.bytes.toString()).not.toContain('\x1b[');
  });

  it.runIf(current)('add -p: questions, help, splitting (needs git 2.55)', async () => {
    await same(['add', '-p', 'a.txt'], {
      answers: ['x\n', '?\n', 's\n', 'y\n', 'g\n', '1\n', 'q\n'],
      prompt: /\? (?:\x1b\[m)?$/,
    });
  });

  it.runIf(current)('add -p with single keys (needs git 2.55)', async () => {
    await same(['-c', 'interactive.singleKey=true', 'add', '-p'], { answers: ['s', 'y', 'n', 'q'] });
  });

  it('starts the pager that is configured, with its settings, and only in a terminal', async () => {
    const pager = box.path('pager');
    writeFileSync(pager, '#!/bin/sh\necho "pager LESS=$LESS LV=$LV IN_USE=$GIT_PAGER_IN_USE"\ncat\n');
    chmodSync(pager, 0o755);
    const configured = ['-c', `core.pager=${pager}`];
    const env = { GIT_PAGER: undefined as unknown as string };
    expect(await same([...configured, 'log', '--oneline', '--no-decorate'], { env })).toContain('pager LESS=FRX');
    expect(await same([...configured, 'status'], { env })).not.toContain('pager');
    expect(await same([...configured, '-p', 'status'], { env })).toContain('pager');
    expect(await same([...configured, '--no-pager', 'log', '--oneline', '--no-decorate'], { env })).not.toContain(
      'pager',
    );
    expect(await same(['-c', `pager.log=${pager}`, 'log', '--format=%s'], { env })).toContain('pager LESS');
    expect(await same([...configured, '-c', 'pager.log=false', 'log', '--format=%s'], { env })).not.toContain('pager');
    expect(box.bough([...configured, 'log', '--oneline'], { cwd: 'fixed' })).not.toContain('pager');
  });

  it('starts the editor, and says that it waits', async () => {
    const editor = box.path('editor');
    writeFileSync(editor, '#!/bin/sh\necho "editing $(basename "$1")"\necho edited > "$1"\n');
    chmodSync(editor, 0o755);
    const text = await same(['commit', '--allow-empty', '-q'], { env: { GIT_EDITOR: editor, EDITOR: editor } });
    expect(text).toContain('editing COMMIT_EDITMSG');
    expect(text).toContain('Waiting for your editor to close the file');
  });

  it('ends as git does when its reader goes away, and on Ctrl-C', async () => {
    const piped = (program: string) =>
      box.run(
        'bash',
        [
          '-c',
          // What is written first waits until the reader has gone, however fast either side is.
          `{ (trap '' PIPE; while printf x; do :; done) 2>/dev/null; '${program}' log -p --all; } | true; echo "\${PIPESTATUS[0]}"`,
        ],
        {
          cwd: 'fixed',
        },
      );
    expect(piped(stockGit).stdout).toBe('141\n');
    expect(piped(bough).stdout).toBe('141\n');
    const interrupted = { answers: ['\x03'] };
    const theirs = await shown(stockGit, ['add', '-p', 'a.txt'], interrupted);
    const ours = await shown(bough, ['add', '-p', 'a.txt'], interrupted);
    expect(ours.code).toBe(theirs.code);
  });
});

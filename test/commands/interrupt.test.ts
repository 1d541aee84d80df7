import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/root.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';
import { unfinished } from '../support/unfinished.js';

/** 300 files in two versions; the first of them goes through a filter that interrupts the command. */
function filtered(box: Sandbox, which: 'smudge' | 'clean'): string {
  const cwd = 'r';
  box.git(['init', '-q', '-b', 'main', cwd]);
  const write = (text: string) => {
    for (let i = 0; i < 300; i++) writeFileSync(box.path(cwd, `f${1000 + i}`), `${text} ${i}\n`);
  };
  write('one');
  box.git(['add', '.'], { cwd });
  box.git(['commit', '-q', '-m', 'one'], { cwd });
  box.git(['checkout', '-q', '-b', 'two'], { cwd });
  write('two');
  if (which === 'smudge') {
    box.git(['commit', '-q', '-a', '-m', 'two'], { cwd });
    box.git(['checkout', '-q', 'main'], { cwd });
  }
  writeFileSync(box.path(cwd, '.git/info/attributes'), 'f1001 filter=stop\n');
  box.git(['config', `filter.stop.${which}`, 'sleep 0.1; kill -INT $PPID; cat'], { cwd });
  return cwd;
}

test.each([
  ['checkout', ['checkout', '-q', 'two']],
  ['switch', ['switch', '-q', 'two']],
  ['reset', ['reset', '-q', '--hard', 'two']],
  ['merge', ['merge', '-q', 'two']],
  ['restore', ['restore', '-s', 'two', '.']],
])('an interrupt in the middle of %s leaves no lock, and the command can be given again', (_name, words) => {
  const box = sandbox();
  const cwd = filtered(box, 'smudge');
  const before = box.git(['rev-parse', 'HEAD', 'main'], { cwd });
  const ran = box.tryBough(words, { cwd });
  expect([ran.code, ran.stderr]).toEqual([130, '']);
  expect(unfinished(box.path(cwd, '.git'))).toEqual([]);
  expect(box.git(['rev-parse', 'HEAD', 'main'], { cwd })).toBe(before);
  box.git(['config', '--unset', 'filter.stop.smudge'], { cwd });
  box.bough(['reset', '-q', '--hard'], { cwd });
  box.bough(words, { cwd });
  expect(box.git(['diff', 'two'], { cwd })).toBe('');
});

test.each([
  ['add', ['add', '.']],
  ['commit -a', ['commit', '-q', '-a', '-m', 'two']],
  ['stash', ['stash', '-q']],
])('an interrupt in the middle of %s leaves no lock and changes nothing', (_name, words) => {
  const box = sandbox();
  const cwd = filtered(box, 'clean');
  const index = box.git(['ls-files', '-s'], { cwd });
  const refs = box.git(['for-each-ref'], { cwd });
  const ran = box.tryBough(words, { cwd });
  expect([ran.code, ran.stderr]).toEqual([130, '']);
  expect(unfinished(box.path(cwd, '.git'))).toEqual([]);
  expect(box.git(['ls-files', '-s'], { cwd })).toBe(index);
  expect(box.git(['for-each-ref'], { cwd })).toBe(refs);
});

/** Runs a command and interrupts it after so many milliseconds. */
function interrupted(box: Sandbox, words: readonly string[], cwd: string, after: number): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'bin/git'), ...words], {
    cwd: box.path(cwd),
    env: box.env as NodeJS.ProcessEnv,
    stdio: 'ignore',
  });
  const timer = setTimeout(() => child.kill('SIGINT'), after);
  return new Promise((resolve) =>
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? 128 + constants.signals[signal!]);
    }),
  );
}

test('an interrupt at any moment of clone, fetch, gc and repack leaves nothing half written', async () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'from']);
  const pieces: string[] = [];
  for (let i = 0; i < 400; i++) {
    const text = `commit ${i}\n`;
    pieces.push(`commit refs/heads/main\ncommitter a <a@b> ${1112911993 + i} +0000\ndata ${text.length}\n${text}`);
    for (let f = 0; f < 5; f++) {
      const data = `file ${f}\n`.repeat(50 + ((i * 7 + f) % 200)) + `${i}\n`;
      pieces.push(`M 100644 inline d${f}/f${i % 40}\ndata ${data.length}\n${data}\n`);
    }
  }
  box.git(['-c', 'fastimport.unpackLimit=100000', 'fast-import', '--quiet'], { cwd: 'from', input: pieces.join('') });
  const refs = box.git(['for-each-ref'], { cwd: 'from' });
  box.git(['init', '-q', 'into']);
  let stopped = 0;
  const rounds = async (what: string, run: (after: number) => Promise<number>, check: (code: number) => void) => {
    for (let after = 60; ; after = Math.ceil(after * 1.6)) {
      const code = await run(after);
      check(code);
      if (code === 0) return;
      expect(code, what).toBe(130);
      stopped++;
    }
  };
  await rounds(
    'clone',
    (after) => interrupted(box, ['clone', '-q', '--no-local', 'from', 'copy'], '.', after),
    (code) => {
      if (code === 0 || !existsSync(box.path('copy'))) return;
      // As with git, what has come stays when only the files are not there yet.
      expect(unfinished(box.path('copy/.git'))).toEqual([]);
      box.fsck('copy');
      expect(box.git(['rev-parse', 'origin/main'], { cwd: 'copy' })).toBe(
        box.git(['rev-parse', 'main'], { cwd: 'from' }),
      );
      rmSync(box.path('copy'), { recursive: true });
    },
  );
  await rounds(
    'fetch',
    (after) => interrupted(box, ['fetch', '-q', '../from', 'main:main'], 'into', after),
    (code) => {
      expect(unfinished(box.path('into/.git'))).toEqual([]);
      expect(box.git(['for-each-ref'], { cwd: 'into' })).toBe(code === 0 ? refs : '');
    },
  );
  for (const words of [
    ['repack', '-adq'],
    ['gc', '-q'],
  ]) {
    await rounds(
      words[0]!,
      (after) => interrupted(box, words, 'from', after),
      () => {
        expect(unfinished(box.path('from/.git'))).toEqual([]);
        expect(box.git(['for-each-ref'], { cwd: 'from' })).toBe(refs);
      },
    );
  }
  box.fsck('from');
  box.fsck('copy');
  expect(stopped).toBeGreaterThanOrEqual(4);
}, 300_000);

test('what only looks, ends at once', async () => {
  const box = sandbox();
  const cwd = filtered(box, 'smudge');
  mkdirSync(box.path(cwd, 'x'));
  box.git(['config', 'alias.waits', '!f() { sleep 0.1; kill -INT $PPID; sleep 2; }; f'], { cwd });
  const ran = box.tryBough(['waits'], { cwd });
  expect(ran.code).toBe(130);
});

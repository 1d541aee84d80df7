import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** `source`, its clone of depth two `short`, and `full`, which has all of it; `own` has a history of its own. */
function prepare(box: Sandbox): void {
  box.git(['init', '-q', '-b', 'main', 'source']);
  for (const text of ['1', '2', '3', '4']) {
    writeFileSync(box.path('source/f'), `${text}\n`);
    box.git(['add', 'f'], { cwd: 'source' });
    box.git(['commit', '-q', '-m', text], { cwd: 'source' });
  }
  box.git(['clone', '-q', '--depth=2', `file://${box.path('source')}`, 'short']);
  box.git(['clone', '-q', 'source', 'full']);
  box.git(['init', '-q', '-b', 'main', 'own']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'own'], { cwd: 'own' });
  for (const name of ['strict.git', 'lax.git']) box.git(['init', '-q', '--bare', name]);
  box.git(['config', 'receive.shallowUpdate', 'true'], { cwd: 'lax.git' });
}

/** Without what is muttered of objects behind a boundary, which depends on how each looks. */
const said = (text: string): string[] =>
  text.split('\n').filter((line) => !/Could not read|bad object|Failed to traverse/.test(line));

test('a boundary of the other side is taken over only when asked', () => {
  const answers = (['tryGit', 'tryBough'] as const).map((run) => {
    const box = sandbox();
    prepare(box);
    const url = `file://${box.path('short')}`;
    const all = 'refs/heads/*:refs/remotes/short/*';
    const steps: readonly (readonly [string, readonly string[]])[] = [
      ['own', ['fetch', url, all]],
      ['own', ['fetch', '--update-shallow', url, all]],
      ['full', ['fetch', url, all]],
      ['.', ['clone', '-q', url, 'copy']],
      ['copy', ['fsck']],
      ['short', ['push', '../strict.git', 'HEAD:refs/heads/new']],
      ['short', ['push', '../lax.git', 'HEAD:refs/heads/new']],
      ['short', ['push', '../full', 'HEAD:refs/heads/new']],
      ['full', ['push', '../lax.git', 'HEAD~3:refs/heads/old']],
    ];
    return steps.map(([cwd, args]) => {
      const ran = box[run](args, { cwd });
      const shallow = ['own', 'full', 'copy', 'strict', 'lax'].map((name) => {
        const path = box.path(/t|x/.test(name) ? `${name}.git/shallow` : `${name}/.git/shallow`);
        // git may write a line twice.
        return existsSync(path) ? [...new Set(readFileSync(path, 'utf8').split('\n'))] : 'none';
      });
      const refs = box.git(['for-each-ref'], {
        cwd: args.includes('../lax.git') ? 'lax.git' : cwd === '.' ? 'copy' : cwd,
      });
      return {
        cwd,
        args: args[0],
        code: ran.code,
        stderr: said(ran.stderr.replaceAll(box.directory, '')),
        shallow,
        refs,
      };
    });
  });
  expect(answers[1]).toEqual(answers[0]);
});

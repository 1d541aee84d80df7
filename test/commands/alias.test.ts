import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

test('help -a lists every command and the aliases', () => {
  const box = sandbox();
  const text = box.bough(['-c', 'alias.förgrena.command=!echo x', '-c', 'alias.old=status', 'help', '-a']);
  expect(text).toMatch(/^ {3}cat-file /m);
  expect(text).toContain('förgrena   !echo x');
  expect(text).toContain('old        status');
});

test('aliases work outside a repository, by subsection in any letters, and say what they are', () => {
  const box = sandbox();
  expect(box.bough(['-c', 'alias.Say.command=!echo said', 'Say'])).toBe('said\n');
  expect(box.bough(['-c', 'alias.v=version', 'V'])).toMatch(/^git version/);
  const loop = box.tryBough(['-c', 'alias.a=b', '-c', 'alias.b=a', 'a']);
  expect(loop.code).toBe(128);
  expect(loop.stderr).toBe("fatal: alias loop detected: expansion of 'a' does not terminate:\n  a <==\n  b ==>\n");
});

test.each(['=foo', '', 'core.bare=foo', 'nosection=1'])('-c %j is refused in git’s words', (setting) => {
  const box = sandbox();
  box.git(['init', '-q']);
  const ours = box.tryBough(['-c', setting, 'rev-parse']);
  const theirs = box.tryGit(['-c', setting, 'rev-parse']);
  expect([ours.code, ours.stderr.split('\n').at(-2)]).toEqual([theirs.code, theirs.stderr.split('\n').at(-2)]);
});

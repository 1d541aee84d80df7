import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

test('git --version starts with the words every client parses', () => {
  const box = sandbox();
  expect(box.bough(['--version'])).toMatch(/^git version 2\.55\.0\.bough\.\d+\.\d+\.\d+\n$/);
});

test('--json gives the same facts as data', () => {
  const box = sandbox();
  expect(JSON.parse(box.bough(['version', '--json']))).toEqual({ git: '2.55.0', bough: '0.1.0' });
});

test('an unknown option is git’s usage error', () => {
  const box = sandbox();
  const ours = box.tryBough(['version', '--bogus']);
  const theirs = box.tryGit(['version', '--bogus']);
  expect(ours.code).toBe(theirs.code);
  expect(ours.stderr.split('\n')[0]).toBe(theirs.stderr.split('\n')[0]);
});

import { expect, test } from 'vitest';
import { type Ran, sandbox } from '../support/sandbox.js';

const words: readonly (readonly string[])[] = [
  ['checkout'],
  ['checkout', '-f'],
  ['checkout', 'HEAD'],
  ['checkout', '-f', 'HEAD'],
  ['checkout', '-q', 'HEAD'],
  ['checkout', '-m', 'HEAD'],
];

test.each(['main', '--detach'])('naming HEAD or nothing stays where one is, in git’s words: %s', (where) => {
  const boxes = [sandbox(), sandbox()] as const;
  const seen = boxes.map((box, index) => {
    box.git(['init', '-q', '-b', 'main']);
    box.git(['commit', '-q', '--allow-empty', '-m', 'one']);
    box.git(['branch', 'up']);
    box.git(['commit', '-q', '--allow-empty', '-m', 'two']);
    box.git(['branch', '-q', '-u', 'up']);
    box.git(['checkout', '-q', where]);
    return words.map((args) => {
      const ran: Ran = index === 0 ? box.tryGit(args) : box.tryBough(args);
      const head = box.tryGit(['symbolic-ref', '-q', 'HEAD']).stdout + box.git(['reflog', '--format=%gs']);
      return { args, code: ran.code, stdout: ran.stdout, stderr: ran.stderr, head };
    });
  });
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[1]![3]!.head.startsWith('refs/heads/main')).toBe(where === 'main');
});

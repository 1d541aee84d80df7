import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

/** Older versions tell it of fewer clones. */
const clonesAdvise = current;

/** A line without what differs between versions of git. */
const first = (line: string): string => line.replace(/^(hint: Using '\w+').*/, '$1');

/** What is told and in which order; the advice's own words differ from version to version of git. */
const told = (text: string): string[] =>
  text.split('\n').filter((line) => /^(hint: Using '|warning: |done|Cloning)/.test(line));

test('a first branch that nobody has named is advised of where stock git does it, by init and clone alike', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'source']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'source' });
  box.git(['bundle', 'create', '-q', '../headless.bundle', 'main'], { cwd: 'source' });
  box.git(['init', '-q', '--bare', '-b', 'main', 'empty.git']);
  const lines = [
    ['init'],
    ['init', '-q'],
    ['init', '-b', 'x'],
    ['-c', 'init.defaultBranch=x', 'init'],
    ['clone', 'headless.bundle'],
    ['clone', '-q', 'headless.bundle'],
    ['clone', '--no-checkout', 'headless.bundle'],
    ['clone', '--branch', 'main', 'headless.bundle'],
    ['clone', 'empty.git'],
    ['-c', 'protocol.version=0', 'clone', 'empty.git'],
    ['-c', 'init.defaultBranch=x', 'clone', 'headless.bundle'],
    ['-c', 'advice.defaultBranchName=false', 'clone', 'headless.bundle'],
  ];
  let advised = 0;
  for (const words of lines.filter((line) => clonesAdvise || !line.includes('clone'))) {
    const theirs = box.tryGit([...words, 'it']);
    rmSync(box.path('it'), { recursive: true, force: true });
    const ours = box.tryBough([...words, 'it']);
    rmSync(box.path('it'), { recursive: true, force: true });
    expect(told(ours.stderr).map(first), words.join(' ')).toEqual(told(theirs.stderr).map(first));
    expect(ours.code).toBe(theirs.code);
    if (theirs.stderr.includes("hint: Using '")) advised++;
  }
  expect(advised).toBe(clonesAdvise ? 5 : 1);
});

import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Sandbox } from '../support/sandbox.js';
import { sandbox } from '../support/sandbox.js';
import { since } from '../support/version.js';

/** Older versions give the advice another form. */
const exact = since(50);

/** A repository `top` with a submodule in `sub`, and branches that move it in all ways that matter. */
function withSubmodule(): Sandbox {
  const box = sandbox();
  const sub = (...args: string[]) => box.git(args, { cwd: 'top/sub' });
  const top = (...args: string[]) => box.git(args, { cwd: 'top' });
  box.git(['init', '-q', '-b', 'main', 'top']);
  box.git(['init', '-q', '-b', 'main', 'top/sub']);
  for (const run of [sub, top]) run('config', 'core.abbrev', '12');
  const commit = (name: string, ...from: string[]) => {
    if (from.length > 0) sub('checkout', '-q', from[0]!);
    if (from.length > 1) sub('merge', '-q', '--no-ff', '-m', name, from[1]!);
    else {
      writeFileSync(box.path('top/sub', `file-${name}`), `${name}\n`);
      sub('add', '.');
      sub('commit', '-q', '-m', name);
    }
    sub('tag', name);
  };
  commit('a');
  commit('b', 'a');
  commit('b2', 'b');
  commit('c', 'a');
  commit('e', 'a');
  commit('bc', 'b', 'c');
  top('commit', '-q', '--allow-empty', '-m', 'root');
  top('branch', 'root');
  const move = (branch: string, from: string, to: string) => {
    top('checkout', '-q', '-B', branch, from);
    sub('checkout', '-q', to);
    top('-c', 'advice.addEmbeddedRepo=false', 'add', 'sub');
    top('commit', '-q', '--allow-empty', '-m', branch);
  };
  for (const [branch, from, to] of [
    ['base', 'root', 'a'],
    ['to-b', 'base', 'b'],
    ['to-b2', 'to-b', 'b2'],
    ['to-c', 'base', 'c'],
    ['to-e', 'base', 'e'],
    ['to-bc', 'base', 'bc'],
    ['back', 'to-b', 'a'],
    ['on', 'to-b', 'b2'],
    ['own-b', 'root', 'b'],
    ['own-c', 'root', 'c'],
  ] as const) {
    move(branch, from, to);
  }
  top('checkout', '-q', '-B', 'unknown', 'base');
  top('update-index', '--cacheinfo', `160000,${'1'.repeat(40)},sub`);
  top('commit', '-q', '-m', 'unknown');
  top('checkout', '-q', '-f', 'to-b');
  return box;
}

const pairs = [
  'to-b to-b2',
  'to-b2 to-b',
  'to-b to-bc',
  'to-b to-c',
  'to-b to-e',
  'back on',
  'own-b own-c',
  'to-b unknown',
  'to-b2 to-c',
];

it('submodules merge where one side contains the other, with git’s words otherwise', () => {
  const box = withSubmodule();
  const compare = (what: string) => {
    for (const pair of pairs) {
      const args = ['merge-tree', '--write-tree', '-z', exact ? '--messages' : '--no-messages', ...pair.split(' ')];
      const [expected, actual] = [box.tryGit(args, { cwd: 'top' }), box.tryBough(args, { cwd: 'top' })];
      const show = ({ code, stdout, stderr }: typeof expected) => `${code} ${stdout}${exact ? stderr : ''}`;
      expect(show(actual), `${what}: ${pair}`).toBe(show(expected));
    }
  };
  compare('checked out');
  // Two merges to choose from.
  box.git(['checkout', '-q', '-b', 'other', 'c'], { cwd: 'top/sub' });
  box.git(['merge', '-q', '--no-ff', '-m', 'cb', 'b'], { cwd: 'top/sub' });
  compare('two merges');
  // Its repository kept below the git directory, nothing checked out.
  renameSync(box.path('top/sub/.git'), box.path('kept'));
  rmSync(box.path('top/sub'), { recursive: true });
  cpSync(box.path('kept'), box.path('top/.git/modules/the sub'), { recursive: true });
  compare('not known');
  writeFileSync(box.path('top/.gitmodules'), '[submodule "the sub"]\n\tpath = sub\n\turl = ./kept\n');
  compare('below the git directory');
});

it('git merge leaves index and work tree as git does', () => {
  const box = withSubmodule();
  for (const pair of pairs) {
    const [ours, theirs] = pair.split(' ') as [string, string];
    const states: string[] = [];
    for (const run of ['tryGit', 'tryBough'] as const) {
      box.git(['checkout', '-q', '-f', '-B', 'work', ours], { cwd: 'top' });
      const { code } = box[run](['merge', '-q', '-m', 'merged', theirs], { cwd: 'top' });
      const state = ['ls-files -s', 'log -1 --format=%T', 'status --porcelain'].map((words) =>
        box.git(words.split(' '), { cwd: 'top' }),
      );
      states.push([code, existsSync(box.path('top/.git/MERGE_HEAD')), ...state].join('\n'));
      box.tryGit(['merge', '--abort'], { cwd: 'top' });
    }
    expect(states[1], pair).toBe(states[0]);
  }
});

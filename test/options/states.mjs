// The repositories in which command lines are compared: each made by stock git at `root/repo`, where both programs find
// their copy of it later (some files name it by its full path).
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, lutimesSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes the state `name` under `root`; answers the folder (relative to `root`) in which its command lines run. */
export function makeState(name, root, git, env) {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'repo'), { recursive: true });
  const repo = join(root, 'repo');
  const at = { dir: repo, clock: 1_700_000_000 };
  const run = (...words) => {
    at.clock += 60;
    const date = `${at.clock} +0100`;
    const ran = spawnSync(git, words, {
      cwd: at.dir,
      env: { ...env, GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date },
      encoding: 'latin1',
      input: '',
    });
    return ran;
  };
  const file = (path, text) => {
    const full = join(at.dir, path);
    mkdirSync(join(full, '..'), { recursive: true });
    rmSync(full, { recursive: true, force: true });
    writeFileSync(full, text);
  };
  const lines = (count, change = {}) =>
    Array.from({ length: count }, (_, i) => `${change[i + 1] ?? `line ${i + 1}`}\n`).join('');
  const remove = (path) => rmSync(join(at.dir, path), { recursive: true, force: true });
  const tools = { root, repo, at, run, file, lines, remove };
  if (name === 'none') {
    file('a.txt', 'outside\n');
    return 'repo';
  }
  run('init', '-q', '-b', 'main', '.');
  run('config', 'core.checkStat', 'minimal');
  run('config', 'core.trustctime', 'false');
  const folder = STATES[name](tools) ?? 'repo';
  const settle = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.name === '.git' || entry.name === 'bare.git') continue;
      const full = join(path, entry.name);
      if (entry.isDirectory()) settle(full);
      if (!entry.isDirectory()) lutimesSync(full, 1_650_000_000, 1_650_000_000 + (lstatSync(full).size % 97));
    }
  };
  settle(root);
  at.dir = join(root, folder);
  run('update-index', '-q', '--refresh');
  return folder;
}

/** Three branches, tags, notes, a stash, a remote, files of all kinds. */
function history({ run, file, lines, repo }) {
  file('a.txt', lines(30));
  file('b.txt', lines(20));
  file('sub/c.txt', lines(15));
  file('sub/deep/d.txt', 'd\n');
  file('run.sh', '#!/bin/sh\necho run\n');
  chmodSync(join(repo, 'run.sh'), 0o755);
  file('bin.dat', 'a\0b\0c\n');
  file('with space.txt', 'space\n');
  file('h\u00e9.txt', 'accent\n');
  file('.gitignore', '*.o\nbuild/\n');
  file('.gitattributes', '*.dat binary\n*.txt text\nsub/*.txt myattr=value -other\n[attr]mac foo=bar\nrun.sh mac\n');
  symlinkSync('a.txt', join(repo, 'link'));
  run('add', '-A');
  run('commit', '-qm', 'first');
  run('tag', 'v1');
  file('a.txt', lines(30, { 2: 'second' }));
  run('commit', '-qam', 'second: change a\n\nBody of it.\n\nSigned-off-by: C O Mitter <committer@example.com>');
  run('tag', '-a', '-m', 'version two\n\nmore', 'v2');
  run('branch', 'topic');
  run('checkout', '-q', '-b', 'other');
  file('a.txt', lines(30, { 2: 'other two', 20: 'other twenty' }));
  file('only-other.txt', 'other\n');
  run('add', '-A');
  run('commit', '-qm', 'other changes');
  run('checkout', '-q', 'topic');
  file('b.txt', lines(20, { 5: 'topic five' }));
  run('commit', '-qam', 'topic changes b');
  run('checkout', '-q', 'main');
  file('a.txt', lines(30, { 2: 'main two' }));
  run('commit', '-qam', 'main changes a');
  run('config', 'remote.origin.url', '../nowhere.git');
  run('config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
  run('update-ref', 'refs/remotes/origin/main', 'main~1');
  run('update-ref', 'refs/remotes/origin/other', 'other');
  run('update-ref', 'refs/remotes/origin/remote-only', 'topic');
  run('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
  run('config', 'branch.main.remote', 'origin');
  run('config', 'branch.main.merge', 'refs/heads/main');
  run('config', 'branch.topic.remote', '.');
  run('config', 'branch.topic.merge', 'refs/heads/main');
  run('notes', 'add', '-m', 'a note', 'main');
  file('b.txt', lines(20, { 9: 'stashed' }));
  run('stash', 'push', '-q', '-m', 'kept');
  file('b.txt', lines(20, { 11: 'stashed again' }));
  file('sub/new.txt', 'new\n');
  run('stash', 'push', '-q', '-u');
  run('repack', '-adq');
}

function dirt({ run, file, lines, remove }) {
  file('a.txt', lines(30, { 2: 'main two', 10: 'dirty ten', 25: 'dirty twenty-five' }));
  file('b.txt', lines(20, { 3: 'staged three' }));
  run('add', 'b.txt');
  file('b.txt', lines(20, { 3: 'staged three', 15: 'and on top' }));
  remove('with space.txt');
  run('mv', 'sub/c.txt', 'sub/moved.txt');
  file('staged new.txt', 'staged\n');
  run('add', 'staged new.txt');
  file('intent.txt', 'intended\n');
  run('add', '-N', 'intent.txt');
  file('untracked.txt', 'untracked\n');
  file('udir/one', '1\n');
  file('udir/two.o', '2\n');
  file('x.o', 'ignored\n');
  file('build/out', 'ignored\n');
}

const STATES = {
  clean: (tools) => void history(tools),
  dirty: (tools) => {
    history(tools);
    dirt(tools);
  },
  sub: (tools) => {
    history(tools);
    dirt(tools);
    tools.file('sub/untracked in sub.txt', 'x\n');
    tools.file('sub/deep/d.txt', 'd changed\n');
    return 'repo/sub';
  },
  merging: (tools) => {
    history(tools);
    tools.run('merge', 'other');
    tools.file('b.txt', tools.lines(20, { 15: 'beside' }));
  },
  merged: (tools) => {
    history(tools);
    tools.run('merge', '--no-commit', '--no-ff', 'topic');
    tools.file('untracked.txt', 'x\n');
  },
  picking: (tools) => {
    history(tools);
    tools.run('cherry-pick', 'other', 'topic');
    tools.remove('only-other.txt');
  },
  reverting: (tools) => {
    history(tools);
    tools.run('revert', '--no-edit', 'v2');
  },
  rebasing: (tools) => {
    history(tools);
    tools.run('checkout', '-q', 'other');
    tools.run('rebase', 'main');
  },
  editing: (tools) => {
    history(tools);
    tools.run('-c', 'sequence.editor=sed -i s/^pick/edit/', 'rebase', '-i', 'HEAD~2');
    tools.file('b.txt', tools.lines(20, { 7: 'while editing' }));
  },
  bisecting: (tools) => {
    history(tools);
    tools.run('bisect', 'start', 'main', 'v1');
    tools.file('untracked.txt', 'x\n');
  },
  detached: (tools) => {
    history(tools);
    tools.run('checkout', '-q', '--detach', 'other');
    tools.file('a.txt', 'all new\n');
    tools.run('commit', '-qam', 'on no branch');
    tools.file('sub/c.txt', 'dirty\n');
    tools.file('untracked.txt', 'x\n');
  },
  unborn: (tools) => {
    tools.file('a.txt', tools.lines(5));
    tools.file('sub/c.txt', 'c\n');
    tools.run('add', 'a.txt');
    tools.file('a.txt', tools.lines(6));
    tools.file('untracked.txt', 'x\n');
  },
  empty: () => {},
  bare: (tools) => {
    history(tools);
    tools.run('clone', '-q', '--bare', '.', join(tools.root, 'bare.git'));
    return 'bare.git';
  },
  linked: (tools) => {
    history(tools);
    tools.run('worktree', 'add', '-q', '../linked', 'topic');
    tools.at.dir = join(tools.root, 'linked');
    tools.file('a.txt', 'dirty in linked\n');
    tools.file('untracked.txt', 'x\n');
    return 'linked';
  },
  flags: (tools) => {
    history(tools);
    tools.run('update-index', '--assume-unchanged', 'a.txt');
    tools.run('update-index', '--skip-worktree', 'b.txt');
    tools.run('update-index', '--index-version', '4');
    tools.file('a.txt', 'assumed\n');
    tools.remove('b.txt');
    tools.file('sub/c.txt', 'seen\n');
    tools.file('run.sh', 'mode gone\n');
    tools.remove('sub/deep/d.txt');
    tools.file('sub/deep/d.txt/inner', 'directory now\n');
  },
  module: (tools) => {
    history(tools);
    tools.at.dir = join(tools.repo, 'module');
    mkdirSync(tools.at.dir);
    tools.run('init', '-q', '-b', 'main', '.');
    tools.file('m.txt', 'm\n');
    tools.run('add', '-A');
    tools.run('commit', '-qm', 'module first');
    tools.at.dir = tools.repo;
    tools.file('.gitmodules', '[submodule "module"]\n\tpath = module\n\turl = ../module.git\n');
    tools.run('add', '.gitmodules', 'module');
    tools.run('commit', '-qm', 'with module');
    tools.at.dir = join(tools.repo, 'module');
    tools.file('m.txt', 'changed\n');
    tools.run('commit', '-qam', 'module second');
    tools.file('untracked', 'x\n');
    tools.at.dir = tools.repo;
  },
};

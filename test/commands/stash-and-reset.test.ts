import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** What each of the lines answers, given by one program after the other in repositories that are equal. */
function answers(prepare: (box: Sandbox) => void, lines: readonly (readonly string[])[]) {
  return [0, 1].map((which) => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main']);
    for (const name of ['a', 'b', 'c']) writeFileSync(box.path(name), 'one\n');
    box.git(['add', '.']);
    box.git(['commit', '-q', '-m', 'one']);
    prepare(box);
    return lines.map((args) => {
      const ran = which === 0 ? box.tryGit(args) : box.tryBough(args);
      return {
        args,
        code: ran.code,
        stdout: ran.stdout,
        stderr: ran.stderr,
        index: box.git(['ls-files', '-s']),
        resolved: box.git(['ls-files', '--resolve-undo']),
        status: box.git(['status', '--porcelain']),
        log: box.git(['reflog', '--format=%gs']),
      };
    });
  });
}

function conflict(box: Sandbox): void {
  box.git(['checkout', '-q', '-b', 'topic']);
  for (const name of ['a', 'b']) writeFileSync(box.path(name), 'topic\n');
  box.git(['rm', '-q', 'c']);
  box.git(['commit', '-qam', 'topic']);
  box.git(['checkout', '-q', 'main']);
  for (const name of ['a', 'b', 'c']) writeFileSync(box.path(name), 'main\n');
  box.git(['commit', '-qam', 'main']);
  box.tryGit(['merge', '-q', 'topic']);
}

test.each([
  [['reset', '-q']],
  [['reset', '-q', 'HEAD~']],
  [['reset', '-q', 'a', 'c']],
  [['reset', '-q', 'HEAD~', '--', 'a']],
])('a mixed reset over a conflict remembers its sides: %s', (args) => {
  const [stock, ours] = answers(conflict, [args, ['reset', '-q']]);
  expect(ours).toEqual(stock);
  expect(ours![0]!.resolved.split('\n').length).toBeGreaterThan(3);
});

test('of several modes of a reset the last one counts, and :/ is a path', () => {
  const [stock, ours] = answers(
    (box) => {
      writeFileSync(box.path('a'), 'two\n');
      box.git(['commit', '-qam', 'two']);
      writeFileSync(box.path('b'), 'staged\n');
      box.git(['add', 'b']);
    },
    [
      ['reset', '--hard', '--soft'],
      ['reset', ':/'],
      ['rev-parse', ':/'],
      ['reset', '-q', 'HEAD~', ':/'],
      ['reset', '--hard', '--mixed', 'HEAD~'],
      ['reset', '--soft', '--hard'],
    ],
  );
  expect(ours).toEqual(stock);
});

test('files that are only intended to be added stop a stash, and its coming back', () => {
  const [stock, ours] = answers(
    (box) => {
      writeFileSync(box.path('a'), 'stashed\n');
      box.git(['stash', '-q']);
      writeFileSync(box.path('b'), 'changed\n');
      for (const name of ['new', 'newer']) writeFileSync(box.path(name), 'new\n');
      box.git(['add', '-N', 'new', 'newer']);
    },
    [
      ['stash'],
      ['stash', 'push', 'b'],
      ['stash', 'apply'],
      ['stash', 'create'],
      ['reset', '-q'],
      ['stash', 'apply', '-q'],
    ],
  );
  expect(ours).toEqual(stock);
  expect(ours![1]!.stderr).toContain("Entry 'new' not uptodate");
  expect(ours![2]!.stderr).toContain('new newer');
});

test('what is staged can be stashed and stay staged', () => {
  const [stock, ours] = answers(
    (box) => {
      writeFileSync(box.path('a'), 'staged\n');
      box.git(['add', 'a']);
      writeFileSync(box.path('b'), 'changed\n');
    },
    [
      ['stash', 'push', '-S', '-k'],
      ['stash', 'list'],
    ],
  );
  expect(ours).toEqual(stock);
  expect(ours![0]!.status).toBe('MM a\n M b\n');
});

test('what pre-push prints goes where the hook prints it', () => {
  const [stock, ours] = answers(
    (box) => {
      box.git(['init', '-q', '--bare', 'there.git']);
      writeFileSync(box.path('.git/hooks/pre-push'), '#!/bin/sh\necho out; echo err >&2; cat\n');
      chmodSync(box.path('.git/hooks/pre-push'), 0o755);
    },
    [['push', '-q', 'there.git', 'main']],
  );
  expect(ours).toEqual(stock);
  expect(ours![0]!.stdout).toMatch(/^out\nrefs\/heads\/main [0-9a-f]+ refs\/heads\/main 0+\n$/);
});

test('a usage names the opposite of what is switched off', () => {
  const box = sandbox();
  const { stdout } = box.tryBough(['reset', '-h']);
  expect(stdout).toContain('    --refresh             opposite of --no-refresh\n');
});

test('post-index-change is told what changed along with the index', () => {
  const [stock, ours] = [0, 1].map((which) => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main']);
    for (const name of ['a', 'b']) writeFileSync(box.path(name), 'one\n');
    box.git(['add', '.']);
    box.git(['commit', '-q', '-m', 'one']);
    box.git(['branch', 'other']);
    writeFileSync(box.path('a'), 'two\n');
    box.git(['commit', '-qam', 'two']);
    const hook = box.path('.git/hooks/post-index-change');
    writeFileSync(hook, '#!/bin/sh\nif test -f .git/index.lock; then l=lock; fi; echo "$1 $2 $l" >>.git/told\n');
    chmodSync(hook, 0o755);
    writeFileSync(box.path('b'), 'two\n');
    writeFileSync(box.path('new'), 'new\n');
    return [
      ['add', 'b'],
      ['commit', '-q', '-m', 'three'],
      ['reset', '--soft', 'HEAD~'],
      ['reset', '-q'],
      ['reset', '-q', '--hard'],
      ['checkout', '-q', 'other'],
      ['switch', '-q', 'main'],
      ['update-index', '--add', 'new'],
      ['update-index'],
      ['rm', '-q', '--cached', 'new'],
      ['read-tree', 'HEAD~'],
      ['commit', '-qam', 'four'],
      ['commit', '-q', '-m', 'five', 'a'],
    ].map((args) => {
      writeFileSync(box.path('.git/told'), '');
      const ran = which === 0 ? box.tryGit(args) : box.tryBough(args);
      return { args, code: ran.code, told: readFileSync(box.path('.git/told'), 'utf8') };
    });
  });
  expect(ours).toEqual(stock);
  expect(ours![3]!.told).toBe('0 1 \n');
  expect(ours![5]!.told).toBe('1 0 \n');
});

test('update-index knows shortened options, and paths that no index can hold are told of and left', () => {
  const [stock, ours] = answers(
    (box) => {
      writeFileSync(box.path('new'), 'new\n');
      writeFileSync(box.path('a'), 'changed\n');
    },
    [
      ['update-index', '--ad', 'new'],
      ['update-index', '--refres', 'nowhere'],
      ['update-index', '--add='],
      ['update-index', '--index-version='],
      ['update-index', '--skip-worktree', ''],
      ['update-index', ':/'],
      ['update-index', '--add', '--cacheinfo', '100644,1234,x', '--', 'a'],
    ],
  );
  expect(ours).toEqual(stock);
  expect(ours![0]!.code).toBe(0);
  expect(ours![5]!.stderr).toBe('Ignoring path :/\n');
});

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { type Sandbox, sandbox, sharedSandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

const lines = (count: number, change: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: count }, (_, i) => `${change[i + 1] ?? `line ${i + 1}`}\n`).join('');

const made = new Map<(box: Sandbox) => void, ReturnType<typeof sharedSandbox>>();
afterAll(() => {
  for (const box of made.values()) box.remove();
});

/** A repository as `make` makes it, which is done once. */
const copies = (make: (box: Sandbox) => void) => (): Sandbox => {
  let first = made.get(make);
  if (first === undefined) {
    first = sharedSandbox();
    make(first);
    made.set(make, first);
  }
  const box = sandbox();
  cpSync(first.directory, box.directory, { recursive: true, preserveTimestamps: true });
  return box;
};

/** Two commits on `main`, one on `other` that clashes with them in `a`. */
const history = copies((box) => {
  box.git(['init', '-q', '-b', 'main']);
  for (const name of ['a', 'b', 'gone']) writeFileSync(box.path(name), lines(12));
  box.git(['add', '.']);
  box.git(['commit', '-qm', 'first']);
  box.git(['checkout', '-q', '-b', 'other']);
  writeFileSync(box.path('a'), lines(12, { 2: 'other two', 9: 'other nine' }));
  box.git(['commit', '-qam', 'other']);
  box.git(['checkout', '-q', 'main']);
  writeFileSync(box.path('a'), lines(12, { 2: 'main two' }));
  box.git(['commit', '-qam', 'second']);
});

/** A merge that stopped in `a`; `b` changed beside it. */
function merging(): Sandbox {
  const box = history();
  box.tryGit(['merge', 'other']);
  writeFileSync(box.path('b'), lines(12, { 8: 'beside' }));
  return box;
}

/** Staged and unstaged changes, a file that is gone, one that is intended to be added. */
function dirty(): Sandbox {
  const box = history();
  writeFileSync(box.path('a'), lines(12, { 2: 'main two', 5: 'five', 12: 'twelve' }));
  writeFileSync(box.path('b'), lines(12, { 3: 'staged' }));
  box.git(['add', 'b']);
  rmSync(box.path('gone'));
  writeFileSync(box.path('intended'), 'intended\n');
  box.git(['add', '-N', 'intended']);
  return box;
}

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly state: readonly string[];
}

/** What both programs say and leave. */
function both(make: () => Sandbox, args: readonly string[], input = ''): readonly [Answer, Answer] {
  return [0, 1].map((bough) => {
    const box = make();
    // The editor shows what it is given.
    box.env['GIT_EDITOR'] = 'cat >&2';
    const { code, stdout, stderr } = bough === 1 ? box.tryBough(args, { input }) : box.tryGit(args, { input });
    const state = [
      ['status', '--porcelain'],
      ['ls-files', '-s', '-v', '--resolve-undo'],
      ['log', '--format=%T %s %an %ad', '-2'],
    ];
    const left = ['a', 'b', 'intended'].map((name) => {
      try {
        return readFileSync(box.path(name), 'utf8');
      } catch {
        return 'none';
      }
    });
    const plain = (text: string): string => text.replaceAll(box.directory, 'HERE');
    return {
      code,
      stdout: plain(stdout),
      stderr: plain(stderr),
      state: [...state.map((words) => box.tryGit(words).stdout), ...left],
    };
  }) as unknown as readonly [Answer, Answer];
}

/** Older versions ask in other words. */
describe.skipIf(!current)('patch prompts', () => {
  test.each(
    [
      ['add', '-p'],
      ['checkout', '-p'],
      ['checkout', '-p', 'HEAD'],
      ['checkout', '-p', 'other'],
      ['reset', '-p'],
      ['restore', '-p', '-S', '-W'],
      ['restore', '-p', '-s', 'other', '-S', '-W'],
      ['restore', '-p', '-s', 'other'],
      ['commit', '-p', '-m', 'x'],
      ['commit', '--interactive', '-m', 'x'],
      ['stash', '-p'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s beside a conflict', (_, args) => {
    const [stock, ours] = both(merging, args, 'y\ny\nn\ny\n');
    expect(ours).toEqual(stock);
  });

  test.each(
    [
      ['add', '-p', '-U0'],
      ['checkout', '-p', '-U0'],
      ['checkout', '-p', '-U0', 'HEAD'],
      ['restore', '-p', '-U0', '-S', '-W'],
      ['reset', '-p', '-U0'],
      ['stash', '-p', '-U0'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s takes hunks without context only at an end of the file', (_, args) => {
    const make = (): Sandbox => {
      const box = dirty();
      box.git(['rm', '-q', '--cached', 'intended']);
      rmSync(box.path('intended'));
      return box;
    };
    const [stock, ours] = both(make, args, 'n\ny\ny\ny\ny\n');
    expect(ours).toEqual(stock);
  });
});

describe('commit', () => {
  // Older versions know neither these trailers, nor some of the words.
  const older = (args: readonly string[]): boolean =>
    !current && args.some((word) => /^--trailer=(?:$|:)|nothere|^--file=$/.test(word));

  test.each(['--trailer=', '--trailer= ', '--trailer=:x', '--trailer=Key', '--trailer=Key: value'])(
    'commit %s',
    (trailer) => {
      const args = ['commit', '-m', 'message', trailer];
      if (older(args)) return;
      const [stock, ours] = both(dirty, args);
      expect(ours).toEqual(stock);
    },
  );

  test.each(
    [
      ['commit', '--trailer=Key=value'],
      ['commit', '-vv', '-a'],
      ['commit', '-vv'],
      ['commit', '--fixup=bad:HEAD', '-m', ''],
      ['commit', '--fixup=amend:HEAD', '-m', 'x', 'missing'],
      ['commit', '--fixup=amend:nothere', '-m', 'x'],
      ['commit', '--fixup=amend:HEAD', '-m', 'x'],
      ['commit', '--author=nobody', 'missing'],
      ['commit', '--untracked-files=bad', 'missing'],
      ['commit', '-C', 'nothere', '-a'],
      ['commit', '--file='],
      ['commit', '--amend', 'a', '-m', 'x'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s', (_, args) => {
    if (older(args)) return;
    const [stock, ours] = both(dirty, args);
    expect(ours).toEqual(stock);
  });

  test.each(
    [
      ['commit', '-a'],
      ['commit', '-av'],
      ['commit', '-a', '--cleanup=scissors', '-v'],
      ['commit', '--fixup=reword:HEAD'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s in a merge', (_, args) => {
    if (!current && args.includes('--cleanup=scissors')) return;
    const [stock, ours] = both(merging, args);
    expect(ours).toEqual(stock);
  });

  test('a partial commit beside entries that nobody looks at', () => {
    const make = (): Sandbox => {
      const box = history();
      box.git(['update-index', '--assume-unchanged', 'a']);
      box.git(['update-index', '--skip-worktree', 'b']);
      writeFileSync(box.path('a'), 'assumed\n');
      rmSync(box.path('b'));
      return box;
    };
    for (const paths of [['a'], ['b'], ['.']]) {
      const [stock, ours] = both(make, ['commit', '-m', 'x', '--', ...paths]);
      expect(ours).toEqual(stock);
    }
  });

  test.skipIf(!current)('a directory in the place of a file is no submodule', () => {
    const make = (): Sandbox => {
      const box = history();
      rmSync(box.path('b'));
      mkdirSync(box.path('b'));
      writeFileSync(box.path('b/inner'), 'inner\n');
      return box;
    };
    const [stock, ours] = both(make, ['commit', '-m', 'x', 'b']);
    expect([ours.code, ours.stderr]).toEqual([stock.code, stock.stderr]);
  });
});

describe('checkout and reset', () => {
  test.each(
    [
      ['-c', 'merge.conflictStyle=bad', 'checkout', 'other'],
      ['-c', 'checkout.workers=bad', 'checkout', '--', 'a'],
      ['checkout', '-m', 'other'],
      ['checkout', '-p', '--force', 'a'],
      ['checkout', '--merge', '-p', 'a'],
      ['checkout', '-l', '-b', 'logged'],
      ['checkout', '--recurse-submodules=x'],
      ['checkout', '--pathspec-from-file='],
      ['checkout', '-b', 'new', '../outside'],
      ['checkout', '-b', 'new', ''],
      ['checkout', '-b', 'main', 'HEAD'],
      ['checkout', '--orphan', 'main', 'HEAD~1', '--', '.'],
      ['checkout', '-f', '-m', 'a'],
      ['checkout', '-p', 'HEAD:a'],
      ['reset', '--keep', 'other'],
      ['reset', '--mixed', '-q', ':(bad)a'],
      ['read-tree', '-i', 'HEAD', 'nothere'],
      ['read-tree', '-u'],
      ['read-tree', '--index-output=/nowhere/x', 'HEAD'],
      ['read-tree', '--exclude-per-directory=.gitignore', '-m', '-u', 'HEAD'],
      ['read-tree', '-m', '-u', 'HEAD~1', 'main', 'other'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s', (_, args) => {
    if (!current && args.includes('--pathspec-from-file=')) return;
    const [stock, ours] = both(dirty, args);
    if (current) expect(ours).toEqual(stock);
    else expect([ours.code, ours.state]).toEqual([stock.code, stock.state]);
  });

  test.skipIf(!current)('checkout -m leaves an entry alone that is assumed unchanged', () => {
    const make = (): Sandbox => {
      const box = history();
      box.git(['update-index', '--assume-unchanged', 'a']);
      writeFileSync(box.path('a'), 'assumed\n');
      return box;
    };
    const [stock, ours] = both(make, ['checkout', '-m', 'other']);
    expect(ours).toEqual(stock);
    expect(ours.state).toContain('assumed\n');
  });
});

/** Older versions do not say what they leave out. */
describe.skipIf(!current)('add -e', () => {
  test.each(
    [
      ['add', '-e'],
      ['add', '-e', 'a'],
      ['add', '-e', 'nothere'],
      ['add', '-e', ':(bad)a'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s', (_, args) => {
    for (const make of [dirty, merging]) {
      const [stock, ours] = both(make, args);
      expect(ours).toEqual(stock);
    }
  });
});

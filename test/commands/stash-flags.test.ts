import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

const lines = (count: number, change: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: count }, (_, i) => `${change[i + 1] ?? `line ${i + 1}`}\n`).join('');

/** A stash of `hidden`; `assumed` is not looked at, `hidden` not checked out, a directory lies where `file` was. */
function flagged(): Sandbox {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  for (const name of ['assumed', 'hidden', 'seen', 'file']) writeFileSync(box.path(name), lines(12));
  box.git(['add', '.']);
  box.git(['commit', '-qm', 'first']);
  writeFileSync(box.path('hidden'), lines(12, { 3: 'stashed' }));
  box.git(['stash', '-q']);
  box.git(['update-index', '--assume-unchanged', 'assumed']);
  box.git(['update-index', '--skip-worktree', 'hidden']);
  writeFileSync(box.path('assumed'), 'assumed\n');
  rmSync(box.path('hidden'));
  writeFileSync(box.path('seen'), lines(12, { 2: 'two', 10: 'ten' }));
  rmSync(box.path('file'));
  mkdirSync(box.path('file'));
  writeFileSync(box.path('file/inner'), 'inner\n');
  return box;
}

/** What both programs say and leave; ids that hang on the clock are not among it. */
function both(make: () => Sandbox, args: readonly string[], input = ''): readonly [Answer, Answer] {
  return [0, 1].map((bough) => {
    const box = make();
    const ran = bough === 1 ? box.tryBough(args, { input }) : box.tryGit(args, { input });
    // Older versions of stock git write `(,prefix:0)`, and `git config NAME VALUE`.
    const plain = (text: string): string =>
      text
        .replaceAll(/\.stash\.\w{6}/g, '.stash.X')
        .replaceAll('(,prefix', '(prefix')
        .replaceAll('git config advice', 'git config set advice');
    const state = [
      ['ls-files', '-s', '-v'],
      ['status', '--porcelain'],
      ['ls-tree', '-r', 'stash'],
      ['ls-tree', '-r', 'stash^2'],
      ['stash', 'list'],
    ].map((words) => plain(box.tryGit(words).stdout));
    const files = ['assumed', 'hidden', 'seen', 'file'].map((name) => contentOf(box.path(name)));
    return { code: ran.code, stdout: plain(ran.stdout), stderr: plain(ran.stderr), state, files };
  }) as unknown as readonly [Answer, Answer];
}

const contentOf = (path: string): string | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? readFileSync(path, 'latin1') : stat && 'no file';
};

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('stash beside entries that are not looked at', () => {
  test.each(
    [
      ['push'],
      ['push', '-k'],
      ['push', '-k', '-u'],
      ['push', '-m', 'msg', '--', 'hidden', 'seen'],
      ['push', '--', 'seen'],
      ['create', 'some', 'words'],
      ['save', '--', 'seen'],
      ['save', 'words', '--', 'seen'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s', (_, args) => {
    const [stock, ours] = both(flagged, ['stash', ...args]);
    expect(ours).toEqual(stock);
  });

  test.each(['pop', 'apply'])('%s puts back what was not to be checked out', (verb) => {
    const make = (): Sandbox => {
      const box = flagged();
      writeFileSync(box.path('seen'), lines(12));
      rmSync(box.path('file'), { recursive: true });
      box.git(['checkout', '-q', 'file']);
      return box;
    };
    const [stock, ours] = both(make, ['stash', verb, '-q']);
    expect(ours).toEqual(stock);
    expect(ours.stdout).toContain('hidden -> hidden.stash.X');
  });

  test.skipIf(!current).each(['y\ny\n', 'n\ny\n', 'q\n'])('push -p, answered %j (needs git 2.55)', (input) => {
    const [stock, ours] = both(flagged, ['stash', 'push', '-p', '-U1'], input);
    expect(ours).toEqual(stock);
  });

  test.skipIf(!current)('a hunk without context is not taken (needs git 2.55)', () => {
    const [stock, ours] = both(flagged, ['stash', 'push', '-p', '-U0', 'seen'], 'y\nn\n');
    expect(ours).toEqual(stock);
    expect(ours.stderr).toContain('error: patch failed: seen:2\n');
  });
});

describe('words of stash', () => {
  test
    .skipIf(!current)
    .each(
      [
        ['export', '--print', 'bad'],
        ['export', '--print', '--', 'bad'],
        ['export', '--print', '-k'],
        ['export', '-h'],
        ['export', '--to-ref', 'refs/x'],
        ['import'],
        ['import', '--print'],
        ['push', '--inter-hunk-context=-2'],
        ['push', '-p', '--pathspec-from-file=x', 'seen'],
      ].map((args) => [args.join(' '), args] as const),
    )('%s (needs git 2.55)', (_, args) => {
    const [stock, ours] = both(flagged, ['stash', ...args]);
    const head = (text: string): string => text.replace(/\n\n {4}[\s\S]*/, '\n');
    expect({ ...ours, stdout: head(ours.stdout), stderr: head(ours.stderr) }).toEqual({
      ...stock,
      stdout: head(stock.stdout),
      stderr: head(stock.stderr),
    });
  });

  test.each(
    [
      ['branch', 'x', '--quiet'],
      ['clear', 'x', '--quiet'],
      ['store', '-q', 'main', '--oneline'],
      ['store', 'main', '--oneline'],
      ['save', 'x', '--pathspec-from-file=x'],
      ['push', 'hidden', '--', 'seen'],
      ['push', '--', ':(glob)none', ':!seen'],
      ['show', '--bad', 'a', 'b'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s', (_, args) => {
    const [stock, ours] = both(flagged, ['stash', ...args]);
    const head = (text: string): string => text.replace(/\n\n {4}[\s\S]*/, '\n');
    expect([ours.code, head(ours.stderr)]).toEqual([stock.code, head(stock.stderr)]);
  });
});

test('a submodule at another commit is no reason to stash', () => {
  const make = (): Sandbox => {
    const box = flagged();
    box.git(['init', '-q', '-b', 'main', 'module']);
    box.git(['-C', 'module', 'commit', '-q', '--allow-empty', '-m', 'one']);
    box.git(['checkout', '-q', 'seen']);
    box.git(['add', 'module']);
    box.git(['commit', '-qm', 'with module']);
    box.git(['-C', 'module', 'commit', '-q', '--allow-empty', '-m', 'two']);
    rmSync(box.path('file'), { recursive: true });
    box.git(['checkout', '-q', 'file']);
    return box;
  };
  const [stock, ours] = both(make, ['stash', 'push']);
  expect(ours).toEqual(stock);
  expect(ours.stdout).toBe('No local changes to save\n');
});

test('untracked files are shown along with the rest, and leave nothing behind', () => {
  const make = (): Sandbox => {
    const box = flagged();
    writeFileSync(box.path('new'), 'new\n');
    box.git(['stash', '-q', '-u']);
    return box;
  };
  for (const args of [['-u'], ['-p', '-u'], ['--only-untracked', '--stat']]) {
    const [stock, ours] = both(make, ['stash', 'show', ...args]);
    expect(ours).toEqual(stock);
  }
  const box = make();
  rmSync(box.path('file'), { recursive: true, force: true });
  box.git(['reset', '-q', '--hard']);
  writeFileSync(box.path('new'), 'new\n');
  box.git(['stash', '-q', '-u']);
  const before = box.git(['count-objects']);
  expect(box.bough(['stash', 'show', '-u', '--name-only'])).toContain('new\n');
  expect(box.git(['count-objects'])).toBe(before);
});

test('hunks of the index that do not fit any more are named', () => {
  const make = (): Sandbox => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main']);
    for (const name of ['seen', 'file']) writeFileSync(box.path(name), lines(30));
    box.git(['add', '.']);
    box.git(['commit', '-qm', 'first']);
    writeFileSync(box.path('seen'), lines(30, { 2: 'two', 25: 'twenty-five' }));
    writeFileSync(box.path('file'), lines(30, { 5: 'five' }));
    box.git(['add', '.']);
    writeFileSync(box.path('seen'), lines(30, { 2: 'two', 12: 'twelve', 25: 'twenty-five' }));
    box.git(['stash', '-q']);
    writeFileSync(box.path('seen'), lines(30, { 25: 'other' }));
    box.git(['rm', '-q', 'file']);
    box.git(['commit', '-qam', 'second']);
    return box;
  };
  const [stock, ours] = both(make, ['stash', 'apply', '--index']);
  expect(ours).toEqual(stock);
  expect(ours.stderr).toContain('error: patch failed: seen:22\n');
});

test('only untracked files can be named', () => {
  const make = (): Sandbox => {
    const box = flagged();
    writeFileSync(box.path('new'), 'new\n');
    return box;
  };
  const [stock, ours] = both(make, ['stash', 'push', '-u', '--', 'new']);
  expect(ours).toEqual(stock);
  expect(ours.code).toBe(0);
});

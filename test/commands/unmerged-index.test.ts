import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

/** `a` and `n` in conflict without a merge in progress; `b` changed, `gone` removed. */
function conflicted(): Sandbox {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  for (const [name, text] of [
    ['a', '1\n'],
    ['b', '2\n'],
    ['gone', '3\n'],
  ] as const)
    writeFileSync(box.path(name), text);
  box.git(['add', '.']);
  box.git(['commit', '-qm', 'first']);
  writeFileSync(box.path('b'), 'second\n');
  box.git(['commit', '-qam', 'second']);
  const [a, b] = ['a', 'b'].map((name) => box.git(['rev-parse', `:${name}`]).trim());
  box.git(['update-index', '--force-remove', 'a']);
  box.git(['update-index', '--index-info'], { input: `100644 ${b} 1\ta\n100644 ${a} 2\ta\n100644 ${a} 3\tn\n` });
  writeFileSync(box.path('b'), 'changed here\n');
  rmSync(box.path('gone'));
  return box;
}

/** What both programs say and leave. */
function both(make: () => Sandbox, args: readonly string[]): readonly [unknown, unknown] {
  return [0, 1].map((bough) => {
    const box = make();
    const { code, stdout, stderr } = bough === 1 ? box.tryBough(args) : box.tryGit(args);
    const state = [
      ['status', '--porcelain'],
      ['ls-files', '-s', '--resolve-undo'],
      ['log', '--raw', '-2'],
    ];
    return { code, stdout, stderr, state: state.map((words) => box.tryGit(words).stdout) };
  }) as unknown as readonly [unknown, unknown];
}

describe('beside conflicts', () => {
  test.each(
    [
      ['commit', '-m', 'x', '--', 'b'],
      ['commit', '-q', '-m', 'x', '--', 'b', 'gone'],
      ['commit', '--amend', '-m', 'x', '--', 'b'],
      ['commit', '--dry-run', '--', 'b'],
      ['commit', '-m', 'x', '--only', '--allow-empty'],
      ['commit', '-m', 'x', '--only', '--amend'],
      ['commit', '-m', 'x', '--include', '--allow-empty'],
      ['reset'],
      ['reset', '-q', 'HEAD~1'],
      ['reset', '-N'],
      ['reset', '--hard'],
      ['reset', '--', 'a'],
      ['switch', '--orphan', 'other'],
      ['switch', '-f', '--orphan', 'other'],
      ['switch', '-C', 'other'],
    ].map((args) => [args.join(' '), args] as const),
  )('%s', (_, args) => {
    const [stock, bough] = both(conflicted, args);
    expect(bough).toEqual(stock);
  });
});

describe('switch without a place to go to leaves the files', () => {
  const make = (): Sandbox => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main']);
    writeFileSync(box.path('b'), 'one\n');
    box.git(['add', '.']);
    box.git(['commit', '-qm', 'first']);
    writeFileSync(box.path('b'), 'changed\n');
    return box;
  };
  test.each(
    [
      ['-C', 'other'],
      ['-f', '-C', 'other'],
      ['-f', '-c', 'other'],
      ['-f', '--detach'],
      ['-m', '-C', 'other'],
      ['-C', 'main'],
    ].map((args) => [args.join(' '), args] as const),
  )('switch %s', (_, args) => {
    const [stock, bough] = both(make, ['switch', ...args]);
    expect(bough).toEqual(stock);
    expect(JSON.stringify(bough)).toContain(' M b');
  });
});

test.runIf(current)('what `checkout -m` could not carry over is listed by what the branch has (needs git 2.55)', () => {
  for (const kind of ['link', 'directory']) {
    const [stock, bough] = both(() => {
      const box = sandbox();
      box.git(['init', '-q', '-b', 'main']);
      writeFileSync(box.path('e'), '1\n');
      box.git(['add', '.']);
      box.git(['commit', '-qm', 'first']);
      box.git(['checkout', '-q', '-b', 'one']);
      box.git(['rm', '-q', 'e']);
      if (kind === 'link') symlinkSync('x', box.path('e'));
      else {
        mkdirSync(box.path('e'));
        writeFileSync(box.path('e/x'), 'x\n');
      }
      box.git(['add', '-A']);
      box.git(['commit', '-qm', 'other']);
      box.git(['checkout', '-q', 'main']);
      writeFileSync(box.path('e'), '1\n2\n');
      return box;
    }, ['checkout', '-m', 'one']);
    expect([kind, bough]).toEqual([kind, stock]);
  }
});

test('a word that is neither a revision nor a path is told as such, `:/text` and `:path` too', () => {
  const box = conflicted();
  for (const command of [['diff'], ['diff-files'], ['reset'], ['reset', '--soft'], ['reset', '-N']]) {
    for (const words of [[':/none'], [':none'], ['none'], [':a:'], ['HEAD:none'], ['b', 'none'], ['none', 'b']]) {
      if (command[0] === 'reset' && words[0] === 'b') continue;
      const args = [...command, ...words];
      const [stock, bough] = [box.tryGit(args), box.tryBough(args)].map(({ code, stdout, stderr }) => ({
        args,
        code,
        stdout,
        stderr,
      }));
      expect(bough).toEqual(stock);
      expect(bough!.code).toBe(128);
    }
  }
});

describe.runIf(current)('`add -u` tells of what it did before it refuses a word (needs git 2.55)', () => {
  test.each(
    [
      ['-n', '--', 'b', 'new'],
      ['-v', '--', 'new', 'b'],
      ['-v', '--', 'none', 'b'],
      ['-v', '--ignore-errors', '--', 'b', 'new'],
      ['-v', '--ignore-errors', '--', 'b', 'new', 'none'],
      ['-n', '--ignore-missing', '--', 'b', 'new', 'none'],
      ['-v', '--renormalize', '--', 'b', 'new'],
      ['-v', '-N', '--', 'b'],
    ].map((args) => [args.join(' '), args] as const),
  )('add -u %s', (_, args) => {
    const [stock, bough] = both(() => {
      const box = conflicted();
      writeFileSync(box.path('new'), 'new\n');
      return box;
    }, ['add', '-u', ...args]);
    expect(bough).toEqual(stock);
  });
});

test.runIf(current)('a stash whose index fits no more says which paths are not there (needs git 2.55)', () => {
  for (const args of [
    ['pop', '--index'],
    ['apply', '-q', '--index'],
  ]) {
    const [stock, bough] = both(() => {
      const box = sandbox();
      box.git(['init', '-q', '-b', 'main']);
      writeFileSync(box.path('a'), 'one\n');
      box.git(['add', '.']);
      box.git(['commit', '-qm', 'first']);
      writeFileSync(box.path('a'), 'two\n');
      box.git(['add', '.']);
      box.git(['stash', '-q']);
      box.git(['rm', '-q', 'a']);
      return box;
    }, ['stash', ...args]);
    expect([args, bough]).toEqual([args, stock]);
    expect(JSON.stringify(bough)).toContain('does not exist in index');
  }
});

test('on a branch yet to be born: conflicts hinder neither a commit of nothing nor another branch', () => {
  for (const args of [
    ['commit', '-m', 'x', '--only', '--allow-empty'],
    ['commit', '-q', '-m', 'x', '--', 'b'],
    ['switch', '--orphan', 'other'],
    ['reset'],
  ]) {
    const [stock, bough] = both(() => {
      const box = conflicted();
      box.git(['update-ref', '-d', 'HEAD']);
      return box;
    }, args);
    expect([args, bough]).toEqual([args, stock]);
  }
});

test.runIf(current)('a stash of untracked files alone leaves what undoes a resolution (needs git 2.55)', () => {
  for (const args of [[], ['--index'], ['stash@{1}']]) {
    const [stock, bough] = both(() => {
      const box = sandbox();
      box.git(['init', '-q', '-b', 'main']);
      writeFileSync(box.path('a'), 'one\n');
      writeFileSync(box.path('b'), 'two\n');
      box.git(['add', '.']);
      box.git(['commit', '-qm', 'first']);
      writeFileSync(box.path('b'), 'changed\n');
      box.git(['stash', '-q']);
      writeFileSync(box.path('new'), 'new\n');
      box.git(['stash', '-q', '-u']);
      const [a, b] = ['a', 'b'].map((name) => box.git(['rev-parse', `:${name}`]).trim());
      box.git(['update-index', '--force-remove', 'a']);
      box.git(['update-index', '--index-info'], { input: `100644 ${b} 1\ta\n100644 ${a} 2\ta\n` });
      box.git(['add', 'a']);
      return box;
    }, ['stash', 'apply', '-q', ...args]);
    expect([args, bough]).toEqual([args, stock]);
  }
});

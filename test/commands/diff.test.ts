import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/base/bytes.js';
import { editLines, joinLines, makeLines, type TextShape } from '../diff/texts.js';
import { Random } from '../support/random.js';
import { current } from '../support/version.js';
import { sandbox, type Sandbox } from '../support/sandbox.js';

const names = ['a', 'b.c', 'd/e', 'd/f g', 'd/h/i', 'ä', 'z"q', 'k.sh', 'm.py'];
const shape: TextShape = { lines: 40, alphabet: 4000, spaces: true };
/** Writes random files; a second call changes, moves and removes some. */
class Scene {
  private readonly files = new Map<string, string[]>();

  constructor(
    private readonly box: Sandbox,
    private readonly random: Random,
  ) {}

  private write(name: string, lines: readonly string[]): void {
    const path = this.box.path('r', name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    writeFileSync(path, encodeText(`${joinLines(this.random, lines)}\n`));
  }

  create(): void {
    for (const name of names) {
      if (this.random.oneIn(4)) continue;
      const lines = makeLines(this.random, shape);
      this.files.set(name, lines);
      this.write(name, lines);
    }
    writeFileSync(this.box.path('r', 'bin'), Uint8Array.of(0, 1, 2, 3));
  }

  change(): void {
    const { random, box } = this;
    for (const [name, lines] of [...this.files]) {
      const kind = random.below(8);
      const path = box.path('r', name);
      if (kind === 0) {
        rmSync(path);
        this.files.delete(name);
      } else if (kind === 1) {
        const moved = `moved-${this.files.size}-${random.below(100)}`;
        renameSync(path, box.path('r', moved));
        this.files.delete(name);
        this.files.set(moved, lines);
      } else if (kind === 2) {
        chmodSync(path, 0o755);
      } else if (kind === 3 && random.oneIn(3)) {
        rmSync(path);
        symlinkSync('target', path);
        this.files.delete(name);
      } else if (kind < 7) {
        const edited = editLines(random, lines, shape, 5);
        this.files.set(name, edited);
        this.write(name, edited);
      }
    }
    if (random.oneIn(3)) writeFileSync(box.path('r', 'bin'), Uint8Array.of(0, random.below(200), 9));
    if (random.oneIn(2)) {
      const lines = makeLines(random, shape);
      this.files.set('fresh', lines);
      this.write('fresh', lines);
    }
  }
}

function scene(seed: number): { box: Sandbox; scene: Scene } {
  const box = sandbox();
  box.git(['init', '-q', 'r']);
  box.git(['config', 'core.abbrev', '10'], { cwd: 'r' });
  const made = new Scene(box, new Random(seed));
  made.create();
  box.git(['add', '-A'], { cwd: 'r' });
  box.git(['commit', '-q', '-m', 'one'], { cwd: 'r' });
  return { box, scene: made };
}

function same(box: Sandbox, args: readonly string[]): void {
  const expected = box.tryGit(args, { cwd: 'r' });
  const got = box.tryBough(args, { cwd: 'r' });
  expect({ code: got.code, out: got.raw.toString('latin1'), err: got.stderr }, args.join(' ')).toEqual({
    code: expected.code,
    out: expected.raw.toString('latin1'),
    err: expected.stderr,
  });
}

const forms: readonly (readonly string[])[] = [
  [],
  ['--raw', '-M'],
  ['-C', '--find-copies-harder', '--name-status'],
  ['-p', '--stat', '--summary', '-M', '-B'],
  ['--numstat', '-z'],
  ['--shortstat', '--dirstat=files,1'],
  ['--compact-summary'],
  ['-w', '--ignore-blank-lines'],
  ['-U0', '--inter-hunk-context=2', '--patience'],
  ['-W', '-R', '--no-prefix'],
  ['--word-diff=plain'],
  ['--word-diff=porcelain', '--word-diff-regex=[a-z0-9]+|.'],
  ['--color=always', '--color-moved=dimmed-zebra', '--ws-error-highlight=all'],
  ['--color-words', '-D'],
  ['--check'],
  ['--diff-filter=AM', '--name-only'],
  ['-Sl1', '--pickaxe-all', '--stat'],
  ['-G', 'l[0-9]2', '--raw'],
  ['--exit-code', '--quiet'],
  ['--full-index', '--line-prefix=> ', '--', 'd', ':!d/e'],
  ['--relative=d', '--stat'],
  ['--output-indicator-new=>', '--output-indicator-old=<', '-I', 'l1', '--ignore-space-at-eol'],
];

describe('diff of commits, index and work tree is git’s', () => {
  it('between two commits', () => {
    const { box, scene: files } = scene(1);
    files.change();
    box.git(['add', '-A'], { cwd: 'r' });
    box.git(['commit', '-q', '-m', 'two'], { cwd: 'r' });
    for (const form of forms) same(box, ['diff', 'HEAD~', 'HEAD', ...form]);
    same(box, ['diff-tree', '-r', '--root', 'HEAD~']);
    same(box, ['diff-tree', '-t', '-p', 'HEAD']);
    same(box, ['diff-tree', '--no-commit-id', '--stat', 'HEAD']);
    same(box, ['diff', 'HEAD~..']);
    same(box, ['diff', 'HEAD~:bin', 'HEAD:bin']);
    same(box, ['diff', 'nothing']);
  });

  it('against index and work tree', () => {
    const { box, scene: files } = scene(2);
    files.change();
    box.git(['add', '-A'], { cwd: 'r' });
    files.change();
    for (const form of forms) same(box, ['diff', ...form]);
    for (const form of forms.slice(0, 4)) {
      same(box, ['diff', '--cached', ...form]);
      same(box, ['diff', 'HEAD', ...form]);
      same(box, ['diff-files', ...form]);
      same(box, ['diff-index', 'HEAD', ...form]);
      same(box, ['diff-index', '--cached', 'HEAD', ...form]);
    }
  });

  it('in a conflict', () => {
    const { box } = scene(3);
    const write = (text: string): void => writeFileSync(box.path('r', 'conflict'), text);
    const commit = (text: string): void => {
      write(text);
      box.git(['add', '-A'], { cwd: 'r' });
      box.git(['commit', '-q', '-m', text.slice(0, 5)], { cwd: 'r' });
    };
    commit('1\n2\n3\n4\n5\n6\n7\n8\n');
    box.git(['branch', 'side'], { cwd: 'r' });
    commit('1\ntwo\n3\n4\n5\n6\n7\n8\n');
    box.git(['checkout', '-q', 'side'], { cwd: 'r' });
    commit('1\n2 and\n3\n4\n5\n6\n7\neight\n');
    box.tryGit(['merge', '-q', '-'], { cwd: 'r' });
    for (const args of [[], ['--raw'], ['-1'], ['--ours'], ['--theirs', '--numstat'], ['-c'], ['HEAD'], ['--cached']])
      same(box, ['diff', ...args]);
    same(box, ['diff-files']);
    write('1\ntwo and\n3\n4\n5\n6\n7\neight\n');
    box.git(['commit', '-q', '-a', '-m', 'merged'], { cwd: 'r' });
    for (const args of [['--cc'], ['-c', '--raw'], ['-m', '-r'], ['--cc', '--stat', '-p']])
      same(box, ['diff-tree', ...args, 'HEAD']);
    same(box, ['diff', 'HEAD^!']);
  });

  it('without an index', () => {
    const { box, scene: files } = scene(4);
    box.git(['clone', '-q', 'r', 'copy']);
    files.change();
    for (const form of [[], ['--stat'], ['--name-status', '-M'], ['-R', '-w']])
      same(box, ['diff', '--no-index', ...form, 'd', '../copy/d']);
    writeFileSync(box.path('x'), 'a\nb\n');
    writeFileSync(box.path('y'), 'a\nc\n');
    same(box, ['diff', '--no-index', '../x', '../y']);
    same(box, ['diff', '--no-index', '../x', '../x']);
  });
});

it('diff-tree of what is no commit, and diff of two names of one blob', () => {
  const box = sandbox();
  box.git(['init', '-q']);
  writeFileSync(box.path('a'), 'one\n');
  writeFileSync(box.path('b'), 'one\n');
  box.git(['add', '.']);
  box.git(['commit', '-q', '-m', 'one']);
  box.git(['tag', '-a', '-m', 'tree', 'tree', 'HEAD^{tree}']);
  // Older versions name the object without brackets.
  const tree = (text: string): string => text.replace(/tree ([0-9a-f]{40})$/m, 'tree ($1)');
  for (const args of [
    ['diff-tree', 'HEAD^{tree}'],
    // Older versions name the tree that the tag names.
    ...(current ? [['diff-tree', 'tree']] : []),
    ['diff-tree', 'HEAD:a'],
    ['diff-tree', 'HEAD^{tree}', 'HEAD'],
    ['diff-tree', 'HEAD:a', 'HEAD'],
    ['diff-tree', '1'.repeat(40)],
    ['diff', '--raw', '--exit-code', ':a', ':b'],
    ['diff', '--exit-code', 'HEAD:a', 'HEAD:b'],
  ]) {
    const { code, stdout, stderr } = box.tryBough(args);
    const theirs = box.tryGit(args);
    expect([args, code, stdout, stderr]).toEqual([args, theirs.code, theirs.stdout, tree(theirs.stderr)]);
  }
});

it('gives text conversions a file as it would lie in the work tree, whatever the command', () => {
  const box = sandbox();
  box.git(['init', '-q']);
  box.git(['config', 'filter.case.clean', 'tr a-z A-Z']);
  box.git(['config', 'filter.case.smudge', 'tr A-Z a-z']);
  box.git(['config', 'diff.text.textconv', 'sed s/^/:/ <']);
  box.git(['config', 'diff.program.command', 'sh -c \'cat "$2" "$5"\' program']);
  writeFileSync(box.path('.gitattributes'), '*.text filter=case diff=text\n*.program filter=case diff=program\n');
  const commit = (text: string): void => {
    for (const name of ['a.text', 'a.program']) writeFileSync(box.path(name), text);
    box.git(['add', '.']);
    box.git(['commit', '-q', '-m', text.trim()]);
  };
  commit('hello\n');
  commit('hello\nmore\n');
  for (const name of ['a.text', 'a.program']) writeFileSync(box.path(name), 'hello\nmore\nlocal\n');
  for (const args of [
    ['diff'],
    ['diff', 'HEAD~'],
    ['diff', '--cached', 'HEAD~'],
    ['show', '--format=%s'],
    ['show', '--textconv', 'HEAD:a.text'],
    ['show', 'HEAD:a.text'],
    ['log', '-p', '--format=%s', '--', 'a.text'],
    ['log', '-p', '--ext-diff', '--format=%s'],
    ['log', '-S', ':more', '--format=%s'],
    ['log', '-G', ':hello', '--format=%s'],
    ['diff-tree', '-p', '--textconv', 'HEAD'],
    ['cat-file', '--textconv', 'HEAD:a.text'],
    ['cat-file', '--filters', 'HEAD:a.text'],
    ['blame', '-s', 'HEAD', '--', 'a.text'],
    ['grep', '--textconv', ':hello', 'HEAD'],
  ]) {
    const { code, stdout } = box.tryBough(args);
    const theirs = box.tryGit(args);
    expect([args, code, stdout]).toEqual([args, theirs.code, theirs.stdout]);
  }
});

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, test } from 'vitest';
import { nodeFileSystem } from '../../src/platform/node/fs.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import type { Platform } from '../../src/platform/platform.js';
import { openRepository } from '../../src/repo/repository.js';
import { parseIndex } from '../../src/worktree/index-parse.js';
import { readStatus } from '../../src/worktree/status.js';
import type { CachedDirectory } from '../../src/worktree/untracked-cache.js';
import { parseUntrackedCache, serializeUntrackedCache } from '../../src/worktree/untracked-cache.js';
import { WorkTree } from '../../src/worktree/work-tree.js';
import { Random } from '../support/random.js';
import type { Sandbox } from '../support/sandbox.js';
import { sandbox } from '../support/sandbox.js';

/** What the cache of an index says, but for times; and it is written again as it was read. */
function dump(directory: string, hash: 'sha1' | 'sha256'): string {
  const { untrackedExtension: data } = parseIndex(readFileSync(join(directory, '.git/index')), hash);
  if (data === undefined) return 'none';
  const cache = parseUntrackedCache(data, hash === 'sha1' ? 20 : 32)!;
  expect(Buffer.from(serializeUntrackedCache(cache)).equals(data)).toBe(true);
  const lines = [`${cache.info.oid} ${cache.user.oid} ${cache.perDirectory} ${cache.flags}`];
  const show = (one: CachedDirectory, path: string): void => {
    // Of a directory that is only asked whether it has something, the first that is met is known: any order will do.
    const names = one.checkOnly ? `${one.untracked.length} names` : [...one.untracked].sort().join(' ');
    lines.push(`${path} ${one.rules} ${one.checkOnly ? 'check ' : ''}${one.valid ? 'valid' : ''} ${names}`);
    // Which directories were come by before that hangs on the order as well.
    if (!one.checkOnly) for (const each of one.directories) show(each, `${path}${each.name}/`);
  };
  if (cache.root !== undefined) show(cache.root, '/');
  return lines.join('\n');
}

const paths = ['a', 'b', 'd/a', 'd/b.o', 'd/e/f', 'd/e/g.o', 'n/a', 'n/b', 'n/n/n', 'x.o', 'y/x.o', 'z/z/z'];

function put(box: Sandbox, copies: readonly string[], path: string, text: string): void {
  for (const copy of copies) {
    const file = box.path(copy, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    } catch {
      // A file stands in the way, in both copies.
    }
  }
}

/**
 * Stock git compares the times of directories by the second: each that has changed is given a time of its own, so that
 * what it answers does not hang on the clock.
 */
let stamps = 1_600_000_000;
function settle(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== '.git') settle(join(directory, entry.name));
  }
  if (statSync(directory).mtimeMs > 1_700_000_000_000) utimesSync(directory, stamps, stamps++);
}

const seeds = (process.env['BOUGH_UNTRACKED_SEEDS'] ?? '1').split('-').map(Number);
const steps = Number(process.env['BOUGH_UNTRACKED_STEPS'] ?? 24);

for (let seed = seeds[0]!; seed <= (seeds[1] ?? seeds[0]!); seed++) {
  it(`keeps the same cache as stock git over ${steps} steps, seed ${seed}`, { timeout: 3_600_000 }, ({ skip }) => {
    const box = sandbox();
    const random = new Random(seed);
    const hash = seed % 2 === 1 ? 'sha1' : 'sha256';
    const copies = ['stock', 'bough'];
    const run = (copy: string, args: readonly string[]) =>
      copy === 'stock' ? box.tryGit(args, { cwd: copy }) : box.tryBough(args, { cwd: copy });
    const all = seed % 3 === 0;
    for (const copy of copies) {
      box.git(['init', '-q', '-b', 'main', `--object-format=${hash}`, copy]);
      box.git(['config', 'core.untrackedCache', 'true'], { cwd: copy });
      if (all) box.git(['config', 'status.showUntrackedFiles', 'all'], { cwd: copy });
      box.git(['config', 'core.excludesFile', box.path('excludes')], { cwd: copy });
      writeFileSync(box.path(copy, 'a'), 'a\n');
      box.git(['add', 'a'], { cwd: copy });
      box.git(['commit', '-qm', 'first'], { cwd: copy });
      box.git(['branch', 'other'], { cwd: copy });
    }
    for (let step = 0; step < steps; step++) {
      const path = random.pick(paths);
      const rules = random.pick(['*.o\n', 'n/\n', 'd\n!d/e\n', '/b\n', 'a\n', '', 'y/x*\n']);
      switch (random.below(9)) {
        case 0:
          put(box, copies, random.pick(['.gitignore', 'd/.gitignore', 'n/.gitignore']), rules);
          break;
        case 1:
          put(box, copies, '.git/info/exclude', rules);
          break;
        case 2:
          writeFileSync(box.path('excludes'), rules);
          break;
        case 3:
          for (const copy of copies) rmSync(box.path(copy, path), { recursive: true, force: true });
          break;
        case 4:
          for (const copy of copies) {
            rmSync(box.path(copy, 'link'), { force: true });
            symlinkSync('d', box.path(copy, 'link'));
          }
          break;
        default:
          put(box, copies, path, `${step}\n`);
      }
      const command = random.pick([
        ['add', '-f', path],
        ['add', '-A'],
        ['rm', '-q', '--cached', path],
        ['mv', path, random.pick(paths)],
        ['commit', '-qam', 'more'],
        ['reset', '-q', '--hard'],
        ['reset', '-q', 'other'],
        ['checkout', '-q', random.pick(['main', 'other'])],
        ['stash', '-u', '-q'],
        ['clean', '-fdq'],
        ['update-index', random.pick(['--untracked-cache', '--no-untracked-cache', '--force-untracked-cache'])],
        ['status', '-s'],
      ]);
      for (const copy of copies) settle(box.path(copy));
      for (const args of [command, ['status', '--porcelain'], ['status', '--porcelain', '-uall', '-b']]) {
        const told = `step ${step}: ${args.join(' ')} (${command.join(' ')})`;
        const answers = copies.map((copy) => run(copy, args));
        for (const copy of copies) settle(box.path(copy));
        const without = { env: { GIT_DISABLE_UNTRACKED_CACHE: '1', GIT_OPTIONAL_LOCKS: '0' } };
        if (args[0] === 'status') {
          const truth = box.git(args, { cwd: 'stock', ...without });
          expect(answers[1]!.stdout, told).toBe(truth);
          // Where the rules in an untracked directory change, stock git goes on naming it, and the caches part.
          skip(answers[0]!.stdout !== truth, `stock git is wrong at ${told}`);
        }
        expect({ code: answers[1]!.code, out: answers[1]!.stdout }, told).toEqual({
          code: answers[0]!.code,
          out: answers[0]!.stdout,
        });
        if (args[0] !== 'status') continue;
        const plain = box.bough(args, { cwd: 'bough', ...without });
        expect(answers[1]!.stdout, told).toBe(plain);
        expect(dump(box.path('bough'), hash), told).toBe(dump(box.path('stock'), hash));
      }
    }
  });
}

test('status by a warm cache reads no directory', { retry: 3 }, async () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  const directories = Array.from({ length: 30 }, (_, i) => `d${i % 5}/e${i}`);
  for (const directory of directories) {
    mkdirSync(box.path(directory), { recursive: true });
    for (const name of ['tracked', 'new']) writeFileSync(box.path(directory, name), 'x\n');
  }
  writeFileSync(box.path('.gitignore'), 'd0/\n');
  box.git(['add', '.gitignore', '*/tracked']);
  const old = 1_600_000_000;
  for (const path of [...directories.flatMap((one) => [one, dirname(one)]), '.']) utimesSync(box.path(path), old, old);
  const cached = ['-c', 'core.untrackedCache=true', 'status', '--porcelain'];
  const first = box.bough(cached);

  const calls = new Map<string, number>();
  const fs = new Proxy(nodeFileSystem, {
    get(target, name: string) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  const platform = Object.create(nodePlatform, { fs: { value: fs } }) as Platform;
  const repository = openRepository({ platform, env: box.env, cwd: box.directory });
  const tree = new WorkTree(repository);
  expect(tree.index.count).toBe(25);
  calls.clear();
  const status = await readStatus(tree, { head: undefined });
  expect(calls.get('readNames') ?? 0).toBe(0);
  expect(calls.get('readDirectory') ?? 0).toBe(0);
  // The rules at the top, and those of the repository.
  expect(calls.get('readFile')).toBe(2);
  expect(status.untracked.map((path) => `?? ${path}\n`).join('')).toBe(first.replace(/^[^?].*\n/gm, ''));
  // One more file in one directory: that one is read, and nothing else.
  writeFileSync(box.path('d3/e3/more'), 'x\n');
  rmSync(box.path('d3/e3/new'));
  calls.clear();
  const after = await readStatus(new WorkTree(repository), { head: undefined });
  expect(calls.get('readDirectory')).toBe(1);
  expect(after.untracked).toContain('d3/e3/more');
  expect(after.untracked).not.toContain('d3/e3/new');
});

test('a directory whose own rules come to ignore all of it is named no more', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  box.git(['config', 'core.untrackedCache', 'true']);
  mkdirSync(box.path('d'));
  for (const name of ['.gitignore', 'a']) writeFileSync(box.path('d', name), '');
  for (const path of ['d', '.']) utimesSync(box.path(path), 1_600_000_000, 1_600_000_000);
  expect(box.bough(['status', '--porcelain'])).toBe('?? d/\n');
  // No name in the directory changes by this.
  writeFileSync(box.path('d/.gitignore'), '*\n');
  expect(box.bough(['status', '--porcelain'])).toBe('');
});

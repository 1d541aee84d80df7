import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeHistory } from '../support/history.js';
import { Random } from '../support/random.js';
import { sharedSandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

const box = sharedSandbox();
afterAll(() => box.remove());

const SIZE = 130;
const paths = ['a', 'b', 'dir/a', 'dir/b', 'dir/deep/c', 'other/x/y', 'other/z'];
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const sorted = (text: string): string => lines(text).sort().join('\n');
let made = 0;

function history(random: Random, format: string): string {
  const cwd = `r${made++}`;
  makeHistory(box, cwd, { random, format, size: SIZE, paths });
  box.git(['symbolic-ref', 'HEAD', `refs/heads/c${SIZE - 1}`], { cwd });
  box.git(['tag', '-a', '-m', 'a tag', 'tag', `c${SIZE - 2}`], { cwd });
  box.git(['tag', '-a', '-m', 'of a blob', 'blob', `c${SIZE - 2}:`.replace(/:$/, '^{tree}')], { cwd });
  return cwd;
}

/** Commits that came after the bitmaps were written, loose. */
function grow(random: Random, cwd: string): void {
  const tree = box.git(['rev-parse', `c${random.below(SIZE)}^{tree}`], { cwd }).trim();
  const blob = box.git(['hash-object', '-w', '--stdin'], { cwd, input: `new ${random.next()}\n` }).trim();
  const entries = box.git(['ls-tree', tree], { cwd });
  const newTree = box.git(['mktree'], { cwd, input: `${entries}100644 blob ${blob}\tzzz\n` }).trim();
  const parents = ['-p', `c${SIZE - 1}`, '-p', `c${random.below(SIZE - 1)}`];
  const commit = box.git(['commit-tree', newTree, ...parents, '-m', 'new'], { cwd }).trim();
  box.git(['update-ref', 'refs/heads/new', commit], { cwd });
}

/** Asks questions with bitmaps, and what they should answer without. */
function ask(random: Random, cwd: string): void {
  const branch = (): string => `c${random.below(SIZE)}`;
  const ranges = [['--all'], ['new'], [branch(), `^${branch()}`], [`${branch()}...new`, 'tag']];
  for (const range of ranges) {
    for (const words of [['--count'], ['--objects'], ['--count', '--objects', '--filter=blob:none']]) {
      const args = [...words, ...range];
      // Without bitmaps more is listed at the edges of a range than need be.
      const plain = box.git(['rev-list', '--use-bitmap-index', '--no-object-names', ...args], { cwd });
      const ours = box.bough(['rev-list', '--use-bitmap-index', ...args], { cwd });
      expect(sorted(ours), args.join(' ')).toBe(sorted(plain));
    }
  }
}

/** The same, of stock git. */
function askStock(cwd: string): void {
  for (const words of [
    ['--count', '--objects', '--all'],
    ['--objects', 'new'],
  ]) {
    const plain = box.git(['rev-list', '--no-object-names', ...words], { cwd });
    expect(sorted(box.git(['rev-list', '--use-bitmap-index', ...words], { cwd }))).toBe(sorted(plain));
  }
}

const bitmapOf = (cwd: string): string | undefined =>
  readdirSync(box.path(cwd, 'objects/pack')).find((name) => name.endsWith('.bitmap'));

describe('bitmaps', () => {
  for (const format of ['sha1', 'sha256']) {
    for (const form of ['pack', 'midx'] as const) {
      it(`are read whoever wrote them: ${form}, ${format}`, () => {
        const random = new Random(form.length + format.length);
        const writers =
          format === 'sha256'
            ? ([['bough', 'true', 'true']] as const)
            : ([
                ['git', 'true', 'true'],
                ['bough', 'false', 'false'],
              ] as const);
        for (const [writer, table, cache] of writers) {
          const cwd = history(random, format);
          const config = ['-c', `pack.writeBitmapLookupTable=${table}`, '-c', `pack.writeBitmapHashCache=${cache}`];
          if (form === 'pack') box[writer]([...config, 'repack', '-adbq'], { cwd });
          else {
            box.git(['repack', '-adq'], { cwd });
            grow(random, cwd);
            box.git(['repack', '-dq'], { cwd });
            box[writer]([...config, 'multi-pack-index', 'write', '--bitmap'], { cwd });
          }
          expect(bitmapOf(cwd)).toMatch(form === 'pack' ? /^pack-/ : /^multi-pack-index-/);
          box.git(['rev-list', '--test-bitmap', 'HEAD'], { cwd });
          box.bough(['rev-list', '--test-bitmap', 'HEAD'], { cwd });
          if (form === 'midx') box.git(['multi-pack-index', 'verify'], { cwd });
          grow(random, cwd);
          ask(random, cwd);
          askStock(cwd);
          // Packs made by them hold what a walk finds.
          const [fresh, tag, old] = lines(box.git(['rev-parse', 'new', 'tag', 'c3'], { cwd }));
          for (const [reuse, ...options] of [['false'], ['single'], ['multi', '--delta-base-offset']] as const) {
            const pack = box.run(
              process.execPath,
              [
                join(process.cwd(), 'bin/git'),
                '-c',
                `pack.allowPackReuse=${reuse}`,
                'pack-objects',
                '--revs',
                '--stdout',
                '--progress',
                ...options,
              ],
              { cwd, input: `${fresh}\n${tag}\n--not\n${old}\n` },
            );
            expect(pack.code).toBe(0);
            const target = `t${made++}`;
            box.git(['init', '-q', '--bare', `--object-format=${format}`, target]);
            const [name] = /[0-9a-f]{40,64}/.exec(
              box.run('git', ['index-pack', '--stdin', '--fix-thin'], { cwd: target, input: pack.raw }).stdout,
            ) ?? [''];
            const listed = lines(
              box.git(['show-index', `--object-format=${format}`], {
                cwd: target,
                input: box.run('cat', [`objects/pack/pack-${name}.idx`], { cwd: target }).raw,
              }),
            ).map((line) => line.split(' ')[1]!);
            const all = (...tips: string[]): string[] =>
              lines(box.git(['rev-list', '--objects', '--no-object-names', ...tips], { cwd }));
            const there = new Set(all('c3'));
            const expected = all('new', 'tag').filter((oid) => !there.has(oid));
            expect(listed.sort()).toEqual(expected.sort());
            // The first pack of several may hold nothing of what is asked for.
            if (form === 'pack' || reuse !== 'single') {
              expect(/pack-reused 0 /.test(pack.stderr)).toBe(reuse === 'false');
            }
          }
        }
      }, 240_000);
    }
  }

  it('are written by pack-objects, of commits that are preferred', () => {
    const random = new Random(8);
    const cwd = history(random, 'sha1');
    box.git(['repack', '-adq'], { cwd });
    const write = (...config: string[]): void => {
      const old = bitmapOf(cwd);
      if (old !== undefined) rmSync(box.path(cwd, 'objects/pack', old));
      const base = `objects/pack/pack${made++}`;
      box.bough([...config, 'pack-objects', '--all', '--write-bitmap-index', '-q', base], { cwd, input: '' });
    };
    const has = (oid: string): boolean => box.tryBough(['rev-list', '--test-bitmap', oid], { cwd }).code === 0;
    write();
    const [newest, ...older] = lines(box.git(['rev-list', '--all', '--date-order'], { cwd }));
    expect(has(newest!)).toBe(true);
    // The newest hundred all have one.
    const without = older.slice(98).find((oid) => !has(oid))!;
    box.git(['update-ref', 'refs/tags/wanted/one', without], { cwd });
    write('-c', 'pack.preferBitmapTips=refs/tags/wanted');
    expect(has(without)).toBe(true);
    box.git(['rev-list', '--test-bitmap', without], { cwd });
  }, 240_000);

  it.skipIf(!current)(
    'of several commits together are read whoever wrote them (needs git 2.55)',
    () => {
      const random = new Random(21);
      const trace = box.path('trace');
      for (const format of ['sha1', 'sha256']) {
        const cwd = history(random, format);
        const settings = [
          ['all.pattern', 'refs/'],
          ['all.maxMerges', '6'],
          ['all.decay', '0.5'],
          ['all.stableThreshold', 'never'],
          ['some.pattern', 'refs/heads/c([0-9])'],
          ['some.stableThreshold', 'now'],
          ['some.threshold', 'now'],
          ['some.stableSize', '3'],
        ];
        for (const [key, value] of settings) box.git(['config', `bitmapPseudoMerge.${key!}`, value!], { cwd });
        for (const writer of ['bough', 'git'] as const) {
          for (const words of [
            ['repack', '-adbfq'],
            ['multi-pack-index', 'write', '--bitmap'],
          ]) {
            rmSync(box.path(cwd, 'objects/pack', bitmapOf(cwd) ?? 'none'), { force: true });
            box[writer](words, { cwd });
            for (const tips of [
              ['--all'],
              [`c${random.below(SIZE)}`, '--branches=c1*'],
              ['--all', `^c${random.below(SIZE)}`],
            ]) {
              const list = ['rev-list', '--objects', '--no-object-names', ...tips];
              const plain = sorted(box.git(list, { cwd }));
              for (const reader of ['bough', 'git'] as const) {
                rmSync(trace, { force: true });
                const env = { GIT_TRACE2_EVENT: trace };
                const listed = sorted(box[reader]([...list, '--use-bitmap-index'], { cwd, env }));
                const what = [format, writer, ...words, reader, ...tips].join(' ');
                if (tips.length === 1) expect(listed, what).toBe(plain);
                else expect(lines(plain), what).toEqual(expect.arrayContaining(lines(listed)));
                const satisfied = /"pseudo_merges_satisfied","value":"(\d+)"/.exec(readFileSync(trace, 'utf8'));
                if (tips[0] === '--all') expect(Number(satisfied![1]), what).toBeGreaterThan(3);
              }
            }
          }
          box.git(['rev-list', '--test-bitmap', 'HEAD'], { cwd });
        }
        for (const wrong of ['threshold', 'stableSize', 'maxMerges']) {
          const args = ['-c', `bitmapPseudoMerge.bad.${wrong}=-3`, 'repack', '-adbfq'];
          expect(box.tryBough(args, { cwd }), wrong).toEqual(box.tryGit(args, { cwd }));
        }
      }
    },
    240_000,
  );

  it('serve clones, of both programs', () => {
    const random = new Random(3);
    const cwd = history(random, 'sha1');
    box.bough(['repack', '-adbq'], { cwd });
    grow(random, cwd);
    for (const program of ['git', 'bough'] as const) {
      const target = `clone-${program}`;
      const upload = `${process.execPath} ${join(process.cwd(), 'bin/git')} upload-pack`;
      box[program](['clone', '-q', '--bare', '-u', upload, `file://${box.path(cwd)}`, target]);
      box.fsck(target);
      expect(box.git(['rev-list', '--all', '--count'], { cwd: target })).toBe(
        box.git(['rev-list', '--all', '--count'], { cwd }),
      );
    }
  }, 300_000);
});

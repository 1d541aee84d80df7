import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { makeHistory } from '../support/history.js';
import { Random } from '../support/random.js';
import { sharedSandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

const box = sharedSandbox();
afterAll(() => box.remove());

const SIZE = 84;
const paths = ['a', 'b', 'dir/a', 'dir/b', 'dir/deep/c'];
let made = 0;

/** A repository whose commits lie in packs, some of which share objects; answers the names of their indexes. */
function packed(random: Random, format: string): { cwd: string; packs: string[] } {
  const cwd = `r${made++}`;
  makeHistory(box, cwd, { random, format, size: SIZE, paths });
  const loose = `${cwd}/objects/pack`;
  const before = readdirSync(box.path(loose)).filter((name) => name.endsWith('.idx'));
  const packs: string[] = [];
  for (let from = 0; from < SIZE; from += 12) {
    const wanted = Array.from({ length: 12 }, (_, i) => `c${from + i}\n`).join('');
    // What a pack holds is held by later ones, too, now and then: every commit before is excluded, or only some.
    const out = Array.from({ length: from }, (_, i) => (from < 40 || random.below(4) > 0 ? `^c${i}\n` : '')).join('');
    const sum = box.git(['pack-objects', '-q', '--revs', 'objects/pack/pack'], { cwd, input: wanted + out }).trim();
    const time = 1700000000 + ((packs.length * 7) % 10);
    utimesSync(box.path(loose, `pack-${sum}.pack`), time, time);
    packs.push(`pack-${sum}.idx`);
  }
  for (const name of before) {
    for (const end of ['idx', 'pack', 'rev']) rmSync(box.path(loose, `${name.slice(0, -3)}${end}`), { force: true });
  }
  return { cwd, packs };
}

const directory = (cwd: string): string => box.path(cwd, 'objects/pack/multi-pack-index.d');
const chain = (cwd: string): string[] =>
  readFileSync(`${directory(cwd)}/multi-pack-index-chain`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

/** Every file of a multi-pack-index, without bitmaps (which commits have some is each program's own choice). */
function files(cwd: string): Record<string, string> {
  const answer: Record<string, string> = {};
  for (const folder of [box.path(cwd, 'objects/pack'), directory(cwd)]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      if (!/^multi-pack-index(?:-.*\.midx|-chain)?$/.test(name)) continue;
      answer[name] = createHash('sha1')
        .update(readFileSync(`${folder}/${name}`))
        .digest('hex');
    }
  }
  return answer;
}

/** One random command about layers, and its input. */
function step(
  random: Random,
  layers: readonly string[],
  packs: readonly string[],
  bitmap: boolean,
): [string[], string] {
  const bit = bitmap ? ['--bitmap'] : [];
  if (layers.length > 2 && random.below(2) === 0) {
    const from = random.below(layers.length - 1);
    const to = from + 1 + random.below(layers.length - from - 1);
    const base = !bitmap && random.below(3) === 0 ? [`--base=${from === 0 ? 'none' : layers[random.below(from)]}`] : [];
    const mode = random.below(8) === 0 ? '--no-write-chain-file' : '--write-chain-file';
    return [['compact', '--incremental', mode, ...bit, ...base, layers[from]!, layers[to]!], ''];
  }
  const preferred = bitmap ? [`--preferred-pack=${packs[packs.length - 1]}`] : [];
  return [['write', '--incremental', '--stdin-packs', ...bit, ...preferred], packs.map((name) => `${name}\n`).join('')];
}

describe.skipIf(!current)('layers of multi-pack-indexes (needs git 2.55)', () => {
  for (const format of ['sha1', 'sha256']) {
    for (const bitmap of [false, true]) {
      it(`are written as stock git writes them: ${format}${bitmap ? ' with bitmaps' : ''}`, () => {
        const random = new Random(format.length + (bitmap ? 9 : 0));
        const { cwd, packs } = packed(random, format);
        const twin = `${cwd}t`;
        cpSync(box.path(cwd), box.path(twin), { recursive: true, preserveTimestamps: true });
        let next = 0;
        while (next < packs.length) {
          const count = next === 0 ? 1 : 1 + random.below(2);
          const layers = next === 0 ? [] : chain(cwd);
          const [words, input] = step(random, layers, packs.slice(next, next + count), bitmap);
          if (words[0] === 'write') next = Math.min(next + count, packs.length);
          const ours = box.tryBough(['multi-pack-index', ...words], { cwd, input });
          const theirs = box.tryGit(['multi-pack-index', ...words], { cwd: twin, input });
          expect({ ...ours, files: files(cwd) }, words.join(' ')).toEqual({ ...theirs, files: files(twin) });
          box.git(['multi-pack-index', 'verify'], { cwd });
          box.bough(['multi-pack-index', 'verify'], { cwd: twin });
          if (!bitmap) continue;
          // Of bough's only: with some chains stock git's own test calls the bitmaps that it wrote wrong.
          const tip = `c${next * 12 - 1}`;
          const plain = box.git(['rev-list', '--objects', '--no-object-names', tip], { cwd });
          for (const program of [box.git, box.bough]) {
            expect(program.call(box, ['rev-list', '--test-bitmap', tip], { cwd })).toBe('');
            const listed = program.call(box, ['rev-list', '--use-bitmap-index', '--objects', tip], { cwd });
            expect(listed.split('\n').sort()).toEqual(plain.split('\n').sort());
          }
        }
        box.git(['fsck', '--full', '--strict'], { cwd });
        box.bough(['clone', '-q', '--bare', '--no-local', '.', `../${cwd}c`], { cwd });
        box.git(['fsck', '--full', '--strict'], { cwd: `${cwd}c` });
        box.bough(['multi-pack-index', 'write'], { cwd });
        box.git(['multi-pack-index', 'verify'], { cwd });
        if (bitmap) return;
        rmSync(box.path(cwd, 'objects/pack/multi-pack-index'), { force: true });
        for (const at of [cwd, twin])
          rmSync(box.path(at, 'objects/pack/multi-pack-index.d'), { recursive: true, force: true });
        // One over all packs in three steps: copies that were chosen stay chosen, but for a preferred pack's.
        for (const words of [['--stdin-packs'], [], [`--preferred-pack=${packs[1]}`]]) {
          const given = {
            input: packs
              .slice(2, 6)
              .map((name) => `${name}\n`)
              .join(''),
          };
          box.bough(['multi-pack-index', 'write', ...words], { cwd, ...given });
          box.git(['multi-pack-index', 'write', ...words], { cwd: twin, ...given });
          expect(files(cwd), words.join()).toEqual(files(twin));
        }
      });
    }
  }
});

describe('repack in layers', () => {
  // A layer may put others in a new order and still leave some objects their bits.
  it.each([11, 22, 55])('keeps everything, and few layers: %i', (seed) => {
    const random = new Random(seed);
    const cwd = `r${made++}`;
    box.git(['init', '-q', '--bare', cwd]);
    box.git(['config', 'repack.midxNewLayerThreshold', '3'], { cwd });
    let tip = '';
    for (let round = 0; round < 9; round++) {
      for (let i = random.below(4); i >= 0; i--) {
        const blob = box.git(['hash-object', '-w', '--stdin'], { cwd, input: `${round} ${i}\n` }).trim();
        const tree = box.git(['mktree'], { cwd, input: `100644 blob ${blob}\tfile\n` }).trim();
        tip = box.git(['commit-tree', tree, ...(tip === '' ? [] : ['-p', tip]), '-m', 'c'], { cwd }).trim();
      }
      box.git(['update-ref', 'refs/heads/main', tip], { cwd });
      box.bough(['repack', '-d', '-q', '--geometric=2', '--write-midx=incremental', '--write-bitmap-index'], { cwd });
      box.bough(['multi-pack-index', 'verify'], { cwd });
      expect(box.bough(['rev-list', '--test-bitmap', 'main'], { cwd })).toBe('');
      if (current) expect(box.git(['rev-list', '--test-bitmap', 'main'], { cwd })).toBe('');
      box.git(['fsck', '--full', '--strict'], { cwd });
    }
    expect(chain(cwd).length).toBeLessThan(6);
    box.bough(['repack', '-adq'], { cwd });
    expect(existsSync(`${directory(cwd)}/multi-pack-index-chain`)).toBe(false);
    box.git(['fsck', '--full', '--strict'], { cwd });
  });
});

import type { Random } from './random.js';
import type { Sandbox } from './sandbox.js';

/** Parents of each commit by number; every commit comes after its parents. */
export type HistoryShape = readonly (readonly number[])[];

export interface ShapeOptions {
  /** How far back parents lie at most. */
  readonly reach?: number;
  /** Chance of a commit without parents. */
  readonly roots?: number;
  /** Numbers of parents, picked from. */
  readonly parents?: readonly number[];
}

export function randomShape(random: Random, size: number, options: ShapeOptions = {}): HistoryShape {
  const { reach = 5, roots = 0.05, parents: counts = [1, 1, 2, 2, 3] } = options;
  return Array.from({ length: size }, (_, i) => {
    const parents = new Set<number>();
    if (i > 0 && !random.chance(roots)) {
      for (let n = random.pick(counts); n > 0; n--) parents.add(i - 1 - random.below(Math.min(i, reach)));
    }
    return [...parents];
  });
}

/** Committer dates in order, all alike in groups, or at random. */
export function randomDates(random: Random, size: number, kind: 'rising' | 'equal' | 'skewed'): number[] {
  return Array.from({ length: size }, (_, i) => {
    if (kind === 'rising') return 1_000_000 + 10 * i;
    return 1_000_000 + (kind === 'equal' ? Math.floor(i / 7) : random.below(size));
  });
}

export interface HistoryOptions {
  readonly dates: readonly number[];
  /** Prefix of the branches: `refs/heads/NAME0` and so on, one at each commit. */
  readonly name: string;
  /** Files that commits write: few contents, so that trees coincide. */
  readonly files?: { readonly random: Random; readonly paths: readonly string[]; readonly contents?: number };
}

/** The history as a stream for `git fast-import`. */
export function historyStream(shape: HistoryShape, options: HistoryOptions): string {
  const { dates, name, files } = options;
  let stream = '';
  shape.forEach((parents, i) => {
    stream += `reset refs/heads/${name}${i}\ncommit refs/heads/${name}${i}\nmark :${i + 1}\n`;
    const author = dates[(i * 7) % dates.length];
    stream += `author A <a@example.com> ${author} +0000\ncommitter C <c@example.com> ${dates[i]} +0000\n`;
    stream += `data <<E\n${name} commit ${i}\nE\n`;
    parents.forEach((parent, n) => {
      stream += `${n === 0 ? 'from' : 'merge'} :${parent + 1}\n`;
    });
    if (files !== undefined) {
      const { random, paths, contents = 3 } = files;
      for (let n = random.below(3); n > 0; n--) {
        const path = random.pick(paths);
        if (random.oneIn(6) && parents.length > 0) stream += `D ${path}\n`;
        else stream += `M 100644 inline ${path}\ndata <<E\n${random.below(contents)}\nE\n`;
      }
    }
    stream += '\n';
  });
  return stream;
}

/** A bare repository `cwd` with a random history whose commits `c0`, `c1`, … write these files. */
export function makeHistory(
  box: Sandbox,
  cwd: string,
  options: { random: Random; format: string; size: number; paths: readonly string[] },
): void {
  const { random, format, size, paths } = options;
  box.git(['init', '-q', '--bare', `--object-format=${format}`, cwd]);
  const shape = randomShape(random, size, { reach: 5, roots: 0.02 });
  const dates = randomDates(random, size, 'rising');
  const stream = historyStream(shape, { dates, name: 'c', files: { random, paths, contents: 40 } });
  box.git(['fast-import', '--quiet'], { cwd, input: stream });
}

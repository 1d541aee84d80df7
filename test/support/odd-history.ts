import type { Random } from './random.js';
import { type HistoryShape, randomShape } from './history.js';

/** Histories of the kinds that chance seldom makes. */
export interface OddHistory {
  readonly shape: HistoryShape;
  readonly dates: readonly number[];
  readonly paths: readonly string[];
  /** Whether everything lies below `mirror/` a second time: the same trees at two paths. */
  readonly mirrored: boolean;
  /** What it is, for messages. */
  readonly kind: string;
}

const dateKinds = ['equal', 'rising', 'falling', 'skewed', 'groups', 'far', 'mixed'] as const;

function oddDates(random: Random, size: number, kind: (typeof dateKinds)[number]): number[] {
  return Array.from({ length: size }, (_, i) => {
    switch (kind) {
      case 'equal':
        return 1_700_000_000;
      case 'rising':
        return 1_600_000_000 + 10 * i;
      case 'falling':
        return 1_600_000_000 - 1000 * i;
      case 'skewed':
        return 1_600_000_000 + random.below(size);
      case 'groups':
        return 1_600_000_000 + Math.floor(i / 9);
      // From 2038 on, and where 32 bits end.
      case 'far':
        return random.pick([0x7fff_fff0, 0xffff_fff0, 0x2_0000_0000]) + random.below(32);
      // A child may be so much older than its parent that the difference needs more than 31 bits.
      default:
        return random.pick([1, 1_600_000_000, 0x7fff_ffff, 0xffff_ffff, 0x3_0000_0000]);
    }
  });
}

/** Names beside each other in one order and not in another, with bytes that are quoted or no UTF-8; `\xNN` is a byte. */
const oddNames = [
  'a',
  'a.',
  'a-b',
  'a0',
  'ab',
  'A',
  'b ',
  'x\ty',
  'new\nline',
  '"q"',
  'back\\',
  '~',
  '\xc3\xa9',
  '\xff',
  '\x80\xfe',
  '-',
];
const plainPaths = ['a', 'b', 'dir/a', 'dir/b', 'dir/deep/c', 'other/x/y', 'other/z'];

function oddPaths(random: Random): string[] {
  const name = (): string => random.pick(oddNames);
  const deep = `${'d/'.repeat(random.between(20, 60))}${name()}`;
  const long = random.pick(['l', '\xe2\x82\xac']).repeat(120);
  const made = random.times(8, () => random.times(random.between(1, 3), name).join('/'));
  return [...made, deep, `dir/${long}`, 'a/b', 'a.c/b', 'twin/x', 'twin/y'];
}

export function oddHistory(random: Random, size: number): OddHistory {
  const dates = random.pick(dateKinds);
  const roots = random.pick([0, 0.02, 0.3]);
  const reach = random.pick([1, 4, 30, size]);
  const parents = random.pick([[1], [1, 1, 2], [1, 2, 3, 9]]);
  const odd = random.chance(0.7);
  return {
    shape: randomShape(random, size, { reach, roots, parents }),
    dates: oddDates(random, size, dates),
    paths: odd ? oddPaths(random) : plainPaths,
    mirrored: random.oneIn(3),
    kind: `${dates} dates, roots ${roots}, reach ${reach}, ${parents} parents${odd ? ', odd paths' : ''}`,
  };
}

const quoted = (path: string): string =>
  `"${[...path].map((c) => (/[a-zA-Z0-9/._-]/.test(c) ? c : `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)).join('')}"`;

interface StreamOptions {
  /** Length of an id. */
  readonly hex?: number;
  /** Commits of before whose branches are gone: nothing is built upon them. */
  readonly gone?: ReadonlySet<number>;
}

/**
 * Commits `from` up to but not including `to` as a stream for `git fast-import`, each with a branch `c0`, `c1`, …: files of
 * all modes with few contents, submodules, empty trees, and some tags.
 */
export function oddStream(
  random: Random,
  history: OddHistory,
  [from, to]: readonly [number, number],
  options: StreamOptions = {},
): Uint8Array {
  const { hex = 40, gone = new Set() } = options;
  const { shape, dates, paths, mirrored } = history;
  let stream = '';
  const places = (path: string): string[] => (mirrored ? [quoted(path), quoted(`mirror/${path}`)] : [quoted(path)]);
  const content = (): string => {
    const text = random.oneIn(5) ? `${random.next()}\n`.repeat(random.between(1, 400)) : `${random.below(6)}\n`;
    return `data ${text.length}\n${text}\n`;
  };
  const change = (first: boolean): string => {
    const path = random.pick(paths);
    const kind = random.below(first ? 5 : 12);
    if (kind === 6) return random.oneIn(8) ? 'deleteall\n' : '';
    if (kind === 5) {
      const gone = random.oneIn(2) ? path : path.slice(0, Math.max(path.indexOf('/'), 1));
      return places(gone)
        .map((place) => `D ${place}\n`)
        .join('');
    }
    const mode = kind === 0 ? '120000' : random.pick(['100644', '100755']);
    const what = kind === 1 ? random.pick([...'123']).repeat(hex) : content();
    return places(path)
      .map((place) => (kind === 1 ? `M 160000 ${what} ${place}\n` : `M ${mode} inline ${place}\n${what}`))
      .join('');
  };
  for (let i = from; i < to; i++) {
    const parents = shape[i]!.filter((parent) => !gone.has(parent));
    stream += `reset refs/heads/c${i}\ncommit refs/heads/c${i}\nmark :${i + 1}\n`;
    stream += `author A <a@example.com> ${dates[(i * 7) % dates.length]} +0000\n`;
    stream += `committer C <c@example.com> ${dates[i]} +0000\ndata <<E\ncommit ${random.oneIn(9) ? 'again' : i}\nE\n`;
    parents.forEach((parent, n) => {
      const name = parent < from ? `refs/heads/c${parent}^0` : `:${parent + 1}`;
      stream += `${n === 0 ? 'from' : 'merge'} ${name}\n`;
    });
    for (let n = random.below(4); n > 0; n--) stream += change(parents.length === 0);
    stream += '\n';
    if (random.oneIn(12)) {
      stream += `tag t${i}\nfrom :${i + 1}\ntagger T <t@example.com> ${dates[i]} +0000\ndata <<E\ntag\nE\n`;
    }
  }
  return Buffer.from(stream, 'latin1');
}

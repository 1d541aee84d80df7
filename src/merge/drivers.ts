import { emptyBytes } from '../base/bytes.js';
import type { LineWhitespace } from '../diff/lines.js';
import type { DiffAlgorithm } from '../diff/line-diff.js';
import { looksBinary } from '../diff/binary.js';
import type { Driver } from './driver.js';
import { clean, conflicted } from './hook.js';
import type { ConflictStyle } from './text.js';
import { mergeText } from './text.js';

/** How the text driver merges; everything unless said as `git merge` does it. */
export interface TextOptions {
  readonly style?: ConflictStyle | undefined;
  readonly favor?: 'ours' | 'theirs' | 'union' | undefined;
  /** Length of the conflict markers, 7 unless said; merges of merged ancestors add to it. */
  readonly markerSize?: number | undefined;
  readonly algorithm?: DiffAlgorithm | undefined;
  readonly whitespace?: LineWhitespace | undefined;
  /** How near conflicts are joined: see `mergeText`. */
  readonly level?: 'zealous' | 'zealous-alnum' | undefined;
}

/** Larger files are not merged by lines. */
const largest = 1023 * 1024 * 1024;

/**
 * git's text merge. Contents that are not text are merged as `binary`. In merges of ancestors nothing is favoured,
 * except that union stays union.
 */
export function text(options: TextOptions = {}): Driver {
  const { favor } = options;
  const whole = binary(favor === 'ours' || favor === 'theirs' ? { favor } : {});
  return async (sides, context) => {
    const base = (await sides.base()) ?? emptyBytes;
    const ours = sides.ours ?? emptyBytes;
    const theirs = sides.theirs ?? emptyBytes;
    if ([base, ours, theirs].some((bytes) => bytes.length > largest || looksBinary(bytes))) {
      return whole({ base: () => base, ours, theirs }, context);
    }
    const merged = mergeText(base, ours, theirs, {
      ...options,
      favor: context.depth > 0 && favor !== 'union' ? undefined : favor,
      markerSize: (options.markerSize ?? 7) + context.nesting,
      labels: context.labels,
    });
    if (merged.conflicts === 0) return clean(merged.bytes);
    return conflicted(context, 'contents', `Merge conflict in ${context.path}`, merged.bytes);
  };
}

/** One side whole: ours, with a conflict, unless a side is favoured. Merges of ancestors keep the base. */
export function binary(options: { readonly favor?: 'ours' | 'theirs' | undefined } = {}): Driver {
  return async (sides, context) => {
    if (context.depth > 0) return clean((await sides.base()) ?? emptyBytes);
    if (options.favor !== undefined) return clean(sides[options.favor] ?? emptyBytes);
    return conflicted(context, 'binary', 'Cannot merge binary files', sides.ours ?? emptyBytes);
  };
}

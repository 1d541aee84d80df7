import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';

/** One file on one side of a comparison. Sides are compared by identity: a file that several pairs use is one object. */
export interface DiffSide {
  readonly path: string;
  /** As in trees and the index (octal); 0 where this side has no such file. */
  readonly mode: number;
  /** All zeros where there is no file, or where its id is not known without reading it (a file of the work tree). */
  readonly oid: Oid;
  /** The content, as git would store it. For a submodule: the line `Subproject commit <id>`. */
  read(): Awaitable<Bytes>;
  /** Size of the content where that is known without reading it. */
  size?(): Awaitable<number | undefined>;
  /** A submodule with changes of its own: `-dirty` is shown. */
  readonly dirty?: boolean | undefined;
}

/** git's letters: added, copied, deleted, modified, renamed, type changed, unmerged. */
export type DiffStatus = 'A' | 'C' | 'D' | 'M' | 'R' | 'T' | 'U';

/** One changed path: the unit of every kind of diff output. */
export interface FilePair {
  readonly status: DiffStatus;
  readonly old: DiffSide;
  readonly new: DiffSide;
  /** Similarity of a rename or copy, dissimilarity of a rewrite; 0 to 60,000. */
  readonly score: number;
}

/** True when the path has a file on that side. */
export const exists = (side: DiffSide): boolean => side.mode !== 0;
/** A rewrite that `-B` found: a modification shown as deletion and creation. */
export const isRewrite = (pair: FilePair): boolean => pair.status === 'M' && pair.score > 0;
export const percentOf = (score: number): number => Math.floor((score * 100) / 60_000);

import { isPromise, type Awaitable } from '../base/awaitable.js';
import { emptyBytes, encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isGitlinkMode, sameType } from '../objects/mode.js';
import type { ObjectSource, RawObject } from '../objects/source.js';
import type { TreeChange } from './trees.js';

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
  /** Told the id once it was computed, where `oid` did not say it; shown from then on. */
  learn?(oid: Oid): void;
  /** The id was told so: programs are not told it. */
  readonly learned?: boolean | undefined;
  /** A file on disk that holds the content: relative to where programs run, or absolute. */
  readonly file?: string | undefined;
  /** A submodule with changes of its own: `-dirty` is shown. */
  readonly dirty?: boolean | undefined;
  /** What about a submodule is dirty. */
  readonly dirt?: { readonly modified: boolean; readonly untracked: boolean } | undefined;
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

/** A side whose content is an object of the store (or, with mode 0, is not there). */
export class ObjectSide implements DiffSide {
  constructor(
    private readonly objects: ObjectSource,
    readonly path: string,
    readonly mode: number,
    readonly oid: Oid,
  ) {}

  read(): Awaitable<Bytes> {
    if (this.mode === 0) return emptyBytes;
    if (isGitlinkMode(this.mode)) return encodeText(`Subproject commit ${this.oid}\n`);
    const object = this.objects.read(this.oid);
    return isPromise(object) ? object.then((found) => this.data(found)) : this.data(object);
  }

  size(): Awaitable<number | undefined> {
    if (this.mode === 0 || isGitlinkMode(this.mode)) return undefined;
    const header = this.objects.readHeader?.(this.oid);
    return isPromise(header) ? header.then((found) => found?.size) : header?.size;
  }

  private data(found: RawObject | undefined): Bytes {
    if (found === undefined)
      throw new GitError('OBJECT_MISSING', `unable to read ${this.oid}`, { data: { oid: this.oid } });
    return found.data;
  }
}

/** The pair of a row that differs between two trees. */
export function pairOfChange(objects: ObjectSource, change: TreeChange): FilePair {
  const { path, oldMode, newMode } = change;
  const status = oldMode === 0 ? 'A' : newMode === 0 ? 'D' : sameType(oldMode, newMode) ? 'M' : 'T';
  return {
    status,
    old: new ObjectSide(objects, path, oldMode, change.oldOid),
    new: new ObjectSide(objects, path, newMode, change.newOid),
    score: 0,
  };
}

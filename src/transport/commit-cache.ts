import { isPromise } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import type { CommitLinks } from '../objects/commit.js';
import { parseCommitLinks } from '../objects/commit.js';
import type { ObjectSource, RawObject } from '../objects/source.js';
import { parseTag } from '../objects/tag.js';

/** Parents and dates of commits, read once. Commits of the shallow set have no parents here. */
export class CommitCache {
  readonly #objects: ObjectSource;
  readonly #links = new Map<Oid, CommitLinks | undefined>();
  /** Commits to be taken as roots. */
  readonly shallow: Set<Oid>;

  constructor(objects: ObjectSource, shallow: Iterable<Oid> = []) {
    this.#objects = objects;
    this.shallow = new Set(shallow);
  }

  /** As the object says, whatever is shallow; `undefined` when it is missing or no commit. */
  raw(oid: Oid): Awaitable<CommitLinks | undefined> {
    if (this.#links.has(oid)) return this.#links.get(oid);
    const object = this.#objects.read(oid);
    return isPromise(object) ? object.then((found) => this.#keep(oid, found)) : this.#keep(oid, object);
  }

  #keep(oid: Oid, object: RawObject | undefined): CommitLinks | undefined {
    const links = object?.kind === 'commit' ? parseCommitLinks(object.data) : undefined;
    this.#links.set(oid, links);
    return links;
  }

  /** With the shallow commits as roots. */
  links(oid: Oid): Awaitable<CommitLinks | undefined> {
    const links = this.raw(oid);
    if (!this.shallow.has(oid)) return links;
    const cut = (found: CommitLinks | undefined) => (found === undefined ? undefined : { ...found, parents: [] });
    return isPromise(links) ? links.then(cut) : cut(links);
  }

  /** The commit that an id leads to through tags; `undefined` for trees, blobs and missing objects. */
  async peel(start: Oid): Promise<Oid<'commit'> | undefined> {
    let at = start;
    for (let depth = 0; depth < 64; depth++) {
      if (this.#links.get(at) !== undefined) return at as Oid<'commit'>;
      const object = await this.#objects.read(at);
      if (object?.kind === 'commit') {
        this.#keep(at, object);
        return at as Oid<'commit'>;
      }
      if (object?.kind !== 'tag') return undefined;
      at = parseTag(object.data).target;
    }
    return undefined;
  }
}

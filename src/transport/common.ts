import { isPromise } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import type { ObjectSource } from '../objects/source.js';
import type { CommitCache } from './commit-cache.js';

/** What a server has learnt about the client's objects during one negotiation. */
export class CommonHaves {
  readonly #objects: ObjectSource;
  readonly #commits: CommitCache;
  /** The ids to leave out of the pack, in order of coming. */
  readonly oids: Oid[] = [];
  readonly #theirs = new Set<Oid>();
  #oldest = Number.POSITIVE_INFINITY;
  /** Wants known to reach something common. */
  readonly #reached = new Set<Oid>();

  constructor(objects: ObjectSource, commits: CommitCache) {
    this.#objects = objects;
    this.#commits = commits;
  }

  /** Notes that the client has `oid`; `false` where we do not know the object. */
  async add(oid: Oid): Promise<boolean> {
    if (!(await this.#objects.has(oid))) return false;
    const known = this.#theirs.has(oid);
    this.#theirs.add(oid);
    const links = await this.#commits.links(oid);
    if (links !== undefined) {
      this.#oldest = Math.min(this.#oldest, links.seconds);
      for (const parent of links.parents) this.#theirs.add(parent);
    }
    if (!known) this.oids.push(oid);
    return true;
  }

  /** Does the history of every want meet something common? Then more haves would change little. */
  async isEnough(wants: readonly Oid[]): Promise<boolean> {
    if (this.oids.length === 0) return false;
    for (const want of wants) if (!this.#reached.has(want) && !(await this.#reaches(want))) return false;
    return true;
  }

  async #reaches(want: Oid): Promise<boolean> {
    const start = await this.#commits.peel(want);
    // A tree or blob: its ancestry says nothing.
    if (start === undefined) {
      this.#reached.add(want);
      return true;
    }
    const seen = new Set<Oid>([start]);
    const stack: Oid[] = [start];
    for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
      if (this.#theirs.has(oid)) {
        this.#reached.add(want);
        return true;
      }
      const found = this.#commits.links(oid);
      const links = isPromise(found) ? await found : found;
      if (links === undefined || links.seconds < this.#oldest) continue;
      for (const parent of links.parents) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        stack.push(parent);
      }
    }
    return false;
  }
}

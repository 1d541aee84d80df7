import type { Bytes } from '../base/bytes.js';
import { type TreePlace, TreeRows } from './tree-rows.js';

/** Bytes of trees kept. */
const KEPT = 24 << 20;

/** Trees of one owner: by their places, and by their bases' (the last one each). */
interface Places {
  readonly own: Map<number, TreeRows>;
  readonly based: Map<number, TreeRows>;
}

/**
 * Trees walked last. What is stored as a difference is much like its base, and so like what has the same one; else the
 * last tree under the same path will do. The buffers of those that fall out are used again.
 */
export class WalkedTrees {
  readonly #owners = new Map<object, Places>();
  /** In order of walking: each knows the next one. */
  #first: TreeRows | undefined;
  #last: TreeRows | undefined;
  readonly #paths = new Map<string, TreeRows>();
  readonly #spare: TreeRows[] = [];
  #bytes = 0;

  /** A tree that was walked to its end (and is `good`), like another. */
  alike(
    at: TreePlace | undefined,
    path: string,
    good: (rows: TreeRows) => boolean = ({ done }) => done,
  ): TreeRows | undefined {
    const places = at === undefined ? undefined : this.#owners.get(at.owner);
    if (places !== undefined) {
      const { place, basePlace } = at!;
      const base = basePlace < 0 ? undefined : places.own.get(basePlace);
      if (base !== undefined && good(base)) return base;
      const upon = places.based.get(place) ?? (basePlace < 0 ? undefined : places.based.get(basePlace));
      if (upon !== undefined && good(upon)) return upon;
    }
    const last = this.#paths.get(path);
    return last !== undefined && good(last) ? last : undefined;
  }

  /** A copy of a tree, kept for those to come. */
  keep(data: Bytes, at: TreePlace | undefined, path: string): TreeRows {
    const rows = this.#spare.pop() ?? new TreeRows();
    rows.load(data);
    rows.path = path;
    if (at !== undefined) {
      let places = this.#owners.get(at.owner);
      if (places === undefined) this.#owners.set(at.owner, (places = { own: new Map(), based: new Map() }));
      places.own.set(at.place, rows);
      if (at.basePlace >= 0) places.based.set(at.basePlace, rows);
    }
    this.#paths.set(path, rows);
    // Not what was lent, only where it lies.
    rows.walkedAt = at && { owner: at.owner, place: at.place, basePlace: at.basePlace };
    rows.next = undefined;
    if (this.#last === undefined) this.#first = rows;
    else this.#last.next = rows;
    this.#last = rows;
    this.#bytes += rows.bytes.length * 2;
    if (this.#bytes > KEPT) this.#evict();
    return rows;
  }

  #evict(): void {
    let stays: TreeRows | undefined;
    for (let old = this.#first; old !== undefined && this.#bytes > KEPT; old = old.next) {
      if (old.readers > 0 || !old.done) {
        stays = old;
        continue;
      }
      if (stays === undefined) this.#first = old.next;
      else stays.next = old.next;
      if (old === this.#last) this.#last = stays;
      const at = old.walkedAt;
      if (at !== undefined) {
        const { own, based } = this.#owners.get(at.owner)!;
        if (own.get(at.place) === old) own.delete(at.place);
        if (based.get(at.basePlace) === old) based.delete(at.basePlace);
      }
      if (this.#paths.get(old.path) === old) this.#paths.delete(old.path);
      this.#bytes -= old.bytes.length * 2;
      this.#spare.push(old);
    }
  }
}

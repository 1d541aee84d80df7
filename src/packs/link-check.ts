import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { rawLength } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { isGitlinkMode } from '../objects/mode.js';
import { parseTag } from '../objects/tag.js';
import { TreeCursor } from '../objects/tree.js';
import type { ObjectSource } from '../objects/source.js';
import { OidMap } from './oid-map.js';

/**
 * Follows what the objects of a pack name: all of it must be in the pack or here already (`index-pack --strict`). With
 * `selfContained`, links out of the pack are told by the exit code.
 */
export class LinkCheck {
  readonly #objects: ObjectSource | undefined;
  readonly #isCut: ((oid: Oid) => boolean) | undefined;
  readonly #selfContained: boolean;
  #present: OidMap | undefined;
  #named: OidMap | undefined;
  #foreign = 0;

  /** `objects`: what is here already. `isCut`: commits whose parents are known to be missing (shallow ones). */
  constructor(objects: ObjectSource | undefined, selfContained: boolean, isCut?: (oid: Oid) => boolean) {
    this.#objects = objects;
    this.#selfContained = selfContained;
    this.#isCut = isCut;
  }

  /** `data`: may be missing for blobs. */
  object(oid: Oid, kind: ObjectKind, data: Bytes | undefined, algorithm: HashAlgorithm): void {
    const length = rawLength(algorithm);
    this.#present ??= new OidMap(length);
    this.#named ??= new OidMap(length);
    this.#present.add(oid);
    if (data === undefined) return;
    if (kind === 'tree') {
      const cursor = new TreeCursor(data, length);
      while (cursor.next()) if (!isGitlinkMode(cursor.mode)) this.#named.addRaw(data, cursor.oidStart);
    } else if (kind === 'commit') {
      const { tree, parents } = parseCommitLinks(data);
      this.#named.add(tree);
      if (this.#isCut?.(oid) !== true) for (const parent of parents) this.#named.add(parent);
    } else if (kind === 'tag') this.#named.add(parseTag(data).target);
  }

  async finish(): Promise<void> {
    const named = this.#named;
    if (named === undefined) return;
    for (let i = 0; i < named.count; i++) {
      const oid = named.oidAt(i);
      if (this.#present!.find(oid) >= 0) continue;
      const there = this.#objects?.has(oid) ?? false;
      if (!(isPromise(there) ? await there : there)) {
        throw new GitError('OBJECT_MISSING', `did not receive expected object ${oid}`, { data: { oid } });
      }
      this.#foreign++;
    }
  }

  get exitCode(): number | undefined {
    return this.#selfContained && this.#foreign > 0 ? 1 : undefined;
  }
}

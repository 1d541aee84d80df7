import type { Oid } from '../base/oid.js';
import { isZeroOid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { parseCommit, parseCommitLinks } from '../objects/commit.js';
import { parseTag } from '../objects/tag.js';
import { parseTree } from '../objects/tree.js';
import type { ReflogEntry } from '../refs/store.js';
import { parseExpiryDate } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';

const day = 86400;

export interface ExpirySettings {
  /** Drop entries older than this (seconds since the epoch). `undefined`: what the configuration says. */
  readonly expire?: number | undefined;
  /** Drop entries older than this that the ref does not reach any more. */
  readonly unreachable?: number | undefined;
  /** Drop entries of commits that miss objects. */
  readonly staleFix?: boolean;
}

/** Which entries of one ref's log are too old: git reflog expire. Times follow `gc.reflogExpire` and its kin. */
export async function expiryRule(
  repository: Repository,
  name: string,
  settings: ExpirySettings,
): Promise<(entry: ReflogEntry) => Promise<boolean>> {
  const { expire, unreachable } = expiryTimes(repository, name, settings);
  const tips = await tipsOf(repository, name);
  const reachability = new Reachability(repository, tips);
  const always = unreachable <= expire || tips === undefined;
  const completeness = new Completeness(repository);
  return async (entry) => {
    if (entry.seconds < expire) return true;
    if (settings.staleFix === true) {
      if (!(await completeness.ofCommit(entry.old)) || !(await completeness.ofCommit(entry.new))) return true;
    }
    if (entry.seconds < unreachable) {
      if (always) return true;
      if ((await reachability.lost(entry.old)) || (await reachability.lost(entry.new))) return true;
    }
    return false;
  };
}

/** The two limits for a ref: what was asked, the best `gc.<pattern>.reflogExpire`, `gc.reflogExpire`, the defaults. */
function expiryTimes(
  repository: Repository,
  name: string,
  settings: ExpirySettings,
): { expire: number; unreachable: number } {
  const { config } = repository;
  const clock = repository.clock;
  const read = (key: string): number | undefined => {
    const text = config.get(key);
    return text === undefined ? undefined : parseExpiryDate(text, clock);
  };
  let expire = settings.expire;
  let unreachable = settings.unreachable;
  if (expire === undefined || unreachable === undefined) {
    for (const pattern of config.subsections('gc')) {
      if (!wildmatch(pattern, name)) continue;
      const one = read(`gc.${pattern}.reflogexpire`);
      const two = read(`gc.${pattern}.reflogexpireunreachable`);
      if (one === undefined && two === undefined) continue;
      return { expire: expire ?? one ?? 0, unreachable: unreachable ?? two ?? 0 };
    }
    if (name === 'refs/stash') return { expire: expire ?? 0, unreachable: unreachable ?? 0 };
  }
  const now = repository.now();
  expire ??= read('gc.reflogexpire') ?? now - 90 * day;
  unreachable ??= read('gc.reflogexpireunreachable') ?? now - 30 * day;
  return { expire, unreachable };
}

/** What counts as reaching: for HEAD every ref, else the ref itself; `undefined` when it is no commit. */
async function tipsOf(repository: Repository, name: string): Promise<readonly Oid[] | undefined> {
  if (name === 'HEAD' || name.endsWith('/HEAD')) {
    const tips: Oid[] = [];
    for await (const ref of repository.refs.list()) {
      const commit = await toCommit(repository, ref.peeled ?? ref.oid);
      if (commit !== undefined) tips.push(commit);
    }
    const head = await repository.refs.resolve(name);
    if (head !== undefined) tips.push(head);
    return tips;
  }
  const oid = await repository.refs.resolve(name);
  const commit = oid === undefined ? undefined : await toCommit(repository, oid);
  return commit === undefined ? undefined : [commit];
}

async function toCommit(repository: Repository, oid: Oid): Promise<Oid | undefined> {
  for (let at = oid; ; ) {
    const object = await repository.objects.read(at);
    if (object?.kind === 'commit') return at;
    if (object?.kind !== 'tag') return undefined;
    at = parseTag(object.data).target;
  }
}

class Reachability {
  readonly #repository: Repository;
  readonly #tips: readonly Oid[];
  #reached: Set<Oid> | undefined;

  constructor(repository: Repository, tips: readonly Oid[] | undefined) {
    this.#repository = repository;
    this.#tips = tips ?? [];
  }

  /** A commit that none of the tips reaches. What is no commit is not lost. */
  async lost(oid: Oid): Promise<boolean> {
    if (isZeroOid(oid)) return false;
    const commit = await toCommit(this.#repository, oid);
    if (commit === undefined) return false;
    this.#reached ??= await this.#walk();
    return !this.#reached.has(commit);
  }

  async #walk(): Promise<Set<Oid>> {
    const reached = new Set<Oid>(this.#tips);
    const todo = [...reached];
    for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
      const object = await this.#repository.objects.read(oid);
      if (object?.kind !== 'commit') continue;
      for (const parent of parseCommitLinks(object.data).parents) {
        if (reached.has(parent)) continue;
        reached.add(parent);
        todo.push(parent);
      }
    }
    return reached;
  }
}

/** Whether everything a commit needs is there, down to the blobs and back to the roots. */
class Completeness {
  readonly #repository: Repository;
  readonly #known = new Map<Oid, boolean>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async ofCommit(oid: Oid): Promise<boolean> {
    if (isZeroOid(oid)) return true;
    const known = this.#known.get(oid);
    if (known !== undefined) return known;
    // Parents first, without recursion: histories are deep.
    const visited = new Set<Oid>();
    const todo: Oid[] = [oid];
    let complete = true;
    while (complete && todo.length > 0) {
      const at = todo.pop()!;
      if (visited.has(at) || this.#known.get(at) === true) continue;
      visited.add(at);
      if (this.#known.get(at) === false) complete = false;
      else {
        const object = await this.#repository.objects.read(at);
        if (object?.kind !== 'commit') complete = false;
        else {
          const commit = parseCommit(object.data);
          if (!(await this.#ofTree(commit.tree))) complete = false;
          else todo.push(...commit.parents);
        }
      }
    }
    if (complete) for (const at of visited) this.#known.set(at, true);
    else this.#known.set(oid, false);
    return complete;
  }

  async #ofTree(oid: Oid): Promise<boolean> {
    const known = this.#known.get(oid);
    if (known !== undefined) return known;
    let complete = true;
    const object = await this.#repository.objects.read(oid);
    if (object?.kind !== 'tree') complete = false;
    else {
      for (const entry of parseTree(object.data, this.#repository.oidLength)) {
        const mode: number = entry.mode;
        if (mode === 0o160000) continue;
        const there = mode === 0o40000 ? await this.#ofTree(entry.oid) : await this.#repository.objects.has(entry.oid);
        if (there) continue;
        complete = false;
        break;
      }
    }
    this.#known.set(oid, complete);
    return complete;
  }
}

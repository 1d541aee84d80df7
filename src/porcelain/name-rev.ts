import { compareText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { type CommitNode, CommitPool } from '../history/commit-pool.js';
import { parseTag } from '../objects/tag.js';
import { shortenRef } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';

export interface NameRevSettings {
  readonly tagsOnly?: boolean;
  /** Names are shown alone: tags then without `tags/`. */
  readonly nameOnly?: boolean;
  readonly refs?: readonly string[];
  readonly exclude?: readonly string[];
  /** Commits older than this need no name (seconds). */
  readonly cutoff?: number;
  /** The commits to be named: where a commit-graph knows them, it tells better than dates what lies before them. */
  readonly wanted?: readonly Oid[];
}

/** A step to a second parent costs as much as this many first ones. */
const MERGE_WEIGHT = 65535;

interface Named {
  tip: string;
  date: number;
  generation: number;
  distance: number;
  fromTag: boolean;
}

interface Tip {
  readonly commit: Oid;
  readonly name: string;
  readonly date: number;
  readonly fromTag: boolean;
  readonly peeled: boolean;
}

const effective = (distance: number, generation: number): number => distance + (generation > 0 ? MERGE_WEIGHT : 0);

/** Names commits by the refs that reach them: `main~3^2`, `tags/v1.0^0`. */
export class RevisionNamer {
  readonly #repository: Repository;
  readonly #settings: NameRevSettings;
  readonly #pool: CommitPool;
  readonly #names = new Map<CommitNode, Named>();
  readonly #exact = new Map<Oid, string>();

  private constructor(repository: Repository, settings: NameRevSettings) {
    this.#repository = repository;
    this.#settings = settings;
    this.#pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
  }

  #generation = Number.POSITIVE_INFINITY;

  #tooOld(node: CommitNode): boolean {
    if (Number.isFinite(this.#generation)) return node.generation < this.#generation;
    return node.seconds < (this.#settings.cutoff ?? 0);
  }

  static async open(repository: Repository, settings: NameRevSettings): Promise<RevisionNamer> {
    const namer = new RevisionNamer(repository, settings);
    for (const oid of settings.wanted ?? []) {
      const node = namer.#pool.node(oid);
      await namer.#load(node);
      namer.#generation = Math.min(namer.#generation, node.generation);
    }
    const tips = await namer.#tips();
    // Tags first, and of them the older ones: a better name met first saves walking.
    tips.sort((a, b) => Number(b.fromTag) - Number(a.fromTag) || a.date - b.date);
    for (const tip of tips) await namer.#nameFrom(tip);
    return namer;
  }

  async #tips(): Promise<Tip[]> {
    const { tagsOnly = false, nameOnly = false, refs = [], exclude = [] } = this.#settings;
    const { objects } = this.#repository;
    const tips: Tip[] = [];
    const byOid: { oid: Oid; name: string }[] = [];
    for await (const ref of this.#repository.refs.list('refs/')) {
      const isTag = ref.name.startsWith('refs/tags/');
      if (tagsOnly && !isTag) continue;
      if (exclude.some((pattern) => subpathMatch(ref.name, pattern) >= 0)) continue;
      let brief = tagsOnly && nameOnly;
      if (refs.length > 0) {
        let matched = false;
        for (const pattern of refs) {
          const at = subpathMatch(ref.name, pattern);
          if (at >= 0) matched = true;
          if (at > 0) brief = true;
        }
        if (!matched) continue;
      }
      const name = brief
        ? await shortenRef(ref.name, false, async (other) => (await this.#repository.refs.resolve(other)) !== undefined)
        : ref.name.replace(/^refs\/(?:heads\/)?/, '');
      byOid.push({ oid: ref.oid, name });
      let at: Oid = ref.oid;
      let date: number | undefined;
      let peeled = false;
      let kind = (await objects.readHeader(at))?.kind;
      while (kind === 'tag') {
        const object = await objects.read(at);
        if (object === undefined) break;
        const tag = parseTag(object.data);
        peeled = true;
        date = tag.tagger?.seconds ?? 0;
        at = tag.target;
        kind = (await objects.readHeader(at))?.kind;
      }
      if (kind !== 'commit') continue;
      if (date === undefined) {
        const node = this.#pool.node(at);
        const loaded = this.#pool.load(node);
        if (loaded !== true) await loaded;
        date = node.seconds;
      }
      tips.push({ commit: at, name, date, fromTag: isTag, peeled });
    }
    byOid.sort((a, b) => compareText(a.oid, b.oid));
    for (const { oid, name } of byOid) if (!this.#exact.has(oid)) this.#exact.set(oid, name);
    return tips;
  }

  async #load(node: CommitNode): Promise<void> {
    const loaded = this.#pool.load(node);
    if (loaded !== true) await loaded;
  }

  async #nameFrom(tip: Tip): Promise<void> {
    const start = this.#pool.node(tip.commit);
    await this.#load(start);
    if (this.#tooOld(start)) return;
    const first = this.#improve(start, tip.date, 0, 0, tip.fromTag);
    if (first === undefined) return;
    first.tip = tip.peeled ? `${tip.name}^0` : tip.name;
    const stack = [start];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const name = this.#names.get(node)!;
      const next: CommitNode[] = [];
      for (const [i, parent] of node.parents.entries()) {
        await this.#load(parent);
        if (this.#tooOld(parent)) continue;
        const main = i === 0;
        const better = this.#improve(
          parent,
          tip.date,
          main ? name.generation + 1 : 0,
          name.distance + (main ? 1 : MERGE_WEIGHT),
          tip.fromTag,
        );
        if (better === undefined) continue;
        better.tip = main ? name.tip : sideName(name, i + 1);
        next.push(parent);
      }
      while (next.length > 0) stack.push(next.pop()!);
    }
  }

  /** Notes a better way to name a commit; `undefined` where the known one is as good. */
  #improve(node: CommitNode, date: number, generation: number, distance: number, fromTag: boolean): Named | undefined {
    const known = this.#names.get(node);
    if (known === undefined) {
      const made = { tip: '', date, generation, distance, fromTag };
      this.#names.set(node, made);
      return made;
    }
    const before = effective(known.distance, known.generation);
    const now = effective(distance, generation);
    let better: boolean;
    if (fromTag && known.fromTag) better = before > now;
    else if (known.fromTag !== fromTag) better = fromTag;
    else if (before !== now) better = before > now;
    else better = known.date > date;
    if (!better) return undefined;
    known.date = date;
    known.generation = generation;
    known.distance = distance;
    known.fromTag = fromTag;
    return known;
  }

  /** The name of a commit, or of another object that a ref has; `undefined` where there is none. */
  nameOf(oid: Oid, isCommit: boolean): string | undefined {
    if (!isCommit) return this.#exact.get(oid);
    const node = this.#pool.peek(oid) ?? this.#pool.node(oid);
    const name = this.#names.get(node);
    if (name === undefined) return undefined;
    return name.generation === 0 ? name.tip : `${withoutPeel(name.tip)}~${name.generation}`;
  }
}

const withoutPeel = (tip: string): string => (tip.endsWith('^0') ? tip.slice(0, -2) : tip);

function sideName(name: Named, parent: number): string {
  const tip = withoutPeel(name.tip);
  return name.generation > 0 ? `${tip}~${name.generation}^${parent}` : `${tip}^${parent}`;
}

/** Where in a ref's name a pattern matches: from the start (0) or from a later step; -1 for nowhere. */
function subpathMatch(name: string, pattern: string): number {
  for (let at = 0; ; ) {
    if (wildmatch(pattern, name.slice(at))) return at;
    const slash = name.indexOf('/', at);
    if (slash < 0) return -1;
    at = slash + 1;
  }
}

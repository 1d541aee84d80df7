import { isPromise } from '../base/awaitable.js';
import { baseName } from '../base/path.js';
import { GitError, isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { oidToBytes } from '../base/oid.js';
import { visitEdges } from '../history/edge-tree.js';
import { createFilter, parseFilterSpec } from '../history/object-filter.js';
import type { FilterSpec } from '../history/object-filter.js';
import { visitReachable } from '../history/reachable.js';
import { parseTag } from '../objects/tag.js';
import { nameHashOf } from '../packs/name-hash.js';
import type { PackBuilder } from '../packs/pack-builder.js';
import type { PackFile } from '../packs/pack-file.js';
import type { PackStore } from '../packs/pack-store.js';
import { packReuse, visitByBitmaps } from '../repo/bitmap-index.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import { objectRoots } from './object-roots.js';

export interface SelectionOptions {
  /** Leave out what alternates hold (`--local`). */
  readonly local?: boolean;
  /** Leave out what any pack holds (`--incremental`). */
  readonly incremental?: boolean;
  /** Leave out what packs with a `.keep` file hold. */
  readonly honorKeep?: boolean;
  /** Names of more packs to be left out (`--keep-pack`). */
  readonly keepPacks?: readonly string[];
  readonly filter?: readonly string[];
  readonly thin?: boolean;
  readonly nameHashVersion?: number;
  readonly window?: number;
  /** What to do about objects that are not there (`--missing`). */
  readonly missing?: 'error' | 'allow-any' | 'allow-promisor';
  readonly excludePromisor?: boolean;
  /** Let bitmaps tell what is reached, where there are some. */
  readonly useBitmaps?: boolean;
  /** Whole stretches of packs may be copied as they are: nobody needs an index of what is written. */
  readonly copyParts?: boolean;
}

/** Chooses the objects of a pack: the rules about what is left out, and the walks. */
export class PackSelection {
  readonly #repository: Repository;
  readonly #builder: PackBuilder;
  readonly #options: SelectionOptions;
  readonly #hash: (path: string) => number;
  readonly #leftOut = new Set<PackFile>();
  readonly #needsLookup: boolean;
  readonly grafts: Map<string, readonly Oid[]>;

  constructor(repository: Repository, builder: PackBuilder, options: SelectionOptions) {
    this.#repository = repository;
    this.#builder = builder;
    this.#options = options;
    this.#hash = nameHashOf(options.nameHashVersion ?? 1);
    this.grafts = shallowGrafts(repository);
    const keep = new Set((options.keepPacks ?? []).map((name) => baseName(name)));
    const { fs } = repository.platform;
    repository.objectDirectories.forEach(({ packs }, i) => {
      for (const pack of packs.packs()) {
        const name = baseName(pack.path);
        const stem = pack.path.slice(0, -5);
        if (
          options.incremental === true ||
          (options.local === true && i > 0) ||
          (options.honorKeep === true && i === 0 && fs.lstat(`${stem}.keep`) !== undefined) ||
          (options.excludePromisor === true && fs.lstat(`${stem}.promisor`) !== undefined) ||
          keep.has(name)
        ) {
          this.#leftOut.add(pack);
        }
      }
    });
    this.#needsLookup = this.#leftOut.size > 0;
  }

  /** Whether the rules let the object into the pack. */
  wants(oid: Oid): boolean {
    if (this.#options.local === true) {
      for (const { loose } of this.#repository.objectDirectories.slice(1)) if (loose.has(oid)) return false;
    }
    if (!this.#needsLookup) return true;
    const raw = oidToBytes(oid);
    for (const pack of this.#leftOut) if (pack.index.find(raw) >= 0) return false;
    return true;
  }

  /** Packs that are not left out, of the repository itself. */
  openPacks(): PackFile[] {
    return this.#repository.objectDirectories[0]!.packs.packs().filter((pack) => !this.#leftOut.has(pack));
  }

  add(oid: Oid, path: string, kind?: ObjectKind): boolean {
    if (!this.wants(oid)) return false;
    return this.#builder.add(oid, this.#hash(path), kind === undefined ? {} : { kind });
  }

  /** Gives a chosen object the name it is sorted by. */
  name(oid: Oid, path: string): void {
    this.#builder.setHash(oid, this.#hash(path));
  }

  addEdge(oid: Oid, path: string): void {
    this.#builder.addEdge(oid, this.#hash(path));
  }

  /** Walks from wants, not from haves, and adds what is met. `excluded`: told of what the rules left out. */
  async walk(
    wants: readonly Oid[],
    haves: readonly Oid[],
    met?: (oid: Oid) => void,
    paths?: ReadonlyMap<Oid, string>,
  ): Promise<void> {
    const { objects } = this.#repository;
    const { filter: filterTexts = [], thin, window = 10 } = this.#options;
    const spec = filterSpecOf(filterTexts);
    const edges: Oid[] = [];
    const missing = this.#options.missing ?? 'error';
    const seenPaths = new Set<string>();
    if (
      this.#options.useBitmaps === true &&
      missing === 'error' &&
      this.#options.excludePromisor !== true &&
      !(thin === true && haves.length > 0) &&
      (await visitByBitmaps(
        this.#repository,
        wants,
        haves,
        spec,
        (oid, kind, hash) => {
          met?.(oid);
          if (this.wants(oid)) this.#builder.add(oid, hash, { kind });
        },
        this.#options.copyParts === true && met === undefined && !this.#needsLookup && this.#options.local !== true
          ? packReuse(this.#repository, (part) => this.#builder.copyFrom(part))
          : undefined,
      ))
    ) {
      return;
    }
    await visitReachable(
      objects,
      {
        wants,
        paths,
        haves,
        grafts: this.grafts,
        edges: thin === true && this.grafts.size > 0 ? 'all' : 'parents',
        ...(thin === true ? { onEdge: (oid: Oid) => void edges.push(oid) } : {}),
        ...(spec === undefined ? {} : { filter: await createFilter(spec, { objects }) }),
        ...(missing === 'error' && this.#options.excludePromisor !== true ? {} : { missing: () => true }),
      },
      (oid, kind, path) => {
        met?.(oid);
        if (kind === 'blob' && missing !== 'error' && !this.#has(oid)) return;
        const isNew = this.add(oid, path, kind);
        if (isNew && thin === true && kind !== 'commit' && kind !== 'tag') seenPaths.add(path);
      },
    );
    if (thin !== true) return;
    // What the receiver has under the same names makes good bases.
    await visitEdges(objects, edges.slice(0, window), seenPaths, (oid, path) => this.addEdge(oid, path));
  }

  #has(oid: Oid): boolean {
    const there = this.#repository.objects.has(oid);
    return isPromise(there) ? true : there;
  }

  /** Adds the annotated tags whose objects go into the pack (`--include-tag`). */
  async includeTags(): Promise<void> {
    const { objects, refs } = this.#repository;
    for await (const ref of refs.list('refs/tags/')) {
      const chain: Oid[] = [];
      let at = ref.oid;
      for (;;) {
        const object = await objects.read(at);
        if (object?.kind !== 'tag') break;
        chain.push(at);
        at = parseTag(object.data).target;
      }
      if (chain.length > 0 && this.#builder.has(at)) for (const tag of chain) this.add(tag, '', 'tag');
    }
  }

  /** Marks what tags point at, so that it is written near the front. */
  async markTagged(): Promise<void> {
    for await (const ref of this.#repository.refs.list('refs/tags/')) {
      this.#builder.markTagged(ref.oid);
      if (ref.peeled !== undefined) this.#builder.markTagged(ref.peeled);
    }
  }
}

function filterSpecOf(texts: readonly string[]): FilterSpec | undefined {
  if (texts.length === 0) return undefined;
  if (texts.length === 1) return parseFilterSpec(texts[0]!);
  return { kind: 'combine', parts: texts.map(parseFilterSpec) };
}

/** Shallow commits have no parents here. */
export function shallowGrafts(repository: Repository): Map<string, readonly Oid[]> {
  const grafts = new Map<string, readonly Oid[]>();
  const bytes = repository.platform.fs.readFile(repository.path('shallow'));
  if (bytes === undefined) return grafts;
  for (const word of new TextDecoder().decode(bytes).split('\n')) if (word !== '') grafts.set(word, []);
  return grafts;
}

export interface RevisionWords {
  readonly wants: Oid[];
  readonly haves: Oid[];
}

/** Reads revisions as `pack-objects --revs` takes them from its input, one a line. */
export async function readRevisionLines(
  repository: Repository,
  lines: Iterable<string>,
  grafts: Map<string, readonly Oid[]>,
): Promise<RevisionWords> {
  const wants: Oid[] = [];
  const haves: Oid[] = [];
  let not = false;
  const resolve = async (text: string): Promise<Oid> => {
    let oid: Oid | undefined;
    try {
      oid = await resolveRevision(repository, text);
    } catch (error) {
      if (!isGitError(error)) throw error;
    }
    if (oid === undefined) throw new GitError('REF_MISSING', `bad revision '${text}'`);
    return oid;
  };
  for (const line of lines) {
    if (line === '') break;
    if (line.startsWith('-')) {
      if (line === '--not') {
        not = !not;
        continue;
      }
      if (line.startsWith('--shallow ')) {
        grafts.set(line.slice(10), []);
        continue;
      }
      throw new GitError('USAGE', `not a rev '${line}'`);
    }
    const range = /^(.*?)\.\.(?!\.)(.*)$/.exec(line);
    if (range !== null) {
      haves.push(await resolve(range[1] === '' ? 'HEAD' : range[1]!));
      wants.push(await resolve(range[2] === '' ? 'HEAD' : range[2]!));
      continue;
    }
    const negative = line.startsWith('^');
    const oid = await resolve(negative ? line.slice(1) : line);
    (negative !== not ? haves : wants).push(oid);
  }
  return { wants, haves };
}

/** Roots of `--all`, `--reflog` and `--indexed-objects`. */
export async function rootsFor(
  repository: Repository,
  kinds: { all?: boolean; reflog?: boolean; indexed?: boolean },
  paths?: Map<Oid, string>,
): Promise<Oid[]> {
  const roots: Oid[] = [];
  if (kinds.all === true) roots.push(...(await objectRoots(repository, { refs: true, heads: true })));
  const doubtful: Oid[] = [];
  if (kinds.reflog === true) doubtful.push(...(await objectRoots(repository, { reflogs: true })));
  if (kinds.indexed === true) doubtful.push(...(await objectRoots(repository, { indexes: true }, paths)));
  for (const oid of doubtful) {
    const there = repository.objects.has(oid);
    if (isPromise(there) ? await there : there) roots.push(oid);
  }
  return roots;
}

/** Objects of packs that the pack being made does not hold, with their packs' times. */
export function* unreachableInPacks(
  packs: readonly PackFile[],
  builder: PackBuilder,
): Generator<{ readonly oid: Oid; readonly pack: PackFile; readonly row: number }> {
  const seen = new Set<Oid>();
  for (const pack of packs) {
    const order = pack.index.packOrder;
    for (let i = 0; i < order.length; i++) {
      const oid = pack.index.oidAt(order[i]!);
      if (seen.has(oid) || builder.has(oid)) continue;
      seen.add(oid);
      yield { oid, pack, row: order[i]! };
    }
  }
}

export const localPacks = (repository: Repository): PackStore => repository.objectDirectories[0]!.packs;

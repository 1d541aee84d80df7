import type { Awaitable } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { GitError } from '../base/errors.js';
import { decodeText } from '../base/bytes.js';
import type { ObjectSource } from '../objects/source.js';

/** What a filter says of an object: bits. */
export const MARK_SEEN = 1;
export const DO_SHOW = 2;
export const SKIP_TREE = 4;

export type FilterSituation = 'commit' | 'tag' | 'tree' | 'tree-end' | 'blob';

/** One filter with its state, for one walk. It is asked about every object that was not named by the caller. */
export interface ObjectFilter {
  ask(situation: FilterSituation, oid: Oid, path: string): Awaitable<number>;
}

/** `--filter` as parsed. `text` is the canonical spelling, as it goes over the wire. */
export type FilterSpec =
  | { readonly kind: 'blob:none' }
  | { readonly kind: 'blob:limit'; readonly limit: number }
  | { readonly kind: 'tree'; readonly depth: number }
  | { readonly kind: 'sparse:oid'; readonly blob: string }
  | { readonly kind: 'object:type'; readonly type: 'blob' | 'tree' | 'commit' | 'tag' }
  | { readonly kind: 'combine'; readonly parts: readonly FilterSpec[] };

const reserved = '~`!@#$^&*()[]{}\\;\'",<>?';

const badSpec = (text: string): GitError => new GitError('USAGE', `invalid filter-spec '${text}'`);

/** Parses `--filter=<spec>`. Throws `USAGE` in git's words. */
export function parseFilterSpec(text: string): FilterSpec {
  if (text === 'blob:none') return { kind: 'blob:none' };
  if (text.startsWith('blob:limit=')) {
    const limit = parseSize(text.slice(11));
    if (limit === undefined) throw badSpec(text);
    return { kind: 'blob:limit', limit };
  }
  if (text.startsWith('tree:')) {
    const depth = parseSize(text.slice(5));
    if (depth === undefined) throw new GitError('USAGE', "expected 'tree:<depth>'");
    return { kind: 'tree', depth };
  }
  if (text.startsWith('sparse:oid=')) return { kind: 'sparse:oid', blob: text.slice(11) };
  if (text.startsWith('sparse:path=')) throw new GitError('USAGE', 'sparse:path filters support has been dropped');
  if (text.startsWith('object:type=')) {
    const type = text.slice(12);
    if (type !== 'blob' && type !== 'tree' && type !== 'commit' && type !== 'tag') {
      throw new GitError('USAGE', `'${type}' for 'object:type=<type>' is not a valid object type`);
    }
    return { kind: 'object:type', type };
  }
  if (text.startsWith('combine:')) {
    const rest = text.slice(8);
    if (rest === '') throw new GitError('USAGE', 'expected something after combine:');
    const parts = rest
      .split('+')
      .filter((part) => part !== '')
      .map((part) => {
        for (const char of part) {
          if (char.charCodeAt(0) <= 0x20 || reserved.includes(char)) {
            throw new GitError('USAGE', `must escape char in sub-filter-spec: '${char}'`);
          }
        }
        return parseFilterSpec(percentDecode(part));
      });
    return parts.length === 1 ? parts[0]! : { kind: 'combine', parts };
  }
  throw badSpec(text);
}

function parseSize(text: string): number | undefined {
  const match = /^(\d+)([kmg]?)$/i.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[match[2]!.toLowerCase()]!;
}

function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const hex = text[i] === '%' ? /^[0-9a-fA-F]{2}/.exec(text.slice(i + 1, i + 3)) : null;
    if (hex !== null) {
      bytes.push(Number.parseInt(hex[0], 16));
      i += 2;
    } else bytes.push(text.charCodeAt(i) & 0xff);
  }
  return decodeText(Uint8Array.from(bytes));
}

/** Several `--filter` options are one combined filter. */
export function combineFilterSpecs(specs: readonly FilterSpec[]): FilterSpec | undefined {
  if (specs.length <= 1) return specs[0];
  return { kind: 'combine', parts: specs.flatMap((spec) => (spec.kind === 'combine' ? spec.parts : [spec])) };
}

/** The spelling other programs read. */
export function formatFilterSpec(spec: FilterSpec): string {
  switch (spec.kind) {
    case 'blob:none':
      return 'blob:none';
    case 'blob:limit':
      return `blob:limit=${spec.limit}`;
    case 'tree':
      return `tree:${spec.depth}`;
    case 'sparse:oid':
      return `sparse:oid=${spec.blob}`;
    case 'object:type':
      return `object:type=${spec.type}`;
    case 'combine':
      return `combine:${spec.parts.map((part) => percentEncode(formatFilterSpec(part))).join('+')}`;
  }
}

const percentEncode = (text: string): string =>
  text.replace(/[^A-Za-z0-9_./:=-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** How sparse patterns decide on a path; `undefined` leaves it to the directory above. */
export type SparseMatch = (path: string, isDirectory: boolean) => boolean | undefined;

export interface FilterEnvironment {
  /** What is left out is to be named: nothing may be passed over unseen. */
  readonly collecting?: boolean;
  readonly objects: ObjectSource;
  /** The patterns of the blob that `sparse:oid` names. */
  readonly sparse?: ((blob: string) => Awaitable<SparseMatch>) | undefined;
}

/** A fresh filter for one walk. */
export async function createFilter(spec: FilterSpec, environment: FilterEnvironment): Promise<ObjectFilter> {
  switch (spec.kind) {
    case 'blob:none':
      return blobNone;
    case 'blob:limit':
      return new BlobLimit(environment.objects, spec.limit);
    case 'tree':
      return new TreeDepth(spec.depth, environment.collecting === true);
    case 'object:type':
      return objectType(spec.type);
    case 'sparse:oid': {
      if (environment.sparse === undefined) throw new GitError('UNSUPPORTED', 'sparse:oid filters are not supported');
      return new Sparse(await environment.sparse(spec.blob));
    }
    case 'combine': {
      const parts: ObjectFilter[] = [];
      for (const part of spec.parts) parts.push(await createFilter(part, environment));
      return new Combined(parts);
    }
  }
}

const shown = (situation: FilterSituation): number => (situation === 'tree-end' ? 0 : MARK_SEEN | DO_SHOW);

const blobNone: ObjectFilter = {
  ask: (situation) => (situation === 'blob' ? MARK_SEEN : shown(situation)),
};

class BlobLimit implements ObjectFilter {
  readonly #objects: ObjectSource;
  readonly #limit: number;
  constructor(objects: ObjectSource, limit: number) {
    this.#objects = objects;
    this.#limit = limit;
  }
  ask(situation: FilterSituation, oid: Oid): Awaitable<number> {
    if (situation !== 'blob') return shown(situation);
    return this.#askBlob(oid);
  }
  async #askBlob(oid: Oid): Promise<number> {
    // A blob that is not here cannot be measured: it is listed, and the caller sees.
    const header = this.#objects.readHeader === undefined ? undefined : await this.#objects.readHeader(oid);
    const size = header?.size ?? (await this.#objects.read(oid))?.data.length;
    return size === undefined || size < this.#limit ? MARK_SEEN | DO_SHOW : MARK_SEEN;
  }
}

/** Trees can be met at several depths, and the least counts: so they are not marked as seen. */
class TreeDepth implements ObjectFilter {
  readonly #limit: number;
  readonly #seen = new Map<string, number>();
  #depth = 0;
  readonly #collecting: boolean;
  constructor(limit: number, collecting: boolean) {
    this.#limit = limit;
    this.#collecting = collecting;
  }
  ask(situation: FilterSituation, oid: Oid): number {
    switch (situation) {
      case 'commit':
      case 'tag':
        return MARK_SEEN | DO_SHOW;
      case 'tree-end':
        this.#depth--;
        return 0;
      case 'blob':
        return this.#depth < this.#limit ? MARK_SEEN | DO_SHOW : 0;
      case 'tree': {
        const include = this.#depth < this.#limit;
        const before = this.#seen.get(oid);
        let result: number;
        if (before !== undefined && this.#depth >= before) result = SKIP_TREE;
        else {
          this.#seen.set(oid, this.#depth);
          result = include ? DO_SHOW : this.#collecting ? 0 : SKIP_TREE;
        }
        this.#depth++;
        return result;
      }
    }
  }
}

function objectType(type: 'blob' | 'tree' | 'commit' | 'tag'): ObjectFilter {
  return {
    ask(situation) {
      if (situation === 'tree-end') return 0;
      if (situation === type) return MARK_SEEN | DO_SHOW;
      if (situation === 'tree' && (type === 'commit' || type === 'tag')) return MARK_SEEN | SKIP_TREE;
      return MARK_SEEN;
    },
  };
}

class Sparse implements ObjectFilter {
  readonly #match: SparseMatch;
  readonly #frames: { inherited: boolean; omittedBelow: boolean }[] = [{ inherited: false, omittedBelow: false }];
  readonly #shownTrees = new Set<string>();
  constructor(match: SparseMatch) {
    this.#match = match;
  }
  ask(situation: FilterSituation, oid: Oid, path: string): number {
    const top = this.#frames[this.#frames.length - 1]!;
    switch (situation) {
      case 'commit':
      case 'tag':
        return MARK_SEEN | DO_SHOW;
      case 'tree': {
        const match = this.#match(path, true) ?? top.inherited;
        this.#frames.push({ inherited: match, omittedBelow: false });
        // A tree is always wanted; it is not marked as seen, for under another path it may match otherwise.
        if (this.#shownTrees.has(oid)) return 0;
        this.#shownTrees.add(oid);
        return DO_SHOW;
      }
      case 'tree-end': {
        const frame = this.#frames.pop()!;
        const above = this.#frames[this.#frames.length - 1]!;
        if (frame.omittedBelow) above.omittedBelow = true;
        // Only a tree of which everything was shown need not be looked at again.
        return frame.omittedBelow ? 0 : MARK_SEEN;
      }
      case 'blob': {
        if (this.#match(path, false) ?? top.inherited) return MARK_SEEN | DO_SHOW;
        top.omittedBelow = true;
        return 0;
      }
    }
  }
}

class Combined implements ObjectFilter {
  readonly #parts: { filter: ObjectFilter; seen: Set<string>; skipping: string | undefined }[];
  constructor(filters: readonly ObjectFilter[]) {
    this.#parts = filters.map((filter) => ({ filter, seen: new Set(), skipping: undefined }));
  }
  async ask(situation: FilterSituation, oid: Oid, path: string): Promise<number> {
    let result = MARK_SEEN | DO_SHOW | SKIP_TREE;
    for (const part of this.#parts) {
      const said = await this.#askPart(part, situation, oid, path);
      if ((said & DO_SHOW) === 0) result &= ~DO_SHOW;
      if (!part.seen.has(oid)) result &= ~MARK_SEEN;
      if (part.skipping === undefined) result &= ~SKIP_TREE;
    }
    return result;
  }
  async #askPart(
    part: { filter: ObjectFilter; seen: Set<string>; skipping: string | undefined },
    situation: FilterSituation,
    oid: Oid,
    path: string,
  ): Promise<number> {
    if (part.skipping !== undefined) {
      if (situation !== 'tree-end' || part.skipping !== oid) return 0;
      part.skipping = undefined;
    }
    if (part.seen.has(oid)) return 0;
    const said = await part.filter.ask(situation, oid, path);
    if ((said & MARK_SEEN) !== 0) part.seen.add(oid);
    if ((said & SKIP_TREE) !== 0) part.skipping = oid;
    return said;
  }
}

import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { compileWildmatch, type Matcher } from '../base/wildmatch.js';
import { parseTag } from '../objects/tag.js';
import { isRootRef } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import type { Atom, AtomSettings } from './ref-filter-atom.js';
import { parseAtom } from './ref-filter-atom.js';
import { formatAtoms, type RefFormat, renderRefFormat } from './ref-filter-format.js';
import type { QuoteStyle } from './ref-filter-quote.js';
import { RefReach } from './ref-filter-reach.js';
import { type ListedRef, RefValues, type ValueExtras } from './ref-filter-values.js';
import { compareVersions } from './ref-filter-version.js';

export type RefKind = 'branch' | 'remote' | 'tag' | 'other' | 'root' | 'detached';

/** Which refs to list. */
export interface RefFilter {
  readonly kinds?: ReadonlySet<RefKind> | undefined;
  readonly patterns?: readonly string[];
  /** Patterns are paths (a whole name, or steps at its start), as in for-each-ref; otherwise globs on the short name. */
  readonly asPaths?: boolean;
  readonly exclude?: readonly string[];
  readonly ignoreCase?: boolean;
  /** Objects; a ref passes that has one of them, itself or at the end of a tag. */
  readonly pointsAt?: readonly Oid[];
  /** Commits; a ref passes that has one of them among its ancestors. */
  readonly contains?: readonly Oid[];
  readonly noContains?: readonly Oid[];
  /** Commits; a ref passes that one of them reaches. */
  readonly merged?: readonly Oid[];
  readonly noMerged?: readonly Oid[];
  readonly startAfter?: string | undefined;
  /** Only refs that lead to commits. */
  readonly commitsOnly?: boolean;
  /** Put in front: a HEAD that is on no branch. */
  readonly detachedHead?: ListedRef | undefined;
}

export interface SortKey {
  readonly atom: Atom;
  readonly reverse: boolean;
  readonly version: boolean;
}

/** `-version:refname` and the like. Throws git's words. */
export function parseSortKey(text: string, settings: AtomSettings): SortKey {
  let rest = text;
  let reverse = false;
  if (rest.startsWith('-')) {
    reverse = true;
    rest = rest.slice(1);
  }
  let version = false;
  const match = /^(?:version|v):/.exec(rest);
  if (match !== null) {
    version = true;
    rest = rest.slice(match[0].length);
  }
  return { atom: parseAtom(rest, settings), reverse, version };
}

const kindOf = (name: string): RefKind =>
  name.startsWith('refs/heads/')
    ? 'branch'
    : name.startsWith('refs/remotes/')
      ? 'remote'
      : name.startsWith('refs/tags/')
        ? 'tag'
        : name.startsWith('refs/')
          ? 'other'
          : 'root';

/** A listing of refs: filtered, sorted, formatted. */
export class RefListing {
  readonly repository: Repository;
  readonly values: RefValues;
  readonly #filter: RefFilter;
  readonly #warn: (message: string) => void;
  readonly #complain: (line: string) => void;

  constructor(
    repository: Repository,
    filter: RefFilter,
    options: {
      /** Told what git prints as `warning: …`. */
      readonly warn?: (message: string) => void;
      /** Told whole lines for standard error. */
      readonly complain?: (line: string) => void;
      readonly extras?: ValueExtras;
    } = {},
  ) {
    this.repository = repository;
    this.#filter = filter;
    this.#warn = options.warn ?? (() => {});
    this.#complain = options.complain ?? (() => {});
    this.values = new RefValues(repository, new RefReach(repository), options.extras, options.complain);
  }

  /** The refs that pass, sorted. */
  async refs(keys: readonly SortKey[] = [], ignoreCase = false): Promise<ListedRef[]> {
    const found: ListedRef[] = [];
    for await (const ref of this.#matching()) found.push(ref);
    return this.#sorted(await this.#reaching(found), keys, ignoreCase);
  }

  async *#matching(): AsyncGenerator<ListedRef> {
    const filter = this.#filter;
    const { kinds } = filter;
    const matches = nameMatcher(filter.patterns ?? [], filter);
    const excluded =
      filter.exclude === undefined || filter.exclude.length === 0 ? undefined : nameMatcher(filter.exclude, filter);
    const head = filter.detachedHead;
    if (head !== undefined && matches('HEAD') && excluded?.('HEAD') !== true && (await this.#points(head.oid)))
      yield head;
    for (const prefix of this.#prefixes()) {
      const options = { broken: true, rootRefs: kinds?.has('root') === true };
      for await (const ref of this.repository.refs.list(prefix, options)) {
        if (ref.badName === true) {
          this.#warn(`ignoring ref with broken name ${ref.name}`);
          continue;
        }
        const kind = kindOf(ref.name);
        if (kind === 'root' && !isRootRef(ref.name)) continue;
        if (ref.broken === true) {
          if (ref.symbolicTarget !== undefined && kind === 'root') continue;
          this.#warn(
            ref.symbolicTarget !== undefined
              ? `ignoring dangling symref ${ref.name}`
              : `ignoring broken ref ${ref.name}`,
          );
          continue;
        }
        if (kinds !== undefined && !kinds.has(kind)) continue;
        if (filter.startAfter !== undefined && compareText(ref.name, filter.startAfter) <= 0) continue;
        if (!matches(ref.name) || excluded?.(ref.name) === true) continue;
        if (!(await this.#points(ref.oid))) continue;
        yield ref;
      }
    }
  }

  /** Where to look: only below what the patterns can match. */
  #prefixes(): readonly string[] {
    const { kinds, patterns = [], asPaths, ignoreCase } = this.#filter;
    if (kinds !== undefined && !kinds.has('other') && !kinds.has('root')) {
      const prefixes: string[] = [];
      if (kinds.has('branch')) prefixes.push('refs/heads/');
      if (kinds.has('remote')) prefixes.push('refs/remotes/');
      if (kinds.has('tag')) prefixes.push('refs/tags/');
      return prefixes;
    }
    if (asPaths !== true || ignoreCase === true || patterns.length !== 1 || kinds?.has('root') === true)
      return ['refs/'];
    const plain = /^[^*?[\\]*/.exec(patterns[0]!)![0];
    if (plain === '' || !plain.startsWith('refs/'))
      return plain === '' || 'refs/'.startsWith(plain) ? ['refs/'] : ['refs/'];
    return [plain];
  }

  async #points(oid: Oid): Promise<boolean> {
    const { pointsAt } = this.#filter;
    if (pointsAt === undefined || pointsAt.length === 0) return true;
    for (let at = oid; ; ) {
      if (pointsAt.includes(at)) return true;
      const object = await this.repository.objects.read(at);
      if (object === undefined) throw new GitError('OBJECT_CORRUPT', `malformed object at '${oid}'`);
      if (object.kind !== 'tag') return false;
      at = parseTag(object.data).target;
    }
  }

  async #reaching(refs: readonly ListedRef[]): Promise<ListedRef[]> {
    const { contains = [], noContains = [], merged, noMerged, commitsOnly } = this.#filter;
    const asked = contains.length + noContains.length > 0 || merged !== undefined || noMerged !== undefined;
    if (!asked && commitsOnly !== true) return [...refs];
    const { reach } = this.values;
    const has = contains.length > 0 ? await reach.containment(contains) : undefined;
    const hasNot = noContains.length > 0 ? await reach.containment(noContains) : undefined;
    const below = merged === undefined ? undefined : await reach.reachable(merged);
    const notBelow = noMerged === undefined ? undefined : await reach.reachable(noMerged);
    const kept: ListedRef[] = [];
    for (const ref of refs) {
      const commit = await this.values.commitOf(ref);
      if (commit === undefined) continue;
      if (has !== undefined && !(await has(commit))) continue;
      if (hasNot !== undefined && (await hasNot(commit))) continue;
      if (below?.has(commit) === false || notBelow?.has(commit) === true) continue;
      kept.push(ref);
    }
    return kept;
  }

  async #sorted(refs: ListedRef[], keys: readonly SortKey[], ignoreCase: boolean): Promise<ListedRef[]> {
    const plain = keys.length === 1 && keys[0]!.atom.text === 'refname' && !keys[0]!.reverse && !keys[0]!.version;
    if ((keys.length === 0 || plain) && !ignoreCase && this.#filter.kinds?.has('root') !== true) {
      const sorted = refs.every((ref, i) => i === 0 || compareText(refs[i - 1]!.name, ref.name) <= 0);
      if (sorted || refs[0] === this.#filter.detachedHead) return refs;
    }
    await this.values.prepare(
      keys.map((key) => key.atom),
      async () => refs,
    );
    const rows: { ref: ListedRef; values: (string | number)[] }[] = [];
    for (const ref of refs) {
      const values: (string | number)[] = [];
      for (const { atom } of keys)
        values.push((await this.values.number(atom, ref)) ?? (await this.values.text(atom, ref)));
      rows.push({ ref, values });
    }
    const version = keys.some((key) => key.version);
    const suffixes = version ? this.#suffixes('versionsort.suffix') : [];
    const old = version ? this.#suffixes('versionsort.prereleasesuffix') : [];
    if (suffixes.length > 0 && old.length > 0)
      this.#warn('ignoring versionsort.prereleasesuffix; versionsort.suffix is set');
    const fold = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    const compareValues = (a: string | number, b: string | number, version: boolean): number => {
      if (typeof a === 'number') return a - (b as number);
      if (version) return compareVersions(a, b as string, suffixes.length > 0 ? suffixes : old);
      return ignoreCase ? compareText(fold(a), fold(b as string)) : compareText(a, b as string);
    };
    // The key given last decides first.
    rows.sort((a, b) => {
      for (let i = keys.length - 1; i >= 0; i--) {
        const { detachedHead } = this.#filter;
        if (detachedHead !== undefined && (a.ref === detachedHead || b.ref === detachedHead)) {
          return a.ref === detachedHead ? (b.ref === detachedHead ? 0 : -1) : 1;
        }
        const order = compareValues(a.values[i]!, b.values[i]!, keys[i]!.version);
        if (order !== 0) return keys[i]!.reverse ? -order : order;
      }
      return ignoreCase ? compareText(fold(a.ref.name), fold(b.ref.name)) : compareText(a.ref.name, b.ref.name);
    });
    return rows.map((row) => row.ref);
  }

  #suffixes(key: string): string[] {
    const entries = this.repository.config.allOf(key);
    if (entries.some((entry) => entry.value === undefined)) {
      this.#complain(`error: missing value for '${key}'`);
      return [];
    }
    return entries.map((entry) => entry.value!);
  }

  /** One ref in the format. */
  format(format: RefFormat, quote: QuoteStyle, ref: ListedRef): Promise<string> {
    return renderRefFormat(format, quote, (atom) => this.values.text(atom, ref));
  }

  async prepareFormat(format: RefFormat, refs: readonly ListedRef[]): Promise<void> {
    await this.values.prepare(formatAtoms(format), async () => refs);
  }
}

/** One test of names against all patterns; none match everything. */
function nameMatcher(patterns: readonly string[], filter: RefFilter): Matcher {
  if (patterns.length === 0) return () => true;
  const ignoreCase = filter.ignoreCase === true;
  if (filter.asPaths === true) {
    const tests = patterns.map((pattern): Matcher => {
      const glob = compileWildmatch(pattern, { pathname: true, ignoreCase });
      const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
      const start = fold(pattern);
      return (name) => {
        if (fold(name).startsWith(start)) {
          const next = name[pattern.length];
          if (next === undefined || next === '/' || pattern.endsWith('/')) return true;
        }
        return glob(name);
      };
    });
    return (name) => tests.some((test) => test(name));
  }
  const tests = patterns.map((pattern) => compileWildmatch(pattern, { ignoreCase }));
  return (name) => {
    const short = name.replace(/^refs\/(?:tags\/|heads\/|remotes\/)?/, '');
    return tests.some((test) => test(short));
  };
}

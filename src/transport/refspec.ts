import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import { checkRefFormat, expandRefName } from '../refs/name.js';

/** `+src:dst`, taken apart. Which forms are allowed depends on the direction. */
export interface Refspec {
  /** As it was written. */
  readonly text: string;
  readonly force: boolean;
  /** `^src`: refs that match are left out. */
  readonly negative: boolean;
  /** Both sides hold one `*`. */
  readonly pattern: boolean;
  /** Push: `:` alone, all branches that exist on both sides. */
  readonly matching: boolean;
  /** Fetch: the source is a full object id. */
  readonly exactOid: boolean;
  /** `''`: HEAD when fetching, "delete" when pushing. */
  readonly src: string;
  /** `undefined` where there is no colon. */
  readonly dst: string | undefined;
}

const formatted = (name: string, pattern: boolean) =>
  checkRefFormat(name, { allowOneLevel: true, refspecPattern: pattern });

/** Parses one refspec; `undefined` where it is not valid. */
export function tryParseRefspec(
  text: string,
  direction: 'fetch' | 'push',
  algorithm: HashAlgorithm = 'sha1',
): Refspec | undefined {
  let left = text;
  let force = false;
  let negative = false;
  if (left.startsWith('+')) {
    force = true;
    left = left.slice(1);
  } else if (left.startsWith('^')) {
    negative = true;
    left = left.slice(1);
  }
  const colon = left.lastIndexOf(':');
  if (negative && colon >= 0) return undefined;
  const base = { text, force, negative, matching: false, exactOid: false };
  if (direction === 'push' && left === ':') return { ...base, pattern: false, matching: true, src: '', dst: '' };

  let dst = colon < 0 ? undefined : left.slice(colon + 1);
  let src = colon < 0 ? left : left.slice(0, colon);
  let pattern = dst?.includes('*') === true;
  if (src.includes('*')) {
    if ((dst !== undefined && !pattern) || (dst === undefined && !negative && direction === 'fetch')) return undefined;
    pattern = true;
  } else if (dst !== undefined && pattern) return undefined;
  if (src === '@') src = 'HEAD';
  const result = (more: Partial<Refspec> = {}): Refspec => ({ ...base, pattern, src, dst, ...more });
  const hex = src.length === hexLength(algorithm) && /^[0-9a-f]+$/i.test(src);

  if (negative) {
    if (src === '' || hex) return undefined;
    return formatted(src, pattern) ? result() : undefined;
  }
  if (direction === 'fetch') {
    if (src !== '' && !hex && !formatted(src, pattern)) return undefined;
    if (dst !== undefined && dst !== '' && !formatted(dst, pattern)) return undefined;
    return result({ exactOid: hex });
  }
  if (pattern && !formatted(src, pattern)) return undefined;
  if (dst === undefined) {
    if (!formatted(src, pattern)) return undefined;
  } else if (dst === '') return undefined;
  else if (!formatted(dst, pattern)) return undefined;
  if (dst === '@') dst = 'HEAD';
  return result();
}

/** Parses one refspec. Throws git's "invalid refspec". */
export function parseRefspec(text: string, direction: 'fetch' | 'push', algorithm?: HashAlgorithm): Refspec {
  const spec = tryParseRefspec(text, direction, algorithm);
  if (spec === undefined) throw new GitError('USAGE', `invalid refspec '${text}'`, { data: { refspec: text } });
  return spec;
}

/** Matches `name` against a pattern with one `*`, or literally; answers what the star stands for. */
export function matchPattern(pattern: string, name: string): string | undefined {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === name ? '' : undefined;
  const before = pattern.slice(0, star);
  const after = pattern.slice(star + 1);
  if (name.length < before.length + after.length) return undefined;
  if (!name.startsWith(before) || !name.endsWith(after)) return undefined;
  return name.slice(before.length, name.length - after.length);
}

const fill = (pattern: string, middle: string): string => pattern.replace('*', () => middle);

/** Where `name` (a source) goes by one refspec: `undefined` where the spec says nothing about it. */
export function mapThrough(spec: Refspec, name: string): string | undefined {
  if (spec.negative || spec.dst === undefined || spec.dst === '') return undefined;
  if (!spec.pattern) return spec.src === name ? spec.dst : undefined;
  const middle = matchPattern(spec.src, name);
  return middle === undefined ? undefined : fill(spec.dst, middle);
}

/** The source whose destination is `name`: tracking ref back to remote branch. */
export function mapBack(spec: Refspec, name: string): string | undefined {
  if (spec.negative || spec.dst === undefined || spec.dst === '') return undefined;
  if (!spec.pattern) return spec.dst === name ? spec.src : undefined;
  const middle = matchPattern(spec.dst, name);
  return middle === undefined ? undefined : fill(spec.src, middle);
}

/** True when a negative refspec of the list leaves `name` out. */
export function isExcluded(specs: readonly Refspec[], name: string): boolean {
  return specs.some((spec) => spec.negative && matchPattern(spec.src, name) !== undefined);
}

/** Where the list's refspecs put `name`; the first that says something wins. */
export function findDestination(specs: readonly Refspec[], name: string): string | undefined {
  if (isExcluded(specs, name)) return undefined;
  for (const spec of specs) {
    const to = mapThrough(spec, name);
    if (to !== undefined) return to;
  }
  return undefined;
}

/** The ref of the other side that a short name means: the best rule wins. */
export function findByAbbreviation<R extends { readonly name: string }>(
  refs: readonly R[] | ReadonlyMap<string, R>,
  name: string,
): R | undefined {
  const byName = refs instanceof Map ? (refs as ReadonlyMap<string, R>) : undefined;
  for (const full of expandRefName(name)) {
    const found = byName === undefined ? (refs as readonly R[]).find((ref) => ref.name === full) : byName.get(full);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The local name that the right side of a fetch refspec means. */
export function localName(dst: string): string {
  if (dst.startsWith('refs/')) return dst;
  if (dst.startsWith('heads/') || dst.startsWith('tags/') || dst.startsWith('remotes/')) return `refs/${dst}`;
  return `refs/heads/${dst}`;
}

/** `ref-prefix` values for `ls-refs` that cover what the refspecs may match. */
export function refPrefixes(specs: readonly Refspec[], direction: 'fetch' | 'push'): string[] {
  const prefixes: string[] = [];
  for (const spec of specs) {
    if (spec.negative) continue;
    const name = direction === 'fetch' ? spec.src : (spec.dst ?? spec.src);
    if (spec.exactOid || (direction === 'push' && name === '')) continue;
    if (spec.pattern) prefixes.push(name.slice(0, name.indexOf('*')));
    else if (name === '') prefixes.push('HEAD');
    else prefixes.push(...expandRefName(name));
  }
  return prefixes;
}

import type { Awaitable } from '../base/awaitable.js';

export interface NameFlags {
  /** `HEAD`-like names without a slash are fine. */
  readonly allowOneLevel?: boolean;
  /** One `*` is allowed, as in refspecs. */
  readonly refspecPattern?: boolean;
}

// Control characters, space, and what revision syntax, refspecs and globs use.
const forbidden = /[\0-\x20\x7f~^:?[\\]/;

/** True when `name` is a well-formed ref name (git check-ref-format). */
export function checkRefFormat(name: string, flags: NameFlags = {}): boolean {
  if (name === '@' || name === '') return false;
  if (forbidden.test(name) || name.includes('..') || name.includes('@{') || name.endsWith('.')) return false;
  const star = name.indexOf('*');
  if (star >= 0 && (flags.refspecPattern !== true || name.includes('*', star + 1))) return false;
  let components = 0;
  for (let start = 0; start <= name.length; components++) {
    let end = name.indexOf('/', start);
    if (end < 0) end = name.length;
    if (end === start || name.charCodeAt(start) === 0x2e) return false;
    if (end - start >= 5 && name.startsWith('.lock', end - 5)) return false;
    start = end + 1;
  }
  return components > 1 || flags.allowOneLevel === true;
}

/** Drops leading slashes and doubled ones (`check-ref-format --normalize`). */
export const normalizeRefName = (name: string): string => name.replace(/^\/+/, '').replace(/\/{2,}/g, '/');

/**
 * True for a name that, although it may break the naming rules, can only mean a file below `refs/` or a root ref:
 * such refs may be deleted.
 */
export function isSafeRefName(name: string): boolean {
  if (name.startsWith('refs/')) {
    const rest = name.slice(5);
    return rest !== '' && rest.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  }
  return /^[A-Z_]+$/.test(name);
}

/** `HEAD`, `ORIG_HEAD`: upper case, `-` and `_` only. The usual names need no expression, which a start would compile. */
const isRootRefSyntax = (name: string): boolean =>
  name === 'HEAD' || (!name.startsWith('refs/') && /^[A-Z_-]+$/.test(name));

const irregularRootRefs: ReadonlySet<string> = new Set([
  'HEAD',
  'AUTO_MERGE',
  'BISECT_EXPECTED_REV',
  'NOTES_MERGE_PARTIAL',
  'NOTES_MERGE_REF',
  'MERGE_AUTOSTASH',
]);
const pseudoRefs: ReadonlySet<string> = new Set(['FETCH_HEAD', 'MERGE_HEAD']);

/** Files that hold more than one id and are read, but never written, as refs. */
export const isPseudoRef = (name: string): boolean => pseudoRefs.has(name);

/** A ref outside `refs/`: `HEAD`, `*_HEAD` and a few more. */
export const isRootRef = (name: string): boolean =>
  isRootRefSyntax(name) && !isPseudoRef(name) && (name.endsWith('_HEAD') || irregularRootRefs.has(name));

/** Refs below `refs/` that each work tree has for itself. */
export const isPerWorktreeRef = (name: string): boolean =>
  name.startsWith('refs/worktree/') || name.startsWith('refs/bisect/') || name.startsWith('refs/rewritten/');

/** Where a ref lives, and its name there. */
export type RefPlace =
  | { readonly kind: 'current' | 'shared' | 'main'; readonly name: string }
  | { readonly kind: 'other'; readonly worktree: string; readonly name: string };

/** Takes `main-worktree/…` and `worktrees/ID/…` apart and tells shared refs from a work tree's own. */
export function placeOfRef(name: string): RefPlace {
  if (isRootRefSyntax(name) || isPerWorktreeRef(name)) return { kind: 'current', name };
  if (name.startsWith('main-worktree/')) {
    const bare = name.slice('main-worktree/'.length);
    if (isRootRefSyntax(bare) || isPerWorktreeRef(bare)) return { kind: 'main', name: bare };
    return { kind: 'shared', name: bare };
  }
  if (name.startsWith('worktrees/')) {
    const slash = name.indexOf('/', 10);
    if (slash > 10) {
      const bare = name.slice(slash + 1);
      if (isRootRefSyntax(bare) || isPerWorktreeRef(bare))
        return { kind: 'other', worktree: name.slice(10, slash), name: bare };
      return { kind: 'shared', name: bare };
    }
  }
  return { kind: 'shared', name };
}

/** The six ways in which a short name may mean a ref, in order of preference: what is put before and behind it. */
const refRules: readonly (readonly [before: string, after: string])[] = [
  ['', ''],
  ['refs/', ''],
  ['refs/tags/', ''],
  ['refs/heads/', ''],
  ['refs/remotes/', ''],
  ['refs/remotes/', '/HEAD'],
];

/** What `short` may mean, best first. */
export const expandRefName = (short: string): string[] => refRules.map(([before, after]) => before + short + after);

/** True when `short` means `full` under one of the rules. */
export const refNameMatches = (short: string, full: string): boolean =>
  refRules.some(([before, after]) => before + short + after === full);

/**
 * The shortest name that means `full` and nothing else: `refs/heads/x` is `x`, or `heads/x` beside a tag `x`.
 * `strict`: no other rule may find a ref; otherwise only the rules tried before (git's core.warnAmbiguousRefs).
 */
export async function shortenRef(
  full: string,
  strict: boolean,
  exists: (name: string) => Awaitable<boolean>,
): Promise<string> {
  for (let i = refRules.length - 1; i > 0; i--) {
    const [before, after] = refRules[i]!;
    if (full.length <= before.length + after.length || !full.startsWith(before) || !full.endsWith(after)) continue;
    const short = full.slice(before.length, full.length - after.length);
    let ambiguous = false;
    for (let j = 0; j < (strict ? refRules.length : i) && !ambiguous; j++) {
      if (j === i) continue;
      ambiguous = await exists(refRules[j]![0] + short + refRules[j]![1]);
    }
    if (!ambiguous) return short;
  }
  return full;
}

/** True for a name a branch may have (`x` of `refs/heads/x`). */
export const isValidBranchName = (short: string): boolean =>
  !short.startsWith('-') && short !== 'HEAD' && checkRefFormat(`refs/heads/${short}`);

/** True for a name a tag may have. */
export const isValidTagName = (short: string): boolean =>
  !short.startsWith('-') && short !== 'HEAD' && checkRefFormat(`refs/tags/${short}`);

import { needsQuoting, quotePath } from '../base/quote.js';
import type { DiffOptions } from './options.js';
import type { FilePair } from './pair.js';

/** A path as this output shows it: relative where that is asked. */
export function shownPath(path: string, options: DiffOptions): string {
  const { relative } = options;
  if (relative === undefined || !path.startsWith(relative)) return path;
  const rest = path.slice(relative.length);
  return rest.startsWith('/') ? rest.slice(1) : rest;
}

/** A path at the end of a record: quoted, unless records end in NUL. */
export function recordName(path: string, options: DiffOptions): string {
  return options.terminator === '\0' ? path : quotePath(path, options.quotePath ?? true);
}

/** Two names as `dir/{old => new}/file`, or in full where one has to be quoted. */
export function renamedName(old: string, fresh: string, quoteHigh: boolean): string {
  if (needsQuoting(old, quoteHigh) || needsQuoting(fresh, quoteHigh))
    return `${quotePath(old, quoteHigh)} => ${quotePath(fresh, quoteHigh)}`;
  let prefix = 0;
  for (let i = 0; i < old.length && i < fresh.length && old[i] === fresh[i]; i++) if (old[i] === '/') prefix = i + 1;
  // the slash that ends the common beginning may begin the common end too
  const shared = prefix > 0 ? 1 : 0;
  let suffix = 0;
  let i = old.length;
  let j = fresh.length;
  while (prefix - shared <= i && prefix - shared <= j && old.charAt(i) === fresh.charAt(j)) {
    if (old[i] === '/') suffix = old.length - i;
    i--;
    j--;
  }
  const middle = (name: string): string => name.slice(prefix, Math.max(prefix, name.length - suffix));
  const change = `${middle(old)} => ${middle(fresh)}`;
  if (prefix + suffix === 0) return change;
  return `${old.slice(0, prefix)}{${change}}${old.slice(old.length - suffix)}`;
}

export const isRenamed = (pair: FilePair): boolean => pair.status === 'R' || pair.status === 'C';

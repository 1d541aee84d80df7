import { compareText } from '../base/bytes.js';

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';

/**
 * Compares version-like names so that `v1.9` comes before `v1.10`. `suffixes` (`versionsort.suffix`) mark pre-releases:
 * of two names that are equal up to such a suffix, they sort in the order of the list, and before the bare name where
 * the list says so.
 */
export function compareVersions(a: string, b: string, suffixes: readonly string[] = []): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  if (suffixes.length > 0) {
    const order = suffixOrder(a, b, at, suffixes);
    if (order !== 0) return order;
  }
  return compareNatural(a, b, at);
}

const digitsFrom = (text: string, at: number): number => {
  let end = at;
  while (isDigit(text[end])) end++;
  return end - at;
};

/**
 * Numbers inside the names count as numbers, those that begin with 0 as fractions: a fraction comes before a whole
 * number, and of fractions that share only zeros the longer comes first.
 */
function compareNatural(a: string, b: string, at: number): number {
  let start = at;
  while (start > 0 && isDigit(a[start - 1])) start--;
  const shared = a.slice(start, at);
  const left = digitsFrom(a, at);
  const right = digitsFrom(b, at);
  if (left === 0 && right === 0) return compareText(a, b);
  if (shared === '') {
    if (left === 0 || right === 0) return compareText(a, b);
    if (a[at] === '0') return -1;
    if (b[at] === '0') return 1;
    return left === right ? compareText(a, b) : left - right;
  }
  if (shared[0] === '0') {
    if (/^0+$/.test(shared) && (left === 0 || right === 0)) return left === 0 ? 1 : -1;
    return compareText(a, b);
  }
  return left === right ? compareText(a, b) : left - right;
}

interface Found {
  index: number;
  start: number;
  length: number;
}

/** Looks for a suffix that covers the place where the names part (or begins just there). */
function findSuffix(name: string, at: number, suffixes: readonly string[]): Found | undefined {
  let best: Found | undefined;
  for (const [index, suffix] of suffixes.entries()) {
    const length = suffix.length;
    let start = at < length ? 0 : at - length;
    const end = best === undefined ? at : Math.min(at, best.start + (length > best.length ? 0 : -1));
    for (; start <= end; start++) {
      if (!name.startsWith(suffix, start)) continue;
      best = { index, start, length };
      break;
    }
  }
  return best;
}

function suffixOrder(a: string, b: string, at: number, suffixes: readonly string[]): number {
  const left = findSuffix(a, at, suffixes);
  const right = findSuffix(b, at, suffixes);
  if (left === undefined && right === undefined) return 0;
  if (left !== undefined && right !== undefined) return left.index === right.index ? 0 : left.index - right.index;
  return left !== undefined ? -1 : 1;
}

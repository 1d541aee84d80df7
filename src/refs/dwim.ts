import { expandRefName } from './name.js';
import type { RefStore } from './store.js';
import type { Oid } from '../base/oid.js';

export interface DwimRef {
  /** The full name; what a symbolic ref leads to. */
  readonly name: string;
  readonly oid: Oid;
  /** How many of the rules found a ref: more than one is worth a warning. */
  readonly matches: number;
}

/** The ref that a short name means, by git's rules in order. */
export async function dwimRef(store: RefStore, short: string): Promise<DwimRef | undefined> {
  let first: { name: string; oid: Oid } | undefined;
  let matches = 0;
  for (const full of expandRefName(short)) {
    const end = await store.resolveFull(full);
    if (end?.oid === undefined || end.broken === true) continue;
    first ??= { name: end.name, oid: end.oid };
    matches++;
  }
  return first === undefined ? undefined : { ...first, matches };
}

/** The reflog that a short name means: of the ref itself, else of what it leads to. */
export async function dwimLog(
  store: RefStore,
  short: string,
): Promise<{ readonly name: string; readonly matches: number } | undefined> {
  let first: string | undefined;
  let matches = 0;
  for (const full of expandRefName(short)) {
    const end = await store.resolveFull(full);
    if (end?.oid === undefined) continue;
    let log: string | undefined;
    if (await store.reflogExists(full)) log = full;
    else if (end.name !== full && (await store.reflogExists(end.name))) log = end.name;
    if (log === undefined) continue;
    first ??= log;
    matches++;
  }
  return first === undefined ? undefined : { name: first, matches };
}

/** The branch or commit checked out `n` switches ago (`@{-n}`), from HEAD's log. */
export async function priorCheckout(store: RefStore, n: number): Promise<string | undefined> {
  const entries = (await store.reflog('HEAD')) ?? [];
  let left = n;
  for (let i = entries.length - 1; i >= 0; i--) {
    const match = /^checkout: moving from (\S+) to /.exec(entries[i]!.message);
    if (match !== null && --left === 0) return match[1];
  }
  return undefined;
}

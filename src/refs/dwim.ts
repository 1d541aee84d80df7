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

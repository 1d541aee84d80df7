import { isPromise } from '../base/awaitable.js';
import { decodeText, type Bytes } from '../base/bytes.js';
import { isRegularMode } from '../objects/mode.js';
import { lineBytes, splitLines } from './lines.js';
import type { DiffOptions, FileDriver } from './options.js';
import { exists, type DiffSide, type FilePair } from './pair.js';
import { changesForOutput, isBinaryContent } from './patch.js';

export type Pickaxe =
  /** `-S`: the number of occurrences changed. */
  | { readonly kind: 'count'; readonly text: string; readonly ignoreCase?: boolean | undefined }
  | { readonly kind: 'countRegex'; readonly regex: RegExp }
  /** `-G`: an added or removed line matches. */
  | { readonly kind: 'lines'; readonly regex: RegExp }
  /** `--find-object` */
  | { readonly kind: 'object'; readonly oids: ReadonlySet<string> };

/** Keeps the pairs that the pickaxe finds; with `all` every pair as soon as one is found. */
export async function pickPairs(
  pairs: readonly FilePair[],
  pickaxe: Pickaxe,
  options: DiffOptions,
  all = false,
): Promise<FilePair[]> {
  const found: FilePair[] = [];
  for (const pair of pairs) {
    if (!(await matches(pair, pickaxe, options))) continue;
    if (all) return [...pairs];
    found.push(pair);
  }
  return found;
}

async function matches(pair: FilePair, pickaxe: Pickaxe, options: DiffOptions): Promise<boolean> {
  const { old, new: fresh } = pair;
  if (!exists(old) && !exists(fresh)) return false;
  if (pickaxe.kind === 'object') {
    return (exists(old) && pickaxe.oids.has(old.oid)) || (exists(fresh) && pickaxe.oids.has(fresh.oid));
  }
  const oldConv = convOf(old, options);
  const newConv = convOf(fresh, options);
  const content = async (side: DiffSide, conv: FileDriver['textconv']): Promise<Bytes | undefined> => {
    if (!exists(side)) return undefined;
    const raw = conv === undefined ? side.read() : conv(side);
    return isPromise(raw) ? await raw : raw;
  };
  const a = await content(old, oldConv);
  const b = await content(fresh, newConv);
  if (pickaxe.kind === 'lines') {
    const binary = (side: DiffSide, bytes: Bytes | undefined, conv: unknown): boolean =>
      options.text !== true &&
      conv === undefined &&
      bytes !== undefined &&
      isBinaryContent(bytes, driverOf(side, options));
    if (binary(old, a, oldConv) || binary(fresh, b, newConv)) return false;
    return changedLineMatches(a, b, pickaxe.regex, options);
  }
  const count =
    pickaxe.kind === 'count' ? fixedCounter(pickaxe.text, pickaxe.ignoreCase === true) : regexCounter(pickaxe.regex);
  return (a === undefined ? 0 : count(a)) !== (b === undefined ? 0 : count(b));
}

const driverOf = (side: DiffSide, options: DiffOptions): FileDriver | undefined =>
  isRegularMode(side.mode) ? options.driverFor?.(side.path) : undefined;
const convOf = (side: DiffSide, options: DiffOptions): FileDriver['textconv'] =>
  options.textconv === true ? driverOf(side, options)?.textconv : undefined;

function fixedCounter(text: string, ignoreCase: boolean): (bytes: Bytes) => number {
  const needle = ignoreCase ? text.toLowerCase() : text;
  return (bytes) => {
    const decoded = decodeText(bytes);
    const hay = ignoreCase ? decoded.toLowerCase() : decoded;
    let count = 0;
    for (let at = hay.indexOf(needle); at >= 0; at = hay.indexOf(needle, at + needle.length)) count++;
    return count;
  };
}

function regexCounter(regex: RegExp): (bytes: Bytes) => number {
  return (bytes) => {
    const text = decodeText(bytes);
    const search = new RegExp(regex.source, regex.flags.includes('g') ? regex.flags : regex.flags + 'g');
    let count = 0;
    for (let match = search.exec(text); match !== null; match = search.exec(text)) {
      count++;
      if (match[0] === '') search.lastIndex++;
      if (search.lastIndex >= text.length) break;
    }
    return count;
  };
}

function changedLineMatches(a: Bytes | undefined, b: Bytes | undefined, regex: RegExp, options: DiffOptions): boolean {
  const old = splitLines(a ?? new Uint8Array(0));
  const fresh = splitLines(b ?? new Uint8Array(0));
  const test = (lines: typeof old, index: number): boolean => {
    const text = decodeText(lineBytes(lines, index));
    return regex.test(text.endsWith('\n') ? text.slice(0, -1) : text);
  };
  for (const change of changesForOutput(old, fresh, { ...options, context: 0 })) {
    for (let i = 0; i < change.aCount; i++) if (test(old, change.a + i)) return true;
    for (let i = 0; i < change.bCount; i++) if (test(fresh, change.b + i)) return true;
  }
  return false;
}

import { GitError } from './errors.js';
import type { Bytes } from './bytes.js';

declare const brand: unique symbol;

/** The four kinds of objects git stores. */
export type ObjectKind = 'blob' | 'tree' | 'commit' | 'tag';

/** The name of an object: lower-case hex, 40 (sha1) or 64 (sha256) digits. */
export type Oid<K extends ObjectKind = ObjectKind> = string & { readonly [brand]: K };

/** The hash that names a repository's objects; a property of the repository (`extensions.objectFormat`). */
export type HashAlgorithm = 'sha1' | 'sha256';

/** Bytes of an id. */
export const rawLength = (algorithm: HashAlgorithm): 20 | 32 => (algorithm === 'sha1' ? 20 : 32);
/** Hex digits of an id. */
export const hexLength = (algorithm: HashAlgorithm): 40 | 64 => (algorithm === 'sha1' ? 40 : 64);

/** True for a full lower-case id of either hash. */
export function isOid(text: string): text is Oid {
  const { length } = text;
  if (length !== 40 && length !== 64) return false;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x30 || unit > 0x66 || (unit > 0x39 && unit < 0x61)) return false;
  }
  return true;
}

/** Checks and brands a full id. Throws `USAGE` for anything else. Upper case is folded, as git does. */
export function oid<K extends ObjectKind = ObjectKind>(text: string): Oid<K> {
  const lower = text.toLowerCase();
  if (!isOid(lower)) throw new GitError('USAGE', `not a valid object name '${text}'`);
  return lower as Oid<K>;
}

/** Made where the system has no way of its own. */
let hexPairs: readonly string[] | undefined;

/** The system's own way makes one flat text; adding pairs up leaves twenty pieces behind that must be joined later. */
const nativeHex = (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype.hexSlice;

/** The hex form of the `length` raw bytes at `at`. */
export function oidFromBytes<K extends ObjectKind = ObjectKind>(bytes: Bytes, at: number, length: number): Oid<K> {
  if (nativeHex !== undefined) return nativeHex.call(bytes, at, at + length) as Oid<K>;
  hexPairs ??= Array.from({ length: 256 }, (_, i) => (i < 16 ? '0' : '') + i.toString(16));
  let text = '';
  for (let i = at, end = at + length; i < end; i++) text += hexPairs[bytes[i]!]!;
  return text as Oid<K>;
}

/** The raw form of an id. */
export function oidToBytes(id: string): Bytes {
  const out = new Uint8Array(id.length >> 1);
  writeOid(id, out, 0);
  return out;
}

/** One call instead of a loop over digits, which takes ten times as long until V8 has compiled it. */
const nativeRaw = (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype.hexWrite as
  | ((this: Bytes, hex: string, at: number, length: number) => number)
  | undefined;

/** Writes the raw form of `id` into `out` at `at`. */
export function writeOid(id: string, out: Bytes, at: number): void {
  if (nativeRaw !== undefined) {
    nativeRaw.call(out, id, at, id.length >> 1);
    return;
  }
  for (let i = 0, n = id.length >> 1; i < n; i++) {
    out[at + i] = (digit(id.charCodeAt(2 * i)) << 4) | digit(id.charCodeAt(2 * i + 1));
  }
}

function digit(unit: number): number {
  return unit < 58 ? unit - 48 : unit - 87;
}

const zeros = '0'.repeat(64);

/** The id that stands for "no object". */
export const zeroOid = (algorithm: HashAlgorithm): Oid => zeros.slice(0, hexLength(algorithm)) as Oid;
/** True for the id that stands for "no object", of either hash. */
export const isZeroOid = (id: string): boolean => /^0+$/.test(id);

const emptyTrees = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
} as const;
const emptyBlobs = {
  sha1: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
  sha256: '473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813',
} as const;

/** The id of the tree without entries, which every repository is taken to have. */
export const emptyTreeOid = (algorithm: HashAlgorithm): Oid<'tree'> => emptyTrees[algorithm] as Oid<'tree'>;
/** The id of the blob without content. */
export const emptyBlobOid = (algorithm: HashAlgorithm): Oid<'blob'> => emptyBlobs[algorithm] as Oid<'blob'>;

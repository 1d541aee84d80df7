import type { Bytes } from '../base/bytes.js';
import { byteUnits, startsWithAscii } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Header } from './headers.js';
import { parseHeaders, serializeHeaders } from './headers.js';
import type { Signature } from './signature.js';
import { formatSignature, parseSignature } from './signature.js';

/** A commit object, taken apart. */
export interface Commit {
  readonly tree: Oid<'tree'>;
  readonly parents: readonly Oid<'commit'>[];
  readonly author: Signature;
  readonly committer: Signature;
  /** The `encoding` header: what the message's bytes are in, UTF-8 when absent. */
  readonly encoding?: string | undefined;
  /** Every header after `committer` other than `encoding`, in order: `gpgsig`, `mergetag`, `HG:extra`, … */
  readonly extra: readonly Header[];
  /** The message as stored (byte-exact text). */
  readonly message: string;
}

/** Reads a commit object. Throws `OBJECT_CORRUPT` when it has no tree or a broken id. */
export function parseCommit(data: Bytes): Commit {
  const { headers, message } = parseHeaders(data);
  const tree = headers[0];
  if (tree?.name !== 'tree' || !isOid(tree.value)) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: no tree');
  const parents: Oid<'commit'>[] = [];
  let i = 1;
  for (; headers[i]?.name === 'parent'; i++) {
    const value = headers[i]!.value;
    if (!isOid(value)) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: bad parent');
    parents.push(value as Oid<'commit'>);
  }
  let author: Signature | undefined;
  let committer: Signature | undefined;
  let encoding: string | undefined;
  const extra: Header[] = [];
  for (; i < headers.length; i++) {
    const header = headers[i]!;
    if (header.name === 'author' && author === undefined) author = parseSignature(header.value);
    else if (header.name === 'committer' && committer === undefined) committer = parseSignature(header.value);
    else if (header.name === 'encoding' && encoding === undefined && extra.length === 0) encoding = header.value;
    else extra.push(header);
  }
  const nobody: Signature = { name: '', email: '', seconds: 0, zone: '+0000' };
  // One that stands behind other headers stays among them, so that it is written where it was.
  encoding ??= extra.find((header) => header.name === 'encoding')?.value;
  return {
    tree: tree.value as Oid<'tree'>,
    parents,
    author: author ?? nobody,
    committer: committer ?? author ?? nobody,
    encoding,
    extra,
    message,
  };
}

/** A commit object's bytes, headers in git's order (`encoding` before the extra ones, as `git commit` writes it). */
export function serializeCommit(commit: Commit): Bytes {
  const headers: Header[] = [{ name: 'tree', value: commit.tree }];
  for (const parent of commit.parents) headers.push({ name: 'parent', value: parent });
  headers.push({ name: 'author', value: formatSignature(commit.author) });
  headers.push({ name: 'committer', value: formatSignature(commit.committer) });
  if (commit.encoding !== undefined && !commit.extra.some((header) => header.name === 'encoding'))
    headers.push({ name: 'encoding', value: commit.encoding });
  headers.push(...commit.extra);
  return serializeHeaders(headers, commit.message);
}

/** What a history walk needs, read from the bytes by position: no strings but the ids. */
export interface CommitLinks {
  readonly tree: Oid<'tree'>;
  readonly parents: readonly Oid<'commit'>[];
  /** Committer date, seconds since the epoch; 0 when it cannot be read. */
  readonly seconds: number;
}

/** Tree, parents and committer date alone, which is what walks need. Throws `OBJECT_CORRUPT`. */
export function parseCommitLinks(data: Bytes): CommitLinks {
  const at = new CommitPlaces();
  at.parse(data);
  const parents: Oid<'commit'>[] = [];
  for (let i = 0; i < at.parents; i++) parents.push(hexAt(data, at.parentAt(i), at.hexLength) as Oid<'commit'>);
  return { tree: hexAt(data, TREE_AT, at.hexLength) as Oid<'tree'>, parents, seconds: at.seconds };
}

/** Where the tree's name begins. */
export const TREE_AT = 5;

/** Where a commit's bytes have what a walk needs, found without making anything. Made once, for many commits. */
export class CommitPlaces {
  /** Digits of an id: 40 or 64. */
  hexLength = 0;
  /** Number of parents. */
  parents = 0;
  /** Committer date, seconds since the epoch; 0 when it cannot be read. */
  seconds = 0;

  /** Where the name of the parent of that number begins. */
  parentAt(number: number): number {
    return TREE_AT + this.hexLength + 1 + number * (this.hexLength + 8) + 7;
  }

  /** Throws `OBJECT_CORRUPT`. */
  parse(data: Bytes): void {
    if (!startsWithAscii(data, 'tree ')) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: no tree');
    const hex = data[TREE_AT + 40] === 0x0a ? 40 : data[TREE_AT + 64] === 0x0a ? 64 : 0;
    if (hex === 0 || !isHex(data, TREE_AT, hex)) {
      throw new GitError('OBJECT_CORRUPT', 'bogus commit object: bad tree');
    }
    this.hexLength = hex;
    let at = TREE_AT + hex + 1;
    let parents = 0;
    while (data[at] === 0x70 && startsWithAscii(data, 'parent ', at)) {
      if (!isHex(data, at + 7, hex)) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: bad parent');
      parents++;
      at += 8 + hex;
    }
    this.parents = parents;
    this.seconds = committerSeconds(data, at);
  }
}

/** The committer's date, where the author's line begins at `at`. */
function committerSeconds(data: Bytes, at: number): number {
  if (!startsWithAscii(data, 'author ', at)) return 0;
  at = lineEnd(data, at) + 1;
  if (!startsWithAscii(data, 'committer ', at)) return 0;
  const end = lineEnd(data, at);
  let close = end - 1;
  while (close > at && data[close] !== 0x3e) close--;
  for (close += 1; data[close] === 0x20; close++);
  let seconds = 0;
  for (; close < end; close++) {
    const digit = data[close]! - 48;
    if (digit < 0 || digit > 9) break;
    seconds = seconds * 10 + digit;
  }
  return seconds;
}

/** Such lines are short: a native search costs more than they do. */
function lineEnd(data: Bytes, at: number): number {
  while (at < data.length && data[at] !== 0x0a) at++;
  return at;
}

/** The value of each lower-case hex digit; -1: none. */
const digits = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value++) digits[value.toString(16).charCodeAt(0)] = value;

function isHex(data: Bytes, at: number, length: number): boolean {
  if (at + length > data.length) return false;
  let all = 0;
  for (let i = at; i < at + length; i++) all |= digits[data[i]!]!;
  return all >= 0;
}

/** The id whose digits stand at `at`, as bytes to the start of `into`. */
export function readHex(data: Bytes, at: number, length: number, into: Bytes, to = 0): void {
  for (const end = at + length; at < end; at += 2) into[to++] = (digits[data[at]!]! << 4) | digits[data[at + 1]!]!;
}

const hexAt = (data: Bytes, at: number, length: number): string => byteUnits(data, at, at + length);

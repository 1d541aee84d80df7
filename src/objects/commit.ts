import type { Bytes } from '../base/bytes.js';
import { startsWithAscii } from '../base/bytes.js';
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
  if (!startsWithAscii(data, 'tree ')) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: no tree');
  let end = data.indexOf(0x0a, 5);
  const hex = end - 5;
  if (hex !== 40 && hex !== 64) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: bad tree');
  const tree = ascii(data, 5, end);
  if (!isOid(tree)) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: bad tree');
  const parents: Oid<'commit'>[] = [];
  let at = end + 1;
  while (data[at] === 0x70 && startsWithAscii(data, 'parent ', at)) {
    const parent = ascii(data, at + 7, at + 7 + hex);
    if (!isOid(parent)) throw new GitError('OBJECT_CORRUPT', 'bogus commit object: bad parent');
    parents.push(parent as Oid<'commit'>);
    at += 8 + hex;
  }
  let seconds = 0;
  if (startsWithAscii(data, 'author ', at)) {
    at = data.indexOf(0x0a, at) + 1;
    if (startsWithAscii(data, 'committer ', at)) {
      end = data.indexOf(0x0a, at);
      if (end < 0) end = data.length;
      let close = end - 1;
      while (close > at && data[close] !== 0x3e) close--;
      for (close += 1; data[close] === 0x20; close++);
      for (; close < end; close++) {
        const digit = data[close]! - 48;
        if (digit < 0 || digit > 9) break;
        seconds = seconds * 10 + digit;
      }
    }
  }
  return { tree: tree as Oid<'tree'>, parents, seconds };
}

function ascii(data: Bytes, start: number, end: number): string {
  return String.fromCharCode.apply(null, data.subarray(start, end) as unknown as number[]);
}

import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import type { ReflogEntry } from './store.js';

/** Reads a reflog; lines that are no entries are passed over, as git does. */
export function parseReflog(data: Bytes): ReflogEntry[] {
  const entries: ReflogEntry[] = [];
  const text = decodeText(data);
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const entry = parseReflogLine(text.slice(at, end));
    if (entry !== undefined) entries.push(entry);
    at = end + 1;
  }
  return entries;
}

const line = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (.*?>) (\d+) ([+-]\d{4})(?:\t([\s\S]*))?$/;

function parseReflogLine(text: string): ReflogEntry | undefined {
  const match = line.exec(text);
  if (match === null || match[1]!.length !== match[2]!.length) return undefined;
  return {
    old: match[1] as Oid,
    new: match[2] as Oid,
    identity: match[3]!,
    seconds: Number(match[4]),
    zone: match[5]!,
    message: match[6] ?? '',
  };
}

/** `identity` is the whole `Name <mail> seconds zone`. */
export function formatReflogLine(old: Oid, to: Oid, identity: string, message: string): Bytes {
  const clean = cleanReflogMessage(message);
  return encodeText(`${old} ${to} ${identity}${clean === '' ? '' : `\t${clean}`}\n`);
}

/** A reflog message is one line: every run of white space becomes one space, none at the ends. */
const cleanReflogMessage = (message: string): string => message.replace(/[ \t\n\v\f\r]+/g, ' ').replace(/^ | $/g, '');

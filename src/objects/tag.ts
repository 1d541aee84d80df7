import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Header } from './headers.js';
import { parseHeaders, serializeHeaders } from './headers.js';
import type { Signature } from './signature.js';
import { formatSignature, parseSignature } from './signature.js';

/** An annotated tag. Very old ones have no tagger. A signature is part of the message. */
export interface Tag {
  readonly target: Oid;
  readonly targetKind: ObjectKind;
  readonly name: string;
  readonly tagger?: Signature | undefined;
  readonly extra: readonly Header[];
  readonly message: string;
}

const kinds: ReadonlySet<string> = new Set(['blob', 'tree', 'commit', 'tag']);

/** Reads a tag object. Throws `OBJECT_CORRUPT` when it names no object. */
export function parseTag(data: Bytes): Tag {
  const { headers, message } = parseHeaders(data);
  const [object, type, tag] = headers;
  if (object?.name !== 'object' || !isOid(object.value))
    throw new GitError('OBJECT_CORRUPT', 'bogus tag object: no object');
  if (type?.name !== 'type' || !kinds.has(type.value))
    throw new GitError('OBJECT_CORRUPT', 'bogus tag object: no type');
  if (tag?.name !== 'tag') throw new GitError('OBJECT_CORRUPT', 'bogus tag object: no tag name');
  const tagger = headers[3]?.name === 'tagger' ? parseSignature(headers[3].value) : undefined;
  return {
    target: object.value,
    targetKind: type.value as ObjectKind,
    name: tag.value,
    tagger,
    extra: headers.slice(tagger === undefined ? 3 : 4),
    message,
  };
}

/** The bytes of a tag object; `parseTag` read backwards. */
export function serializeTag(tag: Tag): Bytes {
  const headers: Header[] = [
    { name: 'object', value: tag.target },
    { name: 'type', value: tag.targetKind },
    { name: 'tag', value: tag.name },
  ];
  if (tag.tagger !== undefined) headers.push({ name: 'tagger', value: formatSignature(tag.tagger) });
  headers.push(...tag.extra);
  return serializeHeaders(headers, tag.message);
}

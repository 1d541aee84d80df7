import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { parseCommit } from '../objects/commit.js';
import { formatSignature } from '../objects/signature.js';
import { defaultDateMode, formatDate } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from './abbreviate.js';
import { subjectLine } from './message.js';
import { signBytes, splitSignature } from './signing.js';

/** Why no tag object could be made; `errors` come first, as `error: …`. */
export interface TagFault {
  readonly errors: readonly string[];
}

/** Writes an annotated tag. `key`: sign it with this key. Answers its id, or what went wrong with signing. */
export async function writeTag(
  repository: Repository,
  tag: { readonly target: Oid; readonly targetKind: ObjectKind; readonly name: string; readonly message: string },
  key?: string,
): Promise<Oid<'tag'> | TagFault> {
  const tagger = formatSignature(repository.identity('committer'));
  const body = `object ${tag.target}\ntype ${tag.targetKind}\ntag ${tag.name}\ntagger ${tagger}\n\n${tag.message}`;
  let data = encodeText(body);
  if (key !== undefined) {
    const signed = signBytes(repository, data, key);
    if ('error' in signed) return { errors: [signed.error, 'unable to sign the tag'] };
    data = encodeText(body + signed.signature);
  }
  return repository.objects.write('tag', data);
}

/** The message of an annotated tag without its signature; `undefined` for what is no tag. */
export async function tagBody(repository: Repository, oid: Oid): Promise<string | undefined> {
  const object = await repository.objects.read(oid);
  if (object?.kind !== 'tag') return undefined;
  const { payload } = splitSignature(object.data);
  const at = payload.indexOf('\n\n');
  return at < 0 ? undefined : payload.slice(at + 2);
}

/** What a tag's reflog says: `tag: tagging 1234567 (subject, 2005-04-07)`. */
export async function tagReflogMessage(repository: Repository, oid: Oid): Promise<string> {
  const action = repository.env['GIT_REFLOG_ACTION'];
  if (action !== undefined && action !== '') return action;
  const object = await repository.objects.read(oid);
  let what = 'object of unknown type';
  switch (object?.kind) {
    case 'commit': {
      const commit = parseCommit(object.data);
      const date = formatDate(
        commit.committer.seconds,
        '+0000',
        { ...defaultDateMode, kind: 'short' },
        repository.clock,
      );
      what = `${subjectLine(commit.message)}, ${date}`;
      break;
    }
    case 'tree':
      what = 'tree object';
      break;
    case 'blob':
      what = 'blob object';
      break;
    case 'tag':
      what = 'other tag object';
  }
  return `tag: tagging ${await abbreviate(repository, oid)} (${what})`;
}

/** Reads a message from a file. Throws git's words. */
export function readMessageFile(repository: Repository, path: string, shown: string): string {
  const data = repository.platform.fs.readFile(path);
  if (data === undefined)
    throw new GitError('PATH_MISSING', `could not open or read '${shown}': No such file or directory`);
  return decodeText(data);
}

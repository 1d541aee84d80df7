import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { Commit } from '../objects/commit.js';
import { parseCommit, serializeCommit } from '../objects/commit.js';
import type { Header } from '../objects/headers.js';
import type { Signature } from '../objects/signature.js';
import type { Repository } from '../repo/repository.js';

export interface NewCommit {
  readonly tree: Oid<'tree'>;
  readonly parents: readonly Oid<'commit'>[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
  readonly extra?: readonly Header[];
  /** Makes a signature over the commit's bytes; its text goes into the `gpgsig` header. */
  readonly sign?: ((data: Uint8Array) => Promise<string>) | undefined;
  /** Told, as whole lines, that the text was not UTF-8 though it should be. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** Writes a commit object. git's `commit-tree`. */
export async function writeCommit(repository: Repository, fields: NewCommit): Promise<Oid<'commit'>> {
  if (fields.message.includes('\0')) throw new GitError('USAGE', 'a NUL byte in commit log message not allowed.');
  const encoding = repository.config.get('i18n.commitencoding');
  let base: Commit = {
    tree: fields.tree,
    parents: fields.parents,
    author: fields.author,
    committer: fields.committer,
    encoding: encoding === undefined || /^utf-?8$/i.test(encoding) ? undefined : encoding,
    extra: fields.extra ?? [],
    message: fields.message,
  };
  let data = serializeCommit(base);
  if (base.encoding === undefined) {
    const text = decodeText(data);
    const conforming = latinToUtf8(text);
    if (conforming !== text) {
      data = encodeText(conforming);
      base = parseCommit(data);
      fields.warn?.(
        'Warning: commit message did not conform to UTF-8.\n' +
          'You may want to amend it after fixing the message, or set the config\n' +
          'variable i18n.commitEncoding to the encoding your project uses.\n',
      );
    }
  }
  if (fields.sign !== undefined) {
    const signature = await fields.sign(data);
    const name = repository.objectFormat === 'sha1' ? 'gpgsig' : 'gpgsig-sha256';
    data = serializeCommit({ ...base, extra: [...base.extra, { name, value: signature.replace(/\n$/, '') }] });
  }
  return repository.objects.write('commit', data);
}

/** Takes bytes that are no UTF-8, and code points that are no characters, for Latin-1. */
function latinToUtf8(text: string): string {
  if (!/[\udc80-\udcff\ufdd0-\ufdef\ufffe\uffff\udffe\udfff]/.test(text)) return text;
  return text
    .replace(/[\u{dc80}-\u{dcff}]/gu, (unit) => String.fromCharCode(unit.charCodeAt(0) & 0xff))
    .replace(/\p{Noncharacter_Code_Point}/gu, (char) =>
      Array.from(new TextEncoder().encode(char), (byte) => String.fromCharCode(byte)).join(''),
    );
}

/** Moves HEAD (the branch it names) to a new commit, if it is still where it was. Throws when it is not. */
export async function advanceHead(
  repository: Repository,
  to: Oid<'commit'>,
  from: Oid | undefined,
  action: string,
  message: string,
): Promise<void> {
  const subject = message.split('\n', 1)[0] ?? '';
  const result = await repository.refs.update([
    {
      name: 'HEAD',
      to,
      expect: from ?? 'absent',
      reason: `${action}: ${subject}`,
    },
  ]);
  if (!result.ok)
    throw new GitError('REF_CHANGED', result.message, { data: { name: result.name, actual: result.actual } });
}

/** The reflog's word for a commit. */
export function commitAction(
  env: Readonly<Record<string, string | undefined>>,
  kind: 'initial' | 'amend' | 'merge' | 'cherry-pick' | 'rebase' | 'plain',
): string {
  const named = env['GIT_REFLOG_ACTION'];
  if (named !== undefined && named !== '') return named;
  return kind === 'plain' ? 'commit' : `commit (${kind})`;
}

/** Files that a finished merge, cherry-pick or revert leaves behind. */
export function removeMergeState(repository: Repository, all = true): void {
  const names = [
    'CHERRY_PICK_HEAD',
    'REVERT_HEAD',
    'MERGE_HEAD',
    'MERGE_RR',
    'MERGE_MSG',
    'MERGE_MODE',
    'SQUASH_MSG',
    'AUTO_MERGE',
  ];
  for (const name of names) {
    if (!all && name === 'MERGE_RR') continue;
    repository.platform.fs.remove(repository.path(name));
  }
}

import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { bytes } from '../contents/bytes.js';
import type { Contents } from '../contents/contents.js';
import { shelf } from '../contents/shelf.js';
import { resolveRevision } from '../repo/revision.js';
import { checkedOut } from '../store/checked-out.js';
import { openStore, type Store } from '../store/store.js';
import type { Bytes } from '../base/bytes.js';
import type { CommandContext } from './command.js';
import type { OptionSpecs } from './options.js';

export function typeNamed(name: string): Contents<unknown> {
  if (Object.hasOwn(shelf, name)) return shelf[name]!;
  throw new GitError('USAGE', `unknown type of value '${name}'`, {
    hint: `the types are ${Object.keys(shelf).join(', ')}`,
  });
}

/** Options that every writing value command has. */
export const writeOptions = {
  branch: { type: 'string', short: 'b', value: 'branch', help: 'write to this branch instead of the current one' },
  message: { type: 'string', short: 'm', value: 'msg', help: 'the commit message' },
  quiet: { type: 'flag', short: 'q', help: 'say nothing when it went well' },
} as const satisfies OptionSpecs;

export const readOptions = {
  branch: { type: 'string', short: 'b', value: 'branch', help: 'read this branch instead of the current one' },
  at: { type: 'string', value: 'rev', help: 'read the values of this revision' },
} as const satisfies OptionSpecs;

/** The store of raw values on a branch of the current repository; the work tree follows where the branch is checked out. */
export function valueStore(context: CommandContext, branch: string | null | undefined): Promise<Store<Bytes>> {
  const repository = context.repository();
  const keeper = checkedOut(repository);
  return openStore(repository, bytes, {
    ...(branch === null || branch === undefined ? {} : { branch }),
    ...(keeper === undefined ? {} : { checkedOut: keeper }),
  });
}

/** The values to read: `--at`, else the branch's head. */
export async function valueTree(context: CommandContext, options: { branch?: string | null; at?: string | null }) {
  const store = await valueStore(context, options.branch);
  if (options.at === null || options.at === undefined) return store.tree();
  return store.at(await commitNamed(context, options.at));
}

/** The commit a revision names. Throws `REF_MISSING`. */
export async function commitNamed(context: CommandContext, revision: string): Promise<Oid<'commit'>> {
  const commit = await resolveRevision(context.repository(), `${revision}^{commit}`);
  if (commit === undefined) throw new GitError('REF_MISSING', `bad revision '${revision}'`, { data: { revision } });
  return commit as Oid<'commit'>;
}

export interface ValueWritten {
  readonly status: 'written' | 'unchanged' | 'mismatch';
  readonly branch: string;
  readonly head?: Oid | undefined;
  /** The first line of the message. */
  readonly subject?: string | undefined;
  readonly paths: readonly string[];
  /** For a mismatch: the id of the value that is there. */
  readonly actual?: Oid | 'absent' | undefined;
}

/** `[main 1a2b3c4] put a/b`, as `git commit` says it. */
export function renderWritten(result: ValueWritten): string {
  const branch = result.branch.replace(/^refs\/heads\//, '');
  if (result.status === 'mismatch') return '';
  if (result.status === 'unchanged') return `[${branch}] nothing changed\n`;
  return `[${branch} ${result.head!.slice(0, 7)}] ${result.subject}\n`;
}

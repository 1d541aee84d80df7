import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { findInTree } from '../objects/tree.js';
import type { Repository } from './repository.js';
import type { ResolvedRevision } from './revision.js';
import { findPath, pathColon, resolveRevision } from './revision.js';
import { ambiguousArgument } from './revision-error.js';

/** Why following symbolic links inside a tree ended without an object. */
export class SymlinkFault extends Error {
  readonly kind: 'dangling' | 'loop' | 'notdir';
  constructor(kind: 'dangling' | 'loop' | 'notdir') {
    super(kind);
    this.kind = kind;
  }
}

const MOST_LINKS = 40;

/**
 * The entry at a path of a tree, symbolic links followed within the tree. One that leads out of it is answered with
 * `outside`, the rest of the way. Throws `SymlinkFault`.
 */
export async function followInTree(
  repository: Repository,
  root: Oid,
  path: string,
): Promise<ResolvedRevision | undefined> {
  let rest = path.split('/').filter((part) => part !== '');
  let stack: Oid[] = [root];
  let links = 0;
  if (rest.length === 0) return { oid: root, mode: 0o040000, path, tree: root };
  for (;;) {
    const part = rest.shift()!;
    if (part === '..') {
      if (stack.length === 1) return { oid: root, outside: ['..', ...rest].join('/'), path, mode: 0, tree: root };
      stack = stack.slice(0, -1);
      if (rest.length === 0) return { oid: stack[stack.length - 1]!, mode: 0o040000, path, tree: root };
      continue;
    }
    if (part === '.' || part === '') {
      if (rest.length === 0) return { oid: stack[stack.length - 1]!, mode: 0o040000, path, tree: root };
      continue;
    }
    const object = await repository.objects.read(stack[stack.length - 1]!);
    const entry = object?.kind === 'tree' ? findInTree(object.data, repository.oidLength, part) : undefined;
    if (entry === undefined) {
      if (links > 0) throw new SymlinkFault('dangling');
      return undefined;
    }
    const type = entry.mode & 0o170000;
    if (type === 0o040000) {
      if (rest.length === 0) return { oid: entry.oid, mode: entry.mode, path, tree: root };
      stack = [...stack, entry.oid];
    } else if (type === 0o120000) {
      if (++links > MOST_LINKS) throw new SymlinkFault('loop');
      const link = await repository.objects.read(entry.oid);
      if (link === undefined) throw new SymlinkFault('dangling');
      const target = decodeText(link.data);
      if (target.startsWith('/')) {
        return { oid: root, outside: [target, ...rest].join('/'), path, mode: 0, tree: root };
      }
      const pieces: string[] = target.split('/').filter((piece) => piece !== '');
      // What leads out of the tree is told as it is written.
      if (target.endsWith('/') && rest.length === 0 && !pieces.some((piece) => piece !== '..')) pieces.push('');
      rest = [...pieces, ...rest];
      if (rest.length === 0) throw new SymlinkFault('dangling');
    } else {
      if (rest.length === 0) return { oid: entry.oid, mode: entry.mode, path, tree: root };
      if (links > 0) throw new SymlinkFault('notdir');
      return undefined;
    }
  }
}

/** Whether a path of the command line is there: a file, or a pathspec with magic that cannot be checked. */
function isFilename(repository: Repository, text: string): boolean {
  let name = text;
  if (text.startsWith(':/')) {
    if (text === ':/') return true;
    name = text.slice(2);
    return onDisk(repository, name);
  }
  if (text.startsWith(':!') || text.startsWith(':^')) {
    if (text.length === 2) return true;
    name = text.slice(2);
  }
  return onDisk(repository, repository.prefix + name) || existsFrom(repository, name);
}

function existsFrom(repository: Repository, name: string): boolean {
  return repository.platform.fs.lstat(name.startsWith('/') ? name : `${repository.cwd}/${name}`) !== undefined;
}

function onDisk(repository: Repository, name: string): boolean {
  if (repository.workTree === undefined) return false;
  try {
    return repository.platform.fs.lstat(name.startsWith('/') ? name : `${repository.workTree}/${name}`) !== undefined;
  } catch {
    return false;
  }
}

/** True for what looks like a pathspec on purpose: `:(…)` magic or a wildcard. */
function looksLikePathspec(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if ('*?['.includes(text[i]!)) return true;
  }
  if (!text.startsWith(':(')) return false;
  return text.includes(')');
}

/** Insists that a word is a path. Throws git's words for one that is not; `mayBeRevision` also explains revisions. */
export async function verifyFilename(
  repository: Repository,
  text: string,
  mayBeRevision: boolean,
  complain?: (line: string) => void,
): Promise<void> {
  if (text.startsWith('-')) throw new GitError('USAGE', `option '${text}' must come before non-option arguments`);
  if (text !== '' && (looksLikePathspec(text) || isFilename(repository, text))) return;
  // git looks a second time, to find words for what is wrong, and says again what it said the first time.
  if (mayBeRevision && complain !== undefined) {
    const again = (line: string): void => {
      if (line.includes('dereferences to')) complain(line);
    };
    await resolveRevision(repository, text, { complain: again });
  }
  throw await missingFilename(repository, text, mayBeRevision);
}

/** Insists that a word taken as a revision is not a file too. */
export function verifyNotFilename(repository: Repository, text: string): void {
  if (!repository.insideWorkTree || text.startsWith('-')) return;
  if (!existsFrom(repository, text) || text === '') return;
  throw new GitError(
    'USAGE',
    `ambiguous argument '${text}': both revision and filename\n` +
      "Use '--' to separate paths from revisions, like this:\n" +
      "'git <command> [<revision>...] -- [<file>...]'",
  );
}

async function missingFilename(repository: Repository, text: string, mayBeRevision: boolean): Promise<GitError> {
  if (!mayBeRevision) {
    return new GitError(
      'PATH_MISSING',
      `${text}: no such path in the working tree.\n` +
        "Use 'git <command> -- <path>...' to specify paths that do not exist locally.",
    );
  }
  return (await diagnosePath(repository, text)) ?? ambiguousArgument(text);
}

/** Why `rev:path` or `:path` names nothing, where the text is one of those. */
export async function diagnosePath(repository: Repository, text: string): Promise<GitError | undefined> {
  const fail = (message: string): GitError => new GitError('PATH_MISSING', message);
  if (text.startsWith(':') && !text.startsWith(':/') && !text.startsWith(':(')) {
    return diagnoseIndex(repository, text, fail);
  }
  const colon = pathColon(text);
  if (colon <= 0) return undefined;
  const revision = text.slice(0, colon);
  const treeish = await resolveRevision(repository, revision, { hint: 'treeish', quiet: true });
  if (treeish === undefined) return new GitError('REF_MISSING', `invalid object name '${revision}'.`);
  const path = text.slice(colon + 1);
  const plain = path.replace(/^\.\//, '');
  const { prefix } = repository;
  const name = /^\.\.?(\/|$)/.test(path) ? relativeTo(prefix, path) : path;
  if (onDisk(repository, name)) return fail(`path '${name}' exists on disk, but not in '${revision}'`);
  if (prefix !== '' && name === path) {
    const full = prefix + plain;
    const { peelTo } = await import('./revision.js');
    const tree = await peelTo(repository, treeish, 'tree');
    if (tree !== undefined && (await findPath(repository, tree, full)) !== undefined) {
      return fail(
        `path '${full}' exists, but not '${name}'\nhint: Did you mean '${revision}:${full}' aka '${revision}:./${name}'?`,
      );
    }
  }
  return fail(`path '${name}' does not exist in '${revision}'`);
}

function relativeTo(prefix: string, path: string): string {
  const parts = prefix.split('/').filter((part) => part !== '');
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

async function diagnoseIndex(
  repository: Repository,
  text: string,
  fail: (message: string) => GitError,
): Promise<GitError> {
  const staged = /^:([0-3]):/.exec(text);
  const stage = staged === null ? 0 : Number(staged[1]);
  const written = text.slice(staged === null ? 1 : 3);
  const { prefix } = repository;
  const name = /^\.\.?(\/|$)/.test(written) ? relativeTo(prefix, written) : written;
  const otherStage = async (path: string): Promise<number | undefined> => {
    for (let other = 0; other < 4; other++) {
      if ((await repository.indexEntry(path, other)) !== undefined) return other;
    }
    return undefined;
  };
  const own = await otherStage(name);
  if (own !== undefined) {
    return fail(`path '${name}' is in the index, but not at stage ${stage}\nhint: Did you mean ':${own}:${name}'?`);
  }
  if (prefix !== '') {
    const full = prefix + name;
    const other = await otherStage(full);
    if (other !== undefined) {
      return fail(
        `path '${full}' is in the index, but not '${name}'\nhint: Did you mean ':${other}:${full}' aka ':${other}:./${name}'?`,
      );
    }
  }
  if (onDisk(repository, name)) return fail(`path '${name}' exists on disk, but not in the index`);
  return fail(`path '${name}' does not exist (neither on disk nor in the index)`);
}

import { GitError } from './errors.js';

declare const brand: unique symbol;

/** One segment of a path: not empty, no `/`, no NUL, not `.`, `..` or any spelling of `.git`. */
export type Step = string & { readonly [brand]: 'step' };

/** Steps joined by `/`; the root is `''`. Bytes that are not UTF-8 survive as lone surrogates (see `bytes.ts`). */
export type Path = string & { readonly [brand]: 'path' };

/** Code points that HFS+ ignores in file names. */
const hfsIgnored = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** True when a file system might read `name` as `.git` (any case, NTFS short and stream forms, HFS+ invisible marks). */
export function isDotGitSpelling(name: string): boolean {
  return isDotGit(name) || isNtfsDotGitPart(name) || isHfsDotGit(name);
}

/** The same on a file system that also takes `\\` for a separator. */
const isNtfsDotGitPart = (name: string): boolean =>
  name.includes('\\') ? name.split('\\').some(isNtfsDotGit) : isNtfsDotGit(name);

function isDotGit(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === '.git';
}

function isHfsDotGit(name: string): boolean {
  return isDotGit(name.replace(hfsIgnored, ''));
}

function isNtfsDotGit(name: string): boolean {
  const lower = name.toLowerCase();
  let rest: string;
  if (lower.startsWith('.git')) rest = lower.slice(4);
  else if (lower.startsWith('git~1')) rest = lower.slice(5);
  else return false;
  for (const char of rest) {
    if (char === ':' || char === '\\') return true;
    if (char !== ' ' && char !== '.') return false;
  }
  return true;
}

/** Why a name cannot be a step, or `undefined` when it can. */
export function stepFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return `'${name}' is not a name`;
  if (name.includes('\0')) return 'it holds a NUL byte';
  if (name.includes('/')) return "it holds a '/'";
  if (name === '.git') return "'.git' is git's own folder";
  if (isDotGitSpelling(name)) return `'${name}' could be read as '.git'`;
  return undefined;
}

/** Checks and brands one segment. Throws `PATH_UNSAFE`. */
export function step(text: string): Step {
  const fault = stepFault(text);
  if (fault !== undefined) {
    throw new GitError('PATH_UNSAFE', `invalid path segment '${text}': ${fault}`, { data: { segment: text } });
  }
  return text as Step;
}

/** Checks and brands a path; empty segments (leading, doubled or trailing `/`) are dropped. Throws `PATH_UNSAFE`. */
export function path(text: string): Path {
  if (text === '') return '' as Path;
  const segments = text.split('/').filter((segment) => segment !== '');
  for (const segment of segments) {
    const fault = stepFault(segment);
    if (fault !== undefined) {
      throw new GitError('PATH_UNSAFE', `invalid path '${text}': ${fault}`, { data: { path: text } });
    }
  }
  return segments.join('/') as Path;
}

/** The path of the root: no step. */
export const rootPath = '' as Path;

/** What nearly all paths are: segments of plain characters that do not begin with a dot. No spelling of `.git` is one. */
const plainPath = /^[\w+-][\w.+-]*(?:\/[\w+-][\w.+-]*)*$/;

/** True when every segment of `text` is safe to write to a work tree. */
export function isSafePath(text: string): boolean {
  if (plainPath.test(text)) return true;
  return text !== '' && text.split('/').every((segment) => stepFault(segment) === undefined);
}

/** What git lets into an index: with `core.protectHFS` and `core.protectNTFS` also no spelling that those systems know. */
export function isIndexPath(text: string, protect: { readonly hfs: boolean; readonly ntfs: boolean }): boolean {
  if (plainPath.test(text)) return true;
  return text
    .split('/')
    .every(
      (name) =>
        name !== '' &&
        name !== '.' &&
        name !== '..' &&
        !isDotGit(name) &&
        !(protect.hfs && isHfsDotGit(name)) &&
        !(protect.ntfs && isNtfsDotGitPart(name)),
    );
}

/** The path of a name in a directory; `''` is the root. */
export const joinPath = (directory: string, name: string): string => (directory === '' ? name : directory + '/' + name);
/** The directory that a path lies in; `''` is the root. */
export const parentPath = (text: string): string => text.slice(0, Math.max(0, text.lastIndexOf('/')));
/** The last step of a path. */
export const baseName = (text: string): string => text.slice(text.lastIndexOf('/') + 1);

import { GitError } from '../base/errors.js';
import { wildmatch } from '../base/wildmatch.js';
import type { FileSystem } from '../platform/fs.js';
import { isAbsolute, parentDirectory, realPathLenient } from './paths.js';

/** What `includeIf` conditions look at. */
export interface IncludeContext {
  readonly fs: FileSystem;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; `undefined` outside a repository. */
  readonly gitDir?: string | undefined;
  /** The branch that is checked out, `main`. */
  readonly currentBranch?: (() => string | undefined) | undefined;
}

/** Whether the condition of `includeIf "<condition>"` holds. `from`: the file it stands in. Unknown ones do not. */
export function conditionHolds(condition: string, context: IncludeContext, from: string | undefined): boolean {
  if (condition.startsWith('gitdir:')) return gitDirMatches(condition.slice(7), context, from, false);
  if (condition.startsWith('gitdir/i:')) return gitDirMatches(condition.slice(9), context, from, true);
  if (condition.startsWith('onbranch:')) {
    const branch = context.currentBranch?.();
    if (branch === undefined) return false;
    let pattern = condition.slice(9);
    if (pattern.endsWith('/')) pattern += '**';
    return wildmatch(pattern, branch, { pathname: true });
  }
  return false;
}

function gitDirMatches(text: string, context: IncludeContext, from: string | undefined, ignoreCase: boolean): boolean {
  if (context.gitDir === undefined) return false;
  let pattern = text;
  /** A start that is compared as it is: a directory's name may have wildcard characters in it. */
  let literal = '';
  const home = context.env['HOME'];
  if (pattern === '~' || pattern.startsWith('~/')) {
    if (home === undefined) return false;
    pattern = realPathLenient(context.fs, home) + pattern.slice(1);
  }
  if (pattern.startsWith('./')) {
    if (from === undefined) {
      throw new GitError('CONFIG', 'relative config include conditionals must come from files');
    }
    literal = `${parentDirectory(realPathLenient(context.fs, from))}/`;
    if (literal === '//') literal = '/';
    pattern = pattern.slice(2);
  } else if (!isAbsolute(pattern)) pattern = `**/${pattern}`;
  if (pattern.endsWith('/')) pattern += '**';
  const matches = (directory: string): boolean => {
    if (literal !== '') {
      const start = directory.slice(0, literal.length);
      const same = ignoreCase ? start.toLowerCase() === literal.toLowerCase() : start === literal;
      if (!same) return false;
    }
    return wildmatch(pattern, directory.slice(literal.length), { pathname: true, ignoreCase });
  };
  // Both ways of naming the directory count: with symbolic links resolved, and as it was reached.
  return matches(realPathLenient(context.fs, context.gitDir)) || matches(asReached(context, context.gitDir));
}

/** The directory as the user came to it: the shell's `PWD` keeps the symbolic links of the way. */
function asReached(context: IncludeContext, directory: string): string {
  const shell = context.env['PWD'];
  if (shell === undefined || !isAbsolute(shell)) return directory;
  const real = context.fs.realPath(shell);
  if (real === undefined || (directory !== real && !directory.startsWith(`${real}/`))) return directory;
  return shell.replace(/\/+$/, '') + directory.slice(real.length);
}

import { GitError } from '../base/errors.js';

/** The C-locale words for "this is neither a revision nor a file". */
export const ambiguousArgument = (text: string): GitError =>
  new GitError(
    'REF_MISSING',
    `ambiguous argument '${text}': unknown revision or path not in the working tree.\n` +
      "Use '--' to separate paths from revisions, like this:\n" +
      "'git <command> [<revision>...] -- [<file>...]'",
  );

export const badRevision = (text: string): GitError => new GitError('REF_MISSING', `bad revision '${text}'`);

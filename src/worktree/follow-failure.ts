import { GitError } from '../base/errors.js';
import { systemMessage } from '../platform/system-message.js';

/** For a failure after the commit was made: nothing of it is lost, but index and files are behind. */
export function followFailure(error: unknown): unknown {
  if (error instanceof GitError || typeof (error as { code?: unknown }).code !== 'string') return error;
  return new GitError(
    'WRITE_FAILED',
    `the commit is made, but index and work tree could not follow: ${systemMessage(error)}`,
    { hint: 'once that is mended, the next value written to this branch brings them in step', cause: error },
  );
}

import { GitError } from '../base/errors.js';
import { systemMessage } from '../platform/system-message.js';

/** The failure to store an object, in git's words; `where`: the folder of objects as it is shown. */
export function writeFailure(error: unknown, where: string): unknown {
  const code = (error as { code?: string }).code;
  if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM') return error;
  const message =
    code === 'EACCES'
      ? `insufficient permission for adding an object to repository database ${where}`
      : `unable to create temporary file in ${where}: ${systemMessage(error)}`;
  return new GitError('WRITE_FAILED', message, {
    hint: code === 'EROFS' ? 'the file system is mounted read-only' : `check the permissions of ${where}`,
    data: { path: where },
    cause: error,
  });
}

/** The failure to fill an object's file: the disk is full, a quota or a limit is reached. */
export function fillFailure(error: unknown): unknown {
  const code = (error as { code?: string }).code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG' && code !== 'EIO') return error;
  return new GitError('WRITE_FAILED', `unable to write loose object file: ${systemMessage(error)}`, {
    hint: 'free some space and run the command again; nothing that was there before is lost',
    data: { path: (error as { path?: string }).path, final: true },
    cause: error,
  });
}

/** `error`, or where it is a failure to store an object the same told as `message`, with the cause on a line before. */
export function whileWriting(error: unknown, message: string): unknown {
  if (!(error instanceof GitError) || error.code !== 'WRITE_FAILED' || error.data['final'] === true) return error;
  return new GitError('WRITE_FAILED', message, { data: { preface: `error: ${error.message}\n` }, cause: error });
}

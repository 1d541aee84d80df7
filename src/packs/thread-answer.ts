import { GitError, isGitError } from '../base/errors.js';
import type { ErrorCode } from '../base/errors.js';

/** An error on its way between threads. */
interface Failure {
  readonly failed: true;
  readonly code: ErrorCode;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export function threadFailure(error: unknown): Failure {
  return {
    failed: true,
    code: isGitError(error) ? error.code : 'BUG',
    message: error instanceof Error ? error.message : String(error),
    data: isGitError(error) ? error.data : {},
  };
}

/** The answer of a thread; throws what went wrong in it. */
export function threadAnswer<T>(answer: unknown): T {
  const failure = answer as Partial<Failure>;
  if (failure.failed === true) throw new GitError(failure.code!, failure.message!, { data: failure.data ?? {} });
  return answer as T;
}

/** A code exists only where some caller acts differently on it. */
export type ErrorCode =
  | 'NOT_A_REPOSITORY'
  | 'OBJECT_MISSING'
  | 'OBJECT_CORRUPT'
  | 'OBJECT_AMBIGUOUS'
  | 'REF_MISSING'
  | 'REF_INVALID'
  | 'REF_CHANGED'
  | 'LOCKED'
  | 'WRITE_FAILED'
  | 'PATH_MISSING'
  | 'PATH_UNSAFE'
  | 'WORKTREE_DIRTY'
  | 'UNRELATED_HISTORIES'
  | 'TRANSPORT'
  | 'PROTOCOL'
  | 'AUTH'
  | 'CONFIG'
  | 'LIMIT'
  | 'UNSUPPORTED'
  | 'USAGE'
  | 'ABORTED'
  | 'BUG';

/** What goes with the message of a failure. */
export interface GitErrorOptions {
  /** What to try next, shown as `hint: …`. */
  readonly hint?: string | undefined;
  /** Facts for programs, printed by `--json`. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/**
 * The one class of failure. The message is git's own wording: lower case, no full stop, names in single quotes,
 * without the `fatal: ` in front. The command line prints it as `fatal: message` and exits with 128.
 */
export class GitError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: GitErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GitError';
    this.code = code;
    this.hint = options.hint;
    this.data = options.data ?? {};
  }
}

/** True when `error` is a `GitError`, of the given code if one is named. */
export function isGitError(error: unknown, code?: ErrorCode): error is GitError {
  return error instanceof GitError && (code === undefined || error.code === code);
}

/** For `.catch` where a failure means "no": a `GitError` becomes `undefined`, a fault of ours goes on. */
export function noAnswer(error: unknown): undefined {
  if (error instanceof GitError) return undefined;
  throw error;
}

/**
 * Why a program's own signal was aborted: a person wants it to stop. It is no `GitError`, so that nothing on the way
 * takes it for the answer to a question it asked.
 */
export class Interrupted extends Error {
  /** What the program ends with: 128 and the number of the signal. */
  readonly exitCode: number;

  constructor(exitCode = 130) {
    super('interrupted');
    this.exitCode = exitCode;
    this.name = 'Interrupted';
  }
}

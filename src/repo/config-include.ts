/** What `includeIf` conditions look at. */
export interface IncludeContext {
  /** Absolute; `undefined` outside a repository. */
  readonly gitDir?: string | undefined;
  /** The branch that is checked out, `main`. */
  readonly currentBranch?: (() => string | undefined) | undefined;
}

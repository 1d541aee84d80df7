/** Where a long operation says things while it works: what git prints on standard output and standard error. */
export interface Talk {
  out(text: string): void;
  err(text: string): void;
}

/** Says nothing: for libraries that read the answer instead. */
export const silent: Talk = { out: () => {}, err: () => {} };

/*
 * Node's heavier modules, loaded when first used: `node:crypto` alone costs 5 ms of a start, and a command that hashes
 * nothing should not pay it.
 */
type Builtins = {
  'node:crypto': typeof import('node:crypto');
  'node:zlib': typeof import('node:zlib');
  'node:os': typeof import('node:os');
  'node:child_process': typeof import('node:child_process');
  'node:worker_threads': typeof import('node:worker_threads');
};

function late<K extends keyof Builtins>(name: K): () => Builtins[K] {
  let loaded: Builtins[K] | undefined;
  return () => {
    loaded ??= (process as unknown as { getBuiltinModule(id: string): unknown }).getBuiltinModule(name) as Builtins[K];
    return loaded;
  };
}

/**
 * What lies under a module of Node's; not documented, so whoever asks must know of the Node that runs how it makes such calls itself. Newer versions may warn of
 * it, which is nothing to the user of a command.
 */
export function binding(name: string): Record<string, unknown> {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return (process as unknown as { binding(name: string): Record<string, unknown> }).binding(name);
  } finally {
    process.noDeprecation = noDeprecation ?? false;
  }
}

/**
 * Counts down what may be done in JavaScript before a native module is worth its loading: node:crypto costs as much as
 * hashing some kilobytes in JavaScript that has just started does.
 */
export class Allowance {
  #left: number;
  constructor(amount: number) {
    this.#left = amount;
  }
  /** True while `amount` still fits; once it does not, never again. */
  take(amount: number): boolean {
    this.#left -= amount;
    return this.#left >= 0;
  }
}

export const crypto = late('node:crypto');
export const zlib = late('node:zlib');
export const os = late('node:os');
export const childProcess = late('node:child_process');
export const workerThreads = late('node:worker_threads');

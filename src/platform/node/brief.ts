import { binding } from './builtins.js';

/** The engines that this was measured with. Flags of other versions are left alone. */
const KNOWN = /^11\./;

/**
 * Does work that is over before optimizing its code could pay. V8 optimizes on threads of its own, and a process waits
 * for them in the end: after some milliseconds of work as long again. (`node:v8` itself takes 1.4 ms to load.)
 */
export async function briefly<T>(work: () => Promise<T>): Promise<T> {
  const set = KNOWN.test(process.versions.v8) ? flagSetter() : undefined;
  set?.('--no-opt');
  try {
    return await work();
  } finally {
    set?.('--opt');
  }
}

function flagSetter(): ((flags: string) => void) | undefined {
  try {
    return binding('v8')['setFlagsFromString'] as ((flags: string) => void) | undefined;
  } catch {
    return undefined;
  }
}

import { binding } from './builtins.js';

/** The engines that this was measured with. Flags of other versions are left alone. */
const KNOWN = /^11\./;

/**
 * Stops optimizing for work that is over before it could pay, until what is answered is called (more than once is
 * harmless). V8 optimizes on threads of its own, and a process waits for them in the end: after some milliseconds of work
 * as long again. (`node:v8` itself takes 1.4 ms to load.)
 */
export function stopOptimizing(): () => void {
  let set = KNOWN.test(process.versions.v8) ? flagSetter() : undefined;
  set?.('--no-opt');
  return () => {
    set?.('--opt');
    set = undefined;
  };
}

function flagSetter(): ((flags: string) => void) | undefined {
  try {
    return binding('v8')['setFlagsFromString'] as ((flags: string) => void) | undefined;
  } catch {
    return undefined;
  }
}

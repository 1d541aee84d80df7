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

/**
 * Has V8 optimize functions with less of what they call copied into them (its own limit is 920 bytecodes): a command is
 * over before what that saves is worth the compiling, a third of the processor time of some. Answers how to undo it, which
 * must be done before compiled code is kept: V8 takes it back only under the flags that it was made with.
 */
export function compileSparingly(): () => void {
  const set = KNOWN.test(process.versions.v8) ? flagSetter() : undefined;
  set?.('--max-inlined-bytecode-size-cumulative=200');
  return () => set?.('--max-inlined-bytecode-size-cumulative=920');
}

function flagSetter(): ((flags: string) => void) | undefined {
  try {
    return binding('v8')['setFlagsFromString'] as ((flags: string) => void) | undefined;
  } catch {
    return undefined;
  }
}

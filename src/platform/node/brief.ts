import { onEffort } from '../../base/effort.js';
import { binding } from './builtins.js';

/** The engines that this was measured with. Flags of other versions are left alone. */
const KNOWN = /^11\./;

/**
 * Stops optimizing for work that is over before it could pay, until what is answered is called (more than once is
 * harmless). V8 optimizes on threads of its own, and a process waits for them in the end: after some milliseconds of work
 * as long again. Where long work is announced (`effort`), it optimizes after all. (`node:v8` itself takes
 * 1.4 ms to load.)
 */
export function stopOptimizing(): () => void {
  let set = KNOWN.test(process.versions.v8) ? flagSetter() : undefined;
  set?.('--no-opt');
  const optimize = (): void => {
    set?.('--opt');
    set = undefined;
  };
  onEffort(optimize);
  return optimize;
}

/** Processor time of the whole process, in microseconds, that a command may take before optimizing is worth it. */
const ENOUGH = 100_000;
/** A file or object of that many bytes promises a loop that nothing interrupts. */
const LARGE = 128 << 10;
/** Looking at the clock costs as much as inflating a small object. */
const CALLS = 16;
let watch: ((bytes: number) => void) | undefined;

/**
 * Stops optimizing until the command has worked for a while, which most commands that look something up never do: what
 * V8 would compile for them, beside them and to the end, is as much work again. What is called at every turn of long
 * work says so (`worked`). Answers what lets V8 optimize at once, and must be called before compiled code is kept.
 */
export function optimizeLate(): () => void {
  const optimize = stopOptimizing();
  const spent = (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const start = spent();
  let calls = 0;
  const done = (): void => {
    watch = undefined;
    optimize();
  };
  watch = (bytes) => {
    if (bytes >= LARGE || (++calls % CALLS === 0 && spent() - start > ENOUGH)) done();
  };
  return done;
}

/** Something was read, inflated, deflated or written: a moment to see whether the command has become long. */
export function worked(bytes: number): void {
  if (watch !== undefined) watch(bytes);
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

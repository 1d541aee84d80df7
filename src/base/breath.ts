import { GitError, Interrupted } from './errors.js';

/** How long work may go on without looking up, in milliseconds. */
const BREATH = 50;

/**
 * The wall clock: `performance` would load ten of Node's own modules, two milliseconds of every start. Nobody knows what went
 * on before the first breath (this module is loaded for it), so that one is always taken.
 */
let last = 0;

/** Signals and sockets are heard before what `setImmediate` runs; timers may come before them. */
const turn: (done: () => void) => unknown =
  typeof setImmediate === 'function' ? setImmediate : (done) => setTimeout(done, 0);

/** What work that was told to stop fails with: a program's own interrupt as it is, else `ABORTED`. */
function stopped(signal: AbortSignal): Error {
  return signal.reason instanceof Interrupted || signal.reason instanceof GitError
    ? signal.reason
    : new GitError('ABORTED', 'aborted', { cause: signal.reason });
}

/** Throws once the signal is aborted; for work that cannot wait. */
export function heed(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw stopped(signal);
}

/**
 * Takes a turn of the event loop when the last one is a while ago, so that long work which never waits hears that it
 * is to stop. `undefined`: not now, and always without a signal. Throws (or rejects) once the signal is aborted.
 */
export function breath(signal: AbortSignal | undefined): Promise<void> | undefined {
  if (signal === undefined) return undefined;
  heed(signal);
  // A clock that was set back must not put it off for as long as that.
  if (Math.abs(Date.now() - last) < BREATH) return undefined;
  return new Promise<void>(turn).then(() => {
    last = Date.now();
    heed(signal);
  });
}

/** Waits for something that cannot be stopped, but no longer than until the signal is aborted. */
export function unlessStopped<T>(wanted: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return wanted;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(stopped(signal));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    wanted.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

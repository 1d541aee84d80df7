import { Interrupted } from '../base/errors.js';

const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

let controller: AbortController | undefined;
const stop = (_name: string, number: number): void => controller!.abort(new Interrupted(128 + number));

function listen(on: boolean): void {
  for (const signal of Object.keys(signals)) {
    if (on) process.once(signal, stop);
    else process.removeListener(signal, stop);
  }
}

/**
 * Aborted by the first interrupt (or the order to end), so that locks and temporary files can be cleaned away; a second
 * one ends the process. Whoever asks for it must look up now and then (`breath`): until then the first one waits.
 */
export function interruptSignal(): AbortSignal {
  if (controller === undefined) {
    controller = new AbortController();
    listen(true);
  }
  return controller.signal;
}

/** Why the program is to stop, if it is. */
export function interruption(): Interrupted | undefined {
  return controller?.signal.reason as Interrupted | undefined;
}

/** Ends as a program that an interrupt ends: a shell then stops its loop too. */
export function endInterrupted(): void {
  const number = (interruption()?.exitCode ?? 0) - 128;
  const name = Object.entries(signals).find((entry) => entry[1] === number)?.[0];
  if (name === undefined) return;
  listen(false);
  process.kill(process.pid, name);
}

let waiting = false;

/**
 * Runs what may wait for a person or another program for ever, and cannot look up: an interrupt ends it at once. A question
 * belongs in it: whoever sees it may interrupt before its answer is waited for.
 */
export function endingAtOnce<T>(wait: () => T): T {
  if (controller === undefined || waiting) return wait();
  listen(false);
  waiting = true;
  try {
    return wait();
  } finally {
    waiting = false;
    listen(true);
  }
}

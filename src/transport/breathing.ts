import type { ObjectSource } from '../objects/source.js';

/** How long a walk may keep everybody else waiting, in milliseconds. */
const BREATH = 30;

/**
 * The same objects, for long walks in a process that serves others too: every now and then a read takes a turn of the
 * event loop, in which sockets are heard and written to.
 */
export function breathing(objects: ObjectSource, now: () => number): ObjectSource {
  let last = now();
  let calls = 0;
  let waiting = false;
  const due = (): boolean => {
    if (!waiting && (++calls & 31) === 0) waiting = now() - last >= BREATH;
    return waiting;
  };
  const pause = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    waiting = false;
    last = now();
  };
  return {
    read: (oid) => (due() ? pause().then(() => objects.read(oid)) : objects.read(oid)),
    ...(objects.readPassing === undefined
      ? {}
      : { readPassing: (raw) => (due() ? undefined : objects.readPassing!(raw)) }),
    ...(objects.borrow === undefined ? {} : { borrow: (raw, at) => (due() ? undefined : objects.borrow!(raw, at)) }),
    has: (oid) => objects.has(oid),
    ...(objects.hasNow === undefined ? {} : { hasNow: (oid) => objects.hasNow!(oid) }),
    ...(objects.readHeader === undefined ? {} : { readHeader: (oid) => objects.readHeader!(oid) }),
  };
}

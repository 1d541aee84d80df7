import { GitError } from '../base/errors.js';
import { option } from '../merge/combinators.js';
import type { MergeFn } from '../merge/hook.js';
import { clean } from '../merge/hook.js';
import type { Contents } from './contents.js';
import { decodeLines, encodeLines, readLine, writeLine } from './lines.js';

/**
 * A first-in first-out queue. `popped` counts all that ever left it, so that each element has a number of its own and
 * two equal ones are never confused.
 */
export interface Queue {
  readonly popped: number;
  readonly items: readonly string[];
}

/** A queue that nothing was ever put into. */
export const emptyQueue: Queue = { popped: 0, items: [] };
/** The queue with more elements at its end. */
export const push = (queue: Queue, ...items: readonly string[]): Queue => ({
  ...queue,
  items: [...queue.items, ...items],
});
/** The oldest element, if any, and the queue without it. */
export const pop = (queue: Queue): { readonly item: string | undefined; readonly queue: Queue } =>
  queue.items.length === 0
    ? { item: undefined, queue }
    : { item: queue.items[0], queue: { popped: queue.popped + 1, items: queue.items.slice(1) } };

const mergeQueues: MergeFn<Queue> = async (sides) => {
  const base = (await sides.base()) ?? emptyQueue;
  const end = base.popped + base.items.length;
  const ours = since(sides.ours, end);
  const theirs = since(sides.theirs, end);
  const popped = Math.max(base.popped, ours.shared, theirs.shared);
  return clean({
    popped: popped + ours.own + theirs.own,
    items: [...base.items.slice(popped - base.popped), ...ours.pushed, ...theirs.pushed],
  });
};

/** What a side did since the base, whose last element has number `end - 1`. */
function since(queue: Queue, end: number): { shared: number; own: number; pushed: readonly string[] } {
  const shared = Math.min(queue.popped, end);
  return { shared, own: queue.popped - shared, pushed: queue.items.slice(Math.max(0, end - queue.popped)) };
}

/**
 * The queue as a type: elements that either side popped are gone (popped by both, they count once), then come ours'
 * pushes, then theirs'. Never conflicts unless a side deleted it. Stored as the count of popped elements and one
 * element per line.
 */
export const queue: Contents<Queue> = {
  name: 'queue',
  encode: ({ popped, items }) => encodeLines([String(popped), ...items.map(writeLine)]),
  decode(bytes) {
    const [count = '0', ...items] = decodeLines(bytes);
    if (!/^\d+$/.test(count)) throw new GitError('USAGE', `'${count}' is not a count of popped elements`);
    return { popped: Number(count), items: items.map(readLine) };
  },
  merge: option(mergeQueues, 'ask'),
  sameChange: 'ask',
};

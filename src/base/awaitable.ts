/** A value now, or a promise of it: storage seams answer at once where they can. */
export type Awaitable<T> = T | Promise<T>;

/** Tells a promise from a ready value; hot loops use it to skip the `await`. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Everything long-running can be told to stop. */
export interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

/** A list with at least one element. */
export type NonEmpty<T> = readonly [T, ...T[]];

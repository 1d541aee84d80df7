import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import type { MergeFn, SameChange } from './hook.js';

/** A merge of the bytes of one file; absent is `undefined`. */
export interface Driver extends MergeFn<Bytes | undefined> {
  /** `ask` where equal changes of both sides add up: the tree merge then calls the driver for them too. */
  readonly sameChange?: SameChange | undefined;
  /**
   * True where the driver wants to decide about deletions itself. Others are called with both sides there only, and
   * git's modify/delete rule holds.
   */
  readonly decidesDeletion?: boolean | undefined;
}

/** Which driver merges a path: from `.gitattributes` and `merge.<name>.*`, or from code. */
export type DriverFor = (path: string) => Awaitable<Driver>;

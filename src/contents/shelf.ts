import { bytes } from './bytes.js';
import { set } from './collections.js';
import type { Contents } from './contents.js';
import { counter } from './counter.js';
import { json } from './json.js';
import { log } from './log.js';
import { queue } from './queue.js';
import { text } from './text.js';

/** The types that have a name of their own, by which commands and attributes ask for them. */
export const shelf: Readonly<Record<string, Contents<unknown>>> = Object.fromEntries(
  [bytes, counter, json(), log, queue, set, text].map((contents) => [contents.name, contents as Contents<unknown>]),
);

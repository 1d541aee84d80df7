import { isPromise } from '../base/awaitable.js';
import { encodeText, type Bytes } from '../base/bytes.js';
import { checkText } from './check.js';
import { dirstatText, type DirstatOptions } from './dirstat.js';
import type { DiffOptions } from './options.js';
import type { FilePair } from './pair.js';
import { PatchWriter } from './patch.js';
import { nameRecord, rawRecord, statusRecord, summaryLines } from './raw.js';
import { collectStats, numstatText, shortstatText, statText, type StatOptions } from './stat.js';

/** Which forms of output are wanted; they come in git's order. */
export interface DiffFormats {
  readonly raw?: boolean | undefined;
  readonly name?: boolean | undefined;
  readonly nameStatus?: boolean | undefined;
  /** `--check`: report white space errors that the new lines introduce. */
  readonly check?: boolean | undefined;
  readonly numstat?: boolean | undefined;
  readonly stat?: StatOptions | undefined;
  readonly shortstat?: boolean | undefined;
  readonly dirstat?: DirstatOptions | undefined;
  readonly summary?: boolean | undefined;
  readonly patch?: boolean | undefined;
}

/** What was seen while writing, for exit codes. */
export interface DiffOutcome {
  /** `--check` found errors. */
  failedCheck: boolean;
  /** Something differs; with white space overlooked, something that is shown. */
  changes: boolean;
}

/** Writes the pairs in all wanted forms, in pieces. `outcome` is filled in on the way. */
export async function* writeDiff(
  pairs: readonly FilePair[],
  formats: DiffFormats,
  options: DiffOptions,
  outcome: DiffOutcome = { failedCheck: false, changes: false },
): AsyncGenerator<Bytes> {
  if (pairs.length === 0) return;
  let separate = false;
  if (formats.raw === true || formats.name === true || formats.nameStatus === true || formats.check === true) {
    let text = '';
    for (const pair of pairs) {
      if (formats.check === true) {
        const found = await checkText(pair, options);
        if (found.length > 0) {
          outcome.failedCheck = true;
          yield found;
        }
      } else if (formats.raw === true) {
        const record = rawRecord(pair, options);
        text += isPromise(record) ? await record : record;
      } else if (formats.nameStatus === true) {
        text += statusRecord(pair, options);
      } else {
        text += nameRecord(pair, options);
      }
      if (text.length > 1 << 16) {
        yield encodeText(text);
        text = '';
      }
    }
    yield encodeText(text);
    separate = true;
  }
  const byLines = formats.dirstat?.by === 'lines';
  if (formats.numstat === true || formats.stat !== undefined || formats.shortstat === true || byLines) {
    const stats = await collectStats(pairs, options, formats.stat?.compactSummary === true);
    let text = '';
    if (formats.numstat === true) text += numstatText(stats, options);
    if (formats.stat !== undefined) text += statText(stats, options, formats.stat);
    if (formats.shortstat === true) text += shortstatText(stats, options);
    if (byLines) text += await dirstatText(pairs, stats, options, formats.dirstat!);
    yield encodeText(text);
    separate = true;
  }
  if (formats.dirstat !== undefined && !byLines) {
    yield encodeText(await dirstatText(pairs, [], options, formats.dirstat));
  }
  if (formats.summary === true) {
    const text = pairs.map((pair) => summaryLines(pair, options)).join('');
    if (text !== '') {
      yield encodeText(text);
      separate = true;
    }
  }
  if (formats.patch === true) {
    if (separate) yield encodeText((options.linePrefix ?? '') + (options.terminator ?? '\n'));
    const writer = new PatchWriter(options);
    options.announce?.(pairs.length);
    for (const pair of pairs) {
      try {
        await writer.pair(pair);
      } catch (error) {
        yield writer.take();
        throw error;
      }
      const piece = writer.take();
      if (piece.length > 0) yield piece;
    }
    writer.finish();
    yield writer.rest();
    outcome.changes = writer.foundChanges;
  }
}

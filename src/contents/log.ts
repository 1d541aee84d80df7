import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { option } from '../merge/combinators.js';
import { equalValues } from '../merge/equal.js';
import type { MergeFn } from '../merge/hook.js';
import { clean, conflicted } from '../merge/hook.js';
import type { Contents } from './contents.js';
import { decodeLines, encodeLines, readLine, writeLine } from './lines.js';

/** An entry of a log: when (any number that grows) and what. */
export interface LogEntry {
  readonly at: number;
  readonly text: string;
}

const mergeLogs: MergeFn<readonly LogEntry[]> = async (sides, context) => {
  const base = (await sides.base()) ?? [];
  const keeps = (log: readonly LogEntry[]) => base.every((entry, i) => equalValues(entry, log[i]));
  if (!keeps(sides.ours) || !keeps(sides.theirs)) {
    return conflicted(context, 'value', 'entries of the log were changed, not only added', sides.ours);
  }
  const added = new Map<string, LogEntry>();
  for (const log of [sides.ours, sides.theirs]) {
    for (const entry of log.slice(base.length)) added.set(writeEntry(entry), entry);
  }
  return clean([...base, ...[...added.values()].sort((a, b) => a.at - b.at || compareText(a.text, b.text))]);
};

const writeEntry = ({ at, text }: LogEntry): string => `${at}\t${writeLine(text)}`;

/**
 * An append-only log, oldest first. Entries that either side added come after the common ones, by time, then text; the
 * same entry of both sides comes once. Changing or dropping old entries on one side while the other appends is a
 * conflict. Stored as lines of stamp, tab and text.
 */
export const log: Contents<readonly LogEntry[]> = {
  name: 'log',
  encode: (entries) => encodeLines(entries.map(writeEntry)),
  decode: (bytes) =>
    decodeLines(bytes).map((line) => {
      const tab = line.indexOf('\t');
      const at = Number(line.slice(0, Math.max(tab, 0)));
      if (tab <= 0 || !Number.isFinite(at)) throw new GitError('USAGE', `no time stamp in line '${line}'`);
      return { at, text: readLine(line.slice(tab + 1)) };
    }),
  merge: option(mergeLogs),
};

import { isPromise, type Awaitable } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { quotePath } from '../base/quote.js';
import { recordName, renamedName, shownPath, isRenamed } from './names.js';
import type { DiffOptions } from './options.js';
import { exists, percentOf, type FilePair } from './pair.js';

const octal = (mode: number): string => mode.toString(8).padStart(6, '0');
const same = (oid: Oid): string => oid;

/** A record of `--raw`. */
export function rawRecord(pair: FilePair, options: DiffOptions): Awaitable<string> {
  const shorten = options.abbreviateRaw ?? same;
  const { old, new: fresh } = pair;
  const a = shorten(old.oid);
  const b = shorten(fresh.oid);
  const finish = (x: string, y: string): string =>
    statusRecord(pair, options, `:${octal(old.mode)} ${octal(fresh.mode)} ${x} ${y} `);
  return isPromise(a) || isPromise(b) ? Promise.all([a, b]).then(([x, y]) => finish(x, y)) : finish(a, b);
}

/** A record of `--name-status`; `before` comes in front of the status. */
export function statusRecord(pair: FilePair, options: DiffOptions, before = ''): string {
  const end = options.terminator ?? '\n';
  const between = end === '\0' ? '\0' : '\t';
  const { old, new: fresh } = pair;
  let text = (options.linePrefix ?? '') + before + pair.status;
  if (pair.score > 0) text += String(percentOf(pair.score)).padStart(3, '0');
  text += between;
  if (isRenamed(pair)) text += recordName(shownPath(old.path, options), options) + between;
  const path = isRenamed(pair) || !exists(old) ? fresh.path : old.path;
  return text + recordName(shownPath(path, options), options) + end;
}

/** A record of `--name-only`. */
export function nameRecord(pair: FilePair, options: DiffOptions): string {
  const name = recordName(shownPath(pair.new.path, options), options);
  return (options.linePrefix ?? '') + name + (options.terminator ?? '\n');
}

/** What `--summary` says of a pair; empty where there is nothing to say. */
export function summaryLines(pair: FilePair, options: DiffOptions): string {
  const prefix = options.linePrefix ?? '';
  const high = options.quotePath ?? true;
  const { old, new: fresh } = pair;
  const name = (path: string): string => quotePath(path, high);
  const modeChange = (withName: boolean): string =>
    old.mode !== 0 && fresh.mode !== 0 && old.mode !== fresh.mode
      ? `${prefix} mode change ${octal(old.mode)} => ${octal(fresh.mode)}${withName ? ` ${name(fresh.path)}` : ''}\n`
      : '';
  switch (pair.status) {
    case 'D':
      return `${prefix} delete mode ${octal(old.mode)} ${name(old.path)}\n`;
    case 'A':
      return `${prefix} create mode ${octal(fresh.mode)} ${name(fresh.path)}\n`;
    case 'C':
    case 'R': {
      const names = renamedName(old.path, fresh.path, high);
      const verb = pair.status === 'C' ? 'copy' : 'rename';
      return `${prefix} ${verb} ${names} (${percentOf(pair.score)}%)\n${modeChange(false)}`;
    }
    default: {
      const rewrite = pair.score > 0 ? `${prefix} rewrite ${name(fresh.path)} (${percentOf(pair.score)}%)\n` : '';
      return rewrite + modeChange(rewrite === '');
    }
  }
}

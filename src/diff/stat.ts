import { isPromise } from '../base/awaitable.js';
import { equalBytes } from '../base/bytes.js';
import { quotePath } from '../base/quote.js';
import { codePointWidth, displayWidth } from '../base/display-width.js';
import { isRegularMode, isSymlinkMode, isTreeMode } from '../objects/mode.js';
import { hunksOf } from './hunks.js';
import { splitLines } from './lines.js';
import { isRenamed, recordName, renamedName, shownPath } from './names.js';
import type { DiffOptions } from './options.js';
import { exists, isRewrite, type DiffSide, type FilePair } from './pair.js';
import { changesForOutput, isBinaryContent } from './patch.js';

/** How many lines (bytes, in binary files) a pair adds and removes. */
export interface FileStat {
  readonly path: string;
  /** Where it came from, if it was renamed or copied. */
  readonly from?: string | undefined;
  readonly added: number;
  readonly deleted: number;
  readonly binary: boolean;
  readonly unmerged: boolean;
  /** What `--compact-summary` says in parentheses. */
  readonly comment?: string | undefined;
}

export interface StatOptions {
  /** Columns of the whole line; 80 by default. */
  readonly width?: number | undefined;
  /** Most columns for names; 0: as many as fit. */
  readonly nameWidth?: number | undefined;
  readonly graphWidth?: number | undefined;
  /** Only the first so many files; 0: all. */
  readonly count?: number | undefined;
  /** Tell creations, deletions and mode changes behind the name. */
  readonly compactSummary?: boolean | undefined;
}

/** Counts all pairs; those whose changes turn out to be overlooked are left out. */
export async function collectStats(
  pairs: readonly FilePair[],
  options: DiffOptions,
  compactSummary = false,
): Promise<FileStat[]> {
  const stats: FileStat[] = [];
  for (const pair of pairs) {
    const stat = await statOf(pair, options, compactSummary);
    if (stat !== undefined) stats.push(stat);
  }
  return stats;
}

async function statOf(pair: FilePair, options: DiffOptions, compact: boolean): Promise<FileStat | undefined> {
  const { old, new: fresh } = pair;
  if (isTreeMode(old.mode) || isTreeMode(fresh.mode)) return undefined;
  const base = {
    path: shownPath(fresh.path, options),
    from: old.path === fresh.path ? undefined : shownPath(old.path, options),
    comment: compact ? compactComment(pair) : undefined,
    unmerged: false,
  };
  const none = { ...base, added: 0, deleted: 0, binary: false };
  if (pair.status === 'U') return { ...none, unmerged: true };
  if (exists(old) && exists(fresh) && old.oid === fresh.oid && !/^0+$/.test(old.oid)) {
    return { ...none, binary: await isBinarySide(fresh, options) };
  }
  let oldContent = old.read();
  if (isPromise(oldContent)) oldContent = await oldContent;
  let newContent = fresh.read();
  if (isPromise(newContent)) newContent = await newContent;
  const oldDriver = isRegularMode(old.mode) ? options.driverFor?.(old.path) : undefined;
  const newDriver = isRegularMode(fresh.mode) ? options.driverFor?.(fresh.path) : undefined;
  const binary =
    options.text !== true &&
    ((exists(old) && isBinaryContent(oldContent, oldDriver)) ||
      (exists(fresh) && isBinaryContent(newContent, newDriver)));
  if (binary) {
    if (equalBytes(oldContent, newContent)) return { ...none, binary };
    return { ...base, added: newContent.length, deleted: oldContent.length, binary };
  }
  const a = splitLines(oldContent);
  const b = splitLines(newContent);
  if (isRewrite(pair)) return { ...base, added: b.count, deleted: a.count, binary };
  // Whole functions are a matter of patches.
  const plain = options.functionContext === true ? { ...options, functionContext: false } : options;
  const changes = changesForOutput(a, b, plain, oldDriver?.algorithm ?? newDriver?.algorithm);
  let added = 0;
  let deleted = 0;
  const shown = changes.some((change) => change.ignorable === true)
    ? hunksOf(changes, a, b, plain).flatMap((hunk) => hunk.changes)
    : changes;
  for (const change of shown) {
    added += change.bCount;
    deleted += change.aCount;
  }
  // nothing left of a plain modification: it was all white space, or the like
  if (pair.status === 'M' && added === 0 && deleted === 0 && old.mode === fresh.mode) return undefined;
  return { ...base, added, deleted, binary };
}

async function isBinarySide(side: DiffSide, options: DiffOptions): Promise<boolean> {
  if (options.text === true) return false;
  const driver = isRegularMode(side.mode) ? options.driverFor?.(side.path) : undefined;
  return driver?.binary ?? isBinaryContent(await side.read(), driver);
}

function compactComment(pair: FilePair): string | undefined {
  const { old, new: fresh } = pair;
  if (!isRenamed(pair)) {
    if (pair.status === 'A')
      return isSymlinkMode(fresh.mode) ? 'new +l' : (fresh.mode & 0o777) === 0o755 ? 'new +x' : 'new';
    if (pair.status === 'D') return 'gone';
  }
  if (isSymlinkMode(old.mode) && !isSymlinkMode(fresh.mode)) return 'mode -l';
  if (!isSymlinkMode(old.mode) && isSymlinkMode(fresh.mode)) return 'mode +l';
  if ((old.mode & 0o777) === 0o644 && (fresh.mode & 0o777) === 0o755) return 'mode +x';
  if ((old.mode & 0o777) === 0o755 && (fresh.mode & 0o777) === 0o644) return 'mode -x';
  return undefined;
}

/** The records of `--numstat`. */
export function numstatText(stats: readonly FileStat[], options: DiffOptions): string {
  const prefix = options.linePrefix ?? '';
  const end = options.terminator ?? '\n';
  return stats
    .map((stat) => {
      const counts = stat.binary ? '-\t-\t' : `${stat.added}\t${stat.deleted}\t`;
      let name = recordName(stat.path, options);
      if (stat.from !== undefined) {
        name =
          end === '\0' ? `\0${stat.from}\0${stat.path}` : renamedName(stat.from, stat.path, options.quotePath ?? true);
      }
      return `${prefix}${counts}${name}${end}`;
    })
    .join('');
}

/** ` 2 files changed, 3 insertions(+), 1 deletion(-)`, without the newline. */
function changesLine(files: number, insertions: number, deletions: number): string {
  if (files === 0) return ' 0 files changed';
  let text = ` ${files} ${files === 1 ? 'file' : 'files'} changed`;
  if (insertions > 0 || deletions === 0) text += `, ${insertions} insertion${insertions === 1 ? '' : 's'}(+)`;
  if (deletions > 0 || insertions === 0) text += `, ${deletions} deletion${deletions === 1 ? '' : 's'}(-)`;
  return text;
}

/** `--shortstat`. */
export function shortstatText(stats: readonly FileStat[], options: DiffOptions): string {
  if (stats.length === 0) return '';
  let [files, added, deleted] = [0, 0, 0];
  for (const stat of stats) {
    if (stat.unmerged) continue;
    files++;
    if (stat.binary) continue;
    added += stat.added;
    deleted += stat.deleted;
  }
  return `${options.linePrefix ?? ''}${changesLine(files, added, deleted)}\n`;
}

const decimals = (value: number): number => String(value).length;

/** At least one mark for any change at all. */
const scaled = (value: number, width: number, most: number): number =>
  value === 0 ? 0 : 1 + Math.floor((value * (width - 1)) / most);

/** `--stat`: names, counts and a graph that fit the width. */
export function statText(stats: readonly FileStat[], options: DiffOptions, layout: StatOptions = {}): string {
  if (stats.length === 0) return '';
  const prefix = options.linePrefix ?? '';
  const high = options.quotePath ?? true;
  const { colors } = options;
  const [addColor, deleteColor, reset] = [colors?.new ?? '', colors?.old ?? '', colors?.reset ?? ''];
  const shown = stats.slice(0, layout.count || stats.length);
  const names = shown.map((stat) => {
    const name = stat.from === undefined ? quotePath(stat.path, high) : renamedName(stat.from, stat.path, high);
    return stat.comment === undefined ? name : `${name} (${stat.comment})`;
  });
  let nameMost = 0;
  let changeMost = 0;
  let numberWidth = 0;
  let binaryWidth = 0;
  for (const [i, stat] of shown.entries()) {
    nameMost = Math.max(nameMost, displayWidth(names[i]!));
    if (stat.unmerged) {
      binaryWidth = Math.max(binaryWidth, 8);
    } else if (stat.binary) {
      binaryWidth = Math.max(binaryWidth, 14 + decimals(stat.added) + decimals(stat.deleted));
      numberWidth = 3;
    } else {
      changeMost = Math.max(changeMost, stat.added + stat.deleted);
    }
  }
  numberWidth = Math.max(numberWidth, decimals(changeMost));
  // room for the name, ` | `, the number, and a graph; see the documentation of --stat for who gives way
  const width = Math.max(layout.width || 80, 16 + 6 + numberWidth);
  const graphLimit = layout.graphWidth ?? 0;
  let graphWidth = changeMost + 4 > binaryWidth ? changeMost : binaryWidth - 4;
  if (graphLimit > 0) graphWidth = Math.min(graphWidth, graphLimit);
  let nameWidth = (layout.nameWidth ?? 0) > 0 ? Math.min(layout.nameWidth!, nameMost) : nameMost;
  if (nameWidth + numberWidth + 6 + graphWidth > width) {
    const share = Math.floor((width * 3) / 8) - numberWidth - 6;
    if (graphWidth > share) graphWidth = Math.max(share, 6);
    if (graphLimit > 0) graphWidth = Math.min(graphWidth, graphLimit);
    if (nameWidth > width - numberWidth - 6 - graphWidth) nameWidth = width - numberWidth - 6 - graphWidth;
    else graphWidth = width - numberWidth - 6 - nameWidth;
  }
  let text = '';
  for (const [i, stat] of shown.entries()) {
    const { name, dots } = fitName(names[i]!, nameWidth);
    const padding = ' '.repeat(Math.max(0, nameWidth - dots.length - displayWidth(name)));
    text += `${prefix} ${dots}${name}${padding} |`;
    if (stat.unmerged) {
      text += ` ${'Unmerged'.padStart(numberWidth)}\n`;
      continue;
    }
    if (stat.binary) {
      text += ` ${'Bin'.padStart(numberWidth)}`;
      if (stat.added > 0 || stat.deleted > 0)
        text += ` ${deleteColor}${stat.deleted}${reset} -> ${addColor}${stat.added}${reset} bytes`;
      text += '\n';
      continue;
    }
    let add = stat.added;
    let remove = stat.deleted;
    if (graphWidth <= changeMost) {
      let total = scaled(add + remove, graphWidth, changeMost);
      if (total < 2 && add > 0 && remove > 0) total = 2;
      if (add < remove) {
        add = scaled(add, graphWidth, changeMost);
        remove = total - add;
      } else {
        remove = scaled(remove, graphWidth, changeMost);
        add = total - remove;
      }
    }
    const count = stat.added + stat.deleted;
    text += ` ${String(count).padStart(numberWidth)}${count > 0 ? ' ' : ''}`;
    if (add > 0) text += addColor + '+'.repeat(add) + reset;
    if (remove > 0) text += deleteColor + '-'.repeat(remove) + reset;
    text += '\n';
  }
  if (stats.slice(shown.length).some((stat) => !stat.unmerged)) text += `${prefix} ...\n`;
  return text + shortstatText(stats, options);
}

/** Cuts the front off a name that is too long, at a `/` if there is one in what remains. */
function fitName(name: string, width: number): { readonly name: string; readonly dots: string } {
  let columns = displayWidth(name);
  if (width >= columns) return { name, dots: '' };
  const room = Math.max(0, width - 3);
  let rest = name;
  while (columns > room && rest !== '') {
    const code = rest.codePointAt(0)!;
    columns -= Math.max(0, codePointWidth(code));
    rest = rest.slice(code > 0xffff ? 2 : 1);
  }
  const slash = rest.indexOf('/');
  return { name: slash >= 0 ? rest.slice(slash) : rest, dots: '...' };
}

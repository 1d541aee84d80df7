import { isPromise, type Awaitable } from '../base/awaitable.js';
import { equalBytes, type Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { needsQuoting, quoteInner } from '../base/quote.js';
import { ByteBuilder } from './byte-builder.js';
import { noDiffColors } from './colors.js';
import { diffLines } from './line-diff.js';
import { canonicalLines, isSpace, lineBytes, splitLines, type Lines } from './lines.js';
import { recordName } from './names.js';
import type { DiffOptions } from './options.js';
import type { DiffSide, DiffStatus, FilePair } from './pair.js';
import { isBinaryContent } from './patch.js';

/** A path that a merge changed against every parent. */
export interface CombinedPath {
  readonly path: string;
  readonly result: DiffSide;
  readonly parents: readonly { readonly side: DiffSide; readonly status: DiffStatus }[];
}

export interface CombinedOptions {
  /** `--cc`: leave out hunks in which the result is one of two versions; else `-c`. */
  readonly dense: boolean;
  /** Name the path in every parent (`--combined-all-paths`). */
  readonly allPaths?: boolean | undefined;
  /** The result is a file of the work tree: the header is shown even without hunks. */
  readonly workTree?: boolean | undefined;
}

/** The paths in the differences against all parents; each list in path order. */
export function intersectPairs(lists: readonly (readonly FilePair[])[]): CombinedPath[] {
  const [first, ...others] = lists;
  if (first === undefined) return [];
  const rest = others.map((list) => new Map(list.map((pair) => [pair.new.path, pair])));
  const paths: CombinedPath[] = [];
  for (const pair of first) {
    const all = [pair];
    for (const map of rest) {
      const other = map.get(pair.new.path);
      if (other !== undefined) all.push(other);
    }
    if (all.length !== lists.length) continue;
    paths.push({
      path: pair.new.path,
      result: pair.new,
      parents: all.map((one) => ({ side: one.old, status: one.status })),
    });
  }
  return paths;
}

const octal = (mode: number): string => mode.toString(8).padStart(6, '0');
const changedName = (status: DiffStatus): boolean => status === 'R' || status === 'C';

/** The record of a path in raw, name or name-status form. */
export async function combinedRecord(
  path: CombinedPath,
  form: 'raw' | 'nameStatus' | 'name',
  options: DiffOptions,
  combined: CombinedOptions,
): Promise<string> {
  const end = options.terminator ?? '\n';
  const between = end === '\0' ? '\0' : '\t';
  let text = form === 'raw' ? (options.linePrefix ?? '') : '';
  if (form === 'raw') {
    const shorten = async (oid: Oid): Promise<string> => options.abbreviateRaw?.(oid) ?? oid;
    text += ':'.repeat(path.parents.length);
    for (const { side } of path.parents) text += `${octal(side.mode)} `;
    text += octal(path.result.mode);
    for (const { side } of path.parents) text += ` ${await shorten(side.oid)}`;
    text += ` ${await shorten(path.result.oid)} `;
  }
  if (form !== 'name') text += path.parents.map((parent) => parent.status).join('') + between;
  if (combined.allPaths === true) {
    for (const { side, status } of path.parents)
      text += recordName(changedName(status) ? side.path : path.path, options) + between;
  }
  return text + recordName(path.path, options) + end;
}

/** A line that some parents had and the result has not. */
interface Lost {
  readonly text: Bytes;
  parents: number;
}

/** A line of the result (or the place behind the last), and what was lost in front of it. */
interface Place {
  /** Bits of the parents that the line is new to. */
  added: number;
  lost: Lost[];
  /** Shown, as a change or as context. */
  marked: boolean;
  /** Context in front: what was lost here is not shown. */
  hideLost: boolean;
  /** For each parent the number (from 1) of the line that a hunk beginning here would begin with. */
  readonly parentLines: number[];
}

/** The combined patch of one path; empty where there is nothing to show. */
export async function combinedPatch(
  path: CombinedPath,
  options: DiffOptions,
  combined: CombinedOptions,
): Promise<Bytes> {
  return new CombinedWriter(path, options, combined).write();
}

class CombinedWriter {
  private readonly out = new ByteBuilder(1024);
  private readonly context: number;
  private readonly all: number;

  constructor(
    private readonly path: CombinedPath,
    private readonly options: DiffOptions,
    private readonly combined: CombinedOptions,
  ) {
    this.context = options.context ?? 3;
    this.all = 2 ** path.parents.length - 1;
  }

  async write(): Promise<Bytes> {
    const { path, options } = this;
    const { result } = path;
    const driver = options.driverFor?.(path.path);
    const textconv = options.textconv === true ? driver?.textconv : undefined;
    const read = async (side: DiffSide): Promise<Bytes> => {
      if (side.mode === 0) return new Uint8Array(0);
      const content: Awaitable<Bytes> = textconv === undefined ? side.read() : textconv(side);
      return isPromise(content) ? await content : content;
    };
    const content = await read(result);
    const parents = await Promise.all(path.parents.map(({ side }) => read(side)));
    const modesDiffer = path.parents.some(({ side }) => side.mode !== result.mode);
    const binary =
      textconv === undefined &&
      options.text !== true &&
      [content, ...parents].some((bytes) => isBinaryContent(bytes, driver));
    if (binary) {
      await this.header(modesDiffer, false);
      this.out.text('Binary files differ\n');
      return this.out.take();
    }
    const lines = splitLines(content);
    const places = this.combine(lines, parents);
    const shown = this.mark(places);
    if (shown || modesDiffer || this.combined.workTree === true) {
      await this.header(modesDiffer, true);
      if (result.mode !== 0) this.hunks(places, lines);
    }
    return this.out.take();
  }

  // ---------------------------------------------------------------- comparing

  private combine(lines: Lines, parents: readonly Bytes[]): Place[] {
    const places: Place[] = Array.from({ length: lines.count + 2 }, () => ({
      added: 0,
      lost: [],
      marked: false,
      hideLost: false,
      parentLines: [],
    }));
    parents.forEach((content, n) => {
      if (this.path.result.mode === 0) return;
      const earlier = this.path.parents
        .slice(0, n)
        .findIndex(({ side }) => side.oid === this.path.parents[n]!.side.oid);
      if (earlier >= 0 && equalBytes(parents[earlier]!, content)) this.sameAs(places, earlier, n);
      else this.compare(places, lines, splitLines(content), n);
    });
    return places;
  }

  /** Parent `n` has the same content as parent `earlier`. */
  private sameAs(places: Place[], earlier: number, n: number): void {
    const bit = 2 ** earlier;
    for (const place of places) {
      place.parentLines[n] = place.parentLines[earlier]!;
      if ((place.added & bit) !== 0) place.added |= 2 ** n;
      for (const lost of place.lost) if ((lost.parents & bit) !== 0) lost.parents |= 2 ** n;
    }
  }

  private compare(places: Place[], lines: Lines, parent: Lines, n: number): void {
    const bit = 2 ** n;
    const changes = diffLines(parent, lines, { ...this.options, trimTail: true });
    const lost = new Map<number, Lost[]>();
    for (const change of changes) {
      for (let i = 0; i < change.bCount; i++) places[change.b + i]!.added |= bit;
      if (change.aCount === 0) continue;
      const gone: Lost[] = [];
      for (let i = 0; i < change.aCount; i++) {
        const text = lineBytes(parent, change.a + i);
        gone.push({ text: text[text.length - 1] === 10 ? text.subarray(0, -1) : text, parents: bit });
      }
      lost.set(change.b, gone);
    }
    let number = 1;
    for (let i = 0; i <= lines.count; i++) {
      const place = places[i]!;
      place.parentLines[n] = number;
      const gone = lost.get(i);
      if (gone !== undefined) place.lost = this.coalesce(place.lost, gone, bit);
      for (const line of place.lost) if ((line.parents & bit) !== 0) number++;
      if (i < lines.count && (place.added & bit) === 0) number++;
    }
    places[lines.count + 1]!.parentLines[n] = number;
  }

  /** Merges the lost lines of one more parent into those of the others, by their longest common subsequence. */
  private coalesce(base: Lost[], fresh: Lost[], bit: number): Lost[] {
    if (base.length === 0) return fresh;
    const width = fresh.length + 1;
    const lengths = new Int32Array((base.length + 1) * width);
    // 1: both, 2: from the new list, 3: from the base
    const steps = new Uint8Array(lengths.length).fill(2, 1, width);
    for (let i = 0; i <= base.length; i++) steps[i * width] = 3;
    const keys = (list: Lost[]): Lines[] => list.map((line) => this.canonical(line.text));
    const baseKeys = keys(base);
    const freshKeys = keys(fresh);
    for (let i = 1; i <= base.length; i++) {
      for (let j = 1; j <= fresh.length; j++) {
        const at = i * width + j;
        if (equalBytes(baseKeys[i - 1]!.bytes, freshKeys[j - 1]!.bytes)) {
          lengths[at] = lengths[at - width - 1]! + 1;
          steps[at] = 1;
        } else if (lengths[at - 1]! >= lengths[at - width]!) {
          lengths[at] = lengths[at - 1]!;
          steps[at] = 2;
        } else {
          lengths[at] = lengths[at - width]!;
          steps[at] = 3;
        }
      }
    }
    const merged: Lost[] = [];
    let i = base.length;
    let j = fresh.length;
    while (i > 0 || j > 0) {
      const step = steps[i * width + j];
      if (step === 1) {
        base[i - 1]!.parents |= bit;
        merged.push(base[i - 1]!);
        i--;
        j--;
      } else if (step === 2) {
        merged.push(fresh[--j]!);
      } else {
        merged.push(base[--i]!);
      }
    }
    return merged.reverse();
  }

  private canonical(text: Bytes): Lines {
    const line = { bytes: text, starts: Int32Array.of(0, text.length), count: 1 };
    return canonicalLines(line, this.options.whitespace);
  }

  // ---------------------------------------------------------------- choosing

  /** Marks what is shown; false when nothing is. Place `count` stands for the end of the file. */
  private mark(places: Place[]): boolean {
    const end = places.length - 2;
    for (let i = 0; i <= end; i++) places[i]!.marked = places[i]!.added !== 0 || places[i]!.lost.length > 0;
    if (this.combined.dense) this.dropUninteresting(places, end);
    return this.giveContext(places, end);
  }

  /** The last place of a group is there for its lost lines alone: then it counts as context itself. */
  private tail(places: Place[], begin: number, end: number): number {
    return begin + 1 <= end && places[end - 1]!.added === 0 ? end - 1 : end;
  }

  /** Takes the mark off groups in which there are two versions only and the result is one of them. */
  private dropUninteresting(places: Place[], end: number): void {
    let i = 0;
    while (i <= end) {
      while (i <= end && !places[i]!.marked) i++;
      if (i > end) return;
      const begin = i;
      let j = i + 1;
      for (; j <= end; j++) {
        if (places[j]!.marked) continue;
        let ahead = Math.min(this.tail(places, begin, j) + this.context, end + 1);
        let more = false;
        while (ahead > 0 && j <= --ahead) {
          if (places[ahead]!.marked) {
            more = true;
            break;
          }
        }
        if (!more) break;
        j = ahead;
      }
      if (!this.isInteresting(places, begin, j)) for (let k = begin; k < j; k++) places[k]!.marked = false;
      i = j;
    }
  }

  private isInteresting(places: Place[], begin: number, end: number): boolean {
    let same = 0;
    for (let i = begin; i < end; i++) {
      for (const parents of [places[i]!.added, ...places[i]!.lost.map((line) => line.parents)]) {
        if (parents === 0) continue;
        if (same === 0) same = parents;
        else if (same !== parents) return true;
      }
    }
    return same === this.all;
  }

  private giveContext(places: Place[], end: number): boolean {
    const next = (from: number, marked: boolean): number => {
      let i = from;
      while (i <= end && places[i]!.marked !== marked) i++;
      return i;
    };
    let i = next(0, true);
    if (i > end) return false;
    while (i <= end) {
      for (let j = Math.max(0, i - this.context); j < i; j++) {
        if (!places[j]!.marked) places[j]!.hideLost = true;
        places[j]!.marked = true;
      }
      for (;;) {
        let j = next(i, false);
        if (j > end) return true;
        const k = next(j, true);
        j = this.tail(places, i, j);
        if (k < j + this.context) {
          while (j < k) places[j++]!.marked = true;
          i = k;
          continue;
        }
        i = k;
        const stop = Math.min(j + this.context, end + 1);
        while (j < stop) places[j++]!.marked = true;
        break;
      }
    }
    return true;
  }

  // ---------------------------------------------------------------- writing

  private quotedTwo(prefix: string, path: string): string {
    const high = this.options.quotePath ?? true;
    if (!needsQuoting(prefix, high) && !needsQuoting(path, high)) return prefix + path;
    return `"${quoteInner(prefix, high)}${quoteInner(path, high)}"`;
  }

  private async header(modesDiffer: boolean, names: boolean): Promise<void> {
    const { path, options, combined } = this;
    const { result, parents } = path;
    const colors = options.colors ?? noDiffColors;
    const prefix = options.linePrefix ?? '';
    const line = (text: string): void => this.out.text(`${prefix}${colors.meta}${text}${colors.reset}\n`);
    line((combined.dense ? 'diff --cc ' : 'diff --combined ') + this.quotedTwo('', path.path));
    const shorten = async (oid: Oid): Promise<string> =>
      options.fullIndex === true ? oid : ((options.abbreviateCombined ?? options.abbreviate)?.(oid) ?? oid);
    const ids: string[] = [];
    for (const { side } of parents) ids.push(await shorten(side.oid));
    line(`index ${ids.join(',')}..${await shorten(result.oid)}`);
    const deleted = modesDiffer && result.mode === 0;
    const added = modesDiffer && !deleted && parents.every((parent) => parent.status === 'A');
    if (added) {
      line(`new file mode ${octal(result.mode)}`);
    } else if (modesDiffer) {
      const modes = parents.map(({ side }) => octal(side.mode)).join(',');
      const text = `mode ${modes}${deleted ? '' : `..${octal(result.mode)}`}`;
      if (deleted) line(`deleted file ${text}`);
      else this.out.text(`${text}${colors.reset}\n`);
    }
    if (!names) return;
    const oldPrefix = options.oldPrefix ?? 'a/';
    if (combined.allPaths === true) {
      for (const { side, status } of parents) {
        if (status === 'A') line('--- /dev/null');
        else line(`--- ${this.quotedTwo(oldPrefix, changedName(status) ? side.path : path.path)}`);
      }
    } else {
      line(added ? '--- /dev/null' : `--- ${this.quotedTwo(oldPrefix, path.path)}`);
    }
    line(deleted ? '+++ /dev/null' : `+++ ${this.quotedTwo(options.newPrefix ?? 'b/', path.path)}`);
  }

  private hunks(places: Place[], lines: Lines): void {
    const { out, options, context } = this;
    const colors = options.colors ?? noDiffColors;
    const prefix = options.linePrefix ?? '';
    const { count } = lines;
    const parents = this.path.parents.length;
    let at = 0;
    for (;;) {
      let comment: string | undefined;
      while (at <= count && !places[at]!.marked) {
        const found = at < count ? commentOf(lines, at) : undefined;
        if (found !== undefined) comment = found;
        at++;
      }
      if (at > count) return;
      let end = at + 1;
      while (end <= count && places[end]!.marked) end++;
      let shown = end - at - (end > count ? 1 : 0);
      let bare = 0;
      if (context === 0) {
        for (let i = at; i < end; i++) if (places[i]!.added === 0) bare++;
        shown -= bare;
      }
      const marker = '@'.repeat(parents + 1);
      let head = `${prefix}${colors.frag}${marker}`;
      for (let n = 0; n < parents; n++) {
        const from = places[at]!.parentLines[n]!;
        head += ` -${from},${places[end]!.parentLines[n]! - from - bare}`;
      }
      head += ` +${at + 1},${shown} ${marker}`;
      if (comment !== undefined && comment !== '')
        head += `${colors.reset}${colors.context} ${colors.reset}${colors.func}${comment}`;
      out.text(`${head}${colors.reset}\n`);
      for (; at < end; at++) {
        const place = places[at]!;
        if (!place.hideLost) {
          for (const line of place.lost) {
            out.text(prefix + colors.old);
            for (let n = 0; n < parents; n++) out.byte((line.parents & (2 ** n)) !== 0 ? 45 : 32);
            this.endOfLine(line.text);
          }
        }
        if (at === count) {
          at++;
          break;
        }
        out.text(prefix);
        if (place.added === 0) {
          if (context === 0) continue;
          out.text(colors.context);
        } else {
          out.text(colors.new);
        }
        for (let n = 0; n < parents; n++) out.byte((place.added & (2 ** n)) !== 0 ? 43 : 32);
        const text = lineBytes(lines, at);
        this.endOfLine(text[text.length - 1] === 10 ? text.subarray(0, -1) : text);
      }
    }
  }

  private endOfLine(text: Bytes): void {
    const cr = text.length > 0 && text[text.length - 1] === 13;
    this.out.bytes(cr ? text.subarray(0, -1) : text);
    this.out.text(`${this.options.colors?.reset ?? ''}${cr ? '\r' : ''}\n`);
  }
}

/** What a hunk's header shows of a line that may name a function; git cuts its last character off. */
function commentOf(lines: Lines, index: number): string | undefined {
  const bytes = lineBytes(lines, index);
  const first = bytes[0]!;
  if (!((first >= 97 && first <= 122) || (first >= 65 && first <= 90) || first === 95 || first === 36))
    return undefined;
  let end = 0;
  for (let i = 0; i < 40 && i < bytes.length; i++) {
    if (bytes[i] === 10 || bytes[i] === 0) break;
    if (!isSpace(bytes[i]!)) end = i;
  }
  let text = '';
  for (let i = 0; i < end; i++) text += String.fromCharCode(bytes[i]! < 0x80 ? bytes[i]! : 0xdc00 + bytes[i]!);
  return text;
}

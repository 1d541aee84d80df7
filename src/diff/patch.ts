import { isPromise, type Awaitable } from '../base/awaitable.js';
import { emptyBytes, equalBytes, type Bytes } from '../base/bytes.js';
import { isZeroOid, type Oid } from '../base/oid.js';
import { needsQuoting, quoteInner, quotePath } from '../base/quote.js';
import { isRegularMode, isSymlinkMode, isTreeMode, sameType } from '../objects/mode.js';
import { binaryPatch } from './binary-patch.js';
import { looksBinary } from './binary.js';
import { ByteBuilder } from './byte-builder.js';
import { noDiffColors, type DiffColors } from './colors.js';
import { hunksOf, markBlankChanges, markChanges, plainFunctionLine, type FunctionFinder, type Hunk } from './hunks.js';
import { diffLines, type Change, type DiffAlgorithm } from './line-diff.js';
import { ignoresWhitespace, splitLines, type Lines } from './lines.js';
import { MovedLines } from './moved.js';
import type { DiffOptions, FileDriver } from './options.js';
import { exists, isRewrite, percentOf, type DiffSide, type FilePair } from './pair.js';
import {
  countTrailingBlankLines,
  isBlankLine,
  noWhitespaceRule,
  writeMarked,
  type WhitespaceRule,
} from './whitespace.js';
import { WordDiff } from './words.js';

/** What a line of a patch is. */
export type LineKind = 'context' | 'old' | 'new';

const noNewline = '\\ No newline at end of file\n';

/**
 * The changes between two texts as git would show them: with the file's driver's algorithm, tails trimmed where no
 * context is wanted, ignorable changes marked.
 */
export function changesForOutput(
  a: Lines,
  b: Lines,
  options: DiffOptions,
  driverAlgorithm?: DiffAlgorithm | undefined,
): Change[] {
  const algorithm = (options.ignoreDriverAlgorithm === true ? undefined : driverAlgorithm) ?? options.algorithm;
  const trimTail = options.context === 0 && options.functionContext !== true;
  const changes = diffLines(a, b, { ...options, algorithm, trimTail });
  if (options.ignoreBlankLines === true) markBlankChanges(changes, a, b, ignoresWhitespace(options.whitespace));
  const patterns = options.ignoreMatching;
  if (patterns !== undefined && patterns.length > 0)
    markChanges(changes, a, b, (lines, index) => patterns.some((matches) => matches(lines, index)));
  return changes;
}

/** True when the content is not to be shown as text. */
export function isBinaryContent(content: Bytes, driver: FileDriver | undefined): boolean {
  return driver?.binary ?? looksBinary(content);
}

/** `-13,2` without the sign: where a hunk begins and how long it is. */
const range = (start: number, count: number): string =>
  `${count === 0 ? start : start + 1}${count === 1 ? '' : `,${count}`}`;

/**
 * Writes patches, one pair after the other, exactly as `git diff -p` would. `take` answers what is ready; with moved
 * lines coloured nothing is before `finish`.
 */
export class PatchWriter {
  private readonly out = new ByteBuilder(4096);
  private readonly colors: DiffColors;
  private readonly prefix: string;
  private readonly moved: MovedLines | undefined;
  /** Where moved lines are looked for in a word diff, git writes its prefixes at once and all else at the end. */
  private readonly early: ByteBuilder | undefined;
  /** Some pair had something to show: what `--exit-code` asks when white space is ignored. */
  foundChanges = false;

  constructor(private readonly options: DiffOptions) {
    this.colors = options.colors ?? noDiffColors;
    this.prefix = options.linePrefix ?? '';
    if (options.moved === undefined || options.colors === undefined) return;
    if (options.wordDiff === undefined) this.moved = new MovedLines(options.moved, options.movedWhitespace);
    else this.early = new ByteBuilder(64);
  }

  /** What was written since the last call. */
  take(): Bytes {
    return (this.early ?? this.out).take();
  }

  /** Colours the moved lines of everything and writes it. */
  finish(): void {
    this.moved?.finish();
  }

  /** What is left when all pairs are written. */
  rest(): Bytes {
    return this.out.take();
  }

  async pair(pair: FilePair): Promise<void> {
    if (isTreeMode(pair.old.mode) || isTreeMode(pair.new.mode)) return;
    const { old, new: fresh } = pair;
    if (pair.status === 'U') {
      this.foundChanges = true;
      const name = this.shown(fresh.path);
      const headers = this.options.pathHeaders?.get(old.path);
      if (headers === undefined) {
        this.raw(`${this.prefix}* Unmerged path ${name}\n`);
        return;
      }
      // no difference, but something to say
      const { colors, options, prefix } = this;
      const title = `diff --git ${this.label(options.oldPrefix ?? 'a/', name)} ${this.label(options.newPrefix ?? 'b/', name)}`;
      this.raw([title, ...headers].map((text) => `${prefix}${colors.meta}${text}${colors.reset}\n`).join(''));
      return;
    }
    const driver = this.options.driverFor?.(pair.old.path);
    const external = this.options.externalDiff === true ? driver?.external : undefined;
    if (external !== undefined) {
      const header = await this.metaLines(pair, old, fresh, noDiffColors);
      const answer = await external(pair, header.text, this.options.quiet === true);
      this.rawBytes(answer.output);
      if (answer.changed) this.foundChanges = true;
      if (answer.failure !== undefined) throw answer.failure;
      return;
    }
    if (exists(old) && exists(fresh) && !sameType(old.mode, fresh.mode)) {
      // a file that became a symbolic link, or the like: deletion and creation
      const none = { path: fresh.path, mode: 0, oid: zeroLike(old.oid), read: () => new Uint8Array(0) };
      await this.file(pair, old, none);
      await this.file(pair, none, fresh);
      return;
    }
    await this.file(pair, old, fresh);
  }

  private shown(path: string): string {
    const { relative } = this.options;
    return relative !== undefined && path.startsWith(relative) ? path.slice(relative.length).replace(/^\//, '') : path;
  }

  private quoted(path: string): string {
    return quotePath(path, this.options.quotePath ?? true);
  }

  /** A path with its prefix, quoted as one. */
  private label(prefix: string, path: string): string {
    const high = this.options.quotePath ?? true;
    const name = path.startsWith('/') ? path.slice(1) : path;
    if (!needsQuoting(prefix, high) && !needsQuoting(name, high)) return prefix + name;
    return `"${quoteInner(prefix, high)}${quoteInner(name, high)}"`;
  }

  private async oidOf(side: DiffSide): Promise<Oid> {
    if (!exists(side) || !isZeroOid(side.oid) || this.options.identify === undefined) return side.oid;
    return this.options.identify(side);
  }

  /** The extended header lines: similarity, rename, index. */
  private async metaLines(
    pair: FilePair,
    old: DiffSide,
    fresh: DiffSide,
    colors: DiffColors,
  ): Promise<{ readonly text: string; readonly always: boolean }> {
    const line = (text: string): string => `${this.prefix}${colors.meta}${text}${colors.reset}\n`;
    let text = '';
    let always = true;
    const from = this.quoted(this.shown(pair.old.path));
    const to = this.quoted(this.shown(pair.new.path));
    if (pair.status === 'C' || pair.status === 'R') {
      const verb = pair.status === 'C' ? 'copy' : 'rename';
      text +=
        line(`similarity index ${percentOf(pair.score)}%`) + line(`${verb} from ${from}`) + line(`${verb} to ${to}`);
    } else if (isRewrite(pair)) {
      text += line(`dissimilarity index ${percentOf(pair.score)}%`);
    } else {
      always = false;
    }
    for (const header of this.options.pathHeaders?.get(pair.old.path) ?? []) text += line(header);
    const oldOid = await this.oidOf(old);
    const newOid = await this.oidOf(fresh);
    if (oldOid !== newOid) {
      let full = this.options.fullIndex === true;
      if (!full && this.options.binaryPatch === true)
        full = (await this.isBinarySide(old)) || (await this.isBinarySide(fresh));
      const { abbreviate } = this.options;
      const shorten = (oid: Oid): Awaitable<string> => (full || abbreviate === undefined ? oid : abbreviate(oid));
      const mode = old.mode === fresh.mode ? ` ${octal(old.mode)}` : '';
      text += line(`index ${await shorten(oldOid)}..${await shorten(newOid)}${mode}`);
    }
    return { text, always };
  }

  private async isBinarySide(side: DiffSide): Promise<boolean> {
    if (!exists(side)) return false;
    return isBinaryContent(await side.read(), this.driverOf(side));
  }

  private driverOf(side: DiffSide): FileDriver | undefined {
    return isRegularMode(side.mode) ? this.options.driverFor?.(side.path) : undefined;
  }

  private async file(pair: FilePair, old: DiffSide, fresh: DiffSide): Promise<void> {
    const { options, colors, prefix } = this;
    if (options.submodule !== undefined && options.submodule !== 'short' && options.showSubmodule !== undefined) {
      const isLink = (side: DiffSide): boolean => (side.mode & 0o170000) === 0o160000;
      if ((isLink(old) || !exists(old)) && (isLink(fresh) || !exists(fresh))) {
        this.rawBytes(await options.showSubmodule({ ...pair, old, new: fresh }));
        this.foundChanges = true;
        return;
      }
    }
    const meta = await this.metaLines(pair, old, fresh, colors);
    const names = {
      old: this.shown(exists(old) ? pair.old.path : pair.new.path),
      new: this.shown(exists(fresh) ? pair.new.path : pair.old.path),
    };
    const [aPrefix, bPrefix] =
      options.reverse === true
        ? [options.newPrefix ?? 'b/', options.oldPrefix ?? 'a/']
        : [options.oldPrefix ?? 'a/', options.newPrefix ?? 'b/'];
    const a = this.label(aPrefix, names.old);
    const b = this.label(bPrefix, names.new);
    const labels: readonly [string, string] = [exists(old) ? a : '/dev/null', exists(fresh) ? b : '/dev/null'];
    const line = (text: string): string => `${prefix}${colors.meta}${text}${colors.reset}\n`;
    let header = options.patches === undefined ? line(`diff --git ${a} ${b}`) : '';
    let always = meta.always;
    if (!exists(old)) {
      header += line(`new file mode ${octal(fresh.mode)}`) + meta.text;
      always = true;
    } else if (!exists(fresh)) {
      header += line(`deleted file mode ${octal(old.mode)}`) + meta.text;
      always = true;
    } else if (options.patches === undefined) {
      if (old.mode !== fresh.mode) {
        header += line(`old mode ${octal(old.mode)}`) + line(`new mode ${octal(fresh.mode)}`);
        always = true;
      }
      header += meta.text;
    }
    if (always) this.foundChanges = true;
    const oldDriver = this.driverOf(old);
    const newDriver = this.driverOf(fresh);
    const oldConv = options.textconv === true ? oldDriver?.textconv : undefined;
    const newConv = options.textconv === true ? newDriver?.textconv : undefined;
    if (options.omitDeleted === true && !exists(fresh)) {
      this.raw(header);
      return;
    }
    let oldRaw = old.read();
    if (isPromise(oldRaw)) oldRaw = await oldRaw;
    let newRaw = fresh.read();
    if (isPromise(newRaw)) newRaw = await newRaw;
    const binary =
      options.text !== true &&
      ((oldConv === undefined && exists(old) && isBinaryContent(oldRaw, oldDriver)) ||
        (newConv === undefined && exists(fresh) && isBinaryContent(newRaw, newDriver)));
    const rewrite = isRewrite(pair) && exists(old) && exists(fresh);
    if (rewrite) {
      const oldText = oldConv !== undefined || !isBinaryContent(oldRaw, oldDriver);
      const newText = newConv !== undefined || !isBinaryContent(newRaw, newDriver);
      if (oldText && newText) {
        this.raw(header);
        const oldContent = oldConv === undefined ? oldRaw : await oldConv(old);
        const newContent = newConv === undefined ? newRaw : await newConv(fresh);
        // These names do not change places with -R.
        const [first, second] = [options.oldPrefix ?? 'a/', options.newPrefix ?? 'b/'];
        const own = [this.label(first, names.old), this.label(second, names.new)] as const;
        this.rewrite(own, names.new, oldContent, newContent);
        this.foundChanges = true;
        return;
      }
    }
    if (binary) {
      if (equalBytes(oldRaw, newRaw)) {
        if (always) this.raw(header);
        return;
      }
      this.foundChanges = true;
      this.raw(header);
      if (options.binaryPatch === true && options.deflate !== undefined) {
        this.rawBytes(binaryPatch(oldRaw, newRaw, { deflate: options.deflate, makeDelta: options.makeDelta, prefix }));
      } else {
        this.raw(`${prefix}Binary files ${labels[0]} and ${labels[1]} differ\n`);
      }
      return;
    }
    if (always) {
      this.raw(header);
      header = '';
    }
    const oldContent = oldConv === undefined || !exists(old) ? oldRaw : await oldConv(old);
    const newContent = newConv === undefined || !exists(fresh) ? newRaw : await newConv(fresh);
    this.text(header, labels, names, oldContent, newContent, oldDriver, newDriver, isSymlinkMode(fresh.mode));
  }

  private fileLabels(labels: readonly [string, string]): void {
    if (this.options.patches !== undefined) return;
    const { colors, prefix } = this;
    const tab = (label: string): string => (label.includes(' ') ? '\t' : '');
    this.raw(
      `${prefix}${colors.meta}--- ${labels[0]}${colors.reset}${tab(labels[0])}\n` +
        `${prefix}${colors.meta}+++ ${labels[1]}${colors.reset}${tab(labels[1])}\n`,
    );
  }

  // ---------------------------------------------------------------- text

  private text(
    header: string,
    labels: readonly [string, string],
    names: { readonly old: string; readonly new: string },
    oldContent: Bytes,
    newContent: Bytes,
    oldDriver: FileDriver | undefined,
    newDriver: FileDriver | undefined,
    isLink: boolean,
  ): void {
    const { options } = this;
    if (equalBytes(oldContent, newContent)) return;
    const a = splitLines(oldContent);
    const b = splitLines(newContent);
    const changes = changesForOutput(a, b, options, oldDriver?.algorithm ?? newDriver?.algorithm);
    const find = oldDriver?.findFunction ?? newDriver?.findFunction ?? plainFunctionLine;
    const hunks =
      options.hunksOf?.(names.new, changes) ??
      hunksOf(changes, a, b, {
        context: options.context,
        interHunkContext: options.interHunkContext,
        functionContext: options.functionContext,
        findFunction: find,
      });
    if (hunks.length === 0) return;
    this.foundChanges = true;
    const splitter = options.words ?? oldDriver?.words ?? newDriver?.words ?? options.defaultWords;
    // A pattern that is none is told before anything of the file is.
    if (options.wordDiff !== undefined) splitter?.(emptyBytes, 0, 0);
    if (header !== '') this.raw(header);
    this.fileLabels(labels);
    const ruled = this.ruleOf(names.new);
    // a link's target has no newline, and that is no fault
    const rule = isLink ? { ...ruled, incompleteLine: false } : ruled;
    const words =
      options.wordDiff === undefined
        ? undefined
        : new WordDiff(this.out, {
            mode: options.wordDiff,
            words: splitter,
            colors: options.colors,
            prefix: this.prefix,
            prefixTo: this.early,
          });
    const functions = new FunctionNames(a, find);
    const blankEof = blankAtEof(a, b, rule);
    for (const hunk of hunks) {
      this.hunkHeader(hunk, a, functions.before(hunk.cut?.function ?? hunk.aStart), words);
      if (words !== undefined) this.hunkWords(hunk, a, b, words);
      else this.hunkLines(hunk, a, b, rule, blankEof);
    }
    words?.flush();
  }

  private ruleOf(path: string): WhitespaceRule {
    if (this.options.colors === undefined) return noWhitespaceRule;
    return this.options.whitespaceRuleFor?.(path) ?? noWhitespaceRule;
  }

  private hunkHeader(
    hunk: Hunk,
    a: Lines,
    name: { readonly start: number; readonly end: number } | undefined,
    words: WordDiff | undefined,
  ): void {
    words?.flush();
    const { colors, prefix } = this;
    const { patches } = this.options;
    const place =
      patches !== undefined
        ? '@@'
        : hunk.cut !== undefined
          ? `@@ ${hunk.cut.place} @@`
          : `@@ -${range(hunk.aStart, hunk.aEnd - hunk.aStart)} +${range(hunk.bStart, hunk.bEnd - hunk.bStart)} @@`;
    const write = (): void => {
      const { out } = this;
      out.text(`${prefix}${patches?.dual === true ? colors.reverse : ''}${colors.frag}${place}${colors.reset}`);
      if (name !== undefined) {
        const end = wholeCharacters(a.bytes, name.start, name.end);
        let start = name.start;
        while (start < end && (a.bytes[start] === 32 || a.bytes[start] === 9)) start++;
        // the blank in front of the name and, for functions that are indented, theirs
        out.text(colors.context + ' ');
        out.slice(a.bytes, name.start, start);
        out.text(colors.reset);
        if (start < end) {
          out.text(colors.func);
          out.slice(a.bytes, start, end);
          out.text(colors.reset);
        }
      }
      out.byte(10);
    };
    if (this.moved === undefined) write();
    else this.moved.other(write);
  }

  private hunkLines(
    hunk: Hunk,
    a: Lines,
    b: Lines,
    rule: WhitespaceRule,
    blankEof: { readonly a: number; readonly b: number } | undefined,
  ): void {
    // git counts from the number in the header, which is one less where there are no old lines
    const noOld = hunk.aStart === hunk.aEnd ? 1 : 0;
    let line = hunk.bStart;
    for (const change of hunk.changes) {
      for (; line < change.b; line++) this.line('context', b, line, rule, false);
      for (let i = change.a, end = i + change.aCount; i < end; i++) this.line('old', a, i, rule, false);
      for (let i = change.b, end = i + change.bCount; i < end; i++) {
        const atEof =
          blankEof !== undefined &&
          change.a + change.aCount - noOld >= blankEof.a &&
          i >= blankEof.b &&
          isBlankLine(b.bytes, b.starts[i]!, b.starts[i + 1]!);
        this.line('new', b, i, rule, atEof);
      }
      line = change.b + change.bCount;
    }
    for (; line < hunk.bEnd; line++) this.line('context', b, line, rule, false);
  }

  private hunkWords(hunk: Hunk, a: Lines, b: Lines, words: WordDiff): void {
    let line = hunk.bStart;
    const context = (until: number): void => {
      for (; line < until; line++) {
        const from = b.starts[line]!;
        const to = b.starts[line + 1]!;
        words.context(b.bytes, from, to, this.options.suppressBlankEmpty === true);
      }
    };
    for (const change of hunk.changes) {
      context(change.b);
      words.old(a.bytes, a.starts[change.a]!, a.starts[change.a + change.aCount]!);
      words.new(b.bytes, b.starts[change.b]!, b.starts[change.b + change.bCount]!);
      line = change.b + change.bCount;
    }
    context(hunk.bEnd);
  }

  /** One line of the patch, and the remark where it lacks its newline. */
  private line(kind: LineKind, lines: Lines, index: number, rule: WhitespaceRule, atEof: boolean): void {
    const from = lines.starts[index]!;
    const to = lines.starts[index + 1]!;
    const complete = lines.bytes[to - 1] === 10;
    const { moved } = this;
    if (moved === undefined) {
      this.writeLine(kind, lines.bytes, from, to, rule, atEof, undefined);
      if (!complete) this.writeRemark(kind, rule);
      return;
    }
    moved.line(kind, lines.bytes, from, to, rule.tabWidth, (color) => {
      this.writeLine(kind, lines.bytes, from, to, rule, atEof, color);
    });
    if (!complete) moved.other(() => this.writeRemark(kind, rule));
  }

  private writeRemark(kind: LineKind, rule: WhitespaceRule): void {
    const { out, colors, prefix } = this;
    const bad = rule.incompleteLine && this.highlights(kind);
    out.text(prefix + (bad ? colors.whitespace : colors.context));
    out.text(noNewline.slice(0, -1) + colors.reset + '\n');
  }

  private highlights(kind: LineKind): boolean {
    const where = this.options.highlightWhitespace ?? { new: true };
    return kind === 'new' ? where.new === true : kind === 'old' ? where.old === true : where.context === true;
  }

  private writeLine(
    kind: LineKind,
    bytes: Bytes,
    from: number,
    to: number,
    rule: WhitespaceRule,
    atEof: boolean,
    movedColor: keyof DiffColors | undefined,
  ): void {
    const { out, options, prefix } = this;
    const { indicators } = options;
    const sign =
      kind === 'context'
        ? (indicators?.context ?? ' ')
        : kind === 'old'
          ? (indicators?.old ?? '-')
          : (indicators?.new ?? '+');
    const complete = to > from && bytes[to - 1] === 10;
    if (options.colors === undefined) {
      if (prefix !== '') out.text(prefix);
      if (!(kind === 'context' && options.suppressBlankEmpty === true && to - from === 1 && complete)) out.text(sign);
      out.slice(bytes, from, to);
      if (!complete) out.byte(10);
      return;
    }
    const { colors } = this;
    let set = colors[movedColor ?? kind];
    if (options.patches?.dual === true) {
      const inner = innerColor(kind, bytes[from]);
      if (kind !== 'context') {
        this.dual(set, sign, colors[inner], bytes, from, to);
        if (!complete) out.byte(10);
        return;
      }
      set = colors[inner];
    }
    if (this.highlights(kind) && colors.whitespace !== '') {
      if (atEof) {
        this.colored(colors.whitespace, sign, bytes, from, to);
      } else {
        out.text(`${prefix}${set}${sign}${colors.reset}`);
        writeMarked(out, bytes, from, to, rule, set, colors.reset, colors.whitespace);
      }
    } else {
      const bare = kind === 'context' && options.suppressBlankEmpty === true && to - from === 1 && complete;
      this.colored(set, bare ? '' : sign, bytes, from, to);
    }
    if (!complete) out.byte(10);
  }

  /** A line of a patch of patches: the sign on a ground of its side's colour, then the line as it is in its patch. */
  private dual(side: string, sign: string, set: string, bytes: Bytes, from: number, to: number): void {
    const { out, colors, prefix } = this;
    out.text(`${prefix}${colors.reverse}${side}${sign}${colors.reset}`);
    let end = to;
    if (end > from && bytes[end - 1] === 10) end--;
    if (end > from && bytes[end - 1] === 13) end--;
    if (end > from) {
      out.text(set);
      out.slice(bytes, from, end);
      out.text(colors.reset);
    }
    out.slice(bytes, end, to);
  }

  /** A line in one colour, the line end outside of it. */
  private colored(set: string, sign: string, bytes: Bytes, from: number, to: number): void {
    const { out, colors, prefix } = this;
    let end = to;
    if (end > from && bytes[end - 1] === 10) end--;
    if (end > from && bytes[end - 1] === 13) end--;
    out.text(prefix);
    if (end > from || sign !== '') {
      out.text(set + sign);
      out.slice(bytes, from, end);
      out.text(colors.reset);
    }
    out.slice(bytes, end, to);
  }

  /** A total rewrite: all old lines, then all new ones. */
  private rewrite(labels: readonly [string, string], name: string, oldContent: Bytes, newContent: Bytes): void {
    const { colors, prefix, options } = this;
    const a = splitLines(oldContent);
    const b = splitLines(newContent);
    const count = (lines: number): string => (lines === 0 ? '0,0' : lines === 1 ? '1' : `1,${lines}`);
    this.fileLabels(labels);
    const old = options.omitDeleted === true ? '?,?' : count(a.count);
    this.raw(`${prefix}${colors.frag}@@ -${old} +${count(b.count)} @@${colors.reset}\n`);
    const rule = this.ruleOf(name);
    const blankEof = blankAtEof(a, b, rule);
    if (options.omitDeleted !== true) for (let i = 0; i < a.count; i++) this.line('old', a, i, rule, false);
    for (let i = 0; i < b.count; i++) {
      const atEof = blankEof !== undefined && i >= blankEof.b && isBlankLine(b.bytes, b.starts[i]!, b.starts[i + 1]!);
      this.line('new', b, i, rule, atEof);
    }
  }

  private raw(text: string): void {
    if (this.moved === undefined) this.out.text(text);
    else this.moved.other(() => this.out.text(text));
  }

  private rawBytes(bytes: Bytes): void {
    if (this.moved === undefined) this.out.bytes(bytes);
    else this.moved.other(() => this.out.bytes(bytes));
  }
}

/** The colour of a line of a patch by its sign; lines of one side only are dimmed or bold. */
function innerColor(kind: LineKind, sign: number | undefined): keyof DiffColors {
  if (sign === 64) return 'frag';
  const what = sign === 45 ? 'old' : sign === 43 ? 'new' : 'context';
  if (kind === 'context') return what;
  return kind === 'old' ? `${what}Dimmed` : `${what}Bold`;
}

const octal = (mode: number): string => mode.toString(8).padStart(6, '0');
const zeroLike = (oid: Oid): Oid => '0'.repeat(oid.length) as Oid;

/** Remembers the last function line, so that each line is looked at once. */
class FunctionNames {
  private seen = -1;
  private last: { readonly start: number; readonly end: number } | undefined;

  constructor(
    private readonly lines: Lines,
    private readonly find: FunctionFinder,
  ) {}

  /** The function that the lines before `index` are in. */
  before(index: number): { readonly start: number; readonly end: number } | undefined {
    for (let i = index - 1; i > this.seen; i--) {
      const found = this.find(this.lines, i);
      if (found !== undefined) {
        this.last = found;
        break;
      }
    }
    this.seen = index - 1;
    return this.last !== undefined && this.last.end > this.last.start ? this.last : undefined;
  }
}

/** From which lines on (0-based, both files) added blank lines are blank lines at the end of the file. */
function blankAtEof(a: Lines, b: Lines, rule: WhitespaceRule): { readonly a: number; readonly b: number } | undefined {
  if (!rule.blankAtEof) return undefined;
  const before = countTrailingBlankLines(a);
  const after = countTrailingBlankLines(b);
  return after <= before ? undefined : { a: a.count - before, b: b.count - after };
}

/** Cuts a UTF-8 sequence that the limit on function names tore apart. */
function wholeCharacters(bytes: Bytes, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const size = sequence(bytes, at, end);
    if (size === 0) return at;
    at += size;
  }
  return end;
}

function sequence(bytes: Bytes, at: number, end: number): number {
  const first = bytes[at]!;
  const size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > end) return 0;
  for (let i = 1; i < size; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return size;
}

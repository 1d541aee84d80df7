import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { RESET, parseColor } from '../base/color.js';
import type { Oid } from '../base/oid.js';
import type { CommitNode } from '../history/commit-pool.js';
import type { Repository } from '../repo/repository.js';
import { usualAbbreviation } from '../repo/revision-short.js';
import type { DecorationColors, DecorationKind, Decorations } from './decorations.js';
import { formatDecorations, noDecorationColors } from './decorations.js';
import { Graph, GraphWriter } from './graph.js';
import type { LogSettings } from './log-settings.js';
import type { LogWalk } from './log-walk.js';
import { formatMark, revisionMark } from './log-walk.js';
import type { PrettyExtras, PrettyPrinter, ReflogInfo } from './pretty.js';
import { viewCommit } from './pretty-view.js';
import type { CommitView } from './pretty-view.js';
import { BOUNDARY, PATCHSAME, SYMMETRIC_LEFT } from '../history/flags.js';

const decorationDefaults: Readonly<Record<DecorationKind, string>> = {
  none: RESET,
  branch: '\x1b[1;32m',
  remoteBranch: '\x1b[1;31m',
  tag: '\x1b[1;33m',
  stash: '\x1b[1;35m',
  HEAD: '\x1b[1;36m',
  grafted: '\x1b[1;34m',
};

/** Colours of commits and decorations by configuration. */
export function decorationColors(repository: Repository, color: boolean): DecorationColors {
  if (!color) return noDecorationColors;
  const { config } = repository;
  const commit = config.get('color.diff.commit');
  const kinds = { ...decorationDefaults };
  for (const kind of Object.keys(kinds) as DecorationKind[]) {
    const value = kind === 'none' ? undefined : config.get(`color.decorate.${kind.toLowerCase()}`);
    if (value !== undefined) kinds[kind] = parseColor(value);
  }
  return { commit: commit === undefined ? '\x1b[33m' : parseColor(commit), reset: RESET, kinds };
}

const graphColorNames = ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan'];

function graphColors(repository: Repository, complain: (line: string) => void): readonly string[] {
  const configured = repository.config.get('log.graphcolors');
  if (configured !== undefined) {
    const colors: string[] = [];
    for (const word of configured.split(',')) {
      try {
        colors.push(parseColor(word));
      } catch {
        complain(`error: invalid color value: ${word}`);
        complain(`warning: ignored invalid color '${word}' in log.graphColors`);
      }
    }
    if (colors.length > 0) return colors;
  }
  return [
    ...graphColorNames.map((name) => parseColor(name)),
    ...graphColorNames.map((name) => parseColor(`bold ${name}`)),
  ];
}

/** Shortens ids, remembering what it found; answers at once where the object store does. */
export class Abbreviator {
  readonly #repository: Repository;
  readonly #length: number;

  /** `length`: 0 for whole ids, `undefined` for the usual length. */
  constructor(repository: Repository, length: number | undefined) {
    this.#repository = repository;
    const full = repository.oidLength * 2;
    this.#length = length === 0 ? full : Math.min(full, length ?? usualAbbreviation(repository));
  }

  get whole(): boolean {
    return this.#length >= this.#repository.oidLength * 2;
  }

  readonly shorten = (oid: Oid): Awaitable<string> => {
    if (this.whole) return oid;
    const shared = this.#repository.objects.longestShared(oid, this.#length);
    return isPromise(shared) ? shared.then((late) => oid.slice(0, late + 1)) : oid.slice(0, shared + 1);
  };

  /** For places that cannot wait; `shorten` must have been asked before where the store answers late. */
  readonly shortenNow = (oid: Oid): string => {
    const short = this.shorten(oid);
    return isPromise(short) ? oid.slice(0, this.#length) : short;
  };
}

export interface LogPrinterOptions {
  readonly repository: Repository;
  readonly settings: LogSettings;
  readonly log: LogWalk;
  readonly printer: PrettyPrinter;
  readonly abbreviator: Abbreviator;
  readonly color: boolean;
  readonly colors: DecorationColors;
  /** `false`: no decorations with ids (`%d` may still want them). */
  readonly decorate: false | 'short' | 'full';
  readonly decorations?: (() => Awaitable<Decorations>) | undefined;
  readonly notes?: ((oid: Oid, raw: boolean) => Awaitable<string>) | undefined;
  readonly reflog?: ((node: CommitNode) => ReflogInfo | undefined) | undefined;
  readonly showSignature?: ((view: CommitView) => Awaitable<string>) | undefined;
  /** Told whole lines for standard error. */
  readonly complain: (line: string) => void;
  /** What ends a record: a newline, or NUL for `-z`. */
  readonly terminator: '\n' | '\0';
  readonly linePrefix?: string;
  /** `git rev-list` writes its lines a little differently. */
  readonly revList?:
    | {
        readonly timestamp: boolean;
        /** Between messages: a newline, or NUL for `--header`. */
        readonly messageTerminator: string;
        /** The line with the id is wanted. */
        readonly commitHeader: boolean;
        /** What stands before the id: `commit `, or nothing. */
        readonly prefix: string;
      }
    | undefined;
}

/** Writes commits one after another, with ids, decorations, messages and a graph, as text in pieces. */
export class LogPrinter {
  readonly #options: LogPrinterOptions;
  readonly #settings: LogSettings;
  readonly graph: GraphWriter | undefined;
  #pieces: (string | Bytes)[] = [];
  #text = '';
  #shownOne = false;
  #missingNewline = false;

  constructor(options: LogPrinterOptions) {
    this.#options = options;
    this.#settings = options.settings;
    if (options.settings.graph) {
      const graph = new Graph({
        colors: options.color ? graphColors(options.repository, options.complain) : [],
        laneLimit: options.settings.graphLaneLimit,
        mark: (node) => {
          const mark = revisionMark(options.settings, node);
          return mark === '-' ? 'o' : mark;
        },
      });
      this.graph = new GraphWriter(graph, (text) => this.write(text), options.linePrefix ?? '');
    }
  }

  write(piece: string | Bytes): void {
    if (typeof piece === 'string') this.#text += piece;
    else {
      if (this.#text !== '') this.#pieces.push(this.#text);
      this.#text = '';
      this.#pieces.push(piece);
    }
  }

  /** How much has gathered, about, in characters. */
  get pending(): number {
    return this.#text.length + this.#pieces.length * 512;
  }

  /** Takes what was written so far. */
  take(): (string | Bytes)[] {
    if (this.#text !== '') this.#pieces.push(this.#text);
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#text = '';
    return pieces;
  }

  /** True when something was shown before. */
  get shownOne(): boolean {
    return this.#shownOne;
  }

  set shownOne(value: boolean) {
    this.#shownOne = value;
  }

  get missingNewline(): boolean {
    return this.#missingNewline;
  }

  /** Draws the graph on for a commit; before anything of it is shown. */
  async updateGraph(node: CommitNode): Promise<void> {
    if (this.graph === undefined) return;
    const { walk } = this.#options.log;
    const parents: CommitNode[] = [];
    for (const parent of node.parents) {
      if (walk.options.firstParent === true && parents.length + 1 > 1) break;
      const shown = walk.wouldShow(parent);
      if (isPromise(shown) ? await shown : shown) parents.push(parent);
      if (walk.options.firstParent === true) break;
    }
    this.graph.graph.update(node, parents);
  }

  get #useTerminator(): boolean {
    return this.#printerFormat.terminator;
  }

  get #printerFormat() {
    return this.#options.printer.context.format;
  }

  get formatIsEmpty(): boolean {
    return this.#printerFormat.kind === 'user' && this.#printerFormat.template === '';
  }

  async view(node: CommitNode): Promise<CommitView> {
    const data = this.#options.log.pool.data(node);
    return viewCommit(node.oid, isPromise(data) ? await data : data, this.#viewEncoding, node);
  }

  /** A user's format is put together in UTF-8, and then encoded as a whole. */
  get #viewEncoding(): string {
    const { context } = this.#options.printer;
    return context.format.kind === 'user' ? 'UTF-8' : context.outputEncoding;
  }

  /** Begins another row of a commit: with the graph, or what stands in front of every line. */
  #beginRow(): void {
    if (this.graph !== undefined) this.graph.showRow();
    else this.write(this.#options.linePrefix ?? '');
  }

  async #idLine(node: CommitNode, oids: { readonly parent?: Oid | undefined }): Promise<string> {
    const { abbreviator } = this.#options;
    const shorten = (oid: Oid): Awaitable<string> => (this.#settings.abbrevCommit ? abbreviator.shorten(oid) : oid);
    let out = '';
    if (this.graph === undefined) out += this.#mark(node);
    const own = shorten(node.oid);
    out += isPromise(own) ? await own : own;
    if (this.#settings.printParents) for (const parent of node.parents) out += ` ${await shorten(parent.oid)}`;
    if (this.#settings.children) {
      for (const child of this.#options.log.walk.childrenOf.get(node) ?? []) out += ` ${await shorten(child.oid)}`;
    }
    if (oids.parent !== undefined) out += ` (from ${await shorten(oids.parent)})`;
    return out;
  }

  #mark(node: CommitNode): string {
    const mark = revisionMark(this.#settings, node);
    return mark === '' ? '' : `${mark} `;
  }

  async #decorationText(node: CommitNode): Promise<string> {
    const { log, decorate, decorations, colors } = this.#options;
    let out = '';
    const source = log.sources?.get(node);
    if (source !== undefined) out += `\t${source}`;
    if (decorate === false || decorations === undefined) return out;
    const map = decorations();
    return out + formatDecorations(isPromise(map) ? await map : map, node.oid, colors, decorate === 'full');
  }

  async #extras(node: CommitNode): Promise<PrettyExtras> {
    const { log, notes, reflog } = this.#options;
    const user = this.#printerFormat.kind === 'user';
    return {
      mark: formatMark(node),
      source: log.sources?.get(node),
      notes: notes === undefined ? undefined : await notes(node.oid, user),
      reflog: reflog?.(node),
      graphWidth: this.graph?.graph.width ?? 0,
    };
  }

  /** Shows a commit as `git log` does. `parent`: the one that a difference is shown against, where there are several. */
  show(node: CommitNode, parent?: Oid): Awaitable<void> {
    const { log, printer, reflog, notes, showSignature, linePrefix } = this.#options;
    const plain = this.#settings.verboseHeader && printer.context.format.kind === 'user' && this.graph === undefined;
    if (!plain || notes !== undefined || showSignature !== undefined || linePrefix !== undefined) {
      return this.#showSlowly(node, parent);
    }
    const data = log.pool.data(node);
    if (isPromise(data)) return this.#showSlowly(node, parent);
    if (this.#shownOne && !this.#useTerminator) this.write(this.#options.terminator);
    this.#shownOne = true;
    const view = viewCommit(undefined, data, this.#viewEncoding, node);
    const formatted = printer.format(view, {
      mark: formatMark(node),
      source: log.sources?.get(node),
      notes: undefined,
      reflog: reflog?.(node),
      graphWidth: 0,
    });
    if (isPromise(formatted)) return formatted.then((message) => this.#showMessage(message));
    this.#showMessage(formatted);
  }

  async #showSlowly(node: CommitNode, parent?: Oid): Promise<void> {
    const { printer, colors, terminator, reflog, showSignature } = this.#options;
    const settings = this.#settings;
    const format = printer.context.format;
    const { graph } = this;
    if (!settings.verboseHeader) {
      graph?.showCommit();
      this.write(await this.#idLine(node, { parent: undefined }));
      this.write(await this.#decorationText(node));
      if (graph !== undefined && !graph.graph.finished) {
        this.write('\n');
        graph.showRemainder();
      }
      this.write(terminator);
      return;
    }
    if (this.#shownOne && !this.#useTerminator) {
      if (terminator === '\n' && !this.#missingNewline) {
        if (graph !== undefined) graph.showPadding();
        else this.write(this.#options.linePrefix ?? '');
      }
      this.write(terminator);
    }
    this.#shownOne = true;
    if (graph !== undefined) graph.showCommit();
    else if (this.#options.linePrefix !== undefined) this.write(this.#options.linePrefix);
    const mail = format.kind === 'email' || format.kind === 'mboxrd';
    if (mail) {
      this.write(`From ${node.oid} Mon Sep 17 00:00:00 2001\n`);
      this.#beginRow();
    } else if (format.kind !== 'user') {
      const line = await this.#idLine(node, { parent });
      this.write(`${colors.commit}${format.kind === 'oneline' ? '' : 'commit '}${line}${colors.reset}`);
      this.write(await this.#decorationText(node));
      if (format.kind === 'oneline') this.write(' ');
      else {
        this.write('\n');
        this.#beginRow();
      }
      const entry = reflog?.(node);
      if (entry !== undefined) {
        if (format.kind === 'oneline') {
          this.write(`${entry.selector}: ${entry.message}\n`);
          return;
        }
        this.write(`Reflog: ${entry.selector} (${entry.identity})\nReflog message: ${entry.message}\n`);
      }
    }
    const view = await this.view(node);
    if (showSignature !== undefined) this.#showLines(await showSignature(view));
    const extras = await this.#extras(node);
    const formatted = printer.format(view, extras);
    let message = isPromise(formatted) ? await formatted : formatted;
    this.shownDashes = mail && extras.notes !== undefined && extras.notes !== '';
    if (format.kind !== 'user' && extras.notes !== undefined)
      message += `${this.shownDashes ? '---\n' : ''}${extras.notes}`;
    this.#showMessage(message);
  }

  /** The line between a mail's message and what is not part of it was written with the notes. */
  shownDashes = false;

  #showMessage(message: string): void {
    const { terminator } = this.#options;
    const { graph } = this;
    if (this.#settings.showLogSize) {
      this.write(`log size ${byteLength(message)}\n`);
      graph?.showRow();
    }
    this.#missingNewline = !message.endsWith('\n');
    const { linePrefix } = this.#options;
    if (graph === undefined)
      this.write(linePrefix === undefined ? message : message.replace(/\n(?=[\s\S])/g, `\n${linePrefix}`));
    else graph.showMessage(message);
    if (this.#useTerminator && !this.formatIsEmpty) {
      if (!this.#missingNewline) graph?.showPadding();
      this.write(terminator);
    }
  }

  /** Lines of their own between the head and the message. */
  #showLines(text: string): void {
    for (const line of text.split(/(?<=\n)/)) {
      if (line === '') continue;
      this.write(line);
      if (line.endsWith('\n')) this.graph?.showRow();
    }
  }

  /** Shows a commit as `git rev-list` does. */
  async showForRevList(node: CommitNode): Promise<void> {
    const { printer, revList } = this.#options;
    const settings = this.#settings;
    const { graph } = this;
    const format = printer.context.format;
    graph?.showCommit();
    if (revList!.timestamp) this.write(`${node.seconds} `);
    const header = revList!.commitHeader;
    if (header) {
      this.write(revList!.prefix);
      const byNul = this.#options.terminator === '\0';
      if (graph === undefined && !byNul) this.write(revisionMark(settings, node));
      const own = settings.abbrevCommit ? this.#options.abbreviator.shorten(node.oid) : node.oid;
      this.write(isPromise(own) ? await own : own);
      if (byNul && (node.flags & BOUNDARY) !== 0) this.write('\0boundary=yes');
    }
    if (settings.printParents) for (const parent of node.parents) this.write(` ${parent.oid}`);
    if (settings.children) {
      for (const child of this.#options.log.walk.childrenOf.get(node) ?? []) this.write(` ${child.oid}`);
    }
    const decorations = this.#decorationText(node);
    this.write(await decorations);
    if (settings.verboseHeader && format.kind === 'oneline') this.write(' ');
    else if (header) this.write(this.#options.terminator);
    if (!settings.verboseHeader) {
      if (graph?.showRemainder() === true) this.write('\n');
      return;
    }
    const view = await this.view(node);
    const formatted = printer.format(view, await this.#extras(node));
    const message = isPromise(formatted) ? await formatted : formatted;
    if (message !== '') {
      if (format.kind !== 'oneline') graph?.showRow();
      if (graph === undefined) this.write(message);
      else graph.showMessage(message);
      if (message.endsWith('\n')) graph?.showPadding();
      this.write(revList!.messageTerminator);
    } else {
      if (graph?.showRemainder() === true) this.write('\n');
      if (format.kind === 'oneline') this.write('\n');
    }
  }
}

function byteLength(text: string): number {
  let count = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    count += code < 0x80 || (code >= 0xdc80 && code <= 0xdcff) ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return count;
}

/** Counts of `--count`, split as `--left-right` and `--cherry-mark` want them. */
export class CommitCounter {
  left = 0;
  right = 0;
  same = 0;

  count(node: CommitNode): void {
    if ((node.flags & PATCHSAME) !== 0) this.same++;
    else if ((node.flags & SYMMETRIC_LEFT) !== 0) this.left++;
    else this.right++;
  }

  text(settings: LogSettings): string {
    const numbers: number[] = [];
    if (settings.leftRight) numbers.push(this.left, this.right);
    else numbers.push(this.left + this.right);
    if (settings.cherryMark) numbers.push(this.same);
    return `${numbers.join('\t')}\n`;
  }
}

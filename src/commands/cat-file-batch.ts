import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { emptyTreeOid, zeroOid } from '../base/oid.js';
import type { FilterSpec } from '../history/object-filter.js';
import { combineFilterSpecs, formatFilterSpec, parseFilterSpec } from '../history/object-filter.js';
import { isTreeMode, MODE_FILE, MODE_TREE } from '../objects/mode.js';
import type { ObjectHeader, RawObject } from '../objects/source.js';
import { parseTree, type TreeEntry } from '../objects/tree.js';
import type { PackFile } from '../packs/pack-file.js';
import type { Mailmap } from '../porcelain/mailmap.js';
import { readMailmap } from '../porcelain/mailmap.js';
import { parseBool } from '../repo/config-values.js';
import type { Repository } from '../repo/repository.js';
import type { ResolvedRevision } from '../repo/revision.js';
import { peelTo, resolveRevision, resolveWithContext } from '../repo/revision.js';
import { SymlinkFault } from '../repo/revision-path.js';
import { isFullHex, lookUpShortId } from '../repo/revision-short.js';
import type { CommandContext } from './command.js';
import { openWorkTree } from './work-tree.js';

export interface BatchOptions {
  readonly kind: 'batch' | 'batch-check' | 'batch-command';
  readonly format: string | undefined;
  /** The byte that ends an input line. */
  readonly inputEnd: number;
  readonly outputEnd: string;
  readonly all: boolean;
  readonly buffer: boolean;
  readonly unordered: boolean;
  readonly followSymlinks: boolean;
  readonly mailmap: boolean;
  readonly convert: 'textconv' | 'filters' | undefined;
  readonly filters: readonly string[];
}

/** Rows of trees that are kept to find paths in. */
const MOST_ROWS = 100_000;

const DEFAULT_FORMAT = '%(objectname) %(objecttype) %(objectsize)';
const atoms = ['objectname', 'objecttype', 'objectsize', 'objectsize:disk', 'deltabase', 'objectmode', 'rest'] as const;
type Atom = (typeof atoms)[number];

interface Format {
  readonly parts: readonly (string | { readonly atom: Atom })[];
  readonly uses: ReadonlySet<Atom>;
  readonly usual: boolean;
}

/** Reads the format. Throws git's words for an element that is none. */
function compileFormat(text: string): Format {
  const parts: (string | { readonly atom: Atom })[] = [];
  const uses = new Set<Atom>();
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf('%', at);
    if (percent < 0) {
      parts.push(text.slice(at));
      break;
    }
    parts.push(text.slice(at, percent));
    at = percent + 1;
    if (text[at] === '%') {
      parts.push('%');
      at++;
    } else if (text[at] === '(') {
      const end = text.indexOf(')', at);
      if (end < 0) {
        throw new GitError('USAGE', `bad cat-file format: element '${text.slice(at)}' does not end in ')'`);
      }
      const atom = text.slice(at + 1, end);
      if (!(atoms as readonly string[]).includes(atom)) throw new GitError('USAGE', `bad cat-file format: %(${atom})`);
      parts.push({ atom: atom as Atom });
      uses.add(atom as Atom);
      at = end + 1;
    } else parts.push('%');
  }
  return { parts, uses, usual: text === DEFAULT_FORMAT };
}

interface Result {
  readonly name?: string;
  readonly oid?: Oid;
  readonly type?: ObjectKind;
  readonly size?: number;
  readonly content?: Bytes;
  readonly problem?: string;
}

/** The batch modes: each object as asked for on standard input, or all of them. */
export async function* runBatch(context: CommandContext, options: BatchOptions): AsyncGenerator<Result, number> {
  const batch = new Batch(context, options);
  if (options.all) yield* batch.everything();
  else if (options.kind === 'batch-command') yield* batch.commands();
  else yield* batch.names(options.kind === 'batch');
  context.io.stdout.flush();
  await batch.close();
  return 0;
}

class Batch {
  readonly #context: CommandContext;
  readonly #options: BatchOptions;
  readonly #repository: Repository;
  readonly #format: Format;
  readonly #filter: FilterSpec | undefined;
  readonly #oidLength: number;
  #mailmap: boolean;
  /** Results of `--json`, waiting to be yielded. */
  #results: Result[] = [];

  constructor(context: CommandContext, options: BatchOptions) {
    this.#context = context;
    this.#options = options;
    this.#repository = context.repository();
    this.#format = compileFormat(options.format ?? DEFAULT_FORMAT);
    this.#filter = chosenFilter(options.filters);
    this.#mailmap = options.mailmap;
    this.#oidLength = 2 * this.#repository.oidLength;
  }

  async close(): Promise<void> {
    await trees.get(this.#repository)?.close();
  }

  *#take(): Generator<Result, void> {
    if (this.#results.length === 0) return;
    const results = this.#results;
    this.#results = [];
    yield* results;
  }

  /** Whether an input line carries a path or rest behind the name. */
  get #splits(): boolean {
    return this.#format.uses.has('rest') || this.#options.convert !== undefined;
  }

  async *names(contents: boolean): AsyncGenerator<Result, void> {
    const { stdin, stdout } = this.#context.io;
    for (const line of stdin.lines(this.#options.inputEnd)) {
      const working = this.#named(line, contents);
      if (working !== undefined) await working;
      if (this.#results.length > 0) yield* this.#take();
      if (!this.#options.buffer) stdout.flush();
    }
  }

  async *commands(): AsyncGenerator<Result, void> {
    const { stdin, stdout } = this.#context.io;
    let queue: { contents: boolean; name: string }[] = [];
    const run = async (): Promise<void> => {
      for (const { contents, name } of queue) await this.#named(name, contents);
      queue = [];
    };
    for (const line of stdin.lines(this.#options.inputEnd)) {
      if (line === '') throw new GitError('USAGE', 'empty command in input');
      if (/^\s/.test(line)) throw new GitError('USAGE', `whitespace before command: '${line}'`);
      const space = line.indexOf(' ');
      const command = space < 0 ? line : line.slice(0, space);
      const argument = space < 0 ? undefined : line.slice(space + 1);
      switch (command) {
        case 'contents':
        case 'info':
          if (argument === undefined || argument === '') throw new GitError('USAGE', `${command} requires arguments`);
          queue.push({ contents: command === 'contents', name: argument });
          break;
        case 'flush':
          if (!this.#options.buffer) throw new GitError('USAGE', 'flush is only for --buffer mode');
          if (argument !== undefined) throw new GitError('USAGE', 'flush takes no arguments');
          await run();
          stdout.flush();
          yield* this.#take();
          continue;
        case 'mailmap': {
          if (argument === undefined) throw new GitError('USAGE', 'mailmap requires arguments');
          const on = parseBool(argument);
          if (on === undefined) throw new GitError('USAGE', `mailmap: invalid boolean '${argument}'`);
          await run();
          this.#mailmap = on;
          continue;
        }
        default:
          throw new GitError('USAGE', `unknown command: '${line}'`);
      }
      if (this.#options.buffer) continue;
      await run();
      stdout.flush();
      yield* this.#take();
    }
    // git has this variable to see what a process that is killed would have said.
    if (this.#context.env['GIT_TEST_CAT_FILE_NO_FLUSH_ON_EXIT'] === '1' && this.#options.buffer) return;
    await run();
    yield* this.#take();
  }

  async *everything(): AsyncGenerator<Result, void> {
    const contents = this.#options.kind === 'batch';
    if (!contents && !this.#options.unordered && this.#onlyHeaders) {
      await this.#headersInPackOrder();
      return;
    }
    const ids = await allObjects(this.#repository, this.#options.unordered);
    for (let i = 0; i < ids.length; i++) {
      const working = this.#object(ids[i]!, { oid: ids[i]! }, ids[i]!, '', contents, true);
      if (working !== undefined) await working;
      if (this.#results.length > 0 && this.#results.length > 64) yield* this.#take();
    }
    yield* this.#take();
  }

  get #usesPlaces(): boolean {
    const { uses } = this.#format;
    return uses.has('objectsize:disk') || uses.has('deltabase');
  }

  /** The format needs nothing but ids, types, sizes and places in a pack. */
  get #onlyHeaders(): boolean {
    if (this.#context.json || this.#filter !== undefined || this.#mailmap) return false;
    if (!this.#usesPlaces) return true;
    // Of an object in several packs the one that is read counts.
    let packs = 0;
    for (const directory of this.#repository.objectDirectories) packs += directory.packs.packs().length;
    return packs === 1;
  }

  /**
   * Headers are read in the order in which objects lie in their packs, which is many times faster than in the order of
   * ids, kept in a few bytes each, and then told in the order of ids.
   */
  async #headersInPackOrder(): Promise<void> {
    const lists: HeaderList[] = [];
    for (const { packs, loose } of this.#repository.objectDirectories) {
      for (const pack of packs.packs()) lists.push(packHeaders(pack, this.#usesPlaces));
      const ids = [...loose.list()];
      if (ids.length > 0)
        lists.push({
          count: ids.length,
          oidAt: (row) => ids[row]!,
          kinds: undefined,
          sizes: undefined,
          places: undefined,
        });
    }
    const { stdout } = this.#context.io;
    const end = this.#options.outputEnd;
    let text = '';
    for (const { oid, list, row } of merged(lists)) {
      let kind = list.kinds === undefined ? undefined : kindNames[list.kinds[row]!];
      let size = list.sizes?.[row] ?? 0;
      if (kind === undefined) {
        const header = await this.#repository.objects.readRawHeader(oid);
        if (header === undefined) {
          text += `${oid} missing${end}`;
          continue;
        }
        ({ kind, size } = header);
      }
      let diskSize = 0;
      let deltaBase: Oid = zeroOid(this.#repository.objectFormat);
      if (this.#usesPlaces) {
        const { places } = list;
        if (places !== undefined && places.disk[row]! > 0 && oid !== emptyTreeOid(this.#repository.objectFormat)) {
          diskSize = places.disk[row]!;
          if (places.base[row]! >= 0) deltaBase = list.oidAt(places.base[row]!);
        } else {
          const place = await this.#repository.objects.place(oid);
          diskSize = place?.diskSize ?? 0;
          deltaBase = place?.deltaBase ?? deltaBase;
        }
      }
      if (this.#format.usual) text += `${oid} ${kind} ${size}${end}`;
      else {
        for (const part of this.#format.parts) {
          if (typeof part === 'string') text += part;
          else if (part.atom === 'objectname') text += oid;
          else if (part.atom === 'objecttype') text += kind;
          else if (part.atom === 'objectsize') text += size;
          else if (part.atom === 'objectsize:disk') text += diskSize;
          else if (part.atom === 'deltabase') text += deltaBase;
        }
        text += end;
      }
      if (text.length > 32768) {
        stdout.write(text);
        text = '';
      }
    }
    stdout.write(text);
  }

  /** One line of input; a promise only where something must be waited for. */
  #named(line: string, contents: boolean): Promise<void> | undefined {
    let name = line;
    let rest = '';
    if (this.#splits) {
      const blank = line.search(/[ \t]/);
      if (blank >= 0) {
        name = line.slice(0, blank);
        rest = line.slice(blank).replace(/^[ \t]+/, '');
      }
    }
    if (name.length === this.#oidLength && isFullHex(name, this.#repository.objectFormat)) {
      const oid = name.toLowerCase() as Oid;
      return this.#object(oid, { oid }, name, rest, contents, false);
    }
    return this.#resolved(name, rest, contents);
  }

  #problem(name: string, problem: string): void {
    if (this.#context.json) this.#results.push({ name, problem });
    else this.#context.io.stdout.write(`${name} ${problem}${this.#options.outputEnd}`);
  }

  async #resolved(name: string, rest: string, contents: boolean): Promise<void> {
    let found: ResolvedRevision | undefined = await this.#inKnownTree(name);
    try {
      found ??= await resolveWithContext(this.#repository, name, {
        followSymlinks: this.#options.followSymlinks,
        complain: (line) => this.#context.printError(`${line}\n`),
      });
    } catch (error) {
      if (error instanceof SymlinkFault) {
        this.#linkProblem(error.kind, name);
        return;
      }
      if (!isGitError(error)) throw error;
    }
    if (found === undefined) {
      const short = await lookUpShortId(this.#repository, name, undefined);
      this.#problem(name, short.kind === 'ambiguous' ? 'ambiguous' : 'missing');
      return;
    }
    if (found.outside !== undefined) {
      this.#linkProblem('symlink', found.outside);
      return;
    }
    await this.#object(found.oid, found, name, rest, contents, false);
  }

  /**
   * `REV:PATH` by what is known already: the trees that revisions named in this piece of input lead to, and the rows
   * of trees. `undefined` for everything else, and for what is not there: that is looked into with care.
   */
  async #inKnownTree(name: string): Promise<ResolvedRevision | undefined> {
    const colon = name.indexOf(':');
    if (colon <= 0 || this.#options.followSymlinks || colon === name.length - 1) return undefined;
    const revision = name.slice(0, colon);
    const path = name.slice(colon + 1);
    if (revision.includes('{') || /^\.\.?(?:\/|$)|\/$/.test(path)) return undefined;
    const { pieces } = this.#context.io.stdin;
    if (pieces !== this.#piece) this.#revisions.clear();
    this.#piece = pieces;
    let tree = this.#revisions.get(revision);
    if (tree === undefined) {
      try {
        const oid = await resolveRevision(this.#repository, revision, { quiet: true, hint: 'treeish' });
        tree = oid === undefined ? undefined : await peelTo(this.#repository, oid, 'tree');
      } catch (error) {
        if (!isGitError(error)) throw error;
      }
      if (tree === undefined) return undefined;
      this.#revisions.set(revision, tree);
    }
    let at: Oid = tree;
    let mode = MODE_TREE as number;
    for (let start = 0; start <= path.length; ) {
      let end = path.indexOf('/', start);
      if (end < 0) end = path.length;
      if (!isTreeMode(mode)) return undefined;
      const entry = (await this.#rows(at))?.get(path.slice(start, end));
      if (entry === undefined) return undefined;
      at = entry.oid;
      mode = entry.mode;
      start = end + 1;
    }
    return { oid: at, mode, path, tree };
  }

  readonly #revisions = new Map<string, Oid>();
  #piece = -1;
  readonly #trees = new Map<Oid, ReadonlyMap<string, TreeEntry>>();
  #knownRows = 0;

  async #rows(tree: Oid): Promise<ReadonlyMap<string, TreeEntry> | undefined> {
    let rows = this.#trees.get(tree);
    if (rows !== undefined) return rows;
    const object = await this.#repository.objects.read(tree);
    if (object?.kind !== 'tree') return undefined;
    rows = new Map(parseTree(object.data, this.#repository.oidLength).map((entry) => [entry.name, entry]));
    this.#knownRows += rows.size;
    if (this.#knownRows > MOST_ROWS) {
      this.#trees.clear();
      this.#knownRows = rows.size;
    }
    this.#trees.set(tree, rows);
    return rows;
  }

  #linkProblem(kind: string, text: string): void {
    if (this.#context.json) {
      this.#results.push({ name: text, problem: kind });
      return;
    }
    const end = this.#options.outputEnd;
    this.#context.io.stdout.write(`${kind} ${encodeText(text).length}${end}${text}${end}`);
  }

  /** Shows one object. */
  #object(
    oid: Oid,
    found: ResolvedRevision,
    name: string,
    rest: string,
    contents: boolean,
    all: boolean,
  ): Promise<void> | undefined {
    const { objects } = this.#repository;
    if (
      !contents ||
      this.#filter !== undefined ||
      this.#mailmap ||
      this.#options.convert !== undefined ||
      !this.#format.usual
    ) {
      return this.#slow(oid, found, name, rest, contents, all);
    }
    const object = all ? objects.readRaw(oid) : objects.read(oid);
    if (isPromise(object)) return object.then((read) => this.#whole(oid, read, name, found));
    this.#whole(oid, object, name, found);
    return undefined;
  }

  /** The usual format with the content behind it. */
  #whole(oid: Oid, object: RawObject | undefined, name: string, found: ResolvedRevision): void {
    if (object === undefined) {
      this.#missing(name, found);
      return;
    }
    const { kind, data } = object;
    if (this.#context.json) {
      this.#results.push({ oid, type: kind, size: data.length, content: data });
      return;
    }
    const { stdout } = this.#context.io;
    stdout.write(`${oid} ${kind} ${data.length}${this.#options.outputEnd}`);
    stdout.write(data);
    stdout.write(this.#options.outputEnd);
  }

  #missing(name: string, found: ResolvedRevision): void {
    if (found.mode !== undefined && (found.mode & 0o170000) === 0o160000) this.#problem(found.oid, 'submodule');
    else this.#problem(name, 'missing');
  }

  async #slow(
    oid: Oid,
    found: ResolvedRevision,
    name: string,
    rest: string,
    contents: boolean,
    all: boolean,
  ): Promise<void> {
    const { objects } = this.#repository;
    const { uses } = this.#format;
    const end = this.#options.outputEnd;
    let header: ObjectHeader | undefined;
    let object: RawObject | undefined;
    const read = async (): Promise<RawObject | undefined> => {
      const raw = all ? await objects.readRaw(oid) : await objects.read(oid);
      if (raw === undefined || !this.#mailmap || (raw.kind !== 'commit' && raw.kind !== 'tag')) return raw;
      return { kind: raw.kind, data: await mapIdentities(this.#context, raw) };
    };
    const needsHeader =
      contents || uses.has('objecttype') || uses.has('objectsize') || this.#filter !== undefined || this.#mailmap;
    if (needsHeader || !(await objects.has(oid))) {
      try {
        header = all ? await objects.readRawHeader(oid) : await objects.readHeader(oid);
      } catch (error) {
        // A damaged header is told of, and then counts as none.
        if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
        this.#context.error(error.message);
      }
      if (header === undefined) {
        this.#missing(name, found);
        return;
      }
    }
    if (this.#filter !== undefined && isFilteredOut(this.#filter, header!)) {
      if (!all) this.#problem(name, 'excluded');
      return;
    }
    if (this.#mailmap && header !== undefined && (header.kind === 'commit' || header.kind === 'tag')) {
      object = await read();
      header = { kind: object!.kind, size: object!.data.length };
    }
    const place = uses.has('objectsize:disk') || uses.has('deltabase') ? await objects.place(oid) : undefined;
    if (this.#context.json) {
      const content = contents ? (object ?? (await read()))?.data : undefined;
      this.#results.push({
        oid,
        ...(header === undefined ? {} : { type: header.kind, size: header.size }),
        ...(content === undefined ? {} : { content }),
      });
      return;
    }
    let text = '';
    for (const part of this.#format.parts) {
      if (typeof part === 'string') text += part;
      else {
        switch (part.atom) {
          case 'objectname':
            text += oid;
            break;
          case 'objecttype':
            text += header!.kind;
            break;
          case 'objectsize':
            text += header!.size;
            break;
          case 'objectsize:disk':
            text += place?.diskSize ?? 0;
            break;
          case 'deltabase':
            text += place?.deltaBase ?? zeroOid(this.#repository.objectFormat);
            break;
          case 'objectmode':
            text += found.mode === undefined ? '' : found.mode.toString(8).padStart(6, '0');
            break;
          case 'rest':
            text += rest;
        }
      }
    }
    const { stdout } = this.#context.io;
    stdout.write(text + end);
    if (!contents) return;
    if (this.#options.convert !== undefined && header?.kind === 'blob') {
      if (rest === '') throw new GitError('USAGE', `missing path for '${oid}'`);
      const raw = await read();
      const converted = await convertContent(this.#context, this.#options.convert, rest, raw!, oid);
      stdout.write(converted ?? raw!.data);
    } else {
      object ??= await read();
      stdout.write(object!.data);
    }
    stdout.write(end);
  }
}

function chosenFilter(texts: readonly string[]): FilterSpec | undefined {
  const spec = combineFilterSpecs(texts.map(parseFilterSpec));
  if (spec === undefined) return undefined;
  if (spec.kind === 'blob:none' || spec.kind === 'blob:limit' || spec.kind === 'object:type') return spec;
  throw new GitError('USAGE', `objects filter not supported: '${formatFilterSpec(spec)}'`);
}

function isFilteredOut(spec: FilterSpec, { kind, size }: ObjectHeader): boolean {
  switch (spec.kind) {
    case 'blob:none':
      return kind === 'blob';
    case 'blob:limit':
      return kind === 'blob' && size >= spec.limit;
    case 'object:type':
      return kind !== spec.type;
    default:
      return false;
  }
}

const kindNames: readonly (ObjectKind | undefined)[] = [undefined, 'blob', 'tree', 'commit', 'tag'];

/** Ids in order, with the headers that are known: 0 is a kind that is not. */
interface HeaderList {
  readonly count: number;
  readonly oidAt: (row: number) => Oid;
  readonly kinds: Uint8Array | undefined;
  readonly sizes: Float64Array | undefined;
  /** Bytes on disk (0: not known) and the row of the delta's base, or -1. */
  readonly places: { readonly disk: Float64Array; readonly base: Int32Array } | undefined;
}

/** All headers of a pack by row of its index, read from the pack's start to its end. */
function packHeaders(pack: PackFile, withPlaces: boolean): HeaderList {
  const { index } = pack;
  const kinds = new Uint8Array(index.count);
  const sizes = new Float64Array(index.count);
  const places = withPlaces
    ? { disk: new Float64Array(index.count), base: new Int32Array(index.count).fill(-1) }
    : undefined;
  for (const row of index.packOrder) {
    try {
      if (places !== undefined) {
        const { diskSize, baseOffset } = pack.place(index.offsetAt(row));
        const base = baseOffset < 0 ? -1 : index.orderOf(baseOffset);
        // A base that is not there makes the entry a damaged one.
        if (baseOffset >= 0 && base < 0) continue;
        places.disk[row] = diskSize;
        if (base >= 0) places.base[row] = index.packOrder[base]!;
      }
      const header = pack.readHeader(index.offsetAt(row));
      kinds[row] = kindNames.indexOf(header.kind);
      sizes[row] = header.size;
    } catch (error) {
      // A damaged one is looked for elsewhere when its turn comes.
      if (!isGitError(error, 'OBJECT_CORRUPT')) throw error;
    }
  }
  return { count: index.count, oidAt: (row) => index.oidAt(row), kinds, sizes, places };
}

/** The rows of all lists in the order of ids, an id that is in several only once. */
function* merged(lists: readonly HeaderList[]): Generator<{ oid: Oid; list: HeaderList; row: number }> {
  const heads = lists.filter(({ count }) => count > 0).map((list) => ({ list, row: 0, oid: list.oidAt(0) }));
  while (heads.length > 0) {
    let best = heads[0]!;
    for (const head of heads) if (head.oid < best.oid) best = head;
    const { oid, list, row } = best;
    yield { oid, list, row };
    for (let i = heads.length - 1; i >= 0; i--) {
      const head = heads[i]!;
      if (head.oid !== oid) continue;
      if (++head.row < head.list.count) head.oid = head.list.oidAt(head.row);
      else heads.splice(i, 1);
    }
  }
}

/** Every id once: sorted, or pack by pack in the order in which the objects lie there. */
async function allObjects(repository: Repository, unordered: boolean): Promise<readonly Oid[]> {
  const seen = new Set<Oid>();
  if (!unordered) {
    for (const { packs, loose } of repository.objectDirectories) {
      for (const oid of packs.list()) seen.add(oid);
      for (const oid of loose.list()) seen.add(oid);
    }
    return [...seen].sort();
  }
  for (const { packs, loose } of repository.objectDirectories) {
    for (const oid of loose.list()) seen.add(oid);
    for (const pack of packs.packs()) {
      const { index } = pack;
      for (const row of index.packOrder) seen.add(index.oidAt(row));
    }
  }
  return [...seen];
}

const trees = new WeakMap<Repository, ReturnType<typeof openWorkTree>>();

/** A blob as it would be in the work tree, or as its text conversion shows it; `undefined` where nothing is done. */
export async function convertContent(
  context: CommandContext,
  how: 'textconv' | 'filters',
  path: string,
  object: RawObject,
  oid: Oid,
): Promise<Bytes | undefined> {
  const repository = context.repository();
  let tree = trees.get(repository);
  if (tree === undefined) {
    tree = openWorkTree(context, { bareToo: true });
    trees.set(repository, tree);
  }
  if (how === 'filters') return tree.converter.smudge(path, object.data, { blob: oid });
  const { attributes } = tree;
  const { DiffDrivers } = await import('./diff-drivers.js');
  const driver = new DiffDrivers(context, repository, (name) => attributes.of(name)).of(path);
  return driver?.textconv?.({ path, mode: MODE_FILE, oid, read: () => object.data });
}

const maps = new WeakMap<Repository, Promise<Mailmap>>();

/** A commit or tag with the identities that the mailmap gives. */
export async function mapIdentities(context: CommandContext, object: RawObject): Promise<Bytes> {
  const repository = context.repository();
  let loading = maps.get(repository);
  if (loading === undefined) {
    loading = readMailmap(repository, async (expression) => {
      const oid = await resolveRevision(repository, expression, { quiet: true });
      return oid === undefined ? undefined : (await repository.objects.read(oid))?.data;
    });
    maps.set(repository, loading);
  }
  const mailmap = await loading;
  const text = decodeText(object.data);
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  const mapped = head.replace(
    /^(author|committer|tagger) (.*?) ?<([^<>\n]*)>/gm,
    (whole, role: string, name: string, email: string) => {
      const person = mailmap.map({ name, email });
      if (person.name === name && person.email === email) return whole;
      return `${role} ${person.name} <${person.email}>`;
    },
  );
  return mapped === head ? object.data : encodeText(mapped + (end < 0 ? '' : text.slice(end)));
}

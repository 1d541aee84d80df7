import type { Awaitable } from '../../base/awaitable.js';
import { isPromise } from '../../base/awaitable.js';
import type { Bytes } from '../../base/bytes.js';
import { concatBytes, decodeText, encodeText } from '../../base/bytes.js';
import { GitError, isGitError } from '../../base/errors.js';
import type { ObjectKind, Oid } from '../../base/oid.js';
import { emptyTreeOid, isOid, isZeroOid } from '../../base/oid.js';
import { stepFault } from '../../base/path.js';
import { quotePath, unquotePath } from '../../base/quote.js';
import { parseCommitLinks } from '../../objects/commit.js';
import { canonicalMode, formatMode, isGitlinkMode, isTreeMode, kindOfMode, MODE_FILE } from '../../objects/mode.js';
import { parseTag } from '../../objects/tag.js';
import { BulkWriter } from '../../packs/bulk-writer.js';
import { formatZone, parseDate } from '../../repo/dates.js';
import { openAncestry } from '../../repo/ancestry.js';
import type { Repository } from '../../repo/repository.js';
import { resolveRevision } from '../../repo/revision.js';
import { CommandStream } from './stream.js';
import { EditTree } from './tree-edit.js';

export interface FastImportSettings {
  force: boolean;
  dateFormat: 'raw' | 'raw-permissive' | 'rfc2822' | 'now';
  requireDone: boolean;
  depth: number;
  maxPackSize: number;
  /** Files given on the command line: paths are resolved already. */
  exportMarks: string | undefined;
  importMarks: { path: string; mustExist: boolean }[];
  unsafeFeatures: boolean;
  relativeMarks: boolean;
  unpackLimit: number;
  signedCommits: string;
  signedTags: string;
}

export interface FastImportHost {
  readonly read: () => Bytes | undefined;
  /** `progress` lines, for standard output. */
  readonly print: (text: string) => void;
  /** Answers to `get-mark`, `cat-blob`, `ls`. */
  readonly respond: (bytes: Bytes) => void;
  readonly warn: (message: string) => void;
  readonly error: (message: string) => void;
  /** A path named in the stream, absolute. */
  readonly resolve: (path: string) => string;
  /** Options in the stream that only the command line knows (`quiet`, `stats`, …); false: unknown. */
  readonly option: (text: string) => boolean;
}

interface Branch {
  readonly name: string;
  oid: Oid | undefined;
  root: EditTree | undefined;
  deleted: boolean;
  /** Number of notes; -1: not counted yet. */
  notes: number;
}

type Mark = { readonly oid: Oid; readonly kind: ObjectKind | undefined };

export interface ImportStatistics {
  blobs: number;
  trees: number;
  commits: number;
  tags: number;
  branches: number;
  marks: number;
}

const fail = (message: string): GitError => new GitError('PROTOCOL', message);

/** Runs one `fast-import` stream against a repository. */
export class FastImport {
  readonly #repository: Repository;
  readonly #settings: FastImportSettings;
  readonly #host: FastImportHost;
  readonly #stream: CommandStream;
  readonly #branches = new Map<string, Branch>();
  readonly #tags = new Map<string, Oid>();
  readonly #marks = new Map<number, Mark>();
  readonly #oidLength: number;
  readonly #emptyTree: Oid;
  #writer: BulkWriter;
  #lastBlob: Oid | undefined;
  #sawData = false;
  #importedByFeature = false;
  #failed = false;
  readonly statistics: ImportStatistics = { blobs: 0, trees: 0, commits: 0, tags: 0, branches: 0, marks: 0 };

  constructor(repository: Repository, settings: FastImportSettings, host: FastImportHost) {
    this.#repository = repository;
    this.#settings = settings;
    this.#host = host;
    this.#oidLength = repository.oidLength;
    this.#emptyTree = emptyTreeOid(repository.objectFormat);
    this.#stream = new CommandStream(host.read);
    this.#writer = this.#newWriter();
  }

  #newWriter(): BulkWriter {
    const { config } = this.#repository;
    return new BulkWriter({
      platform: this.#repository.platform,
      algorithm: this.#repository.objectFormat,
      packDirectory: `${this.#repository.objectsDirectory}/pack`,
      below: this.#repository.objects,
      compression: config.getInt('pack.compression') ?? config.getInt('core.compression') ?? -1,
      depth: this.#settings.depth,
      ...this.#repository.packSync,
    });
  }

  /** Answers whether all refs could be updated. */
  async run(): Promise<boolean> {
    try {
      for (const { path, mustExist } of this.#settings.importMarks) this.#readMarks(path, mustExist);
      let done = false;
      for (let line = this.#stream.line(); line !== undefined; line = this.#stream.line()) {
        if (line === 'done') {
          done = true;
          break;
        }
        await this.#command(line);
      }
      if (this.#settings.requireDone && !done) throw fail('stream ends early');
      await this.#checkpoint(true);
      return !this.#failed;
    } finally {
      this.#writer.discard();
    }
  }

  async #command(line: string): Promise<void> {
    if (line.startsWith('feature ')) return this.#feature(line.slice(8));
    if (line.startsWith('option ')) return this.#option(line.slice(7));
    if (line.startsWith('progress ')) {
      this.#host.print(`${line}\n`);
      this.#stream.skipEmptyLine();
      return;
    }
    if (line.startsWith('get-mark ')) {
      const mark = this.#mark(line.slice(9));
      this.#host.respond(encodeText(`${mark.oid}\n`));
      return;
    }
    if (line.startsWith('cat-blob ')) return await this.#catBlob(line.slice(9));
    if (line.startsWith('ls ')) return await this.#ls(line.slice(3), undefined);
    this.#sawData = true;
    if (line === 'blob') return await this.#blob();
    if (line.startsWith('commit ')) return await this.#commit(line.slice(7));
    if (line.startsWith('tag ')) return await this.#tag(line.slice(4));
    if (line.startsWith('reset ')) return await this.#reset(line.slice(6));
    if (line === 'alias') return await this.#alias();
    if (line === 'checkpoint') {
      this.#stream.skipEmptyLine();
      await this.#checkpoint(false);
      return;
    }
    throw fail(`unsupported command: ${line}`);
  }

  // Options and marks

  #feature(text: string): void {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const value = equals < 0 ? undefined : text.slice(equals + 1);
    if (this.#sawData) throw fail(`got feature command '${text}' after data command`);
    const unsafe = (): void => {
      if (!this.#settings.unsafeFeatures) {
        throw fail(`feature '${name}' forbidden in input without --allow-unsafe-features`);
      }
    };
    switch (name) {
      case 'date-format':
        this.setDateFormat(value ?? '');
        return;
      case 'import-marks':
      case 'import-marks-if-exists':
        unsafe();
        if (this.#importedByFeature) throw fail('only one import-marks command allowed per stream');
        this.#importedByFeature = true;
        // A file named on the command line wins over one named in the stream.
        if (this.#settings.importMarks.length === 0) {
          this.#readMarks(this.#marksPath(value ?? ''), name === 'import-marks');
        }
        return;
      case 'export-marks':
        unsafe();
        this.#settings.exportMarks ??= this.#marksPath(value ?? '');
        return;
      case 'relative-marks':
        this.#settings.relativeMarks = true;
        return;
      case 'no-relative-marks':
        this.#settings.relativeMarks = false;
        return;
      case 'force':
        this.#settings.force = true;
        return;
      case 'done':
        this.#settings.requireDone = true;
        return;
      case 'alias':
      case 'get-mark':
      case 'cat-blob':
      case 'ls':
      case 'notes':
        return;
      default:
        throw fail(`this version of fast-import does not support feature ${text}.`);
    }
  }

  #option(text: string): void {
    if (!text.startsWith('git ')) return;
    if (this.#sawData) throw fail(`got option command '${text.slice(4)}' after data command`);
    if (!this.#host.option(text.slice(4))) {
      throw fail(`this version of fast-import does not support option: ${text.slice(4)}`);
    }
  }

  setDateFormat(text: string): void {
    if (text !== 'raw' && text !== 'raw-permissive' && text !== 'rfc2822' && text !== 'now') {
      throw fail(`unknown --date-format argument ${text}`);
    }
    this.#settings.dateFormat = text;
  }

  #marksPath(path: string): string {
    return this.#settings.relativeMarks
      ? `${this.#repository.path('info/fast-import')}/${path}`
      : this.#host.resolve(path);
  }

  #readMarks(path: string, mustExist: boolean): void {
    const bytes = this.#repository.platform.fs.readFile(path);
    if (bytes === undefined) {
      if (mustExist) throw fail(`cannot read '${path}': No such file or directory`);
      return;
    }
    for (const line of decodeText(bytes).split('\n')) {
      if (line === '') continue;
      const match = /^:(\d+) ([0-9a-f]+)$/.exec(line);
      if (match === null || !isOid(match[2]!)) throw fail(`corrupt mark line: ${line}`);
      this.#marks.set(Number(match[1]), { oid: match[2]!, kind: undefined });
    }
  }

  #mark(text: string): Mark {
    const match = /^:(\d+)$/.exec(text);
    if (match === null) throw fail(/^:\d/.test(text) ? `garbage after mark: ${text}` : `not a mark: ${text}`);
    const mark = this.#marks.get(Number(match[1]));
    if (mark === undefined) throw fail(`mark :${match[1]} not declared`);
    return mark;
  }

  /** Reads an optional `mark` line. */
  #markLine(): number | undefined {
    const line = this.#stream.line();
    const match = line === undefined ? null : /^mark :(\d+)$/.exec(line);
    if (match !== null) return Number(match[1]);
    this.#stream.unread(line);
    return undefined;
  }

  #skipOriginalOid(): void {
    const line = this.#stream.line();
    if (line === undefined || !line.startsWith('original-oid ')) this.#stream.unread(line);
  }

  #setMark(mark: number | undefined, oid: Oid, kind: ObjectKind): void {
    if (mark !== undefined) this.#marks.set(mark, { oid, kind });
  }

  // Objects

  #write(kind: ObjectKind, data: Bytes, base?: Oid): Awaitable<Oid> {
    return this.#writer.writeAgainst(kind, data, base);
  }

  async #read(oid: Oid): Promise<{ kind: ObjectKind; data: Bytes } | undefined> {
    const read = this.#writer.read(oid);
    return isPromise(read) ? await read : read;
  }

  async #blob(): Promise<void> {
    const mark = this.#markLine();
    this.#skipOriginalOid();
    const oid = await this.#writeBlob(this.#stream.data(this.#stream.line()));
    this.#setMark(mark, oid, 'blob');
    this.#maybeSplit();
  }

  #writeBlob(data: Bytes): Awaitable<Oid> {
    const written = this.#write('blob', data, this.#lastBlob);
    this.statistics.blobs++;
    if (!isPromise(written)) return (this.#lastBlob = written);
    return written.then((oid) => (this.#lastBlob = oid));
  }

  #maybeSplit(): void {
    const { maxPackSize } = this.#settings;
    if (maxPackSize > 0 && this.#writer.size > maxPackSize) this.#cyclePack(false);
  }

  #cyclePack(last: boolean): void {
    const { loose } = this.#repository.objectDirectories[0]!;
    this.#writer.finish({ loose, unpackBelow: last ? this.#settings.unpackLimit : 0 });
    this.#repository.objects.refresh();
    this.#writer = this.#newWriter();
    this.#lastBlob = undefined;
    for (const branch of this.#branches.values()) branch.root = undefined;
  }

  // Who and when

  #identity(line: string, word: string): string {
    const text = line.slice(word.length + 1);
    const open = text.indexOf('<');
    if (open < 0) throw fail(`missing < in ident string: ${text}`);
    if (open > 0 && text[open - 1] !== ' ') throw fail(`missing space before < in ident string: ${text}`);
    const close = text.slice(open + 1).search(/[<>]/);
    if (close < 0 || text[open + 1 + close] !== '>') throw fail(`missing > in ident string: ${text}`);
    const end = open + 1 + close + 1;
    if (text[end] !== ' ') throw fail(`missing space after > in ident string: ${text}`);
    const when = text.slice(end + 1);
    return `${text.slice(0, end)} ${this.#when(when, text)}`;
  }

  #when(when: string, whole: string): string {
    const format = this.#settings.dateFormat;
    if (format === 'now') {
      if (when !== 'now') throw fail(`date in ident must be 'now': ${whole}`);
      const { now, zone } = this.#repository.clock;
      return `${now} ${formatZone(zone(now * 1000))}`;
    }
    if (format === 'rfc2822') {
      const date = parseDate(when, this.#repository.clock);
      if (date === undefined) throw fail(`invalid rfc2822 date "${when}" in ident: ${whole}`);
      return `${date.seconds} ${formatZone(date.zone)}`;
    }
    const match = /^(\d+) ([+-])(\d+)$/.exec(when);
    const good =
      match !== null &&
      (format === 'raw-permissive' ||
        (match[3]!.length === 4 && Number(match[3]) <= 1400 && Number(match[3]!.slice(2)) < 60));
    if (!good) throw fail(`invalid raw date "${when}" in ident: ${whole}`);
    return when;
  }

  // Branches

  #branch(name: string): Branch {
    let branch = this.#branches.get(name);
    if (branch === undefined) {
      if (!validRefName(name)) throw fail(`branch name doesn't conform to Git standards: ${name}`);
      branch = { name, oid: undefined, root: undefined, deleted: false, notes: -1 };
      this.#branches.set(name, branch);
      this.statistics.branches++;
    }
    return branch;
  }

  /** A commit-ish: a branch of the stream, a mark, or any revision. */
  async #commitOid(text: string): Promise<Oid> {
    const branch = this.#branches.get(text);
    if (branch !== undefined) {
      if (branch.oid === undefined) throw fail(`branch ${text} has no commit`);
      return branch.oid;
    }
    if (text.startsWith(':')) {
      const mark = this.#mark(text);
      const kind = mark.kind ?? (await this.#read(mark.oid))?.kind;
      if (kind !== 'commit') throw fail(`mark ${text} not a commit`);
      return mark.oid;
    }
    const oid = await this.#revision(text);
    if (oid === undefined) throw fail(`invalid ref name or SHA1 expression: ${text}`);
    return await this.#peelCommit(oid, text);
  }

  async #revision(text: string): Promise<Oid | undefined> {
    if (isOid(text)) return text;
    try {
      return await resolveRevision(this.#repository, text);
    } catch (error) {
      if (isGitError(error)) return undefined;
      throw error;
    }
  }

  async #peelCommit(oid: Oid, text: string): Promise<Oid> {
    for (let at = oid; ; ) {
      const object = await this.#read(at);
      if (object === undefined) throw fail(`not a valid commit: ${text}`);
      if (object.kind === 'commit') return at;
      if (object.kind !== 'tag') throw fail(`not a commit: ${text}`);
      at = parseTag(object.data).target;
    }
  }

  async #root(branch: Branch): Promise<EditTree> {
    if (branch.root === undefined) {
      const tree = branch.oid === undefined ? undefined : await this.#treeOf(branch.oid);
      branch.root = new EditTree(this.#writer, this.#oidLength, tree);
    }
    return branch.root;
  }

  async #treeOf(oid: Oid): Promise<Oid> {
    for (let at = oid; ; ) {
      const object = await this.#read(at);
      if (object === undefined) throw fail(`can't load object ${at}`);
      if (object.kind === 'tree') return at;
      if (object.kind === 'commit') return parseCommitLinks(object.data).tree;
      if (object.kind !== 'tag') throw fail(`can't load tree ${oid}`);
      at = parseTag(object.data).target;
    }
  }

  /** Reads an optional `from` line and starts the branch there. */
  #from(branch: Branch): Awaitable<void> {
    const line = this.#stream.line();
    if (line?.startsWith('from ') === true) return this.#startFrom(branch, line.slice(5));
    this.#stream.unread(line);
    return undefined;
  }

  async #startFrom(branch: Branch, text: string): Promise<void> {
    branch.root = undefined;
    branch.notes = -1;
    if (text === branch.name) throw fail(`can't create a branch from itself: ${branch.name}`);
    if (isOid(text) && isZeroOid(text)) {
      branch.oid = undefined;
      branch.deleted = true;
      return;
    }
    const other = this.#branches.get(text);
    branch.deleted = false;
    if (other !== undefined) {
      branch.oid = other.oid;
      return;
    }
    branch.oid = await this.#commitOid(text);
  }

  async #reset(name: string): Promise<void> {
    const branch = this.#branch(name);
    branch.oid = undefined;
    branch.root = undefined;
    branch.deleted = false;
    branch.notes = -1;
    await this.#from(branch);
    this.#stream.skipEmptyLine();
    if (branch.oid === undefined && !branch.deleted) return;
    if (branch.name.startsWith('refs/tags/')) this.#tags.delete(branch.name.slice('refs/tags/'.length));
  }

  async #alias(): Promise<void> {
    this.#stream.skipEmptyLine();
    const mark = this.#markLine();
    if (mark === undefined) throw fail("expected 'mark' command, got 'to'");
    const line = this.#stream.line();
    if (line === undefined || !line.startsWith('to ')) throw fail(`expected 'to' command, got '${line ?? ''}'`);
    this.#setMark(mark, await this.#commitOid(line.slice(3)), 'commit');
    this.#stream.skipEmptyLine();
  }

  async #commit(name: string): Promise<void> {
    const branch = this.#branch(name);
    const mark = this.#markLine();
    this.#skipOriginalOid();
    let author: string | undefined;
    let committer: string | undefined;
    let encoding: string | undefined;
    const signatures: { header: string; text: string }[] = [];
    let line = this.#stream.line();
    if (line?.startsWith('author ') === true) {
      author = this.#identity(line, 'author');
      line = this.#stream.line();
    }
    if (line?.startsWith('committer ') === true) {
      committer = this.#identity(line, 'committer');
      line = this.#stream.line();
    }
    if (committer === undefined) throw fail("expected committer but didn't get one");
    while (line?.startsWith('gpgsig ') === true) {
      const match = /^gpgsig (\S+) (\S+)$/.exec(line);
      if (match === null) throw fail(`expected gpgsig format: 'gpgsig <hash-algo> <signature-format>', got '${line}'`);
      const text = decodeText(this.#stream.data(this.#stream.line()));
      const how = this.#settings.signedCommits;
      if (how === 'abort') throw fail('encountered signed commit; use --signed-commits=<mode> to handle it');
      if (how === 'warn-verbatim') this.#host.warn('importing a commit signature verbatim');
      else if (how === 'warn-strip') this.#host.warn('stripping a commit signature');
      if (how !== 'strip' && how !== 'warn-strip') {
        signatures.push({ header: match[1] === 'sha256' ? 'gpgsig-sha256' : 'gpgsig', text });
      }
      line = this.#stream.line();
    }
    if (line?.startsWith('encoding ') === true) {
      encoding = line.slice(9);
      line = this.#stream.line();
    }
    const message = this.#stream.data(line);
    const from = this.#from(branch);
    if (isPromise(from)) await from;
    const parents: Oid[] = [];
    if (branch.oid !== undefined) parents.push(branch.oid);
    for (line = this.#stream.line(); line?.startsWith('merge ') === true; line = this.#stream.line()) {
      parents.push(await this.#commitOid(line.slice(6)));
    }
    const root = branch.root ?? (await this.#root(branch));
    for (; line !== undefined && line !== ''; line = this.#stream.line()) {
      const change = this.#change(branch, root, line);
      if (!(isPromise(change) ? await change : change)) {
        this.#stream.unread(line);
        break;
      }
    }
    if (branch.notes >= 0) await this.#refan(branch, root);
    const stored = root.store();
    const tree = isPromise(stored) ? await stored : stored;
    const head = [
      `tree ${tree}`,
      ...parents.map((oid) => `parent ${oid}`),
      `author ${author ?? committer}`,
      `committer ${committer}`,
    ];
    if (encoding !== undefined) head.push(`encoding ${encoding}`);
    for (const { header, text } of signatures) {
      head.push(`${header} ${text.replace(/\n$/, '').replaceAll('\n', '\n ')}`);
    }
    const written = this.#write('commit', concatBytes([encodeText(`${head.join('\n')}\n\n`), message]));
    const oid = isPromise(written) ? await written : written;
    branch.oid = oid;
    branch.deleted = false;
    this.statistics.commits++;
    this.#setMark(mark, oid, 'commit');
    this.#maybeSplit();
  }

  /** One change of a commit; false where the line is none. */
  #change(branch: Branch, root: EditTree, line: string): Awaitable<boolean> {
    if (!line.startsWith('M ')) return this.#otherChange(branch, root, line);
    const modified = this.#modify(root, line);
    return isPromise(modified) ? modified.then(() => true) : true;
  }

  async #otherChange(branch: Branch, root: EditTree, line: string): Promise<boolean> {
    if (line.startsWith('D ')) {
      const { path } = this.#path(line.slice(2), true);
      if (path === '') root.clear();
      else {
        const loading = root.load(path);
        if (isPromise(loading)) await loading;
        root.remove(path);
      }
    } else if (line.startsWith('R ')) await this.#copy(root, line.slice(2), true);
    else if (line.startsWith('C ')) await this.#copy(root, line.slice(2), false);
    else if (line.startsWith('N ')) await this.#note(branch, root, line.slice(2));
    else if (line === 'deleteall') {
      root.clear();
      if (branch.notes >= 0) branch.notes = 0;
    } else if (line.startsWith('ls ')) await this.#ls(line.slice(3), root);
    else if (line.startsWith('cat-blob ')) await this.#catBlob(line.slice(9));
    else if (line.startsWith('get-mark ')) {
      this.#host.respond(encodeText(`${this.#mark(line.slice(9)).oid}\n`));
    } else return false;
    return true;
  }

  /** Reads a path; unless it is the `last` thing of the line it ends at a space. */
  #path(text: string, last: boolean, line = text): { path: string; rest: string } {
    let path: string;
    let rest = '';
    if (text.startsWith('"')) {
      const found = unquotePath(text);
      if (found === undefined) throw fail(`invalid path: ${line}`);
      path = found.value;
      rest = text.slice(found.end);
      if (last && rest !== '') throw fail(`garbage after path in: ${line}`);
    } else if (last) path = text;
    else {
      const space = text.indexOf(' ');
      if (space < 0) {
        path = text;
      } else {
        path = text.slice(0, space);
        rest = text.slice(space);
      }
    }
    if (path.includes('\0')) throw fail(`NUL in path: ${line}`);
    if (path !== '') {
      for (const part of path.split('/')) {
        if (part === '') throw fail('empty path component found in input');
        if (stepFault(part) !== undefined) throw fail(`invalid path '${path}'`);
      }
    }
    return { path, rest };
  }

  #modify(root: EditTree, line: string): Awaitable<void> {
    const match = /^M ([0-7]+) (\S+)(?: (.*))?$/s.exec(line);
    if (match === null) throw fail(`corrupt mode: ${line}`);
    if (/^:\d+[^\d]/.test(match[2]!) || (match[2]!.startsWith(':') && match[3] === undefined)) {
      throw fail(`missing space after mark: ${line}`);
    }
    if (/^inline./.test(match[2]!)) throw fail(`invalid dataref: ${line}`);
    if (match[2]!.length > this.#oidLength * 2 && isOid(match[2]!.slice(0, this.#oidLength * 2))) {
      throw fail(`missing space after SHA1: ${line}`);
    }
    let mode = Number.parseInt(match[1]!, 8);
    if (mode === 0o644 || mode === 0o755) mode |= 0o100000;
    if (![0o100644, 0o100755, 0o120000, 0o160000, 0o040000].includes(mode)) throw fail(`corrupt mode: ${line}`);
    if (match[3] === undefined) throw fail(`missing space after SHA1: ${line}`);
    const { path } = this.#path(match[3], true, line);
    const reference = match[2]!;
    if (reference === 'inline') {
      if (isGitlinkMode(mode)) throw fail('git links cannot be specified inline: ' + line);
      if (isTreeMode(mode)) throw fail('directories cannot be specified inline: ' + line);
      const next = this.#stream.line();
      if (next?.startsWith('cat-blob ') === true) return this.#modifyLate(root, path, mode, next);
      const written = this.#writeBlob(this.#stream.data(next));
      return isPromise(written)
        ? written.then((oid) => this.#place(root, path, mode, oid))
        : this.#place(root, path, mode, written);
    }
    const mark = reference.startsWith(':') ? this.#mark(reference) : undefined;
    const oid = mark?.oid ?? (reference as Oid);
    if (!isOid(oid)) throw fail(`invalid dataref: ${line}`);
    if (isGitlinkMode(mode)) return this.#place(root, path, mode, oid);
    if (mark?.kind === undefined) return this.#modifyChecked(root, path, mode, oid, line);
    if (mark.kind !== kindOfMode(mode)) {
      throw fail(`not a ${kindOfMode(mode)} (actually a ${mark.kind}): ${line}`);
    }
    return this.#place(root, path, mode, oid);
  }

  /** A change that asks for answers before its data. */
  async #modifyLate(root: EditTree, path: string, mode: number, first: string): Promise<void> {
    let next: string | undefined = first;
    while (next?.startsWith('cat-blob ') === true) {
      await this.#catBlob(next.slice(9));
      next = this.#stream.line();
    }
    await this.#place(root, path, mode, await this.#writeBlob(this.#stream.data(next)));
  }

  /** A change to an object of which only the name is known. */
  async #modifyChecked(root: EditTree, path: string, mode: number, oid: Oid, line: string): Promise<void> {
    const expected = kindOfMode(mode);
    const kind = await this.#kindOf(oid);
    if (kind === undefined) {
      if (!(isTreeMode(mode) && isZeroOid(oid))) {
        throw fail(`${isTreeMode(mode) ? 'tree' : 'blob'} not found: ${line}`);
      }
    } else if (kind !== expected) {
      throw fail(`not a ${expected} (actually a ${kind}): ${line}`);
    }
    await this.#place(root, path, mode, oid);
  }

  #place(root: EditTree, path: string, mode: number, oid: Oid): Awaitable<void> {
    if (path === '') {
      if (!isTreeMode(mode)) throw fail('root cannot be a non-directory');
      return this.#setRoot(root, oid);
    }
    const loading = root.load(path);
    if (isPromise(loading)) return loading.then(() => this.#place(root, path, mode, oid));
    if (isTreeMode(mode) && oid === this.#emptyTree) root.remove(path);
    else root.set(path, canonicalMode(mode), oid);
    return undefined;
  }

  /** Makes the root the tree of that name. */
  async #setRoot(root: EditTree, oid: Oid): Promise<void> {
    const loaded = new EditTree(this.#writer, this.#oidLength, oid);
    await loaded.load('');
    root.clear();
    for (const [name, entry] of loaded.rows) root.set(name, entry.mode, entry.oid!);
  }

  async #kindOf(oid: Oid): Promise<ObjectKind | undefined> {
    const header = this.#writer.readHeader(oid);
    return (isPromise(header) ? await header : header)?.kind;
  }

  async #copy(root: EditTree, text: string, rename: boolean): Promise<void> {
    const { path: from, rest } = this.#path(text, false);
    if (!rest.startsWith(' ')) throw fail(`missing space after source: ${rename ? 'R' : 'C'} ${text}`);
    const { path: to } = this.#path(rest.slice(1), true, text);
    let mode: number;
    let oid: Oid;
    if (from === '') {
      mode = 0o040000;
      oid = await root.store();
      if (rename) root.clear();
    } else {
      await root.load(from);
      const entry = root.find(from);
      if (entry === undefined) throw fail(`path ${from} not in branch`);
      mode = entry.mode;
      oid = entry.oid ?? (await entry.node!.store());
      if (rename) root.remove(from);
    }
    if (to === '') {
      if (!isTreeMode(mode)) throw fail('root cannot be a non-directory');
      await this.#setRoot(root, oid);
      return;
    }
    await root.load(to);
    root.set(to, mode, oid);
  }

  // Notes

  async #note(branch: Branch, root: EditTree, text: string): Promise<void> {
    const space = text.indexOf(' ');
    if (space < 0) throw fail(`missing space after SHA1: N ${text}`);
    const reference = text.slice(0, space);
    if (/^:\d+[^\d]/.test(reference)) throw fail(`missing space after mark: N ${text}`);
    if (reference.length > this.#oidLength * 2 && isOid(reference.slice(0, this.#oidLength * 2))) {
      throw fail(`missing space after SHA1: N ${text}`);
    }
    const target = text.slice(space + 1);
    let oid: Oid;
    if (reference === 'inline') oid = await this.#writeBlob(this.#stream.data(this.#stream.line()));
    else {
      oid = reference.startsWith(':') ? this.#mark(reference).oid : (reference as Oid);
      if (!isOid(oid)) throw fail(`invalid dataref: N ${text}`);
    }
    const commit = await this.#commitOid(target);
    if (branch.notes < 0) {
      branch.notes = 0;
      for await (const { path } of root.files()) if (isOid(path.replaceAll('/', ''))) branch.notes++;
    }
    let before: string | undefined;
    for (let fan = 0; fan < this.#oidLength - 1; fan++) {
      const path = fanned(commit, fan);
      await root.load(path);
      if (root.find(path) !== undefined) {
        before = path;
        break;
      }
    }
    if (before !== undefined) {
      root.remove(before);
      branch.notes--;
    }
    if (isZeroOid(oid)) return;
    const place = fanned(commit, fanout(branch.notes));
    await root.load(place);
    root.set(place, MODE_FILE, oid);
    branch.notes++;
  }

  /** Gives all notes of a tree the depth of directories that their number asks for. */
  async #refan(branch: Branch, root: EditTree): Promise<void> {
    const wanted = fanout(branch.notes);
    const moves: { from: string; to: string; oid: Oid; mode: number }[] = [];
    for await (const { path, entry } of root.files()) {
      const hex = path.replaceAll('/', '');
      if (!isOid(hex)) continue;
      const to = fanned(hex, wanted);
      if (to !== path) moves.push({ from: path, to, oid: entry.oid!, mode: entry.mode });
    }
    for (const { from } of moves) root.remove(from);
    for (const { to, oid, mode } of moves) {
      await root.load(to);
      root.set(to, mode, oid);
    }
  }

  // Tags

  async #tag(name: string): Promise<void> {
    const mark = this.#markLine();
    let line = this.#stream.line();
    if (line === undefined || !line.startsWith('from ')) throw fail(`expected from command, got ${line ?? ''}`);
    const text = line.slice(5);
    let oid: Oid;
    let kind: ObjectKind | undefined;
    const branch = this.#branches.get(text);
    if (branch?.oid !== undefined) {
      oid = branch.oid;
      kind = 'commit';
    } else if (text.startsWith(':')) {
      const found = this.#mark(text);
      oid = found.oid;
      kind = found.kind ?? (await this.#kindOf(oid));
    } else {
      const found = await this.#revision(text);
      if (found === undefined) throw fail(`invalid ref name or SHA1 expression: ${text}`);
      oid = found;
      kind = await this.#kindOf(oid);
    }
    if (kind === undefined) throw fail(`not a valid object: ${text}`);
    this.#skipOriginalOid();
    line = this.#stream.line();
    let tagger: string | undefined;
    if (line?.startsWith('tagger ') === true) {
      tagger = this.#identity(line, 'tagger');
      line = this.#stream.line();
    }
    let message = this.#stream.data(line);
    const signed = decodeText(message).search(/^-----BEGIN (?:PGP|SSH|SIGNED) /m);
    if (signed >= 0) {
      const how = this.#settings.signedTags;
      if (how === 'abort') throw fail('encountered signed tag; use --signed-tags=<mode> to handle it');
      if (how === 'warn-verbatim') this.#host.warn('importing a tag signature verbatim');
      else if (how === 'warn-strip') this.#host.warn('stripping a tag signature');
      if (how === 'strip' || how === 'warn-strip') message = encodeText(decodeText(message).slice(0, signed));
    }
    const head = [`object ${oid}`, `type ${kind}`, `tag ${name}`];
    if (tagger !== undefined) head.push(`tagger ${tagger}`);
    const tag = await this.#write('tag', concatBytes([encodeText(`${head.join('\n')}\n\n`), message]));
    this.statistics.tags++;
    this.#tags.set(name, tag);
    this.#setMark(mark, tag, 'tag');
  }

  // Answers

  async #catBlob(reference: string): Promise<void> {
    const oid = reference.startsWith(':') ? this.#mark(reference).oid : (reference as Oid);
    if (!isOid(oid)) throw fail(`invalid dataref: ${reference}`);
    const object = await this.#read(oid);
    if (object === undefined) {
      this.#host.respond(encodeText(`${oid} missing\n`));
      return;
    }
    if (object.kind !== 'blob') throw fail(`object ${oid} is a ${object.kind} but a blob was expected.`);
    this.#host.respond(concatBytes([encodeText(`${oid} blob ${object.data.length}\n`), object.data, encodeText('\n')]));
  }

  async #ls(text: string, root: EditTree | undefined): Promise<void> {
    let tree: EditTree;
    let rest: string;
    if (text.startsWith('"')) {
      if (root === undefined) throw fail(`not in a commit: ls ${text}`);
      tree = root;
      rest = text;
    } else {
      const space = text.indexOf(' ');
      if (space < 0) throw fail(`missing space after tree-ish: ls ${text}`);
      const reference = text.slice(0, space);
      if (/^:\d+[^\d]/.test(reference)) throw fail(`missing space after mark: ls ${text}`);
      if (reference.length > this.#oidLength * 2 && isOid(reference.slice(0, this.#oidLength * 2))) {
        throw fail(`missing space after tree-ish: ls ${text}`);
      }
      rest = text.slice(space + 1);
      const oid = reference.startsWith(':') ? this.#mark(reference).oid : (reference as Oid);
      if (!isOid(oid)) throw fail(`invalid dataref: ls ${text}`);
      tree = new EditTree(this.#writer, this.#oidLength, await this.#treeOf(oid));
    }
    const { path } = this.#path(rest, true, `ls ${text}`);
    if (path === '') {
      this.#host.respond(encodeText(`040000 tree ${await tree.store()}\t\n`));
      return;
    }
    await tree.load(path);
    const entry = tree.find(path);
    if (entry === undefined) {
      this.#host.respond(encodeText(`missing ${quotePath(path)}\n`));
      return;
    }
    const oid = entry.oid ?? (await entry.node!.store());
    this.#host.respond(encodeText(`${formatMode(entry.mode)} ${kindOfMode(entry.mode)} ${oid}\t${quotePath(path)}\n`));
  }

  // The end

  async #checkpoint(last: boolean): Promise<void> {
    this.#cyclePack(last);
    await this.#updateRefs();
    this.#writeMarks();
  }

  async #updateRefs(): Promise<void> {
    const { refs } = this.#repository;
    for (const branch of this.#branches.values()) {
      const before = await refs.resolve(branch.name);
      if (branch.oid === undefined) {
        if (branch.deleted && before !== undefined) {
          await this.#update({ name: branch.name, to: 'deleted' });
        }
        continue;
      }
      if (before === branch.oid) continue;
      if (before !== undefined && !this.#settings.force) {
        const contained = await openAncestry(this.#repository).isAncestor(
          before as Oid<'commit'>,
          branch.oid as Oid<'commit'>,
        );
        if (!contained) {
          this.#host.warn(`not updating ${branch.name} (new tip ${branch.oid} does not contain ${before})`);
          this.#failed = true;
          continue;
        }
      }
      await this.#update({ name: branch.name, to: branch.oid, ...(before === undefined ? {} : { expect: before }) });
    }
    for (const [name, oid] of this.#tags) await this.#update({ name: `refs/tags/${name}`, to: oid });
  }

  async #update(update: { name: string; to: Oid | 'deleted'; expect?: Oid }): Promise<void> {
    const result = await this.#repository.refs.update([{ ...update, reason: 'fast-import' }]);
    if (result.ok) return;
    this.#host.error(result.message);
    this.#failed = true;
  }

  #writeMarks(): void {
    const path = this.#settings.exportMarks;
    if (path === undefined) return;
    const { fs } = this.#repository.platform;
    const slash = path.lastIndexOf('/');
    if (slash > 0) fs.makeDirectory(path.slice(0, slash), { recursive: true });
    const lines = [...this.#marks].sort(([a], [b]) => a - b).map(([number, { oid }]) => `:${number} ${oid}\n`);
    fs.writeFile(path, encodeText(lines.join('')));
  }

  get markCount(): number {
    return this.#marks.size;
  }
}

/** How many directories deep notes lie when there are so many of them. */
function fanout(notes: number): number {
  let depth = 0;
  for (let left = notes; left > 255; left = Math.floor(left / 256)) depth++;
  return depth;
}

function fanned(hex: string, depth: number): string {
  let path = '';
  for (let i = 0; i < depth; i++) path += `${hex.slice(2 * i, 2 * i + 2)}/`;
  return path + hex.slice(2 * depth);
}

function validRefName(name: string): boolean {
  return (
    !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\.$|\/$|^\/|\.lock(?:\/|$)|(?:^|\/)\./.test(name) &&
    name !== '' &&
    name !== '@'
  );
}

import type { Bytes } from '../base/bytes.js';
import { encodeText, equalBytes } from '../base/bytes.js';
import { isPromise } from '../base/awaitable.js';
import type { GitError } from '../base/errors.js';
import { isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { emptyTreeOid, oidToBytes } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import type { FsckId, FsckRules } from '../objects/fsck.js';
import { fsckObject } from '../objects/fsck.js';
import { checkAttributes } from '../objects/fsck-blob.js';
import type { PackFile } from '../packs/pack-file.js';
import { parseTag } from '../objects/tag.js';
import { TreeCursor } from '../objects/tree.js';
import { checkModulesBlob } from '../repo/incoming-fsck.js';
import type { Repository } from '../repo/repository.js';
import { ObjectOrder } from './object-order.js';

export interface FsckOptions {
  readonly rules: FsckRules;
  /** Look at packs and alternates too. */
  readonly full: boolean;
  /** Only whether everything that is reachable is there. */
  readonly connectivityOnly: boolean;
  readonly unreachable: boolean;
  readonly dangling: boolean;
  readonly roots: boolean;
  readonly tags: boolean;
  readonly reflogs: boolean;
  readonly lostFound: boolean;
  readonly nameObjects: boolean;
  /** A line for standard output. */
  readonly tell: (line: string) => void;
  /** A line for standard error, with its `error: ` or `warning `. */
  readonly complain: (line: string) => void;
  readonly progress?: ((title: string, done: number, total: number) => void) | undefined;
}

const ERROR_OBJECT = 1;
export const ERROR_REACHABLE = 2;
const ERROR_PACK = 4;
export const ERROR_REFS = 8;

const PRESENT = 1;
const REACHABLE = 2;
/** Some object that is there points at it. */
const USED = 4;
const EXPANDED = 8;

const kindNames: readonly ObjectKind[] = ['commit', 'tree', 'blob', 'tag'];
const UNKNOWN = 0;
const COMMIT = 1;
const TREE = 2;
const BLOB = 3;
const kindCode = (kind: ObjectKind): number => kindNames.indexOf(kind) + 1;

/** What an index or a work tree's HEAD contributes to what must be there. */
export interface FsckRoots {
  /** Objects that an index or a cache tree names: where it is, for messages. */
  readonly index: Iterable<{
    readonly oid: Oid;
    readonly kind: 'blob' | 'tree';
    readonly name: string;
    /** What to say where it is missing; an entry of the index is found by the walk. */
    readonly complaint?: string;
  }>;
}

/** Checks a repository: contents first, then whether everything that can be reached is there. */
export class Fsck {
  readonly #repository: Repository;
  readonly #options: FsckOptions;
  readonly #table: ObjectOrder;
  readonly #length: number;
  readonly #emptyTree: Oid;
  #flags = new Uint8Array(1024);
  #kinds = new Uint8Array(1024);
  /** Rows a commit or tag points at: `#edges[#first[row] … ]`, after their count. */
  #first = new Int32Array(1024).fill(-1);
  #edges = new Int32Array(4096);
  #edgeCount = 0;
  readonly #names = new Map<number, string>();
  readonly #modules = new Set<Oid>();
  readonly #modulesDone = new Set<Oid>();
  readonly #attributes = new Set<Oid>();
  readonly #attributesDone = new Set<Oid>();
  errors = 0;
  #roots: number[] = [];

  constructor(repository: Repository, options: FsckOptions) {
    this.#repository = repository;
    this.#options = options;
    this.#length = repository.oidLength;
    this.#emptyTree = emptyTreeOid(repository.objectFormat);
    this.#table = new ObjectOrder(this.#length);
  }

  // The table of objects

  #row(raw: Bytes, at: number): number {
    const row = this.#table.intern(raw, at);
    if (row >= this.#flags.length) {
      const size = this.#flags.length * 2;
      this.#flags = grown(this.#flags, new Uint8Array(size));
      this.#kinds = grown(this.#kinds, new Uint8Array(size));
      this.#first = grown(this.#first, new Int32Array(size).fill(-1));
    }
    return row;
  }

  #rowOf(oid: Oid): number {
    return this.#row(oidToBytes(oid), 0);
  }

  #markPresent(oid: Oid): void {
    // First the row: finding it may put larger arrays in place.
    const row = this.#rowOf(oid);
    this.#flags[row]! |= PRESENT;
  }

  #oid(row: number): Oid {
    return this.#table.hexAt(row) as Oid;
  }

  #addEdge(row: number): void {
    if (this.#edgeCount >= this.#edges.length) this.#edges = grown(this.#edges, new Int32Array(this.#edges.length * 2));
    this.#edges[this.#edgeCount++] = row;
  }

  #describe(row: number): string {
    const name = this.#names.get(row);
    return name === undefined ? this.#oid(row) : `${this.#oid(row)} (${name})`;
  }

  #kindText(row: number): string {
    return this.#kinds[row] === UNKNOWN ? 'unknown' : kindNames[this.#kinds[row]! - 1]!;
  }

  #error(line: string, code: number): void {
    this.errors |= code;
    this.#options.complain(`error: ${line}`);
  }

  // First pass: contents

  async checkContents(): Promise<void> {
    if (this.#options.connectivityOnly) {
      for (const oid of this.#everything()) this.#markPresent(oid);
      return;
    }
    const { objectDirectories } = this.#repository;
    for (const { loose, path } of objectDirectories) this.#looseObjects(loose.list(), path);
    if (this.#options.full) {
      for (const { packs } of objectDirectories) {
        const list = packs.packs();
        const total = list.reduce((sum, pack) => sum + pack.index.count, 0);
        let done = 0;
        for (const pack of list) {
          this.#packChecksum(pack);
          for (const row of pack.index.packOrder) {
            const oid = pack.index.oidAt(row);
            this.#one(oid, () => pack.read(pack.index.offsetAt(row)), ERROR_PACK);
            if ((++done & 1023) === 0) this.#options.progress?.('Checking objects', done, total);
          }
        }
        if (total > 0) this.#options.progress?.('Checking objects', total, total);
      }
    }
    await this.#finishBlobs();
  }

  /** All that is there, an object that is there twice twice. */
  *#everything(): Generator<Oid> {
    for (const { loose, packs } of this.#repository.objectDirectories) {
      yield* loose.list();
      yield* packs.list();
    }
  }

  /** The checksum at a pack's end, over all that stands before it. */
  #packChecksum(pack: PackFile): void {
    const { platform, objectFormat } = this.#repository;
    const handle = platform.fs.open(pack.path);
    if (handle === undefined) return;
    try {
      const end = handle.size - this.#length;
      const hasher = platform.hasher(objectFormat);
      const chunk = new Uint8Array(1 << 20);
      for (let at = 0; at < end; at += chunk.length) {
        const part = chunk.subarray(0, Math.min(chunk.length, end - at));
        handle.readInto(part, at);
        hasher.update(part);
      }
      const sum = hasher.digest();
      const trailer = handle.read(end, this.#length);
      if (!equalBytes(sum, trailer)) {
        this.#error(`${this.#shown(pack.path)} ${objectFormat.toUpperCase()} checksum mismatch`, ERROR_PACK);
      } else if (!equalBytes(trailer, pack.index.packChecksum)) {
        this.#error(`packfile ${this.#shown(pack.path)} does not match index`, ERROR_PACK);
      }
    } finally {
      handle.close();
    }
  }

  #looseObjects(ids: Iterable<Oid>, directory: string): void {
    const { fs } = this.#repository.platform;
    const name = /^[0-9a-f]+$/;
    const length = 2 * this.#length - 2;
    for (let i = 0; i < 256; i++) {
      const fan = (i < 16 ? '0' : '') + i.toString(16);
      for (const entry of fs.readDirectory(`${directory}/${fan}`) ?? []) {
        if (entry.name.startsWith('tmp_obj_')) continue;
        if (entry.name.length !== length || !name.test(entry.name)) {
          this.#options.complain(`bad sha1 file: ${this.#shown(`${directory}/${fan}/${entry.name}`)}`);
        }
      }
    }
    for (const oid of ids) this.#looseObject(oid, directory);
  }

  #shown(path: string): string {
    const { commonDir, gitDirShown, gitDir } = this.#repository;
    if (commonDir === gitDir && path.startsWith(`${commonDir}/`)) {
      const rest = path.slice(commonDir.length + 1);
      return gitDirShown === '.' ? `./${rest}` : `${gitDirShown}/${rest}`;
    }
    return path;
  }

  #looseObject(oid: Oid, directory: string): void {
    const loose = this.#repository.objectDirectories.find(({ path }) => path === directory)!.loose;
    const path = this.#shown(`${directory}/${oid.slice(0, 2)}/${oid.slice(2)}`);
    try {
      const object = loose.read(oid);
      if (object === undefined) return;
      this.#content(oid, object.kind, object.data, ERROR_OBJECT);
    } catch (error) {
      if (!isGitError(error)) throw error;
      const mismatch = /^hash mismatch for .* \(expected [0-9a-f]+, got ([0-9a-f]+)\)$/.exec(error.message);
      if (mismatch !== null) {
        this.#error(`${mismatch[1]}: hash-path mismatch, found at: ${path}`, ERROR_OBJECT);
        return;
      }
      for (const line of this.#looseFault(oid, directory, path, error)) this.#options.complain(`error: ${line}`);
      this.#error(`${oid}: object corrupt or missing: ${path}`, ERROR_OBJECT);
    }
  }

  /** git's words for what is wrong with a loose object: with its header, or with what comes after. */
  #looseFault(oid: Oid, directory: string, path: string, error: GitError): string[] {
    const why = error.cause instanceof Error ? error.cause.message : '';
    if (error.message === 'invalid object type') return [`unable to parse type from header '${why}' of ${path}`];
    if (error.message.startsWith('garbage at end')) return [error.message, `unable to unpack contents of ${path}`];
    if (!/^unable to unpack|is corrupt$/.test(error.message)) return [error.message];
    try {
      this.#repository.objectDirectories.find((place) => place.path === directory)!.loose.readHeader(oid);
    } catch {
      return [`inflate: data stream error (${why})`, `unable to unpack header of ${path}`];
    }
    return [`corrupt loose object '${oid}'`, `unable to unpack contents of ${path}`];
  }

  #one(oid: Oid, read: () => { readonly kind: ObjectKind; readonly data: Bytes }, code: number): void {
    try {
      const { kind, data } = read();
      const actual = this.#repository.platform.hashObject(this.#repository.objectFormat, kind, data);
      if (actual !== oid) {
        this.#error(`packed ${oid} is corrupt: its hash is ${actual}`, code);
        return;
      }
      this.#content(oid, kind, data, code);
    } catch (error) {
      if (!isGitError(error)) throw error;
      for (let cause: unknown = error.cause; isGitError(cause); cause = cause.cause) {
        this.#options.complain(`error: ${this.#shownIn(cause.message)}`);
      }
      this.#error(this.#shownIn(error.message), code);
    }
  }

  /** Paths below the git directory as they are shown. */
  #shownIn(message: string): string {
    const { commonDir, gitDir, gitDirShown } = this.#repository;
    return commonDir === gitDir ? message.replaceAll(`${commonDir}/`, () => `${gitDirShown}/`) : message;
  }

  /** One copy of an object: what is wrong is told of each of them. */
  #content(oid: Oid, kind: ObjectKind, data: Bytes, code: number): void {
    const row = this.#rowOf(oid);
    this.#flags[row]! |= PRESENT;
    this.#kinds[row] = kindCode(kind);
    const findings = fsckObject(kind, data, {
      algorithm: this.#repository.objectFormat,
      rules: this.#options.rules,
      oid,
      special: {
        gitmodules: (blob) => this.#modules.add(blob),
        gitattributes: (blob) => this.#attributes.add(blob),
      },
    });
    if (findings.some(({ id }) => id === 'badTree')) this.#options.complain(`error: ${treeFault(data, this.#length)}`);
    for (const { id, severity, message } of findings) this.#tellFinding(row, kind, id, severity, message);
    const sound = !findings.some(({ severity }) => severity === 'error');
    if (!sound) this.errors |= code;
    if (this.#modules.has(oid)) this.#blob(oid, data, 'gitmodules', code);
    if (this.#attributes.has(oid)) this.#blob(oid, data, 'gitattributes', code);
    try {
      this.#expand(row, kind, data, true);
    } catch (error) {
      if (!isGitError(error)) throw error;
      this.#error(`${oid}: object could not be parsed: ${error.message}`, ERROR_OBJECT);
    }
    if (!sound) return;
    if (kind === 'commit' && this.#options.roots && this.#edgesOf(row) <= 1)
      this.#options.tell(`root ${this.#describe(row)}`);
    if (kind === 'tag' && this.#options.tags) {
      try {
        const tag = parseTag(data);
        this.#options.tell(`tagged ${tag.targetKind} ${tag.target} (${tag.name}) in ${this.#describe(row)}`);
      } catch {
        // Told already.
      }
    }
  }

  #tellFinding(row: number, kind: string, id: FsckId, severity: 'error' | 'warning', message: string): void {
    this.#options.complain(`${severity} in ${kind} ${this.#describe(row)}: ${id}: ${message}`);
  }

  #found(oid: Oid, id: FsckId, message: string, code = ERROR_OBJECT): void {
    const { rules } = this.#options;
    if (rules.isSkipped(oid)) return;
    const severity = rules.severity(id);
    if (severity === 'error') this.errors |= code;
    if (severity !== undefined) this.#tellFinding(this.#rowOf(oid), 'blob', id, severity, message);
  }

  #blob(oid: Oid, data: Bytes, which: 'gitmodules' | 'gitattributes', code: number): void {
    const done = which === 'gitmodules' ? this.#modulesDone : this.#attributesDone;
    if (done.has(oid)) return;
    done.add(oid);
    const found = (id: FsckId, message: string): void => this.#found(oid, id, message, code);
    if (which === 'gitattributes') {
      checkAttributes(data, found);
      return;
    }
    checkModulesBlob(data, found);
  }

  /** `.gitmodules` and `.gitattributes` that were named after their content had gone by. */
  async #finishBlobs(): Promise<void> {
    for (const [which, wanted, done] of [
      ['gitmodules', this.#modules, this.#modulesDone],
      ['gitattributes', this.#attributes, this.#attributesDone],
    ] as const) {
      for (const oid of wanted) {
        if (done.has(oid)) continue;
        const object = await this.#read(oid);
        if (object === undefined) {
          this.#found(oid, `${which}Missing`, `unable to read .${which} blob`);
        } else if (object.kind !== 'blob') this.#found(oid, `${which}Blob`, `non-blob found at .${which}`);
        else this.#blob(oid, object.data, which, ERROR_OBJECT);
      }
    }
  }

  async #read(oid: Oid): Promise<{ readonly kind: ObjectKind; readonly data: Bytes } | undefined> {
    try {
      return await this.#repository.objects.readRaw(oid);
    } catch (error) {
      if (isGitError(error)) return undefined;
      throw error;
    }
  }

  // What objects point at

  #edgesOf(row: number): number {
    const first = this.#first[row]!;
    return first < 0 ? 0 : this.#edges[first]!;
  }

  /** A link from one object to another; `mark`: the other counts as used. */
  #link(row: number, kind: ObjectKind, target: number, expected: number, mark: boolean): void {
    if (mark) this.#flags[target]! |= USED;
    const known = this.#kinds[target]!;
    if (known === UNKNOWN) this.#kinds[target] = expected;
    else if (known !== expected) {
      this.#options.complain(
        `error: object ${this.#oid(target)} is a ${kindNames[known - 1]}, not a ${kindNames[expected - 1]}`,
      );
      this.#options.complain(`error in ${kind} ${this.#describe(row)}: broken links`);
      this.errors |= ERROR_OBJECT;
    }
  }

  /**
   * Follows what an object points at. The links of commits and tags are remembered; those of trees are so many that
   * they are read again when they are walked.
   */
  #expand(row: number, kind: ObjectKind, data: Bytes, mark: boolean): void {
    if (kind === 'blob') return;
    if (kind !== 'tree' && (this.#flags[row]! & EXPANDED) !== 0) {
      const first = this.#first[row]!;
      if (mark && first >= 0)
        for (let i = this.#edges[first]!; i > 0; i--) this.#flags[this.#edges[first + i]!]! |= USED;
      return;
    }
    if (kind === 'tree') {
      const cursor = new TreeCursor(data, this.#length);
      while (cursor.next()) {
        const type = cursor.mode & 0o170000;
        if (type === 0o160000) continue;
        this.#link(row, kind, this.#row(data, cursor.oidStart), type === 0o040000 ? TREE : BLOB, mark);
      }
      this.#flags[row]! |= EXPANDED;
      return;
    }
    const targets: number[] = [];
    const add = (target: number, expected: number): void => {
      this.#link(row, kind, target, expected, mark);
      targets.push(target);
    };
    if (kind === 'commit') {
      const links = parseCommitLinks(data);
      add(this.#rowOf(links.tree), TREE);
      const parents = this.#repository.grafts.get(this.#oid(row)) ?? links.parents;
      for (const parent of parents) add(this.#rowOf(parent), COMMIT);
    } else {
      const tag = parseTag(data);
      add(this.#rowOf(tag.target), kindCode(tag.targetKind));
    }
    this.#flags[row]! |= EXPANDED;
    this.#first[row] = this.#edgeCount;
    this.#addEdge(targets.length);
    for (const target of targets) this.#addEdge(target);
  }

  async #ensureExpanded(row: number, mark: boolean): Promise<void> {
    if ((this.#flags[row]! & EXPANDED) !== 0 || this.#kinds[row] === BLOB) return;
    const object = await this.#read(this.#oid(row));
    if (object === undefined) {
      this.#flags[row]! &= ~PRESENT;
      return;
    }
    this.#kinds[row] = kindCode(object.kind);
    try {
      this.#expand(row, object.kind, object.data, mark);
    } catch (error) {
      if (!isGitError(error)) throw error;
      this.#error(`${this.#oid(row)}: object could not be parsed: ${error.message}`, ERROR_OBJECT);
      this.#flags[row]! |= EXPANDED;
    }
  }

  // Second pass: connections

  /** An object from which everything must be there. `name`: what it is called with `--name-objects`. */
  addRoot(oid: Oid, name: string | undefined, kind?: ObjectKind): void {
    const row = this.#rowOf(oid);
    if (kind !== undefined && this.#kinds[row] === UNKNOWN) this.#kinds[row] = kindCode(kind);
    this.#root(row, name);
  }

  #root(row: number, name: string | undefined): void {
    this.#flags[row]! |= USED;
    if (name !== undefined && this.#options.nameObjects && !this.#names.has(row)) this.#names.set(row, name);
    this.#roots.push(row);
  }

  /** Whether it is among the objects that are looked at. */
  isPresent(oid: Oid): boolean {
    const row = this.#table.find(oidToBytes(oid), 0);
    return row >= 0 && (this.#flags[row]! & PRESENT) !== 0;
  }

  /** Whether it is there at all: the empty tree can be read wherever it is not. */
  isThere(oid: Oid): boolean {
    return oid === this.#emptyTree || this.isPresent(oid) || this.#isPacked(oid);
  }

  /** In a pack, while packs are not looked at: neither missing nor followed. */
  #isPacked(oid: Oid): boolean {
    if (this.#options.full || this.#options.connectivityOnly) return false;
    return this.#repository.objectDirectories.some(({ packs }) => packs.has(oid));
  }

  async #kindAt(row: number): Promise<ObjectKind | undefined> {
    if (this.#kinds[row] === UNKNOWN && (this.#flags[row]! & PRESENT) !== 0) {
      const header = await this.#repository.objects.readRawHeader(this.#oid(row));
      if (header !== undefined) this.#kinds[row] = kindCode(header.kind);
    }
    return this.#kinds[row] === UNKNOWN ? undefined : kindNames[this.#kinds[row]! - 1];
  }

  /** Reads an object that something names; its kind, `undefined` where it cannot be read. */
  async readEarly(oid: Oid): Promise<ObjectKind | undefined> {
    const object = await this.#read(oid);
    if (object === undefined) return undefined;
    const row = this.#rowOf(oid);
    this.#kinds[row] = kindCode(object.kind);
    if (object.kind === 'commit' || object.kind === 'tag') {
      try {
        this.#expand(row, object.kind, object.data, false);
      } catch (error) {
        if (!isGitError(error)) throw error;
        this.#error(`${oid}: object could not be parsed: ${error.message}`, ERROR_OBJECT);
        return undefined;
      }
    }
    return object.kind;
  }

  /** Walks from all roots, then tells of what is missing, unreachable or dangling. */
  async checkConnections(hasDefaults: boolean): Promise<void> {
    const stack: number[] = [];
    for (const row of this.#roots) {
      if ((this.#flags[row]! & REACHABLE) !== 0) continue;
      this.#flags[row]! |= REACHABLE;
      stack.push(row);
    }
    let done = 0;
    while (stack.length > 0) {
      const row = stack.pop()!;
      if ((this.#flags[row]! & PRESENT) === 0 || this.#kinds[row] === BLOB) continue;
      if ((++done & 1023) === 0) this.#options.progress?.('Checking connectivity', done, 0);
      if (this.#kinds[row] !== TREE && (this.#flags[row]! & EXPANDED) === 0) {
        await this.#ensureExpanded(row, this.#options.connectivityOnly);
      }
      if (this.#kinds[row] === TREE) await this.#walkTree(row, stack);
      else this.#walkLinks(row, stack);
    }
    if (this.#options.connectivityOnly && (this.#options.dangling || this.#options.lostFound)) {
      await this.#markUnreachable();
    }
    await this.#report(hasDefaults);
  }

  /** In a partial clone what is not here can be fetched. */
  #isPromised(_row: number): boolean {
    return this.#repository.format.partialClone !== undefined;
  }

  #reach(row: number, target: number, stack: number[]): void {
    if ((this.#flags[target]! & REACHABLE) !== 0) return;
    this.#flags[target]! |= REACHABLE;
    if ((this.#flags[target]! & PRESENT) !== 0) {
      if (this.#kinds[target] !== BLOB) stack.push(target);
    } else if (!this.#isPromised(target) && !this.isThere(this.#oid(target))) {
      this.#options.tell(
        `broken link from ${this.#kindText(row).padStart(7)} ${this.#describe(row)}\n` +
          `              to ${this.#kindText(target).padStart(7)} ${this.#describe(target)}`,
      );
      this.errors |= ERROR_REACHABLE;
    }
  }

  async #walkTree(row: number, stack: number[]): Promise<void> {
    const oid = this.#oid(row);
    let object: ReturnType<Repository['objects']['readRaw']>;
    try {
      object = this.#repository.objects.readRaw(oid);
      if (isPromise(object)) object = await object;
    } catch (error) {
      if (!isGitError(error)) throw error;
      object = undefined;
    }
    if (object === undefined) {
      this.#flags[row]! &= ~PRESENT;
      return;
    }
    if (object.kind !== 'tree') {
      this.#kinds[row] = kindCode(object.kind);
      await this.#ensureExpanded(row, this.#options.connectivityOnly);
      this.#walkLinks(row, stack);
      return;
    }
    const name = this.#names.get(row);
    const mark = this.#options.connectivityOnly && (this.#flags[row]! & EXPANDED) === 0;
    this.#flags[row]! |= EXPANDED;
    const { data } = object;
    const cursor = new TreeCursor(data, this.#length);
    try {
      while (cursor.next()) {
        const type = cursor.mode & 0o170000;
        if (type === 0o160000) continue;
        const target = this.#row(data, cursor.oidStart);
        if (mark) this.#link(row, 'tree', target, type === 0o040000 ? TREE : BLOB, true);
        if (name !== undefined && !this.#names.has(target)) {
          this.#names.set(target, `${name}${cursor.name}${type === 0o040000 ? '/' : ''}`);
        }
        this.#reach(row, target, stack);
      }
    } catch (error) {
      // A tree that cannot be read to its end was told of when its content was looked at.
      if (!isGitError(error)) throw error;
      if (this.#options.connectivityOnly) {
        this.#error(`${oid}: object could not be parsed: ${error.message}`, ERROR_OBJECT);
      }
    }
  }

  #walkLinks(row: number, stack: number[]): void {
    const first = this.#first[row]!;
    if (first < 0) return;
    const count = this.#edges[first]!;
    if (this.#options.nameObjects) this.#nameTargets(row, first, count);
    for (let i = 1; i <= count; i++) this.#reach(row, this.#edges[first + i]!, stack);
  }

  #nameTargets(row: number, first: number, count: number): void {
    const name = this.#names.get(row);
    if (name === undefined) return;
    const put = (target: number, text: string): void => {
      if (!this.#names.has(target)) this.#names.set(target, text);
    };
    const isTag = this.#kindText(row) === 'tag';
    for (let i = 1; i <= count; i++) {
      const target = this.#edges[first + i]!;
      if (isTag) put(target, name);
      else if (i === 1) put(target, `${name}:`);
      else if (i > 2) put(target, `${name}^${i - 1}`);
      else {
        const generation = /^(.*)~(\d+)$/.exec(name);
        if (generation !== null) put(target, `${generation[1]}~${Number(generation[2]) + 1}`);
        else put(target, name.endsWith('^') ? `${name.slice(0, -1)}~2` : `${name}^`);
      }
    }
  }

  /** Without contents read, what unreachable objects point at is only known by looking. */
  async #markUnreachable(): Promise<void> {
    for (const oid of this.#everything()) {
      const row = this.#rowOf(oid);
      if ((this.#flags[row]! & (PRESENT | REACHABLE)) !== PRESENT) continue;
      if ((await this.#kindAt(row)) !== 'blob') await this.#ensureExpanded(row, true);
    }
  }

  async #report(hasDefaults: boolean): Promise<void> {
    const unreachable = this.#options.unreachable && hasDefaults;
    for (const row of this.#table.rows()) {
      const flags = this.#flags[row]!;
      if ((flags & REACHABLE) !== 0) {
        if ((flags & PRESENT) !== 0 || this.#isPromised(row) || this.#isPacked(this.#oid(row))) continue;
        this.#options.tell(`missing ${this.#kindText(row)} ${this.#describe(row)}`);
        this.errors |= ERROR_REACHABLE;
        continue;
      }
      if ((flags & PRESENT) === 0) continue;
      if (unreachable) {
        await this.#kindAt(row);
        this.#options.tell(`unreachable ${this.#kindText(row)} ${this.#describe(row)}`);
        continue;
      }
      if ((flags & USED) !== 0) continue;
      if (!this.#options.dangling && !this.#options.lostFound) continue;
      await this.#kindAt(row);
      if (this.#options.dangling) this.#options.tell(`dangling ${this.#kindText(row)} ${this.#describe(row)}`);
      if (this.#options.lostFound) await this.#writeLostFound(row);
    }
  }

  async #writeLostFound(row: number): Promise<void> {
    const oid = this.#oid(row);
    const kind = this.#kindText(row);
    const directory = `${this.#repository.commonDir}/lost-found/${kind === 'commit' ? 'commit' : 'other'}`;
    const { fs } = this.#repository.platform;
    fs.makeDirectory(directory, { recursive: true });
    const object = kind === 'blob' ? await this.#read(oid) : undefined;
    fs.writeFile(`${directory}/${oid}`, object === undefined ? encodeText(`${oid}\n`) : object.data);
  }
}

/** What cannot be read in a tree. */
function treeFault(data: Bytes, oidLength: number): string {
  try {
    const cursor = new TreeCursor(data, oidLength);
    while (cursor.next());
    return 'too-short tree object';
  } catch (error) {
    return (error as Error).message;
  }
}

function grown<A extends Uint8Array | Int32Array>(old: A, larger: A): A {
  larger.set(old as never);
  return larger;
}

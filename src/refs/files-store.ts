import type { Awaitable, NonEmpty } from '../base/awaitable.js';
import { compareText, emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import type { FileSystem } from '../platform/fs.js';
import type { LockFile } from '../platform/lock.js';
import type { LooseValue } from './loose.js';
import { listLooseRefs, listRootRefs, readLooseRef } from './loose.js';
import { checkRefFormat, isSafeRefName } from './name.js';
import { PackedRefs } from './packed.js';
import { packFiles } from './pack-files.js';
import { RefPaths } from './paths.js';
import { formatReflogLine, parseReflog } from './reflog-file.js';
import { expireReflogFile } from './reflog-expire.js';
import { moveRef } from './rename.js';
import type {
  ListOptions,
  PackRefsOptions,
  Ref,
  ReflogEntry,
  ReflogExpireOptions,
  RefStore,
  RefTransaction,
  RefUpdate,
  RefValue,
  ResolvedRef,
  UpdateOptions,
  UpdateResult,
} from './store.js';
import type { HookState, TransactionHost } from './transaction.js';
import { FilesTransaction } from './transaction.js';

export interface FilesRefStoreOptions {
  /** The work tree's git folder: HEAD and its own refs. */
  readonly gitDir: string;
  /** The folder shared by all work trees: branches, tags, packed-refs. The same as `gitDir` without work trees. */
  readonly commonDir: string;
  /** `commonDir` as messages show it (`.git`). */
  readonly shownDir?: string | undefined;
  readonly algorithm: HashAlgorithm;
  /** `core.logAllRefUpdates`; unset is `true` in a repository with a work tree and `false` in a bare one. */
  readonly logAllRefUpdates?: boolean | 'always' | undefined;
  readonly bare?: boolean | undefined;
  /** `core.filesRefLockTimeout`, milliseconds; -1 waits for ever. Default 100. */
  readonly lockTimeout?: number | undefined;
  /** `core.packedRefsTimeout`, milliseconds. Default 1000. */
  readonly packedLockTimeout?: number | undefined;
  /** fsync refs (`core.fsync=reference`). */
  readonly sync?: boolean | undefined;
  /** `core.preferSymlinkRefs`. */
  readonly preferSymlinks?: boolean | undefined;
  /** Inside a receive's quarantine no ref may change. */
  readonly quarantined?: boolean | undefined;
  /** The committer line for reflogs: `Name <mail> seconds zone`. */
  readonly identity: () => Awaitable<string>;
  /** The kind of an object, `undefined` when it is missing. Without it new values are not checked. */
  readonly objectKind?: ((oid: Oid) => Awaitable<ObjectKind | undefined>) | undefined;
  /** What an annotated tag leads to; `undefined` for what is no tag. */
  readonly peel?: ((oid: Oid) => Awaitable<Oid | undefined>) | undefined;
  /** Told about refs that are passed over, in git's words (`error: …`). */
  readonly onWarning?: ((line: string) => void) | undefined;
  /** Runs the reference-transaction hook; `false`: it refused. Left out where there is no such hook. */
  readonly runHook?: ((state: HookState, input: string) => Awaitable<boolean>) | undefined;
}

const maxDepth = 5;

const symlinkWarning: readonly string[] = [
  "warning: 'core.preferSymlinkRefs=true' is nominated for removal.",
  'hint: The use of symbolic links for symbolic refs is deprecated',
  'hint: and will be removed in Git 3.0. The configuration that',
  'hint: tells Git to use them is thus going away. You can unset',
  'hint: it with:',
  'hint:',
  'hint:\tgit config unset core.preferSymlinkRefs',
  'hint:',
  'hint: Git will then use the textual symref format instead.',
];

/** Refs as git has always kept them: a file per ref, packed-refs, a file per log. */
export class FilesRefStore implements RefStore, TransactionHost {
  readonly fs: FileSystem;
  readonly algorithm: HashAlgorithm;
  readonly paths: RefPaths;
  readonly packed: PackedRefs;
  readonly options: FilesRefStoreOptions;
  readonly objectKind?: (oid: Oid) => Awaitable<ObjectKind | undefined>;
  readonly runHook?: (state: HookState, input: string) => Awaitable<boolean>;

  constructor(platform: { readonly fs: FileSystem }, options: FilesRefStoreOptions) {
    this.fs = platform.fs;
    this.options = options;
    this.algorithm = options.algorithm;
    this.paths = new RefPaths(options.gitDir, options.commonDir);
    this.packed = new PackedRefs(
      this.fs,
      `${options.commonDir}/packed-refs`,
      options.algorithm,
      this.shown(`${options.commonDir}/packed-refs`),
    );
    if (options.objectKind !== undefined) this.objectKind = options.objectKind;
    if (options.runHook !== undefined) this.runHook = options.runHook;
  }

  get quarantined(): boolean {
    return this.options.quarantined === true;
  }
  get lockTimeout(): number {
    return this.options.lockTimeout ?? 100;
  }
  get packedLockTimeout(): number {
    return this.options.packedLockTimeout ?? 1000;
  }
  get sync(): boolean {
    return this.options.sync === true;
  }

  // Reading

  readRaw(name: string): RefValue | undefined {
    const value = this.readAny(name);
    return value?.kind === 'direct' || value?.kind === 'symbolic' ? value : undefined;
  }

  /** The loose file alone. */
  readLoose(name: string): LooseValue {
    return readLooseRef(this.fs, this.paths.ref(name), this.algorithm);
  }

  /** Loose, else packed; tells broken content from absence. */
  readAny(name: string): LooseValue {
    const loose = this.readLoose(name);
    if (loose !== undefined && loose.kind !== 'directory') return loose;
    const packed = this.packed.snapshot().find(name.startsWith('main-worktree/') ? name.slice(14) : name);
    if (packed !== undefined) return { kind: 'direct', oid: packed.oid };
    return loose;
  }

  resolve(name: string): Oid | undefined {
    const end = this.resolveFullNow(name);
    return end === undefined || end.broken === true ? undefined : end.oid;
  }

  resolveFull(name: string): ResolvedRef | undefined {
    return this.resolveFullNow(name);
  }

  resolveFullNow(name: string): ResolvedRef | undefined {
    let at = name;
    for (let depth = 0; depth <= maxDepth; depth++) {
      const symbolic = depth > 0;
      if (!checkRefFormat(at, { allowOneLevel: true })) {
        if (!isSafeRefName(at)) return depth === 0 ? undefined : { name: at, symbolic, broken: true };
        const value = this.readAny(at);
        return value === undefined || value.kind === 'directory' ? undefined : { name: at, symbolic, broken: true };
      }
      const value = this.readAny(at);
      if (value === undefined || value.kind === 'directory') return depth === 0 ? undefined : { name: at, symbolic };
      if (value.kind === 'broken') return { name: at, symbolic, broken: true };
      if (value.kind === 'direct') {
        if (isZeroOid(value.oid)) return { name: at, symbolic, broken: true };
        return { name: at, oid: value.oid, symbolic };
      }
      at = value.target;
    }
    return { name: at, symbolic: true, broken: true };
  }

  async *list(prefix = 'refs/', options: ListOptions = {}): AsyncIterable<Ref> {
    for (const ref of this.listNow(prefix, options)) {
      if (options.onMissingObject !== undefined && ref.broken !== true && this.objectKind !== undefined) {
        if ((await this.objectKind(ref.oid)) === undefined) {
          options.onMissingObject(ref.name, ref.oid);
          continue;
        }
      }
      yield ref;
    }
  }

  /** The listing without promises. */
  *listNow(prefix = 'refs/', options: ListOptions = {}): Generator<Ref> {
    const broken = options.broken !== undefined && options.broken !== false;
    const given = (ref: Ref | undefined): ref is Ref =>
      ref !== undefined &&
      (ref.broken !== true || (broken && (options.broken === true || ref.symbolicTarget === undefined)));
    if (options.rootRefs === true) {
      for (const name of listRootRefs(this.fs, this.paths)) {
        if (!name.startsWith(prefix === 'refs/' ? '' : prefix)) continue;
        const ref = this.#describe(name, this.readLoose(name), false);
        if (given(ref)) yield ref;
      }
    }
    const loose = listLooseRefs(this.fs, this.paths, prefix);
    let i = 0;
    for (const entry of this.packed.snapshot().from(prefix, this.packed.shown)) {
      let order = 1;
      for (; i < loose.length; i++) {
        order = compareText(loose[i]!.name, entry.name);
        if (order >= 0) break;
        const ref = this.#looseRef(loose[i]!);
        if (given(ref)) yield ref;
      }
      if (i < loose.length && order === 0) {
        const ref = this.#looseRef(loose[i++]!);
        if (given(ref)) yield ref;
        continue;
      }
      const badName = !checkRefFormat(entry.name, { allowOneLevel: true });
      if (badName) {
        if (!isSafeRefName(entry.name)) throw new GitError('REF_INVALID', `packed refname is dangerous: ${entry.name}`);
        if (broken) yield { name: entry.name, oid: zeroOid(this.algorithm), packed: true, broken: true, badName: true };
        continue;
      }
      if (isZeroOid(entry.oid)) {
        if (broken) yield { name: entry.name, oid: entry.oid, packed: true, broken: true };
        continue;
      }
      yield entry.peeled === undefined
        ? { name: entry.name, oid: entry.oid, packed: true, peeledKnown: entry.peeledKnown }
        : { name: entry.name, oid: entry.oid, packed: true, peeledKnown: true, peeled: entry.peeled };
    }
    for (; i < loose.length; i++) {
      const ref = this.#looseRef(loose[i]!);
      if (given(ref)) yield ref;
    }
  }

  #looseRef(entry: { name: string; path: string; badName: boolean }): Ref | undefined {
    if (entry.badName) return { name: entry.name, oid: zeroOid(this.algorithm), broken: true, badName: true };
    return this.#describe(entry.name, readLooseRef(this.fs, entry.path, this.algorithm), true);
  }

  #describe(name: string, value: LooseValue, maybePacked: boolean): Ref | undefined {
    if (value === undefined || value.kind === 'directory') {
      // Packed and pruned since the folder was read.
      const packed = maybePacked ? this.packed.snapshot().find(name) : undefined;
      return packed === undefined ? undefined : { name, oid: packed.oid, packed: true };
    }
    if (value.kind === 'direct') {
      return isZeroOid(value.oid) ? { name, oid: value.oid, broken: true } : { name, oid: value.oid };
    }
    if (value.kind === 'broken') return { name, oid: zeroOid(this.algorithm), broken: true };
    const end = this.resolveFullNow(value.target);
    if (end?.oid === undefined)
      return { name, oid: zeroOid(this.algorithm), symbolicTarget: value.target, broken: true };
    return { name, oid: end.oid, symbolicTarget: value.target };
  }

  firstRefBelow(prefix: string): string | undefined {
    for (const ref of this.listNow(prefix, { broken: true })) return ref.name;
    return undefined;
  }

  // Changing

  async update(updates: NonEmpty<RefUpdate>, options: UpdateOptions = {}): Promise<UpdateResult> {
    const transaction = new FilesTransaction(this, options);
    for (const update of updates) {
      const failure = await transaction.add(update);
      if (failure !== undefined) return failure;
    }
    return transaction.commit();
  }

  transaction(options: UpdateOptions = {}): RefTransaction {
    return new FilesTransaction(this, options);
  }

  renameRef(from: string, to: string, reason: string): Promise<UpdateResult> {
    return moveRef(this, from, to, reason, false);
  }

  copyRef(from: string, to: string, reason: string): Promise<UpdateResult> {
    return moveRef(this, from, to, reason, true);
  }

  packRefs(options: PackRefsOptions = {}): Promise<{ readonly packed: number }> {
    return packFiles(this, options);
  }

  // Reflogs

  reflog(name: string): readonly ReflogEntry[] | undefined {
    const data = this.#readLog(name);
    return data === undefined ? undefined : parseReflog(data);
  }

  #readLog(name: string): Uint8Array | undefined {
    const path = this.paths.log(name);
    const stat = this.fs.stat(path);
    return stat?.kind === 'file' ? this.fs.readFile(path) : undefined;
  }

  reflogExists(name: string): boolean {
    return this.fs.stat(this.paths.log(name))?.kind === 'file';
  }

  reflogCreate(name: string): void {
    const path = this.paths.log(name);
    this.makePlaceFor(path);
    if (this.fs.stat(path)?.kind === 'directory') this.removeEmptyDirectories(path);
    this.fs.appendFile(path, emptyBytes);
  }

  reflogDelete(name: string): void {
    this.deleteLogNow(name);
  }

  reflogList(options: { readonly worktreeOnly?: boolean; readonly everyWorktree?: boolean } = {}): readonly string[] {
    const found = new Set<string>();
    const walk = (directory: string, base: string): void => {
      for (const entry of this.fs.readDirectory(directory) ?? []) {
        if (entry.name.startsWith('.') || entry.name.endsWith('.lock')) continue;
        const full = base + entry.name;
        if (entry.kind === 'directory') walk(`${directory}/${entry.name}`, `${full}/`);
        else if (checkRefFormat(full, { allowOneLevel: true })) found.add(full);
      }
    };
    walk(`${this.paths.gitDir}/logs`, '');
    if (options.worktreeOnly !== true && this.paths.gitDir !== this.paths.commonDir) {
      const own = new Set(found);
      walk(`${this.paths.commonDir}/logs/refs`, 'refs/');
      for (const name of found) {
        // A work tree's own kind of ref in the shared folder belongs to the main work tree.
        if (!own.has(name) && /^refs\/(?:bisect|worktree|rewritten)\//.test(name)) found.delete(name);
      }
    }
    if (options.everyWorktree === true) {
      const { commonDir, gitDir } = this.paths;
      const others = (this.fs.readDirectory(`${commonDir}/worktrees`) ?? [])
        .filter((entry) => entry.kind === 'directory' && `${commonDir}/worktrees/${entry.name}` !== gitDir)
        .map((entry) => [`${commonDir}/worktrees/${entry.name}`, `worktrees/${entry.name}/`] as const);
      for (const [directory, base] of others) walk(`${directory}/logs`, base);
      if (gitDir !== commonDir) {
        for (const own of ['bisect', 'worktree', 'rewritten'])
          walk(`${commonDir}/logs/refs/${own}`, `main-worktree/refs/${own}/`);
        if (this.reflogExists('main-worktree/HEAD')) found.add('main-worktree/HEAD');
      }
    }
    return [...found].sort(compareText);
  }

  reflogExpire(name: string, options: ReflogExpireOptions): Promise<UpdateResult> {
    return expireReflogFile(this, name, options);
  }

  async appendReflog(name: string, entry: ReflogEntry): Promise<void> {
    this.writeLog(name, entry.old, entry.new, `${entry.identity} ${entry.seconds} ${entry.zone}`, entry.message, true);
  }

  // What transactions need

  refPath(name: string): string {
    return this.paths.ref(name);
  }

  identity(): Awaitable<string> {
    return this.options.identity();
  }

  async peel(oid: Oid): Promise<Oid | undefined> {
    return await this.options.peel?.(oid);
  }

  shown(path: string): string {
    const { shownDir, commonDir } = this.options;
    return shownDir !== undefined && path.startsWith(`${commonDir}/`) ? shownDir + path.slice(commonDir.length) : path;
  }

  makePlaceFor(path: string): void {
    const directory = path.slice(0, path.lastIndexOf('/'));
    if (this.fs.stat(directory)?.kind === 'directory') return;
    this.fs.makeDirectory(directory, { recursive: true });
  }

  writeSymbolic(lock: LockFile, path: string, target: string): boolean {
    if (this.options.preferSymlinks !== true) return false;
    for (const line of symlinkWarning) this.options.onWarning?.(line);
    // The lock file itself becomes the link; renaming it into place is what commits.
    lock.close();
    this.fs.remove(`${path}.lock`);
    this.fs.symlink(target, `${path}.lock`);
    return true;
  }

  /** Removes a folder that holds nothing but empty folders; `false` when something is in it. */
  removeEmptyDirectories(path: string): boolean {
    const entries = this.fs.readDirectory(path);
    if (entries === undefined) return false;
    for (const entry of entries) {
      if (entry.kind !== 'directory' || !this.removeEmptyDirectories(`${path}/${entry.name}`)) return false;
    }
    return this.fs.removeDirectory(path);
  }

  /** Removes the folders a ref was in, as far as they are empty; `refs/` and the folders in it stay. */
  removeEmptyParents(name: string, kind: 'ref' | 'log'): void {
    const steps = name.split('/');
    for (let length = steps.length - 1; length > 2; length--) {
      const folder = steps.slice(0, length).join('/');
      const path = kind === 'ref' ? this.paths.ref(folder) : this.paths.log(folder);
      if (!this.fs.removeDirectory(path)) return;
    }
  }

  deleteLogNow(name: string): void {
    const path = this.paths.log(name);
    if (this.fs.lstat(path)?.kind === 'directory') return;
    this.fs.remove(path);
    this.removeEmptyParents(name, 'log');
  }

  /** Whether a ref without a log gets one. */
  startsLog(name: string): boolean {
    const { logAllRefUpdates, bare } = this.options;
    if (logAllRefUpdates === 'always') return true;
    if (!(logAllRefUpdates ?? bare !== true)) return false;
    return (
      name === 'HEAD' ||
      name.startsWith('refs/heads/') ||
      name.startsWith('refs/remotes/') ||
      name.startsWith('refs/notes/')
    );
  }

  logs(name: string, force: boolean): boolean {
    return force || this.startsLog(name) || this.fs.stat(this.paths.log(name))?.kind === 'file';
  }

  writeLog(name: string, old: Oid, to: Oid, identity: string, message: string, force: boolean): void {
    const path = this.paths.log(name);
    const existing = this.fs.stat(path);
    if (existing?.kind !== 'file') {
      if (!force && !this.startsLog(name)) return;
      if (existing?.kind === 'directory' && !this.removeEmptyDirectories(path)) {
        throw new GitError(
          'REF_INVALID',
          `cannot update the ref '${name}': unable to append to '${path}': there are still logs under '${path}'`,
        );
      }
      this.makePlaceFor(path);
    }
    try {
      this.fs.appendFile(path, formatReflogLine(old, to, identity, message));
    } catch (error) {
      throw new GitError(
        'REF_INVALID',
        `cannot update the ref '${name}': unable to append to '${path}': ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
}

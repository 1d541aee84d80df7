import type { Awaitable, NonEmpty } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';

/** What one ref holds: an object's id, or the name of another ref. */
export type RefValue =
  | { readonly kind: 'direct'; readonly oid: Oid }
  | { readonly kind: 'symbolic'; readonly target: string };

/** One ref of a listing. */
export interface Ref {
  readonly name: string;
  /** Where it leads in the end; all zeros when it is broken or leads nowhere. */
  readonly oid: Oid;
  /** What the annotated tag at `oid` leads to, when the storage knows it; never set for what is no tag. */
  readonly peeled?: Oid;
  /** The storage knows about peeling: without `peeled` the object is no tag. */
  readonly peeledKnown?: boolean;
  readonly symbolicTarget?: string;
  /** Stored in the compact form (packed-refs, a reftable). */
  readonly packed?: boolean;
  /** Unreadable content, a bad name, or a symbolic ref that leads nowhere; listed only when asked for. */
  readonly broken?: boolean;
  /** The name itself breaks the rules. */
  readonly badName?: boolean;
}

/** Where the end of a chain of symbolic refs is. */
export interface ResolvedRef {
  /** The last ref of the chain: the branch for an attached HEAD, also when it is not born yet. */
  readonly name: string;
  /** `undefined`: that last ref does not exist (unborn) or is broken. */
  readonly oid?: Oid;
  /** The name asked for is symbolic. */
  readonly symbolic: boolean;
  /** Unreadable content or a bad name on the way. */
  readonly broken?: boolean;
  readonly packed?: boolean;
}

/** One change of a ref. Symbolic refs are followed, unless `noDeref`. */
export interface RefUpdate {
  readonly name: string;
  /** The new value; `verify` changes nothing and only checks `expect`. */
  readonly to: Oid | { readonly symbolic: string } | 'deleted' | 'verify';
  /** Compare-and-swap: fail unless the ref has this value now. */
  readonly expect?: Oid | 'absent' | { readonly symbolic: string } | undefined;
  /** The reflog's message. Left out: an entry without a message. */
  readonly reason?: string | undefined;
  /** Act on the ref itself, also where it is symbolic. */
  readonly noDeref?: boolean | undefined;
  /** Start a reflog even where the configuration does not ask for one. */
  readonly createReflog?: boolean | undefined;
  /** Write no reflog entry at all. */
  readonly noReflog?: boolean | undefined;
  /** Do not look whether the new object exists and is of a fitting kind (the caller knows). */
  readonly unchecked?: boolean | undefined;
}

/** Why an update was refused. */
export type UpdateFailureCode =
  /** The ref has another value than expected. */
  | 'changed'
  /** Expected to be absent. */
  | 'exists'
  /** Expected to be there. */
  | 'missing'
  /** Another ref's name is in the way (`a` and `a/b`), or the same ref twice. */
  | 'conflict'
  /** Somebody else holds the lock. */
  | 'locked'
  /** A bad name, or a new value that cannot be. */
  | 'invalid'
  /** Expected to be symbolic and is not. */
  | 'not-symbolic'
  | 'hook'
  | 'failed';

/** An update that was refused; nothing has changed. */
export interface UpdateFailure {
  readonly ok: false;
  readonly name: string;
  readonly actual: Oid | 'absent';
  /** In git's words, without `fatal: `. */
  readonly message: string;
  readonly code: UpdateFailureCode;
}

/** An update that was left out of a batch, the others being done. */
export interface RejectedUpdate {
  readonly update: RefUpdate;
  readonly failure: UpdateFailure;
}

/** What became of a transaction: all of it, or none. */
export type UpdateResult = { readonly ok: true; readonly rejected?: readonly RejectedUpdate[] } | UpdateFailure;

/** How a transaction is carried out. */
export interface UpdateOptions {
  /** Do what can be done and report the rest in `rejected`, instead of all or nothing. */
  readonly partial?: boolean | undefined;
  /** Identity line for the reflog (`Name <mail> seconds zone`) instead of the store's own. */
  readonly identity?: string | undefined;
  /** Do not call the reference-transaction hook. */
  readonly noHook?: boolean | undefined;
}

/**
 * A transaction in steps, for callers that show the steps to others (`update-ref --stdin`, a server). `add` looks at
 * the update itself (name, new object); `prepare` locks and compares; `commit` prepares if need be.
 */
export interface RefTransaction {
  readonly state: 'open' | 'prepared' | 'closed';
  add(update: RefUpdate): Promise<UpdateFailure | undefined>;
  prepare(): Promise<UpdateResult>;
  commit(): Promise<UpdateResult>;
  abort(): Promise<void>;
}

/** A line of a reflog. */
export interface ReflogEntry {
  readonly old: Oid;
  readonly new: Oid;
  /** `Name <mail>` as written. */
  readonly identity: string;
  readonly seconds: number;
  /** `+0100` as written. */
  readonly zone: string;
  /** Without the line end. */
  readonly message: string;
}

/** Which refs a listing gives. */
export interface ListOptions {
  /** Also HEAD and the other refs outside `refs/`. */
  readonly rootRefs?: boolean;
  /**
   * Give broken refs too (marked); without it they are left out. `unreadable`: only those whose content or name makes
   * no sense, not symbolic refs that lead nowhere.
   */
  readonly broken?: boolean | 'unreadable';
  /** Leave out refs whose object is missing, telling about each. Costs a look at each object. */
  readonly onMissingObject?: (name: string, oid: Oid) => void;
}

/** What `git reflog expire` and `git reflog delete` are told. */
export interface ReflogExpireOptions {
  /** `true` for an entry to drop. `previousKept`: the new id of the entry kept before it. */
  readonly drop: (entry: ReflogEntry) => Awaitable<boolean>;
  /** Give each kept entry the new id of the kept one before it as its old id. */
  readonly rewrite?: boolean;
  /** Move the ref to the newest entry left. */
  readonly updateRef?: boolean;
  readonly dryRun?: boolean;
  /** Called for each entry, with what becomes of it. */
  readonly report?: (entry: ReflogEntry, dropped: boolean) => void;
}

/** What `git pack-refs` is told. */
export interface PackRefsOptions {
  /** Every ref, not only tags. */
  readonly all?: boolean;
  /** Remove the loose files. Default true. */
  readonly prune?: boolean;
  /** Only when there are many loose refs for the size of the packed ones. */
  readonly auto?: boolean;
  /** Decides instead of the rule "tags only" (`--include` and `--exclude`). */
  readonly select?: (name: string) => boolean;
}

/**
 * Names for objects, the only things of a repository that change: files today, reftable or an engine elsewhere later.
 * A lost race is an answer (`{ok: false}`); only storage that cannot be read or written throws.
 */
export interface RefStore {
  /** One level, not following symbolic refs; `undefined` when absent or broken. */
  readRaw(name: string): Awaitable<RefValue | undefined>;
  /** The object a ref leads to in the end. */
  resolve(name: string): Awaitable<Oid | undefined>;
  /** Like `resolve`, and tells where it led; `undefined` when the name itself does not exist. */
  resolveFull(name: string): Awaitable<ResolvedRef | undefined>;
  /** All refs whose name starts with `prefix` (default `refs/`), in byte order. */
  list(prefix?: string, options?: ListOptions): AsyncIterable<Ref>;

  /** Changes refs, all or none. */
  update(updates: NonEmpty<RefUpdate>, options?: UpdateOptions): Promise<UpdateResult>;
  transaction(options?: UpdateOptions): RefTransaction;
  /** Renames a ref with its reflog; an existing target is replaced. */
  renameRef(from: string, to: string, reason: string): Promise<UpdateResult>;
  copyRef(from: string, to: string, reason: string): Promise<UpdateResult>;
  packRefs(options?: PackRefsOptions): Promise<{ readonly packed: number }>;

  /** Oldest first; `undefined` when there is no log. */
  reflog(name: string): Awaitable<readonly ReflogEntry[] | undefined>;
  reflogExists(name: string): Awaitable<boolean>;
  /** Makes an empty log where there is none. */
  reflogCreate(name: string): Awaitable<void>;
  reflogDelete(name: string): Awaitable<void>;
  /**
   * Names of all refs that have a log. `worktreeOnly`: of this work tree alone; `everyWorktree`: also those of the
   * other work trees, as `worktrees/<name>/HEAD` and `main-worktree/HEAD`.
   */
  reflogList(options?: {
    readonly worktreeOnly?: boolean;
    readonly everyWorktree?: boolean;
  }): Awaitable<readonly string[]>;
  reflogExpire(name: string, options: ReflogExpireOptions): Promise<UpdateResult>;
  /** Adds one entry; the ref itself stays as it is. */
  appendReflog(name: string, entry: ReflogEntry): Promise<void>;
}

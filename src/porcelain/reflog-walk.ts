import { interpretBranchName } from '../repo/revision-branch.js';
import type { Oid } from '../base/oid.js';
import { GitError } from '../base/errors.js';
import { isZeroOid } from '../base/oid.js';
import { UNINTERESTING } from '../history/flags.js';
import type { CommitNode, CommitPool } from '../history/commit-pool.js';
import type { ReflogEntry } from '../refs/store.js';
import { shortenRef } from '../refs/name.js';
import type { DateMode } from '../repo/dates.js';
import { approxidate, formatDate } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import { findLogs } from '../repo/revision-branch.js';
import type { PendingObject } from './log-revisions.js';
import type { ReflogInfo } from './pretty.js';

interface Walked {
  /** As named: what `%gD` shows. */
  readonly name: string;
  readonly shortName: string;
  readonly entries: readonly ReflogEntry[];
  /** Index of the next entry; the newest is the last. */
  at: number;
  /** Selectors are dates or counts, as the argument has one; left open, `--date` decides. */
  readonly selects: 'date' | 'count' | undefined;
}

/** Walks over reflogs instead of parents (`git log -g`). */
export class ReflogWalk {
  readonly #repository: Repository;
  readonly #pool: CommitPool;
  readonly #logs: Walked[] = [];
  readonly #dateMode: DateMode;
  readonly #dateSaid: boolean;
  readonly #ages: { readonly oldest?: number | undefined; readonly newest?: number | undefined };
  #current: { log: Walked; index: number } | undefined;

  /** `ages`: only entries of these times, in seconds since the epoch. */
  constructor(
    repository: Repository,
    pool: CommitPool,
    dateMode: DateMode | undefined,
    ages: { readonly oldest?: number | undefined; readonly newest?: number | undefined } = {},
  ) {
    this.#repository = repository;
    this.#ages = ages;
    this.#pool = pool;
    this.#dateSaid = dateMode !== undefined;
    this.#dateMode = dateMode ?? { kind: 'default', local: false };
  }

  /** Adds the log of what a revision argument names: `main`, `main@{2}`, `HEAD@{yesterday}`. */
  async add(pending: PendingObject): Promise<void> {
    const repository = this.#repository;
    if ((pending.flags & UNINTERESTING) !== 0) {
      // Only tags leave out what they reach.
      if ((await repository.objects.readHeader(pending.oid))?.kind !== 'commit') return;
      const name = pending.name.includes('...') ? pending.oid : pending.name;
      throw new GitError('USAGE', `cannot walk reflogs for ${name}`);
    }
    // What `--branches` and its like found is called as it stands below their folder.
    let named = pending.given ? pending.name : (pending.source ?? pending.name);
    if (named.startsWith('@{-')) {
      const prior = await interpretBranchName(repository, named, { priorOnly: true });
      if (prior !== undefined) named = prior.name + named.slice(prior.used);
    }
    const at = /^(.*)@\{([^}]*)\}$/.exec(named);
    let base = at === null ? named : at[1]!;
    if (base === '') {
      const head = await repository.refs.resolveFull('HEAD');
      base = head?.symbolic === true ? head.name : 'HEAD';
    }
    let entries = await repository.refs.reflog(base);
    if (entries === undefined) {
      const found = await findLogs(repository, base);
      const name = found[0]?.name;
      if (name !== undefined) entries = await repository.refs.reflog(name);
    }
    // A commit that is called otherwise than by a ref has no log: nothing is shown.
    if (entries === undefined || entries.length === 0) return;
    let start = entries.length - 1;
    let selects: Walked['selects'];
    if (at !== null) {
      if (/^\d+$/.test(at[2]!)) {
        selects = 'count';
        start = entries.length - 1 - Number(at[2]);
      } else {
        selects = 'date';
        const when = approxidate(at[2]!, repository.clock).seconds;
        while (start >= 0 && entries[start]!.seconds > when) start--;
      }
    }
    if (start < 0) return;
    const shortName = base.startsWith('refs/')
      ? await shortenRef(base, false, async (name) => (await repository.refs.readRaw(name)) !== undefined)
      : base;
    this.#logs.push({ name: base, shortName, entries, at: start, selects });
  }

  /** The commit of the next entry, the newest of all logs first. */
  async next(): Promise<CommitNode | undefined> {
    for (;;) {
      let best: Walked | undefined;
      for (const log of this.#logs) {
        if (log.at < 0) continue;
        if (best === undefined || log.entries[log.at]!.seconds > best.entries[best.at]!.seconds) best = log;
      }
      if (best === undefined) {
        this.#current = undefined;
        return undefined;
      }
      const index = best.at--;
      const { seconds } = best.entries[index]!;
      const { oldest, newest } = this.#ages;
      if ((oldest !== undefined && seconds < oldest) || (newest !== undefined && seconds > newest)) continue;
      this.#current = { log: best, index };
      const node = await this.#commit(best.entries[index]!.new);
      if (node !== undefined) return node;
    }
  }

  async #commit(oid: Oid): Promise<CommitNode | undefined> {
    if (isZeroOid(oid)) return undefined;
    const header = await this.#repository.objects.readHeader(oid);
    return header?.kind === 'commit' ? this.#pool.node(oid) : undefined;
  }

  /** What is known of the entry that `next` answered last. */
  info(): ReflogInfo | undefined {
    if (this.#current === undefined) return undefined;
    const { log, index } = this.#current;
    const entry = log.entries[index]!;
    const where =
      log.selects === 'date' || (log.selects === undefined && this.#dateSaid)
        ? formatDate(entry.seconds, entry.zone, this.#dateMode, this.#repository.clock)
        : String(log.entries.length - 1 - index);
    return {
      selector: `${log.name}@{${where}}`,
      shortSelector: `${log.shortName}@{${where}}`,
      identity: entry.identity,
      message: entry.message,
    };
  }
}

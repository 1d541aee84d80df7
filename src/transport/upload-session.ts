import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { resolveDeepenRef } from './deepen-ref.js';
import { CommitCache } from './commit-cache.js';
import { CommonHaves } from './common.js';
import type { PackRequest } from './pack-exchange.js';
import type { PacketWriter } from './pkt-line.js';
import { peelTag, servedRefs } from './served-refs.js';
import {
  aboveBoundary,
  boundaryByDepth,
  boundaryByRevisions,
  INFINITE_DEPTH,
  reachableOf,
  readShallow,
} from './shallow.js';
import type { UploadConfig } from './upload-config.js';
import { filterFault } from './upload-config.js';

/** The most wants and haves one request may carry; each costs memory. */
const MAX_WANTS = 1_000_000;

/** What one client has asked for so far, and what follows from it. */
export class UploadSession {
  readonly repository: Repository;
  readonly config: UploadConfig;
  readonly commits: CommitCache;
  readonly common: CommonHaves;
  readonly wants: Oid[] = [];
  readonly #wanted = new Set<Oid>();
  /** `want-ref` lines: name to id. */
  readonly wantedRefs = new Map<string, Oid>();
  readonly clientShallow = new Set<Oid>();
  /** Commits the client had without parents and now gets with them: it has the commits themselves. */
  readonly #edges: Oid[] = [];
  readonly serverShallow: ReadonlySet<Oid>;
  /** Something is cut off on either side. */
  shallowNumber = 0;
  depth = 0;
  relative = false;
  since: number | undefined;
  readonly not: Oid[] = [];
  filter: string | undefined;
  thin = false;
  offsets = false;
  noProgress = false;
  includeTag = false;

  constructor(repository: Repository, config: UploadConfig) {
    this.repository = repository;
    this.config = config;
    this.serverShallow = readShallow(repository);
    this.commits = new CommitCache(repository.objects, this.serverShallow);
    this.common = new CommonHaves(repository.objects, this.commits);
  }

  addWant(oid: Oid): void {
    if (this.#wanted.has(oid)) return;
    if (this.#wanted.size >= MAX_WANTS) throw new GitError('LIMIT', 'too many wants');
    this.#wanted.add(oid);
    this.wants.push(oid);
  }

  /** `shallow`, `deepen…` lines, the same in all versions; `false` where the line is none of them. */
  async shallowLine(line: string): Promise<boolean> {
    if (line.startsWith('shallow ')) {
      const id = line.slice(8);
      if (!isOid(id)) throw new GitError('PROTOCOL', `invalid shallow line: ${line}`);
      const object = await this.repository.objects.readHeader(id);
      // What we do not have cannot be in the way.
      if (object === undefined) return true;
      if (object.kind !== 'commit') throw new GitError('PROTOCOL', `invalid shallow object ${id}`);
      this.clientShallow.add(id);
      return true;
    }
    if (line.startsWith('deepen ')) {
      const depth = Number(line.slice(7));
      if (!Number.isInteger(depth) || depth <= 0) throw new GitError('PROTOCOL', `Invalid deepen: ${line}`);
      this.depth = Math.min(depth, INFINITE_DEPTH);
      return true;
    }
    if (line.startsWith('deepen-since ')) {
      const since = Number(line.slice(13));
      if (!Number.isInteger(since) || since <= 0) throw new GitError('PROTOCOL', `Invalid deepen-since: ${line}`);
      this.since = since;
      return true;
    }
    if (line.startsWith('deepen-not ')) {
      this.not.push(await resolveDeepenRef(this.repository, line.slice(11)));
      return true;
    }
    if (line === 'deepen-relative') {
      this.relative = true;
      return true;
    }
    return false;
  }

  setFilter(text: string): void {
    const fault = filterFault(this.repository.config, text);
    if (fault !== undefined) throw new GitError('PROTOCOL', fault, { data: { tellClient: true } });
    this.filter = text;
  }

  /** What was asked for, in numbers. */
  summary(haves: number): Readonly<Record<string, unknown>> {
    return {
      haves,
      wants: this.wants.length - this.wantedRefs.size,
      'want-refs': this.wantedRefs.size,
      depth: this.depth,
      shallows: this.clientShallow.size,
      'deepen-since': this.since !== undefined,
      'deepen-not': this.not.length,
      'deepen-relative': this.relative,
      ...(this.filter === undefined
        ? {}
        : { filter: this.filter.replace(/^(blob:limit|tree|sparse:oid|object:type)[:=].*$/, '$1') }),
    };
  }

  get deepens(): boolean {
    return this.depth > 0 || this.byRevisions;
  }

  get byRevisions(): boolean {
    return this.since !== undefined || this.not.length > 0;
  }

  /** Writes `shallow` and `unshallow` lines and prepares the walk for them; `false` where nothing was asked for. */
  async sendShallow(writer: PacketWriter): Promise<boolean> {
    let told = false;
    if (this.depth > 0 && this.byRevisions) {
      throw new GitError(
        'PROTOCOL',
        'git upload-pack: deepen and deepen-since (or deepen-not) cannot be used together',
      );
    }
    if (this.depth > 0) {
      await this.#deepen(writer, this.depth);
      told = true;
    } else if (this.byRevisions) {
      const boundary = await boundaryByRevisions(this.commits, this.wants, this.since, this.not);
      this.#announce(writer, boundary.shallow, boundary.inside);
      await this.#unshallow(writer, boundary.inside);
      told = true;
    } else for (const oid of this.clientShallow) this.commits.shallow.add(oid);
    this.shallowNumber += this.clientShallow.size;
    return told;
  }

  /** v2: a server that is shallow itself tells so even to clients that did not ask. */
  async sendOwnShallow(writer: PacketWriter): Promise<void> {
    await this.#deepen(writer, INFINITE_DEPTH);
  }

  async #deepen(writer: PacketWriter, depth: number): Promise<void> {
    if (depth === INFINITE_DEPTH && this.serverShallow.size === 0) {
      await this.#unshallow(writer, this.clientShallow);
      return;
    }
    let heads: readonly Oid[] = this.wants;
    let deep = depth;
    let above: ReadonlySet<Oid> | undefined;
    if (this.relative) {
      heads = await reachableOf(this.commits, this.wants, this.clientShallow);
      above = await aboveBoundary(this.commits, this.wants, this.clientShallow);
      if (depth !== INFINITE_DEPTH) deep = depth + 1;
    }
    const boundary = await boundaryByDepth(this.commits, heads, deep, this.serverShallow);
    // What the client has with its parents, by another way, is no boundary.
    const shallow = above === undefined ? boundary.shallow : boundary.shallow.filter((oid) => !above.has(oid));
    this.#announce(writer, shallow, boundary.inside);
    await this.#unshallow(writer, boundary.inside);
  }

  #announce(writer: PacketWriter, shallow: readonly Oid[], inside: ReadonlySet<Oid>): void {
    for (const oid of shallow) {
      if (this.clientShallow.has(oid) || inside.has(oid)) continue;
      writer.write(`shallow ${oid}`);
      this.commits.shallow.add(oid);
      this.shallowNumber++;
    }
  }

  async #unshallow(writer: PacketWriter, inside: ReadonlySet<Oid>): Promise<void> {
    for (const oid of this.clientShallow) {
      // What the client has ends here, also where it gets more now: its haves say nothing about what is behind.
      this.commits.shallow.add(oid);
      if (!inside.has(oid)) continue;
      writer.write(`unshallow ${oid}`);
      // The client lacks the parents, although it has the commit.
      for (const parent of (await this.commits.raw(oid))?.parents ?? []) this.addWant(parent);
      this.#edges.push(oid);
    }
  }

  /** The pack that answers all this. */
  async packRequest(): Promise<PackRequest> {
    const tags: { readonly oid: Oid; readonly peeled: Oid }[] = [];
    if (this.includeTag) {
      for await (const ref of servedRefs(this.repository, this.config.hidden, {
        head: false,
        prefixes: ['refs/tags/'],
      })) {
        const peeled = await peelTag(this.repository, ref);
        if (peeled !== undefined) tags.push({ oid: ref.oid, peeled });
      }
    }
    return {
      wants: this.wants,
      haves: [...this.common.oids, ...this.#edges],
      shallow: this.shallowNumber > 0 || this.serverShallow.size > 0 ? this.commits.shallow : undefined,
      /** Commits the client has alone, without what is behind them. */
      filter: this.filter,
      tags,
      thin: this.thin,
      offsets: this.offsets,
    };
  }
}

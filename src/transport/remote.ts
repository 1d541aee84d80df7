import type { Cancellable, NonEmpty } from '../base/awaitable.js';
import { breath } from '../base/breath.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import type { Platform } from '../platform/platform.js';
import type { RefUpdate } from '../refs/store.js';
import type { Config } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import { readUserConfig } from '../repo/repository.js';
import type { RemoteRef } from './advertisement.js';
import { CommitCache } from './commit-cache.js';
import { connect, remoteRefs } from './connect.js';
import type { Connection, LocalServer, TransportContext } from './connection.js';
import type { CredentialSource } from './credentials.js';
import { fetchObjects, isComplete, noDeepening } from './fetch-objects.js';
import { farewell } from './fetch-pack.js';
import { releasePack } from './incoming.js';
import { localServer } from './local-server.js';
import { isAncestor } from './receive-update.js';
import {
  findByAbbreviation,
  isExcluded,
  localName,
  mapThrough,
  matchPattern,
  parseRefspec,
  refPrefixes,
} from './refspec.js';
import { protocolVersion } from './remote-config.js';
import { sendPack } from './send-pack.js';

/** How far a transfer is; `total` once it is known. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total?: number | undefined;
}

/** What every conversation with a remote may be told. */
export interface RemoteOptions extends Cancellable {
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** What is fetched. */
export interface RemoteFetchOptions extends RemoteOptions {
  /** `+refs/heads/*:refs/remotes/origin/*` and the like. What has no right side is fetched without a name. */
  readonly refspecs?: readonly string[] | undefined;
  /** So many commits from each tip; all unless said. */
  readonly depth?: number | undefined;
}

/** What became of one ref of a push. */
export interface PushOutcome {
  readonly name: string;
  readonly status: 'ok' | 'up-to-date' | 'rejected';
  readonly why?: string | undefined;
}

/** A ref that a fetch brought. */
export interface FetchedRef {
  /** The other side's name. */
  readonly remote: string;
  readonly oid: Oid;
  /** The local ref that now holds it, where a refspec names one. */
  readonly local?: string | undefined;
}

/** Another repository, whichever way it is reached: a path, `file://`, `git://`, ssh and smart http differ only here. */
export interface Remote {
  readonly url: string;
  /** All refs it shows, in its order; annotated tags with what they lead to. */
  refs(options?: Cancellable): AsyncIterable<RemoteRef>;
  /**
   * Brings objects, and moves the refs that the refspecs name; a local branch is only ever moved where a refspec says
   * so. Answers what was fetched. A ref that would not go forward is left alone unless its refspec has a `+`.
   */
  fetch(into: Repository, options?: RemoteFetchOptions): Promise<readonly FetchedRef[]>;
  /** Sends objects and asks for refs to move. `expect` in an update makes it a compare-and-swap on the other side. */
  push(
    from: Repository,
    updates: NonEmpty<RefUpdate>,
    options?: RemoteOptions & { readonly atomic?: boolean | undefined },
  ): Promise<readonly PushOutcome[]>;
}

/** What a remote needs of its surroundings. */
export interface OpenRemoteOptions {
  readonly platform: Platform;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where a relative path starts. */
  readonly cwd: string;
  /** Settings for the conversation (`http.*`, `protocol.*`, `core.sshCommand`); the user's own unless given. */
  readonly config?: Config | undefined;
  readonly credentials?: CredentialSource | undefined;
  /** Serves paths of this machine, in place of our own server in this process. */
  readonly localServer?: LocalServer | undefined;
  /** What the other side says beside the protocol. */
  readonly errors?: ((text: string) => void) | undefined;
}

/** A remote from its URL. Nothing is contacted before it is used. Throws for a URL that cannot be one. */
export function openRemote(url: string, options: OpenRemoteOptions): Remote {
  const env = options.env ?? {};
  const context: TransportContext = {
    platform: options.platform,
    env,
    cwd: options.cwd,
    config: options.config ?? readUserConfig({ platform: options.platform, env, cwd: options.cwd }),
    agent: 'bough',
    errors: (text) => options.errors?.(typeof text === 'string' ? text : new TextDecoder().decode(text)),
    credentials: options.credentials,
    localServer:
      options.localServer ?? localServer({ platform: options.platform, env, cwd: options.cwd, agent: 'bough' }),
  };
  return new UrlRemote(url, context);
}

const everyBranch = '+refs/heads/*:refs/remotes/origin/*';

class UrlRemote implements Remote {
  readonly url: string;
  readonly #context: TransportContext;

  constructor(url: string, context: TransportContext) {
    this.url = url;
    this.#context = context;
  }

  #with(options: Cancellable): TransportContext {
    return options.signal === undefined ? this.#context : { ...this.#context, signal: options.signal };
  }

  async #open(service: 'upload-pack' | 'receive-pack', options: Cancellable): Promise<Connection> {
    await breath(options.signal);
    return connect(service, this.url, this.#with(options), {
      version: protocolVersion(this.#context.config, this.#context.env),
    });
  }

  async #list(connection: Connection, prefixes: readonly string[]): Promise<readonly RemoteRef[]> {
    return (await remoteRefs(connection, this.#context.agent, { prefixes, serverOptions: [] })).refs;
  }

  async *refs(options: Cancellable = {}): AsyncGenerator<RemoteRef> {
    const connection = await this.#open('upload-pack', options);
    let refs: readonly RemoteRef[];
    try {
      refs = await this.#list(connection, []);
      await bye(connection);
    } catch (error) {
      await connection.close(true).catch(() => {});
      throw error;
    }
    yield* refs;
  }

  async fetch(into: Repository, options: RemoteFetchOptions = {}): Promise<readonly FetchedRef[]> {
    const specs = (options.refspecs ?? [everyBranch]).map((text) => parseRefspec(text, 'fetch', into.objectFormat));
    const connection = await this.#open('upload-pack', options);
    const found: (FetchedRef & { readonly force: boolean })[] = [];
    try {
      if (connection.advertisement.algorithm !== into.objectFormat) {
        throw new GitError(
          'PROTOCOL',
          `mismatched algorithms: client ${into.objectFormat}; server ${connection.advertisement.algorithm}`,
        );
      }
      const refs = await this.#list(connection, refPrefixes(specs, 'fetch'));
      for (const spec of specs) {
        if (spec.negative) continue;
        if (spec.exactOid) {
          found.push({ remote: spec.src, oid: spec.src as Oid, local: named(spec.dst), force: spec.force });
          continue;
        }
        if (spec.pattern) {
          for (const ref of refs) {
            if (matchPattern(spec.src, ref.name) === undefined || isExcluded(specs, ref.name)) continue;
            found.push({ remote: ref.name, oid: ref.oid, local: mapThrough(spec, ref.name), force: spec.force });
          }
          continue;
        }
        const ref = findByAbbreviation(refs, spec.src === '' ? 'HEAD' : spec.src);
        if (ref === undefined)
          throw new GitError('REF_MISSING', `couldn't find remote ref ${spec.src}`, { data: { ref: spec.src } });
        found.push({ remote: ref.name, oid: ref.oid, local: named(spec.dst), force: spec.force });
      }
      const wants = [...new Set(found.map((ref) => ref.oid))];
      let told = false;
      if (wants.length > 0 && (options.depth !== undefined || !(await isComplete(into, wants)))) {
        told = true;
        const { progress } = options;
        const result = await fetchObjects(into, {
          ...noDeepening,
          depth: options.depth ?? 0,
          connection,
          wants,
          remoteRefs: refs,
          filter: undefined,
          includeTag: false,
          agent: this.#context.agent,
          serverOptions: [],
          progress: undefined,
          receiving: progress && ((phase, done, total) => progress({ phase, done, total })),
          keep: false,
          clone: false,
          // Who syncs values with a shallow repository wants what it has.
          updateShallow: true,
          signal: options.signal,
        });
        if (!(await isComplete(into, wants)))
          throw new GitError('TRANSPORT', `${this.url} did not send all necessary objects`);
        if (result.incoming !== undefined) releasePack(into, result.incoming);
      }
      if (connection.advertisement.version === 2 || !told) await bye(connection);
      else await connection.close().catch(() => {});
    } catch (error) {
      await connection.close(true).catch(() => {});
      throw error;
    }
    // From here on it is done as a whole.
    await breath(options.signal);
    await this.#store(into, found);
    return found.map(({ remote, oid, local }) => ({ remote, oid, local }));
  }

  async #store(into: Repository, found: readonly (FetchedRef & { readonly force: boolean })[]): Promise<void> {
    const commits = new CommitCache(into.objects);
    const updates: RefUpdate[] = [];
    for (const { local, oid, force } of found) {
      if (local === undefined) continue;
      const now = await into.refs.resolve(local);
      if (now === oid) continue;
      if (now !== undefined && !force) {
        const [before, after] = [await commits.peel(now), await commits.peel(oid)];
        if (before === undefined || after === undefined || !(await isAncestor(commits, before, after))) {
          throw new GitError('REF_CHANGED', `${local} would not be fast-forwarded`, { data: { ref: local, now, oid } });
        }
      }
      updates.push({ name: local, to: oid, expect: now ?? 'absent', reason: 'fetch' });
    }
    if (updates.length === 0) return;
    const result = await into.refs.update(updates as unknown as NonEmpty<RefUpdate>);
    if (!result.ok) throw new GitError('REF_CHANGED', result.message, { data: { ref: result.name } });
  }

  async push(
    from: Repository,
    updates: NonEmpty<RefUpdate>,
    options: RemoteOptions & { readonly atomic?: boolean | undefined } = {},
  ): Promise<readonly PushOutcome[]> {
    const connection = await this.#open('receive-pack', options);
    const zero = zeroOid(from.objectFormat);
    try {
      const theirs = new Map(connection.advertisement.refs.map((ref) => [ref.name, ref.oid]));
      const outcomes = new Map<string, PushOutcome>();
      const commands: { name: string; old: Oid; new: Oid }[] = [];
      const commits = new CommitCache(from.objects);
      for (const update of updates) {
        const { name, to, expect } = update;
        if (typeof to !== 'string' || to === 'verify')
          throw new GitError('USAGE', `cannot push ${name}: only ids and deletions`);
        const old = theirs.get(name) ?? zero;
        const next = to === 'deleted' ? zero : to;
        const wanted = expect === 'absent' ? zero : typeof expect === 'string' ? expect : undefined;
        if (old === next) outcomes.set(name, { name, status: 'up-to-date' });
        else if (wanted !== undefined && wanted !== old)
          outcomes.set(name, { name, status: 'rejected', why: 'stale info' });
        else if (wanted === undefined && !isZeroOid(old) && !isZeroOid(next) && !(await forward(commits, old, next))) {
          outcomes.set(name, {
            name,
            status: 'rejected',
            why: (await from.objects.has(old)) ? 'non-fast-forward' : 'fetch first',
          });
        } else commands.push({ name, old, new: next });
      }
      const refused = [...outcomes.values()].some((outcome) => outcome.status === 'rejected');
      if (commands.length === 0 || (options.atomic === true && refused)) {
        await bye(connection);
        for (const { name } of commands) outcomes.set(name, { name, status: 'rejected', why: 'atomic push failed' });
      } else {
        const result = await sendPack(from, connection, {
          commands,
          theirs: [...theirs.values(), ...connection.advertisement.haves],
          thin: true,
          atomic: options.atomic === true,
          quiet: true,
          pushOptions: [],
          agent: this.#context.agent,
          hear: (text) => this.#context.errors(text),
          progress: undefined,
          signal: options.signal,
        });
        await connection.close().catch(() => {});
        for (const { name } of commands) {
          const why = result.reported
            ? result.reports.has(name)
              ? result.reports.get(name)
              : 'remote failed to report status'
            : undefined;
          outcomes.set(name, why === undefined ? { name, status: 'ok' } : { name, status: 'rejected', why });
        }
        // What was cut short is no refusal of the other side's.
        if (commands.some(({ name }) => outcomes.get(name)!.status !== 'ok')) await breath(options.signal);
      }
      return updates.map(({ name }) => outcomes.get(name)!);
    } catch (error) {
      await connection.close(true).catch(() => {});
      throw error;
    }
  }
}

const named = (dst: string | undefined): string | undefined =>
  dst === undefined || dst === '' ? undefined : localName(dst);

async function forward(commits: CommitCache, old: Oid, next: Oid): Promise<boolean> {
  const [before, after] = [await commits.peel(old), await commits.peel(next)];
  return before !== undefined && after !== undefined && isAncestor(commits, before, after);
}

async function bye(connection: Connection): Promise<void> {
  if (!connection.stateless) await connection.send(farewell).catch(() => {});
  await connection.close().catch(() => {});
}

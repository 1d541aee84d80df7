import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import { parseTag } from '../objects/tag.js';
import { refNameMatches } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import type { RemoteRef } from '../transport/advertisement.js';
import { CommitCache } from '../transport/commit-cache.js';
import { connect } from '../transport/connect.js';
import type { Connection, TransportContext } from '../transport/connection.js';
import { farewell } from '../transport/fetch-pack.js';
import { isAncestor } from '../transport/receive-update.js';
import { findDestination, parseRefspec } from '../transport/refspec.js';
import type { RemoteConfig } from '../transport/remote-config.js';
import { protocolVersion } from '../transport/remote-config.js';
import { commonWith, negotiationIds } from '../transport/negotiate-only.js';
import { sendPack } from '../transport/send-pack.js';
import { readShallow } from '../transport/shallow.js';
import { anonymizeUrl } from '../transport/url.js';
import { currentBranch } from './fetch.js';
import type { PushSource, PushTarget } from './push-match.js';
import { pushSigner } from './push-sign.js';
import { findSource, matchPush } from './push-match.js';
import type { PushRef } from './push-status.js';
import { formatPush, pushAdvice, pushFaults, reported } from './push-status.js';

/** `--force-with-lease[=<ref>[:<expect>]]`. */
export interface Lease {
  /** All refs that are pushed and not named otherwise. */
  readonly rest: boolean;
  readonly entries: readonly { readonly ref: string; readonly expect: string | undefined }[];
}

export interface PushOptions {
  /** As refspecs; prepared from words and `push.default` by the caller. */
  readonly refspecs: readonly string[];
  readonly all: boolean;
  readonly mirror: boolean;
  readonly tags: boolean;
  readonly followTags: boolean;
  readonly force: boolean;
  readonly lease: Lease | undefined;
  readonly ifIncludes: boolean;
  readonly prune: boolean;
  readonly dryRun: boolean;
  readonly atomic: boolean;
  readonly thin: boolean;
  readonly verify: boolean;
  readonly setUpstream: boolean;
  readonly porcelain: boolean;
  /** As `send-pack` has it: no last word, no advice. */
  readonly plumbing?: boolean;
  readonly verbosity: number;
  readonly pushOptions: readonly string[];
  /** `--signed`: always, or where the other side takes it. */
  readonly signed?: 'always' | 'if-asked' | undefined;
  readonly receivePack: string | undefined;
  /** Standard error as it is. */
  readonly say: (text: string) => void;
  readonly error: (message: string) => void;
  readonly hint: (message: string) => void;
  readonly hear: (text: Bytes) => void;
  /** Called when the server will say no more. */
  readonly heard: () => void;
  readonly progress: ((text: string) => Promise<void>) | undefined;
  readonly runHook: (name: string, args: readonly string[], input: Bytes) => Promise<number | undefined>;
}

export interface PushResult {
  readonly url: string;
  readonly refs: readonly PushRef[];
  readonly code: number;
  /** For standard output. */
  readonly out: string;
}

/** Pushes to one URL of a remote (git push). */
export async function pushTo(
  repository: Repository,
  remote: RemoteConfig,
  url: string,
  context: TransportContext,
  options: PushOptions,
): Promise<PushResult> {
  if (options.verbosity > 0) options.say(`Pushing to ${anonymizeUrl(url)}\n`);
  // What is not here cannot be pushed: no need to ask anybody.
  if (!(await sourcesAreHere(repository, options))) {
    options.error(`failed to push some refs to '${anonymizeUrl(url)}'`);
    return { url, refs: [], code: 1, out: '' };
  }
  const connection = await connect('receive-pack', url, context, {
    program: options.receivePack ?? remote.receivePack,
    version: protocolVersion(repository.config, repository.env),
  });
  const push = new Push(repository, remote, url, context, options, connection);
  try {
    return await push.run();
  } catch (error) {
    await connection.close(true).catch(() => {});
    throw error;
  }
}

async function sourcesAreHere(repository: Repository, options: PushOptions): Promise<boolean> {
  const local: PushSource[] = [];
  for await (const ref of repository.refs.list('refs/')) local.push({ name: ref.name, oid: ref.oid });
  let fine = true;
  for (const text of options.refspecs) {
    const spec = parseRefspec(text, 'push', repository.objectFormat);
    if (spec.pattern || spec.matching || spec.negative) continue;
    const resolve = (expression: string) => resolveRevision(repository, expression);
    if (
      (await findSource({ local, zero: zeroOid(repository.objectFormat), resolve, error: options.error }, spec)) ===
      undefined
    )
      fine = false;
  }
  return fine;
}

class Push {
  readonly #repository: Repository;
  readonly #remote: RemoteConfig;
  readonly #url: string;
  readonly #context: TransportContext;
  readonly #options: PushOptions;
  readonly #connection: Connection;
  readonly #commits: CommitCache;
  readonly #zero: Oid;
  #targets: readonly PushTarget[] = [];

  constructor(
    repository: Repository,
    remote: RemoteConfig,
    url: string,
    context: TransportContext,
    options: PushOptions,
    connection: Connection,
  ) {
    this.#repository = repository;
    this.#remote = remote;
    this.#url = url;
    this.#context = context;
    this.#options = options;
    this.#connection = connection;
    this.#commits = new CommitCache(repository.objects, readShallow(repository));
    this.#zero = zeroOid(repository.objectFormat);
  }

  async run(): Promise<PushResult> {
    const options = this.#options;
    const theirs = this.#connection.advertisement.refs;
    let failed = false;
    try {
      this.#targets = await this.#match(theirs);
    } catch (error) {
      if (!(error instanceof GitError) || error.data['told'] !== true) throw error;
      await this.#bye();
      options.error(`failed to push some refs to '${anonymizeUrl(this.#url)}'`);
      return { url: this.#url, refs: [], code: 1, out: '' };
    }
    const refs: PushRef[] = [];
    for (const target of this.#targets) refs.push(await this.#judge(target));
    if (options.verify && !(await this.#prePush(refs))) {
      await this.#bye();
      options.error(`failed to push some refs to '${anonymizeUrl(this.#url)}'`);
      return { url: this.#url, refs: [], code: 1, out: '' };
    }
    if (refs.length === 0 && theirs.length === 0) {
      await this.#bye();
      options.say('No refs in common and none specified; doing nothing.\nPerhaps you should specify a branch.\n');
      failed = true;
    } else failed = await this.#send(refs);
    return this.#conclude(refs, failed);
  }

  async #bye(): Promise<void> {
    if (!this.#connection.stateless) await this.#connection.send(farewell).catch(() => {});
    await this.#connection.close().catch(() => {});
  }

  async #match(theirs: readonly RemoteRef[]): Promise<readonly PushTarget[]> {
    const options = this.#options;
    const { refs, objects } = this.#repository;
    const local: PushSource[] = [];
    for await (const ref of refs.list('refs/')) local.push({ name: ref.name, oid: ref.oid });
    const texts = [...options.refspecs];
    if (options.tags) texts.push('refs/tags/*');
    if (options.all) texts.push('refs/heads/*');
    const specs = texts.map((text) => parseRefspec(text, 'push', this.#repository.objectFormat));
    const targets = await matchPush({
      local,
      remote: theirs,
      specs,
      all: options.all,
      mirror: options.mirror,
      prune: options.prune,
      zero: this.#zero,
      resolve: (text) => resolveRevision(this.#repository, text),
      follow: async (name) => {
        const full = await refs.resolveFull(name);
        if (full !== undefined && (full.symbolic || name.startsWith('refs/'))) return full.name;
        return undefined;
      },
      kindOf: async (oid) => (await objects.readHeader(oid))?.kind,
      error: options.error,
      hint: (text) => {
        if (this.#repository.config.getBool('advice.pushunqualifiedrefname', true)) options.hint(text);
      },
    });
    return options.followTags ? [...targets, ...(await this.#missingTags(targets, local, theirs))] : targets;
  }

  /** Annotated tags of what is pushed that the other side lacks. */
  async #missingTags(
    targets: readonly PushTarget[],
    local: readonly PushSource[],
    theirs: readonly RemoteRef[],
  ): Promise<PushTarget[]> {
    const known = new Set([...theirs.map((ref) => ref.name), ...targets.map((target) => target.name)]);
    const tips: Oid[] = [];
    for (const target of targets) {
      const commit = target.deletion ? undefined : await this.#commits.peel(target.source.oid);
      if (commit !== undefined) tips.push(commit);
    }
    const found: PushTarget[] = [];
    for (const tag of local) {
      if (!tag.name.startsWith('refs/tags/') || known.has(tag.name)) continue;
      const object = await this.#repository.objects.read(tag.oid);
      if (object?.kind !== 'tag') continue;
      const commit = await this.#commits.peel(parseTag(object.data).target);
      if (commit === undefined) continue;
      for (const tip of tips) {
        if (!(await isAncestor(this.#commits, commit, tip))) continue;
        found.push({ name: tag.name, old: this.#zero, source: tag, force: false, deletion: false });
        break;
      }
    }
    return found;
  }

  /** May this ref change as asked? */
  async #judge(target: PushTarget): Promise<PushRef> {
    const ref: PushRef = {
      name: target.name,
      old: target.old,
      new: target.deletion ? this.#zero : target.source.oid,
      source: target.source.name,
      deletion: target.deletion,
      status: 'none',
      forced: false,
    };
    if (!ref.deletion && ref.old === ref.new) {
      ref.status = 'up-to-date';
      return ref;
    }
    let force = this.#options.force || target.force || this.#options.mirror;
    let fault: PushRef['status'] | undefined;
    const lease = await this.#leaseFor(target);
    if (lease !== undefined) {
      if (lease.expect !== ref.old) fault = 'stale';
      else if (lease.checkReachable && !(await this.#seenLocally(target))) fault = 'remote-updated';
      else force = true;
    }
    if (fault === undefined && !ref.deletion && !isZeroOid(ref.old)) fault = await this.#forwardFault(ref);
    if (
      force &&
      fault !== undefined &&
      (lease === undefined || fault !== 'stale' || this.#options.force || target.force)
    )
      ref.forced = true;
    else if (fault !== undefined && !force) ref.status = fault;
    if (ref.deletion && ref.status === 'none' && !this.#connection.advertisement.capabilities.has('delete-refs')) {
      ref.status = 'no-delete';
    }
    return ref;
  }

  async #forwardFault(ref: PushRef): Promise<PushRef['status'] | undefined> {
    if (ref.name.startsWith('refs/tags/')) return 'already-exists';
    if (!(await this.#repository.objects.has(ref.old))) return 'fetch-first';
    const before = await this.#commits.peel(ref.old);
    const after = await this.#commits.peel(ref.new);
    if (before === undefined || after === undefined) return 'needs-force';
    return (await isAncestor(this.#commits, before, after)) ? undefined : 'non-fast-forward';
  }

  async #leaseFor(target: PushTarget): Promise<{ expect: Oid; checkReachable: boolean } | undefined> {
    const { lease, ifIncludes } = this.#options;
    if (lease === undefined) return undefined;
    for (const entry of lease.entries) {
      if (!refNameMatches(entry.ref, target.name)) continue;
      if (entry.expect === undefined) {
        const tracked = await this.#tracked(target.name);
        return { expect: tracked ?? this.#zero, checkReachable: tracked !== undefined && ifIncludes };
      }
      if (entry.expect === '') return { expect: this.#zero, checkReachable: false };
      const oid = await resolveRevision(this.#repository, entry.expect);
      if (oid === undefined) throw new GitError('USAGE', `cannot parse expected object name '${entry.expect}'`);
      return { expect: oid, checkReachable: false };
    }
    if (!lease.rest) return undefined;
    const tracked = await this.#tracked(target.name);
    return { expect: tracked ?? this.#zero, checkReachable: tracked !== undefined && ifIncludes };
  }

  #trackingName(name: string): string | undefined {
    const specs = this.#remote.fetch.map((text) => parseRefspec(text, 'fetch', this.#repository.objectFormat));
    return findDestination(specs, name);
  }

  async #tracked(name: string): Promise<Oid | undefined> {
    const tracking = this.#trackingName(name);
    return tracking === undefined ? undefined : this.#repository.refs.resolve(tracking);
  }

  /** `--force-if-includes`: has the local branch ever been based on what the other side holds? */
  async #seenLocally(target: PushTarget): Promise<boolean> {
    const { refs } = this.#repository;
    const local = target.name;
    const theirs = await this.#commits.peel(target.old);
    if ((await refs.resolve(local)) === undefined) return true;
    if (theirs === undefined) return false;
    const entries = (await refs.reflog(local)) ?? [];
    for (let i = entries.length - 1; i >= 0; i--) {
      const commit = await this.#commits.peel(entries[i]!.new);
      if (commit !== undefined && (await isAncestor(this.#commits, theirs, commit))) return true;
    }
    return false;
  }

  async #prePush(refs: readonly PushRef[]): Promise<boolean> {
    const skip = new Set(['non-fast-forward', 'remote-updated', 'stale', 'up-to-date']);
    const lines = refs
      .filter((ref) => !skip.has(ref.status))
      .map((ref) => `${ref.deletion ? '(delete)' : ref.source} ${ref.new} ${ref.name} ${ref.old}\n`);
    const name = this.#remote.configured ? this.#remote.name : this.#url;
    const code = await this.#options.runHook('pre-push', [name, this.#url], encodeText(lines.join('')));
    return code === undefined || code === 0;
  }

  /** `true`: something failed. */
  async #send(refs: readonly PushRef[]): Promise<boolean> {
    const options = this.#options;
    const takesCertificates = this.#connection.advertisement.capabilities.has('push-cert');
    if (options.signed === 'always' && !takesCertificates) {
      throw new GitError('UNSUPPORTED', 'the receiving end does not support --signed push');
    }
    if (options.signed === 'if-asked' && !takesCertificates) {
      options.say('warning: not sending a push certificate since the receiving end does not support --signed push\n');
    }
    if (options.atomic) {
      const bad = refs.find((ref) => ref.status !== 'none' && ref.status !== 'up-to-date' && ref.status !== 'ok');
      if (bad !== undefined) {
        for (const ref of refs)
          if (ref.status === 'none' || ref.status === 'up-to-date')
            ref.status = ref.status === 'none' ? 'atomic-failed' : ref.status;
        await this.#bye();
        options.error(`atomic push failed for ref ${bad.name}. status: ${atomicStatusNumber(bad.status)}`);
        // The lines for programs say it all: they end as those of a push that was judged do.
        return !options.porcelain;
      }
    }
    const live = refs.filter((ref) => ref.status === 'none');
    if (live.length === 0 || options.dryRun) {
      if (options.atomic && !this.#connection.advertisement.capabilities.has('atomic')) {
        throw new GitError('UNSUPPORTED', 'the receiving end does not support --atomic push');
      }
      if (options.dryRun) for (const ref of live) ref.status = 'ok';
      await this.#bye();
      return false;
    }
    let broken: GitError | undefined;
    const result = await sendPack(this.#repository, this.#connection, {
      commands: live.map((ref) => ({ name: ref.name, old: ref.old, new: ref.new })),
      theirs: [
        ...this.#connection.advertisement.refs.map((ref) => ref.oid),
        ...this.#connection.advertisement.haves,
        ...(await this.#negotiated(live)),
      ],
      thin: options.thin,
      atomic: options.atomic,
      quiet: options.verbosity < 0,
      pushOptions: options.pushOptions,
      url: this.#url,
      sign: options.signed === undefined ? undefined : pushSigner(this.#repository, options.say),
      agent: this.#context.agent,
      hear: options.hear,
      progress: options.progress,
      broken: (error) => {
        broken = error;
        options.say(`fatal: ${error.message}\n`);
      },
      signal: this.#context.signal,
    }).catch((error: unknown) => {
      if (broken === undefined) throw error;
      // That is why, and it has been told.
      return { unpack: undefined, reports: new Map(), options: new Map(), reported: false, failure: broken };
    });
    options.heard();
    // A program on the other side that ends badly has the last word, whatever it reported.
    const ended = (await this.#connection.close().catch(() => 1)) !== 0;
    if (!result.reported) {
      for (const ref of live) ref.status = broken === undefined ? 'ok' : 'expecting-report';
      return ended || broken !== undefined;
    }
    const told = new Set<string>();
    for (const ref of live) {
      // One ref named twice gets one report.
      if (!result.reports.has(ref.name) || told.has(ref.name)) ref.status = 'expecting-report';
      else {
        told.add(ref.name);
        ref.why = result.reports.get(ref.name);
        ref.status = ref.why === undefined ? 'ok' : 'remote-rejected';
        ref.reports = result.options.get(ref.name);
      }
    }
    if (result.unpack !== 'ok') {
      options.error(`remote unpack failed: ${result.unpack}`);
      return true;
    }
    return ended || result.failure !== undefined;
  }

  /** `push.negotiate`: what else the other side has, asked as a fetch would. */
  async #negotiated(refs: readonly PushRef[]): Promise<readonly Oid[]> {
    const repository = this.#repository;
    if (repository.config.getBool('push.negotiate', false) !== true) return [];
    const news = refs.filter((ref) => !isZeroOid(ref.new)).map((ref) => ref.new);
    if (news.length === 0) return [];
    const { negotiationRestrict, negotiationInclude } = this.#remote;
    try {
      return await commonWith(repository, this.#url, this.#context, {
        tips: negotiationRestrict.length > 0 ? await negotiationIds(repository, negotiationRestrict, () => {}) : news,
        include: await negotiationIds(repository, negotiationInclude, () => {}),
        program: this.#remote.uploadPack,
        version: protocolVersion(repository.config, repository.env),
        serverOptions: this.#remote.serverOptions,
      });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      this.#options.say(`warning: ${error.message}\nwarning: push negotiation failed; proceeding anyway with push\n`);
      return [];
    }
  }

  async #conclude(refs: readonly PushRef[], failed: boolean): Promise<PushResult> {
    const options = this.#options;
    const url = anonymizeUrl(this.#url);
    const bad = refs.some((ref) => ref.status !== 'ok' && ref.status !== 'up-to-date' && ref.status !== 'none');
    let out = '';
    const quiet = options.verbosity < 0;
    if (!quiet || bad) {
      const lines = await formatPush(this.#repository, refs, {
        verbose: options.verbosity > 0 || options.porcelain,
        porcelain: options.porcelain,
      });
      if (lines.length > 0) {
        const text = `To ${url}\n${lines.map((line) => `${line}\n`).join('')}`;
        if (options.porcelain) out += text;
        else options.say(text);
      }
    }
    if (options.setUpstream && !bad && !options.dryRun) out += await this.#setUpstream(refs);
    else if (options.setUpstream && options.dryRun && !bad) out += this.#wouldTrack(refs);
    if (!options.dryRun) await this.#updateTracking(refs);
    const code = bad || failed ? 1 : 0;
    if (options.porcelain && !failed) out += 'Done\n';
    else if (!quiet && code === 0 && !refs.some((ref) => ref.status === 'ok')) options.say('Everything up-to-date\n');
    if (code !== 0 && options.plumbing !== true) {
      options.error(`failed to push some refs to '${url}'`);
      const head = await currentBranch(this.#repository);
      const advice = pushAdvice(
        this.#repository,
        pushFaults(refs, head === undefined ? undefined : `refs/heads/${head}`),
      );
      if (advice !== undefined) options.hint(advice);
    }
    return { url: this.#url, refs, code, out };
  }

  /** What we know of the other side moves along. */
  async #updateTracking(refs: readonly PushRef[]): Promise<void> {
    for (const ref of refs.flatMap(reported)) {
      if (ref.status !== 'ok' && ref.status !== 'up-to-date') continue;
      const tracking = this.#trackingName(ref.name);
      if (tracking === undefined) continue;
      if (this.#options.verbosity > 0) this.#options.say(`updating local tracking ref '${tracking}'\n`);
      if (ref.deletion) {
        if ((await this.#repository.refs.readRaw(tracking)) !== undefined) {
          await this.#repository.refs.update([
            { name: tracking, to: 'deleted', noDeref: true, reason: 'update by push' },
          ]);
        }
      } else if ((await this.#repository.refs.resolve(tracking)) !== ref.new) {
        await this.#repository.refs.update([{ name: tracking, to: ref.new, reason: 'update by push' }]);
      }
    }
  }

  #upstreams(refs: readonly PushRef[]): { local: string; remote: string }[] {
    const found: { local: string; remote: string }[] = [];
    for (const ref of refs) {
      if ((ref.status !== 'ok' && ref.status !== 'up-to-date') || ref.deletion) continue;
      found.push({ local: ref.source, remote: ref.name });
    }
    return found;
  }

  async #localBranches(refs: readonly PushRef[]): Promise<{ branch: string; remote: string }[]> {
    const found: { branch: string; remote: string }[] = [];
    for (const { local, remote } of this.#upstreams(refs)) {
      const full = local.startsWith('refs/') ? local : (await this.#repository.refs.resolveFull(local))?.name;
      if (full?.startsWith('refs/heads/') === true && remote.startsWith('refs/heads/'))
        found.push({ branch: full.slice(11), remote });
    }
    return found;
  }

  async #setUpstream(refs: readonly PushRef[]): Promise<string> {
    const { LocalConfig } = await import('./local-config.js');
    let out = '';
    for (const { branch, remote } of await this.#localBranches(refs)) {
      const file = new LocalConfig(this.#repository);
      file.set(`branch.${branch}.remote`, this.#remote.name);
      file.set(`branch.${branch}.merge`, remote);
      if (this.#options.verbosity >= 0) out += trackingMessage(branch, this.#remote, remote);
    }
    return out;
  }

  #wouldTrack(refs: readonly PushRef[]): string {
    return this.#upstreams(refs)
      .filter(({ local, remote }) => local.startsWith('refs/heads/') && remote.startsWith('refs/heads/'))
      .map(
        ({ local, remote }) =>
          `Would set upstream of '${local.slice(11)}' to '${remote.slice(11)}' of '${this.#remote.name}'\n`,
      )
      .join('');
  }
}

/** `branch 'x' set up to track 'origin/x'.` */
function trackingMessage(
  branch: string,
  remote: Pick<RemoteConfig, 'name' | 'configured' | 'fetch'>,
  ref: string,
): string {
  const shown = remote.configured ? `${remote.name}/${ref.slice(11)}` : ref.slice(11);
  return `branch '${branch}' set up to track '${shown}'.\n`;
}

/** The numbers that git's message shows for a state. */
function atomicStatusNumber(status: PushRef['status']): number {
  const numbers: Partial<Record<PushRef['status'], number>> = {
    'non-fast-forward': 2,
    'already-exists': 3,
    'no-delete': 4,
    'fetch-first': 5,
    'needs-force': 6,
    stale: 7,
    shallow: 8,
    'remote-updated': 13,
  };
  return numbers[status] ?? 0;
}

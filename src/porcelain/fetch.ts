import type { NonEmpty } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import type { RefUpdate } from '../refs/store.js';
import type { Repository } from '../repo/repository.js';
import type { RemoteRef } from '../transport/advertisement.js';
import { checkedOutFinder } from '../transport/checked-out.js';
import { CommitCache } from '../transport/commit-cache.js';
import { connect, remoteRefs } from '../transport/connect.js';
import type { Connection, TransportContext } from '../transport/connection.js';
import { farewell } from '../transport/fetch-pack.js';
import { releasePack } from '../transport/incoming.js';
import { commonWith, negotiationIds } from '../transport/negotiate-only.js';
import type { Refspec } from '../transport/refspec.js';
import { isExcluded, mapBack, refPrefixes, tryParseRefspec, parseRefspec } from '../transport/refspec.js';
import type { RemoteConfig } from '../transport/remote-config.js';
import { branchConfig, protocolVersion } from '../transport/remote-config.js';
import { INFINITE_DEPTH } from '../transport/shallow.js';
import { anonymizeUrl, displayUrl } from '../transport/url.js';
import { guessHead } from './clone.js';
import type { FetchItem, FetchMap } from './fetch-map.js';
import { buildFetchMap, followedTags } from './fetch-map.js';
import type { Deepening } from '../transport/fetch-objects.js';
import { deepens, fetchObjects, isComplete, negotiationAlgorithm, noDeepening } from '../transport/fetch-objects.js';
import type { FetchUpdate } from './fetch-update.js';
import { FetchUpdates, formatUpdates } from './fetch-update.js';

export interface FetchOptions {
  /** As given on the command line; nothing: what is configured. */
  readonly refspecs?: readonly string[] | undefined;
  readonly refmap?: readonly string[] | undefined;
  readonly tags?: 'all' | 'none' | 'auto' | undefined;
  readonly force?: boolean | undefined;
  readonly prune?: boolean | undefined;
  readonly pruneTags?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly atomic?: boolean | undefined;
  readonly append?: boolean | undefined;
  readonly writeFetchHead?: boolean | undefined;
  readonly updateHeadOk?: boolean | undefined;
  readonly keep?: boolean | undefined;
  readonly deepening?: Deepening | undefined;
  readonly unshallow?: boolean | undefined;
  readonly filter?: string | undefined;
  readonly refetch?: boolean | undefined;
  readonly updateShallow?: boolean | undefined;
  readonly prefetch?: boolean | undefined;
  readonly setUpstream?: boolean | undefined;
  /** Another fetch of the same command has taken the bundles in. */
  readonly withoutBundles?: boolean | undefined;
  readonly uploadPack?: string | undefined;
  readonly serverOptions?: readonly string[] | undefined;
  /** Revisions and patterns of refs: tell only what is behind these; and these in any case. */
  readonly negotiationTips?: readonly string[] | undefined;
  readonly negotiationInclude?: readonly string[] | undefined;
  readonly showForced?: boolean | undefined;
  /** -1 quiet, 0, 1 and more. */
  readonly verbosity: number;
  readonly porcelain?: boolean | undefined;
  readonly columns: number;
  /** What to write in reflogs: `fetch origin`. */
  readonly action: string;
  /** Standard error, as it is. */
  readonly say: (text: string) => void;
  /** What the server says on side band 2, unless progress is off. */
  readonly serverProgress?: ((text: Bytes) => void) | undefined;
  readonly receiving?:
    | ((phase: 'receive' | 'resolve', done: number, total: number, bytes?: number) => void)
    | undefined;
}

export interface FetchResult {
  readonly updates: readonly FetchUpdate[];
  /** 0, or 1 where something could not be updated. */
  readonly code: number;
  /** Lines for standard output: `--porcelain`, and where the other side's HEAD is not ours. */
  readonly porcelain: readonly string[];
}

/** Fetches from one remote: objects, then refs, FETCH_HEAD and the report (git fetch). */
export function fetchRemote(
  repository: Repository,
  remote: RemoteConfig,
  context: TransportContext,
  options: FetchOptions,
): Promise<FetchResult> {
  return new RemoteFetch(repository, remote, context, options).run();
}

class RemoteFetch {
  readonly #repository: Repository;
  readonly #remote: RemoteConfig;
  readonly #context: TransportContext;
  readonly #options: FetchOptions;
  readonly #url: string;
  readonly #given: readonly Refspec[];
  readonly #configured: readonly Refspec[];
  #connection: Connection | undefined;
  #refs: readonly RemoteRef[] = [];
  #told = false;

  constructor(repository: Repository, remote: RemoteConfig, context: TransportContext, options: FetchOptions) {
    this.#repository = repository;
    this.#remote = remote;
    this.#context = context;
    this.#options = options;
    const url = remote.urls[0] ?? (remote.hasPushUrls ? remote.name : undefined);
    if (url === undefined) {
      throw new GitError(
        'USAGE',
        'no remote repository specified.  Please, specify either a URL or a\nremote name from which new revisions should be fetched',
      );
    }
    this.#url = url;
    const algorithm = repository.objectFormat;
    negotiationAlgorithm(repository);
    this.#given = (options.refspecs ?? []).map((text) => parseRefspec(text, 'fetch', algorithm));
    const configured = remote.fetch.map((text) => parseRefspec(text, 'fetch', algorithm));
    this.#configured = options.prefetch === true ? configured.flatMap(toPrefetch) : configured;
  }

  async run(): Promise<FetchResult> {
    const { config } = this.#repository;
    const branch = await currentBranch(this.#repository);
    const tags = this.#options.tags ?? this.#remote.tags;
    const settings = branch === undefined ? undefined : branchConfig(config, branch);
    const sameRemote = settings?.remote === this.#remote.name && this.#given.length === 0;
    const hasMerge = settings !== undefined && settings.remote !== undefined && settings.merge.length > 0;
    // Before anybody is connected to, who would have to wait.
    await this.#takeBundles();
    const connection = await this.#connect();
    try {
      const prefixes = this.#prefixes(tags, sameRemote ? settings!.merge : [], hasMerge && sameRemote);
      // Ids need no names: a server that would have to be asked for them is not.
      const named =
        connection.advertisement.version !== 2 ||
        this.#given.length === 0 ||
        tags !== 'none' ||
        this.#given.some((spec) => !spec.exactOid);
      this.#refs = named ? await this.#list(connection, prefixes) : [];
      const localRefs = new Map<string, Oid>();
      for await (const ref of this.#repository.refs.list('refs/')) localRefs.set(ref.name, ref.oid);
      const map = await buildFetchMap({
        refs: this.#refs,
        given: this.#given,
        refmap: this.#options.refmap
          ?.filter((text) => text !== '')
          .map((text) => parseRefspec(text, 'fetch', this.#repository.objectFormat)),
        configured: this.#configured,
        merge: sameRemote && hasMerge ? settings!.merge : [],
        hasMerge: hasMerge && sameRemote,
        tags,
        prefetch: this.#options.prefetch === true,
        localRefs,
        has: async (oid) => this.#repository.objects.has(oid),
        problems: {
          funny: (name) => this.#options.say(`error: * Ignoring funny ref '${name}' locally\n`),
          warn: (message) => this.#options.say(`warning: ${message}\n`),
        },
      });
      if (this.#options.refmap !== undefined && this.#given.length === 0) {
        throw new GitError('USAGE', '--refmap option is only meaningful with command-line refspec(s)');
      }
      this.#refuseCheckedOut(map.items);
      return await this.#transfer(map, localRefs, branch);
    } catch (error) {
      await this.#connection?.close(true).catch(() => {});
      throw error;
    }
  }

  /** `fetch.bundleURI`: bundles first. */
  async #takeBundles(): Promise<void> {
    const uri = this.#repository.config.get('fetch.bundleuri');
    if (uri === undefined || this.#options.dryRun === true || this.#options.withoutBundles === true) return;
    const { fetchBundles } = await import('./bundle-uri.js');
    const { say, receiving } = this.#options;
    await fetchBundles(this.#repository, uri, this.#context, { say, receiving });
  }

  async #connect(): Promise<Connection> {
    const { config } = this.#repository;
    this.#connection = await connect('upload-pack', this.#url, this.#context, {
      program: this.#options.uploadPack ?? this.#remote.uploadPack,
      version: protocolVersion(config, this.#repository.env),
    });
    if (
      this.#connection.advertisement.algorithm !== this.#repository.objectFormat &&
      this.#connection.advertisement.capabilities.has('object-format')
    ) {
      throw new GitError(
        'PROTOCOL',
        `mismatched algorithms: client ${this.#repository.objectFormat}; server ${this.#connection.advertisement.algorithm}`,
      );
    }
    return this.#connection;
  }

  async #list(connection: Connection, prefixes: readonly string[]): Promise<readonly RemoteRef[]> {
    const { refs } = await remoteRefs(connection, this.#context.agent, {
      prefixes,
      serverOptions: this.#serverOptions(),
    });
    return refs;
  }

  #serverOptions(): readonly string[] {
    const given = this.#options.serverOptions ?? [];
    return given.length > 0 ? given : this.#remote.serverOptions;
  }

  /** What a v2 server is asked to show. */
  #prefixes(tags: 'all' | 'none' | 'auto', merge: readonly string[], hasMerge: boolean): string[] {
    const prefixes: string[] = [];
    if (this.#given.length > 0) prefixes.push(...refPrefixes(this.#given, 'fetch'));
    else if (this.#configured.length > 0) {
      prefixes.push(...refPrefixes(this.#configured, 'fetch'));
      for (const name of merge) prefixes.push(name);
    } else prefixes.push(...(hasMerge ? merge : []), 'HEAD');
    if (prefixes.length > 0 || tags === 'all') {
      if (tags !== 'none') prefixes.push('refs/tags/');
      if (this.#followsHead()) prefixes.push('HEAD');
    }
    const exact = this.#given.length > 0 && this.#given.every((spec) => spec.exactOid);
    return exact && tags !== 'all' ? ['refs/tags/'].filter(() => tags === 'auto') : [...new Set(prefixes)];
  }

  /** Does `refs/remotes/<name>/HEAD` matter here (`remote.<name>.followRemoteHEAD`)? */
  #followsHead(): boolean {
    if (this.#remote.followRemoteHead === 'never' || !this.#remote.configured) return false;
    return this.#given.length === 0 && this.#configured.some((spec) => spec.dst !== undefined && spec.dst !== '');
  }

  async #transfer(map: FetchMap, localRefs: Map<string, Oid>, branch: string | undefined): Promise<FetchResult> {
    const options = this.#options;
    const lines: FetchUpdate[] = [];
    let code = 0;
    const writeHead = options.writeFetchHead !== false && options.dryRun !== true;
    const fetchHead: string[] = [];
    if (writeHead && options.append !== true) this.#writeFetchHead([]);
    const prune = options.prune ?? this.#remote.prune ?? this.#repository.config.getBool('fetch.prune', false);
    // Names that are gone make room for new ones.
    if (prune) {
      const specs = this.#pruneSpecs();
      if (specs.length > 0) lines.push(...(await this.#prune(specs, localRefs)));
    }
    const updates = new FetchUpdates(this.#repository, {
      force: options.force === true,
      dryRun: options.dryRun === true,
      atomic: options.atomic === true,
      action: options.action,
      showForced: options.showForced ?? this.#repository.config.getBool('fetch.showforcedupdates', true),
      isCheckedOut: this.#checkedOut(),
    });
    await this.#fetchItems(map.items, map.followTags);
    await this.#consume(this.#taken(map.items), localRefs, updates, fetchHead);
    if (map.followTags) {
      const more = await followedTags(
        { refs: this.#refs, localRefs, has: async (oid) => this.#repository.objects.has(oid) },
        map.items,
      );
      const late = more.filter((item) => !map.items.some((known) => known.local === item.local));
      if (late.length > 0) {
        await this.#fetchLate(late);
        await this.#consume(this.#taken(late), localRefs, updates, fetchHead);
      }
    }
    await this.#finish();
    const messages = await updates.commit();
    for (const message of messages) options.say(`error: ${message}\n`);
    lines.push(...updates.lines);
    if (updates.failed) code = 1;
    if (writeHead && !(options.atomic === true && updates.failed)) this.#writeFetchHead(fetchHead, true);
    await this.#report(lines);
    if (messages.length > 0 && messages.some((message) => message.includes('exists; cannot create'))) {
      options.say(
        `error: some local refs could not be updated; try running\n 'git remote prune ${this.#remote.name}' to remove any old, conflicting branches\n`,
      );
    }
    if (options.setUpstream === true) await this.#setUpstream(map.items, branch);
    const told: string[] = [];
    if (this.#followsHead() && options.dryRun !== true && !(options.atomic === true && code !== 0)) {
      const line = await this.#followHead();
      if (line !== undefined && options.verbosity >= 0) told.push(line);
    }
    return { updates: lines, code, porcelain: [...this.#porcelainLines(lines), ...told] };
  }

  #porcelainLines(lines: readonly FetchUpdate[]): string[] {
    if (this.#options.porcelain !== true) return [];
    return lines
      .filter((line) => line.flag !== '=' || this.#options.verbosity > 0)
      .map((line) => `${line.flag} ${line.old} ${line.new} ${line.local}\n`);
  }

  /** What rests on a boundary of the other side that is not taken over. */
  readonly #refused = new Set<FetchItem>();

  #taken(items: readonly FetchItem[]): readonly FetchItem[] {
    return this.#refused.size === 0 ? items : items.filter((item) => !this.#refused.has(item));
  }

  async #fetchItems(items: readonly FetchItem[], includeTag: boolean, deepening = this.#deepening()): Promise<void> {
    const wants = [...new Set(items.map((item) => item.oid))];
    if (wants.length === 0) return;
    const asked = deepens(deepening);
    if (!asked && this.#options.refetch !== true && (await isComplete(this.#repository, wants))) return;
    const connection = this.#connection!;
    this.#told = true;
    const byName =
      connection.advertisement.version === 2 && connection.advertisement.capabilities.supports('fetch', 'ref-in-want');
    const names = byName ? [...new Set(items.filter((item) => !item.exact).map((item) => item.name))] : [];
    const result = await fetchObjects(this.#repository, {
      ...deepening,
      connection,
      wants: byName ? [...new Set(items.filter((item) => item.exact).map((item) => item.oid))] : wants,
      wantRefs: names,
      remoteRefs: this.#refs,
      tips: await this.#negotiationTips(),
      include: await this.#negotiationInclude(),
      filter: this.#options.filter,
      includeTag,
      agent: this.#context.agent,
      serverOptions: this.#serverOptions(),
      progress: this.#options.serverProgress,
      receiving: this.#options.receiving,
      keep: this.#options.keep === true,
      clone: false,
      complain: this.#options.say,
      signal: this.#context.signal,
      refetch: this.#options.refetch,
      updateShallow: this.#options.updateShallow,
      promisor: this.#remote.promisor ? items.map((item) => `${item.oid} ${item.name}`).join('\n') : undefined,
    });
    for (const item of items) item.oid = (item.exact ? undefined : result.wantedRefs.get(item.name)) ?? item.oid;
    for (const item of items) {
      if (!result.refusedTips.has(item.oid)) continue;
      this.#refused.add(item);
      const name = item.local ?? item.name;
      this.#options.say(`warning: rejected ${name} because shallow roots are not allowed to be updated\n`);
    }
    const taken = items.filter((item) => !this.#refused.has(item));
    if (!(await isComplete(this.#repository, [...new Set(taken.map((item) => item.oid))]))) {
      throw new GitError('TRANSPORT', `${anonymizeUrl(this.#url)} did not send all necessary objects`);
    }
    // The pack stays protected until here; its refs come next.
    if (result.incoming !== undefined && this.#options.keep !== true) releasePack(this.#repository, result.incoming);
  }

  /** v0 conversations end with their pack: what else is wanted takes a second one. */
  async #fetchLate(items: readonly FetchItem[]): Promise<void> {
    if (
      await isComplete(
        this.#repository,
        items.map((item) => item.oid),
      )
    )
      return;
    if (this.#connection!.advertisement.version !== 2 && this.#told) {
      await this.#connection!.close().catch(() => {});
      await this.#connect();
    }
    await this.#fetchItems(items, false, noDeepening);
  }

  #deepening(): Deepening {
    const { unshallow, deepening } = this.#options;
    if (unshallow === true) return { ...noDeepening, depth: INFINITE_DEPTH };
    return deepening ?? noDeepening;
  }

  async #negotiationTips(): Promise<readonly Oid[] | undefined> {
    const given = this.#options.negotiationTips ?? [];
    const texts = given.length > 0 ? given : this.#remote.negotiationRestrict;
    if (texts.length === 0) return undefined;
    return negotiationIds(this.#repository, texts, (text) =>
      this.#options.say(`warning: ignoring --negotiation-restrict=${text} because it does not match any refs\n`),
    );
  }

  async #negotiationInclude(): Promise<readonly Oid[] | undefined> {
    const given = this.#options.negotiationInclude ?? [];
    const texts = given.length > 0 ? given : this.#remote.negotiationInclude;
    return texts.length === 0 ? undefined : negotiationIds(this.#repository, texts, () => {});
  }

  #checkedOut(): (ref: string) => boolean {
    if (this.#options.updateHeadOk === true) return () => false;
    const find = checkedOutFinder(this.#repository);
    return (ref) => find(ref)?.bare === false;
  }

  /** Moving a branch under a work tree's feet would make its files look changed. */
  #refuseCheckedOut(items: readonly FetchItem[]): void {
    if (this.#options.updateHeadOk === true) return;
    const find = checkedOutFinder(this.#repository);
    for (const { local } of items) {
      if (local === undefined || !local.startsWith('refs/heads/')) continue;
      const place = find(local);
      if (place === undefined || place.bare) continue;
      throw new GitError('USAGE', `refusing to fetch into branch '${local}' checked out at '${place.workTree}'`);
    }
  }

  /** FETCH_HEAD lines and decisions on refs, those for merging first. */
  async #consume(
    items: readonly FetchItem[],
    localRefs: Map<string, Oid>,
    updates: FetchUpdates,
    fetchHead: string[],
  ): Promise<void> {
    const commits = new CommitCache(this.#repository.objects);
    const from = displayUrl(this.#url).replaceAll('\n', '\\n');
    for (const status of ['merge', 'list', 'ignore'] as const) {
      for (const item of items) {
        if (item.status !== status) continue;
        const isCommit = (await commits.peel(item.oid)) !== undefined;
        const { kind, what } = describe(item);
        if (status !== 'ignore') {
          const note = what === '' ? '' : `${kind === '' ? '' : `${kind} `}'${what}' of `;
          fetchHead.push(`${item.oid}\t${status === 'merge' && isCommit ? '' : 'not-for-merge'}\t${note}${from}\n`);
        }
        if (item.local !== undefined) await updates.add(item, localRefs.get(item.local));
        else if (status !== 'ignore' && this.#options.writeFetchHead !== false) updates.addHead(item, kind);
      }
    }
    for (const item of items) if (item.local !== undefined) localRefs.set(item.local, item.oid);
  }

  #writeFetchHead(lines: readonly string[], append = false): void {
    const { fs } = this.#repository.platform;
    const path = this.#repository.path('FETCH_HEAD');
    const bytes = encodeText(lines.join(''));
    if (append || this.#options.append === true) fs.appendFile(path, bytes);
    else fs.writeFile(path, bytes);
  }

  #pruneSpecs(): readonly Refspec[] {
    const specs = this.#given.length > 0 ? [...this.#given] : [...this.#configured];
    const pruneTags =
      this.#options.pruneTags ?? this.#remote.pruneTags ?? this.#repository.config.getBool('fetch.prunetags', false);
    if (pruneTags && this.#given.length === 0 && (this.#remote.configured || this.#options.pruneTags === true)) {
      specs.push(tryParseRefspec('refs/tags/*:refs/tags/*', 'fetch')!);
    }
    return specs;
  }

  async #prune(specs: readonly Refspec[], localRefs: Map<string, Oid>): Promise<FetchUpdate[]> {
    // Symbolic refs are pointers into what is tracked; nobody sends them.
    const symbolic = new Set<string>();
    for await (const ref of this.#repository.refs.list('refs/', { broken: true })) {
      if (ref.symbolicTarget !== undefined) symbolic.add(ref.name);
    }
    const stale = staleRefs(
      specs,
      this.#refs,
      [...localRefs.keys()].filter((name) => !symbolic.has(name)),
    );
    const zero = zeroOid(this.#repository.objectFormat);
    const lines: FetchUpdate[] = stale.map((name) => ({
      flag: '-',
      summary: '[deleted]',
      remote: '(none)',
      local: name,
      old: localRefs.get(name) ?? zero,
      new: zero,
    }));
    if (stale.length > 0 && this.#options.dryRun !== true) {
      const deletions = stale.map(
        (name): RefUpdate => ({ name, to: 'deleted', noDeref: true, reason: 'fetch: prune' }),
      );
      const result = await this.#repository.refs.update(deletions as unknown as NonEmpty<RefUpdate>);
      if (!result.ok) throw new GitError('REF_CHANGED', result.message);
    }
    for (const name of stale) localRefs.delete(name);
    return lines;
  }

  async #finish(): Promise<void> {
    const connection = this.#connection!;
    if (!connection.stateless && (connection.advertisement.version === 2 || !this.#told)) {
      await connection.send(farewell).catch(() => {});
    }
    await connection.close().catch(() => {});
  }

  async #report(lines: readonly FetchUpdate[]): Promise<void> {
    const { verbosity, columns, porcelain, say } = this.#options;
    if (verbosity < 0 || porcelain === true) return;
    const output = this.#repository.config.get('fetch.output');
    if (output !== undefined && output !== 'full' && output !== 'compact') {
      throw new GitError('CONFIG', `invalid value for 'fetch.output': '${output}'`);
    }
    const text = await formatUpdates(this.#repository, lines, {
      verbose: verbosity > 0,
      columns,
      compact: output === 'compact',
    });
    if (text.length > 0) say(`From ${displayUrl(this.#url)}\n`);
    for (const line of text) say(`${line}\n`);
    // Symbolic refs that lead nowhere now.
    const gone = new Set(lines.filter((line) => line.flag === '-').map((line) => line.local));
    if (gone.size > 0) {
      for await (const ref of this.#repository.refs.list('refs/', { broken: true })) {
        const raw = await this.#repository.refs.readRaw(ref.name);
        if (raw?.kind === 'symbolic' && gone.has(raw.target)) {
          say(`   ${becomesDangling(ref.name, raw.target, this.#options.dryRun === true)}\n`);
        }
      }
    }
  }

  /** `refs/remotes/<name>/HEAD`, made where it is not there yet. Answers a line where ours is another. */
  async #followHead(): Promise<string | undefined> {
    const target = guessHead(
      this.#refs,
      this.#refs.find((ref) => ref.name === 'HEAD'),
      'master',
    );
    if (target === undefined) return undefined;
    const { refs } = this.#repository;
    const { name } = this.#remote;
    const branch = target.replace(/^refs\/heads\//, '');
    if (this.#repository.bare && this.#configured.some((spec) => spec.pattern && spec.src === spec.dst)) {
      // A mirror's own HEAD is the other side's.
      await refs.update([{ name: 'HEAD', to: { symbolic: target }, noDeref: true, reason: 'fetch' }]);
      return undefined;
    }
    const head = `refs/remotes/${name}/HEAD`;
    const tracking = `refs/remotes/${name}/${branch}`;
    if ((await refs.resolve(tracking)) === undefined) return undefined;
    const mode = this.#remote.followRemoteHead ?? 'create';
    const before = await refs.readRaw(head);
    await refs.update([
      {
        name: head,
        to: { symbolic: tracking },
        noDeref: true,
        reason: 'fetch',
        ...(mode === 'always' ? {} : { expect: 'absent' as const }),
      },
    ]);
    if (before === undefined || !mode.startsWith('warn') || mode === `warn-if-not-${branch}`) return undefined;
    if (before.kind === 'direct') {
      return `'HEAD' at '${name}' is '${branch}', but we have a detached HEAD pointing to '${before.oid}' locally.\n`;
    }
    if (before.target === tracking) return undefined;
    const ours = before.target.startsWith(`refs/remotes/${name}/`)
      ? before.target.slice(14 + name.length)
      : before.target;
    return `'HEAD' at '${name}' is '${branch}', but we have '${ours}' locally.\n`;
  }

  async #setUpstream(items: readonly FetchItem[], branch: string | undefined): Promise<void> {
    const { say } = this.#options;
    const sources = items.filter((item) => item.status === 'merge' && item.local === undefined);
    const source = sources[0];
    if (sources.length > 1) {
      say('warning: multiple branches detected, incompatible with --set-upstream\n');
      return;
    }
    if (source === undefined) {
      say('warning: no source branch found;\nyou need to specify exactly one branch with the --set-upstream option\n');
      return;
    }
    if (branch === undefined) {
      say(
        "warning: could not set upstream of HEAD to '" +
          source.name.replace(/^refs\/heads\//, '') +
          "' from '" +
          this.#remote.name +
          "' when it does not point to any branch.\n",
      );
      return;
    }
    if (source.name !== 'HEAD' && !source.name.startsWith('refs/heads/')) {
      say(
        source.name.startsWith('refs/remotes/')
          ? 'warning: not setting upstream for a remote remote-tracking branch\n'
          : source.name.startsWith('refs/tags/')
            ? 'warning: not setting upstream for a remote tag\n'
            : 'warning: unknown branch type\n',
      );
      return;
    }
    const { LocalConfig } = await import('./local-config.js');
    const file = new LocalConfig(this.#repository);
    file.set(`branch.${branch}.remote`, this.#remote.name);
    file.set(`branch.${branch}.merge`, source.name);
  }
}

/** What the remote has of the commits behind `restrict` (`git fetch --negotiate-only`). */
export async function negotiateWith(
  repository: Repository,
  remote: RemoteConfig,
  context: TransportContext,
  options: Pick<FetchOptions, 'negotiationTips' | 'negotiationInclude' | 'uploadPack' | 'serverOptions' | 'say'>,
): Promise<readonly Oid[]> {
  const restrict = options.negotiationTips ?? [];
  const include = options.negotiationInclude ?? [];
  return commonWith(repository, remote.urls[0]!, context, {
    tips: await negotiationIds(repository, restrict.length > 0 ? restrict : remote.negotiationRestrict, (text) =>
      options.say(`warning: ignoring --negotiation-restrict=${text} because it does not match any refs\n`),
    ),
    include: await negotiationIds(repository, include.length > 0 ? include : remote.negotiationInclude, () => {}),
    program: options.uploadPack ?? remote.uploadPack,
    version: protocolVersion(repository.config, repository.env),
    serverOptions: options.serverOptions?.length ? options.serverOptions : remote.serverOptions,
  });
}

/** The branch HEAD names, without `refs/heads/`. */
export async function currentBranch(repository: Repository): Promise<string | undefined> {
  const head = await repository.refs.resolveFull('HEAD');
  return head?.symbolic === true && head.name.startsWith('refs/heads/') ? head.name.slice(11) : undefined;
}

function describe(item: FetchItem): { kind: string; what: string } {
  const { name } = item;
  if (name === 'HEAD') return { kind: '', what: '' };
  if (name.startsWith('refs/heads/')) return { kind: 'branch', what: name.slice(11) };
  if (name.startsWith('refs/tags/')) return { kind: 'tag', what: name.slice(10) };
  if (name.startsWith('refs/remotes/')) return { kind: 'remote-tracking branch', what: name.slice(13) };
  return { kind: '', what: name };
}

/** Local refs that the refspecs write and whose source is no longer there. */
export function staleRefs(specs: readonly Refspec[], refs: readonly RemoteRef[], local: Iterable<string>): string[] {
  const there = new Set(refs.map((ref) => ref.name));
  const stale: string[] = [];
  for (const name of local) {
    const sources: string[] = [];
    for (const spec of specs) {
      const source = mapBack(spec, name);
      if (source !== undefined) sources.push(source);
    }
    if (sources.length === 0) continue;
    // Deleted only when no refspec would still write it; what is left out on purpose is left alone.
    if (sources.some((source) => there.has(source) || isExcluded(specs, source))) continue;
    stale.push(name);
  }
  return stale;
}

/** What is said of a symbolic ref whose target is pruned. */
export const becomesDangling = (name: string, target: string, dryRun: boolean): string =>
  dryRun
    ? `${name} will become dangling after ${target} is deleted`
    : `${name} has become dangling after ${target} was deleted`;

/** `--prefetch`: everything goes below `refs/prefetch/`. */
function toPrefetch(spec: Refspec): Refspec[] {
  if (spec.negative) return [spec];
  if (spec.dst === undefined || spec.dst === '' || spec.src.startsWith('refs/tags/')) return [];
  const dst = `refs/prefetch/${spec.dst.startsWith('refs/') ? spec.dst.slice(5) : spec.dst}`;
  return [{ ...spec, dst, force: true }];
}

import type { NonEmpty } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { compareText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid } from '../base/oid.js';
import type { Platform } from '../platform/platform.js';
import { checkRefFormat, refNameMatches } from '../refs/name.js';
import { packedRefsHeader } from '../refs/packed.js';
import type { RefUpdate } from '../refs/store.js';
import { createRepository } from '../repo/init.js';
import type { InitOptions } from '../repo/init.js';
import type { Repository } from '../repo/repository.js';
import type { RemoteRef } from '../transport/advertisement.js';
import { CommitCache } from '../transport/commit-cache.js';
import { connect, remoteRefs } from '../transport/connect.js';
import type { Connection, TransportContext } from '../transport/connection.js';
import { foreignEnvironment } from '../transport/connection.js';
import { enterRepository } from '../transport/enter-repository.js';
import { advertisedBundles, farewell } from '../transport/fetch-pack.js';
import { releasePack } from '../transport/incoming.js';
import type { Refspec } from '../transport/refspec.js';
import { localName, mapThrough, parseRefspec, refPrefixes } from '../transport/refspec.js';
import { defaultBranch } from '../repo/default-branch.js';
import { protocolVersion, Remotes } from '../transport/remote-config.js';
import { anonymizeUrl, redactUrl } from '../transport/url.js';
import { addAlternate, linkObjects } from './clone-local.js';
import type { Deepening } from '../transport/fetch-objects.js';
import { deepens, fetchObjects, isComplete } from '../transport/fetch-objects.js';
import { LocalConfig } from './local-config.js';

export interface CloneOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** A URL, or an absolute path. */
  readonly source: string;
  /** The source is a directory of this machine, which may be linked from. */
  readonly local: boolean;
  /** `--local` was said. */
  readonly explicitLocal: boolean;
  /** Where to make it: the work tree's root, or the bare repository. Absolute. */
  readonly directory: string;
  readonly gitDir: string;
  readonly separateGitDir: string | undefined;
  /** Where the files go, if not into `directory` (`GIT_WORK_TREE`). */
  readonly workTree: string | undefined;
  readonly bare: boolean;
  readonly mirror: boolean;
  readonly origin: string;
  readonly branch: string | undefined;
  readonly revision: string | undefined;
  readonly singleBranch: boolean;
  readonly tags: boolean;
  readonly deepening: Deepening;
  readonly rejectShallow: boolean;
  readonly shared: boolean;
  readonly noHardlinks: boolean;
  readonly references: readonly { readonly path: string; readonly optional: boolean }[];
  readonly dissociate: boolean;
  readonly config: readonly string[];
  readonly init: Pick<InitOptions, 'template' | 'refFormat' | 'shared'>;
  readonly filter: string | undefined;
  /** Where bundles may be had that hold most of it. */
  readonly bundleUri?: string | undefined;
  readonly uploadPack: string | undefined;
  readonly serverOptions: readonly string[];
  readonly quiet: boolean;
  readonly context: (repository: Repository) => TransportContext;
  readonly warn: (message: string) => void;
  /** Told the name of a first branch that nobody has chosen. */
  readonly adviseBranch?: (name: string) => void;
  readonly info: (message: string) => void;
  readonly hear: (text: Bytes) => void;
  readonly heard: () => void;
  readonly receiving: ((phase: 'receive' | 'resolve', done: number, total: number, bytes?: number) => void) | undefined;
  /** `--dissociate`: takes in what is borrowed. */
  readonly repack: (repository: Repository) => Promise<void>;
}

export interface CloneResult {
  readonly repository: Repository;
  /** What HEAD leads to; `undefined` for an empty or headless clone. */
  readonly head: Oid | undefined;
  readonly branch: string | undefined;
  /** HEAD names a commit and no branch. */
  readonly detached: boolean;
}

/** Makes a repository from another: objects, refs, configuration; the files are the caller's (git clone). */
export async function cloneRepository(options: CloneOptions): Promise<CloneResult> {
  const clone = new Clone(options);
  return clone.run();
}

class Clone {
  readonly #options: CloneOptions;

  constructor(options: CloneOptions) {
    this.#options = options;
  }

  async run(): Promise<CloneResult> {
    const options = this.#options;
    let repository = this.#create(undefined);
    const remotes = new Remotes(repository.config, repository);
    const url = remotes.rewrite(options.source);
    this.#addReferences(repository);
    const connection = await connect('upload-pack', url, options.context(repository), {
      program: options.uploadPack,
      version: protocolVersion(repository.config, options.env),
    });
    try {
      if (connection.advertisement.algorithm !== repository.objectFormat) {
        repository.close();
        repository = this.#create(connection.advertisement.algorithm);
        this.#addReferences(repository);
      }
      if (connection.bundle?.header.filter !== undefined) {
        throw new GitError('UNSUPPORTED', 'cannot clone from filtered bundle');
      }
      const listed = await remoteRefs(connection, options.context(repository).agent, {
        prefixes: this.#prefixes(repository),
        serverOptions: options.serverOptions,
      });
      return await this.#populate(repository, connection, listed.refs, listed.unbornHead);
    } catch (error) {
      await connection.close(true).catch(() => {});
      throw error;
    }
  }

  #create(objectFormat: string | undefined): Repository {
    const options = this.#options;
    const { platform } = options;
    const env = {
      ...foreignEnvironment(options.env),
      ...(options.env['GIT_CONFIG_PARAMETERS'] === undefined
        ? {}
        : { GIT_CONFIG_PARAMETERS: options.env['GIT_CONFIG_PARAMETERS'] }),
    };
    if (objectFormat !== undefined) {
      // What was made with the wrong hash has nothing in it yet.
      const made = options.separateGitDir ?? options.gitDir;
      for (const entry of platform.fs.readDirectory(made) ?? []) platform.fs.removeRecursive(`${made}/${entry.name}`);
    }
    const repository = createRepository({
      platform,
      env,
      cwd: options.directory,
      ...(options.bare ? { bare: true, gitDir: options.gitDir } : { bare: false }),
      ...(options.workTree === undefined ? {} : { gitDir: options.gitDir, workTree: options.workTree }),
      ...(options.separateGitDir === undefined ? {} : { separateGitDir: options.separateGitDir }),
      ...(objectFormat === undefined ? {} : { objectFormat }),
      ...options.init,
      warn: options.warn,
    });
    const file = new LocalConfig(repository);
    for (const text of options.config) {
      const equals = text.indexOf('=');
      if (equals < 0) file.add(text, 'true');
      else file.add(text.slice(0, equals), text.slice(equals + 1));
    }
    file.set(`remote.${options.origin}.url`, options.source);
    if (!options.tags || options.mirror) file.set(`remote.${options.origin}.tagOpt`, '--no-tags');
    if (options.mirror) {
      file.add(`remote.${options.origin}.fetch`, '+refs/*:refs/*');
      file.set(`remote.${options.origin}.mirror`, 'true');
    }
    if (options.filter !== undefined) {
      file.set('core.repositoryformatversion', '1');
      file.set('extensions.partialclone', options.origin);
      file.set(`remote.${options.origin}.promisor`, 'true');
      file.set(`remote.${options.origin}.partialclonefilter`, options.filter);
    }
    return repository;
  }

  #addReferences(repository: Repository): void {
    const { platform, env, cwd, references, warn } = this.#options;
    for (const { path, optional } of references) {
      try {
        const other = this.#enterReference(platform, env, cwd, path);
        addAlternate(platform, repository.objectsDirectory, other);
      } catch (error) {
        if (!optional || !(error instanceof GitError)) throw error;
        warn(`Could not add alternate for '${path}': ${error.message}`);
      }
    }
  }

  #enterReference(platform: Platform, env: CloneOptions['env'], cwd: string, path: string): string {
    let other: Repository;
    try {
      other = enterRepository(platform, foreignEnvironment(env), cwd, path, false);
    } catch {
      throw new GitError('USAGE', `reference repository '${path}' is not a local repository.`);
    }
    if (platform.fs.stat(other.path('shallow')) !== undefined) {
      throw new GitError('USAGE', `reference repository '${path}' is shallow`);
    }
    if (platform.fs.stat(other.path('info/grafts')) !== undefined) {
      throw new GitError('USAGE', `reference repository '${path}' is grafted`);
    }
    return other.objectsDirectory;
  }

  /** Refspecs that the configuration has already (`clone -c remote.origin.fetch=…`). */
  #moreSpecs(repository: Repository): Refspec[] {
    if (this.#options.revision !== undefined || this.#options.mirror) return [];
    return repository.config
      .getAll(`remote.${this.#options.origin}.fetch`)
      .map((text) => parseRefspec(text, 'fetch', repository.objectFormat));
  }

  #prefixes(repository: Repository): string[] {
    const { mirror, branch, revision, tags } = this.#options;
    if (revision !== undefined) return ['HEAD', ...refPrefixes([parseRefspec(revision, 'fetch')], 'fetch')];
    if (mirror) return [];
    const prefixes = ['HEAD', 'refs/heads/'];
    if (tags || branch !== undefined) prefixes.push('refs/tags/');
    prefixes.push(...refPrefixes(this.#moreSpecs(repository), 'fetch'));
    return [...new Set(prefixes)];
  }

  async #populate(
    repository: Repository,
    connection: Connection,
    refs: readonly RemoteRef[],
    unbornHead: string | undefined,
  ): Promise<CloneResult> {
    const options = this.#options;
    const { origin } = options;
    const byName = new Map(refs.map((ref) => [ref.name, ref]));
    const remoteHead = byName.get('HEAD');
    const headTarget = guessHead(refs, remoteHead, defaultBranch(repository.config, options.env));

    let ours: RemoteRef | undefined;
    let oid: Oid | undefined;
    if (options.revision !== undefined) {
      const full = /^[0-9a-f]{40,64}$/i.test(options.revision) ? undefined : byName.get(options.revision);
      oid =
        full?.peeled ??
        full?.oid ??
        (/^[0-9a-f]{40,64}$/i.test(options.revision) ? (options.revision.toLowerCase() as Oid) : undefined);
      if (oid === undefined)
        throw new GitError('REF_MISSING', `Remote revision ${options.revision} not found in upstream ${origin}`);
    } else if (options.branch !== undefined) {
      ours = byName.get(`refs/heads/${options.branch}`) ?? byName.get(`refs/tags/${options.branch}`);
      if (ours === undefined) {
        throw new GitError('REF_MISSING', `Remote branch ${options.branch} not found in upstream ${origin}`);
      }
    } else if (headTarget !== undefined) ours = byName.get(headTarget);
    else if (remoteHead === undefined && unbornHead === undefined) {
      // Nothing is said of its HEAD: the branch that would be the first here, where it is there.
      ours = byName.get(`refs/heads/${defaultBranch(repository.config, options.env)}`);
    }

    // What is copied, and under which names.
    const mapped: { readonly ref: RemoteRef; readonly local: string }[] = [];
    if (options.revision === undefined) {
      const source = options.singleBranch ? this.#single(refs, ours, remoteHead) : refs;
      for (const ref of source) {
        const local = this.#localName(ref.name);
        if (local !== undefined) mapped.push({ ref, local });
      }
      const known = new Set(mapped.map(({ local }) => local));
      for (const spec of this.#moreSpecs(repository)) {
        for (const ref of refs) {
          const local = spec.pattern
            ? mapThrough(spec, ref.name)
            : refNameMatches(spec.src, ref.name) && spec.dst !== undefined && spec.dst !== ''
              ? localName(spec.dst)
              : undefined;
          if (local === undefined || known.has(local) || !checkRefFormat(local)) continue;
          known.add(local);
          mapped.push({ ref, local });
        }
      }
    }
    const wants = new Set<Oid>(mapped.map(({ ref }) => ref.oid));
    if (oid !== undefined) wants.add(oid);
    if (
      remoteHead !== undefined &&
      headTarget === undefined &&
      options.branch === undefined &&
      options.revision === undefined
    ) {
      wants.add(remoteHead.oid);
    }
    if (refs.length === 0) options.warn('You appear to have cloned an empty repository.');
    if (ours === undefined && remoteHead === undefined && unbornHead === undefined) {
      defaultBranch(repository.config, options.env, options.adviseBranch);
    }
    await this.#transfer(repository, connection, refs, [...wants], await this.#takeBundles(repository, connection));
    await this.#writeRefs(repository, mapped);
    if (options.singleBranch && options.tags && options.revision === undefined && !options.mirror) {
      await this.#writeFollowedTags(repository, refs, new Set(mapped.map(({ local }) => local)));
    }
    this.#writeFetchSpec(repository, ours, remoteHead);
    if (options.dissociate && repository.objectDirectories.length > 1) {
      await options.repack(repository);
      repository.platform.fs.remove(`${repository.objectsDirectory}/info/alternates`);
    }
    return this.#setHead(repository, ours, remoteHead, headTarget, unbornHead, oid);
  }

  /** Tags whose objects came along. */
  async #writeFollowedTags(
    repository: Repository,
    refs: readonly RemoteRef[],
    have: ReadonlySet<string>,
  ): Promise<void> {
    const updates: RefUpdate[] = [];
    for (const ref of refs) {
      if (!ref.name.startsWith('refs/tags/') || have.has(ref.name)) continue;
      if (await repository.objects.has(ref.oid)) {
        updates.push({ name: ref.name, to: ref.oid, reason: `clone: from ${anonymizeUrl(this.#options.source)}` });
      }
    }
    if (updates.length > 0) await repository.refs.update(updates as unknown as NonEmpty<RefUpdate>);
  }

  #single(refs: readonly RemoteRef[], ours: RemoteRef | undefined, head: RemoteRef | undefined): readonly RemoteRef[] {
    if (ours !== undefined) return [ours];
    return this.#options.branch === undefined && head !== undefined ? [] : refs.filter(() => false);
  }

  #localName(name: string): string | undefined {
    const { mirror, bare, tags, singleBranch, origin } = this.#options;
    if (name === 'HEAD' || !checkRefFormat(name)) return undefined;
    if (mirror) return name;
    if (name.startsWith('refs/heads/')) return bare ? name : `refs/remotes/${origin}/${name.slice(11)}`;
    if (name.startsWith('refs/tags/') && (tags || singleBranch)) return name;
    return undefined;
  }

  /** Objects from bundles, before the other side is asked for the rest. Answers whether there are some. */
  async #takeBundles(repository: Repository, connection: Connection): Promise<boolean> {
    const { bundleUri } = this.#options;
    const context = this.#options.context(repository);
    const how = { say: (text: string) => context.errors(text), receiving: this.#options.receiving };
    let hasHeuristic = false;
    if (bundleUri !== undefined) {
      const { fetchBundles } = await import('./bundle-uri.js');
      const result = await fetchBundles(repository, bundleUri, context, how);
      if (!result.ok) this.#options.warn(`failed to fetch objects from bundle URI '${redactUrl(bundleUri)}'`);
      ({ hasHeuristic } = result);
      if (result.ok && hasHeuristic) new LocalConfig(repository).set('fetch.bundleuri', bundleUri);
    } else {
      if (!repository.config.getBool('transfer.bundleuri', false)) return false;
      const url = new Remotes(repository.config, repository).rewrite(this.#options.source);
      const list = await advertisedBundles(connection, context.agent, url);
      if (list === undefined || list.bundles.length === 0) return false;
      const { fetchBundles } = await import('./bundle-uri.js');
      const { ok } = await fetchBundles(repository, list, context, how);
      if (!ok) this.#options.warn('failed to fetch advertised bundles');
    }
    for await (const _ref of repository.refs.list('refs/bundles/')) return true;
    return false;
  }

  /** Brings the objects over, by links or by a pack. */
  async #transfer(
    repository: Repository,
    connection: Connection,
    refs: readonly RemoteRef[],
    wants: readonly Oid[],
    begun: boolean,
  ): Promise<boolean> {
    const options = this.#options;
    const { platform } = options;
    if (options.local) {
      const source = enterRepository(platform, foreignEnvironment(options.env), options.cwd, options.source, false);
      try {
        const shallow = platform.fs.stat(source.path('shallow')) !== undefined;
        if (!shallow) {
          if (options.shared) addAlternate(platform, repository.objectsDirectory, source.objectsDirectory);
          else {
            linkObjects(platform, source.objectsDirectory, repository.objectsDirectory, {
              copy: options.noHardlinks,
              forced: false,
            });
          }
          repository.objects.refresh();
          if (!options.quiet) options.info('done.\n');
          await this.#bye(connection);
          return false;
        }
        if (options.explicitLocal) options.warn('source repository is shallow, ignoring --local');
      } finally {
        source.close();
      }
    }
    if (wants.length === 0) {
      await this.#bye(connection);
      return false;
    }
    const context = options.context(repository);
    const result = await fetchObjects(repository, {
      ...options.deepening,
      connection,
      wants,
      remoteRefs: refs,
      filter: options.filter,
      includeTag: options.tags && options.singleBranch,
      agent: context.agent,
      serverOptions: options.serverOptions,
      progress: options.hear,
      receiving: options.receiving,
      keep: true,
      // What bundles brought is told, and the pack need not hold it again.
      clone: !begun,
      complain: context.errors,
      signal: context.signal,
      rejectShallow: options.rejectShallow,
      promisor: options.filter === undefined ? undefined : refs.map((ref) => `${ref.oid} ${ref.name}`).join('\n'),
    });
    options.heard();
    if (begun || connection.walker !== undefined) {
      if (result.incoming !== undefined) releasePack(repository, result.incoming);
      if (!(await isComplete(repository, wants))) {
        throw new GitError('TRANSPORT', 'remote did not send all necessary objects');
      }
    }
    if (
      options.rejectShallow &&
      !deepens(options.deepening) &&
      platform.fs.stat(repository.path('shallow')) !== undefined
    ) {
      throw new GitError('TRANSPORT', 'source repository is shallow, reject to clone.');
    }
    if ((await this.#bye(connection, connection.advertisement.version !== 2)) !== 0)
      throw new GitError('TRANSPORT', 'remote transport reported error');
    return true;
  }

  async #bye(connection: Connection, ended = false): Promise<number> {
    if (!connection.stateless && !ended) await connection.send(farewell).catch(() => {});
    return connection.close().catch(() => 0);
  }

  /** All refs at once, in the compact form. */
  async #writeRefs(
    repository: Repository,
    mapped: readonly { readonly ref: RemoteRef; readonly local: string }[],
  ): Promise<void> {
    if (mapped.length === 0) return;
    if (repository.format.refStorage !== 'files') {
      const updates = mapped.map(
        ({ ref, local }): RefUpdate => ({ name: local, to: ref.oid, noReflog: true, unchecked: true }),
      );
      const result = await repository.refs.update(updates as unknown as NonEmpty<RefUpdate>);
      if (!result.ok) throw new GitError('REF_CHANGED', result.message);
      return;
    }
    const commits = new CommitCache(repository.objects);
    const rows = [...mapped].sort((a, b) => compareText(a.local, b.local));
    let text = packedRefsHeader;
    for (const { ref, local } of rows) {
      if (isZeroOid(ref.oid)) {
        throw new GitError('REF_INVALID', `'${local}' has neither a valid OID nor a target`);
      }
      const header = await repository.objects.readHeader(ref.oid);
      if (header === undefined) {
        throw new GitError('TRANSPORT', 'remote did not send all necessary objects');
      }
      text += `${ref.oid} ${local}\n`;
      if (header.kind !== 'tag') continue;
      const peeled = ref.peeled ?? (await commits.peel(ref.oid));
      if (peeled !== undefined) text += `^${peeled}\n`;
    }
    const { fs } = repository.platform;
    fs.writeFile(`${repository.commonDir}/packed-refs.new`, encodeText(text));
    fs.rename(`${repository.commonDir}/packed-refs.new`, `${repository.commonDir}/packed-refs`);
  }

  #writeFetchSpec(repository: Repository, ours: RemoteRef | undefined, head: RemoteRef | undefined): void {
    const { mirror, bare, origin, singleBranch, branch, revision } = this.#options;
    if (mirror || revision !== undefined) return;
    const file = new LocalConfig(repository);
    const key = `remote.${origin}.fetch`;
    if (singleBranch) {
      // A bare one keeps no names of its own to fetch into.
      if (bare) return;
      if (ours !== undefined) {
        if (ours.name.startsWith('refs/heads/')) {
          file.add(key, `+${ours.name}:refs/remotes/${origin}/${ours.name.slice(11)}`);
        } else if (ours.name.startsWith('refs/tags/')) file.add(key, `+${ours.name}:${ours.name}`);
      } else if (branch !== undefined || head === undefined) file.add(key, `+refs/heads/*:refs/remotes/${origin}/*`);
      return;
    }
    if (!bare) file.add(key, `+refs/heads/*:refs/remotes/${origin}/*`);
  }

  async #setHead(
    repository: Repository,
    ours: RemoteRef | undefined,
    remoteHead: RemoteRef | undefined,
    headTarget: string | undefined,
    unbornHead: string | undefined,
    revision: Oid | undefined,
  ): Promise<CloneResult> {
    const options = this.#options;
    const { origin, bare, mirror } = options;
    const { refs } = repository;
    const reason = `clone: from ${anonymizeUrl(options.source)}`;
    const set = async (update: RefUpdate): Promise<void> => {
      const result = await refs.update([update]);
      if (!result.ok) throw new GitError('REF_CHANGED', result.message);
    };
    // refs/remotes/<origin>/HEAD
    if (!bare && !mirror && headTarget !== undefined && options.revision === undefined) {
      const tracking = `refs/remotes/${origin}/${headTarget.slice(11)}`;
      if ((await refs.resolve(tracking)) !== undefined) {
        await set({ name: `refs/remotes/${origin}/HEAD`, to: { symbolic: tracking }, noDeref: true, reason });
      }
    }
    const commits = new CommitCache(repository.objects);
    if (revision !== undefined) {
      const commit = (await commits.peel(revision)) ?? revision;
      const kind = (await repository.objects.readHeader(commit))?.kind;
      if (kind !== undefined && kind !== 'commit') {
        throw new GitError('USAGE', `could not parse ${revision}`, {
          data: { preface: `error: object ${revision} is a ${kind}, not a commit\n` },
        });
      }
      await set({ name: 'HEAD', to: commit, noDeref: true, reason });
      return { repository, head: commit, branch: undefined, detached: true };
    }
    if (ours?.name.startsWith('refs/heads/') === true) {
      const branch = ours.name.slice(11);
      await set({ name: 'HEAD', to: { symbolic: ours.name }, noDeref: true, noReflog: true });
      if (!bare) {
        await set({ name: ours.name, to: ours.oid, reason });
        await this.#track(repository, branch, ours.name);
      }
      return { repository, head: ours.oid, branch, detached: false };
    }
    if (ours !== undefined) {
      const commit = (await commits.peel(ours.oid)) ?? ours.oid;
      if (commit !== ours.oid) options.warn(`${ours.name} ${ours.oid} is not a commit!`);
      await set({ name: 'HEAD', to: commit, noDeref: true, reason });
      return { repository, head: commit, branch: undefined, detached: true };
    }
    if (remoteHead !== undefined && options.branch === undefined) {
      // The other side is detached; so are we.
      const commit = (await commits.peel(remoteHead.oid)) ?? remoteHead.oid;
      await set({ name: 'HEAD', to: commit, noDeref: true, reason });
      return { repository, head: commit, branch: undefined, detached: true };
    }
    // Nothing to check out: an empty repository, or one whose HEAD leads nowhere.
    const target = unbornHead ?? `refs/heads/${defaultBranch(repository.config, options.env)}`;
    if (target.startsWith('refs/heads/')) {
      await set({ name: 'HEAD', to: { symbolic: target }, noDeref: true, noReflog: true });
      if (!bare) await this.#track(repository, target.slice(11), target);
      return { repository, head: undefined, branch: target.slice(11), detached: false };
    }
    return { repository, head: undefined, branch: undefined, detached: false };
  }

  async #track(repository: Repository, branch: string, name: string): Promise<void> {
    const file = new LocalConfig(repository);
    file.set(`branch.${branch}.remote`, this.#options.origin);
    file.set(`branch.${branch}.merge`, name);
    const rebase = repository.config.get('branch.autosetuprebase');
    if (rebase === 'always' || rebase === 'remote') file.set(`branch.${branch}.rebase`, 'true');
  }
}

/** Which branch the other side's HEAD is on: as it says, or guessed from equal ids. */
export function guessHead(
  refs: readonly RemoteRef[],
  head: RemoteRef | undefined,
  preferred: string,
): string | undefined {
  if (head === undefined) return undefined;
  if (head.symbolicTarget !== undefined) return head.symbolicTarget;
  const same = refs.filter((ref) => ref.name.startsWith('refs/heads/') && ref.oid === head.oid);
  return (
    same.find((ref) => ref.name === `refs/heads/${preferred}`) ??
    same.find((ref) => ref.name === 'refs/heads/master') ??
    same[0]
  )?.name;
}

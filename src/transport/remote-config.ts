import { defaultBranch } from '../repo/default-branch.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import { badVariable, type Config } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import type { Refspec } from './refspec.js';
import { parseRefspec } from './refspec.js';
import type { UrlRewrite } from './url.js';
import { redactUrl, rewriteUrl } from './url.js';

/** A remote as the configuration describes it, or a bare URL given in its place. */
export interface RemoteConfig {
  readonly name: string;
  /** Set up somewhere (and not just a URL on the command line). */
  readonly configured: boolean;
  /** Rewritten by `insteadOf`. */
  readonly urls: readonly string[];
  /** Rewritten; where nothing is set, the URLs with `pushInsteadOf` or as they are. */
  readonly pushUrls: readonly string[];
  /** `remote.<name>.pushUrl` is set, or `pushInsteadOf` applies. */
  readonly hasPushUrls: boolean;
  readonly fetch: readonly string[];
  readonly push: readonly string[];
  readonly tags: 'all' | 'none' | 'auto';
  readonly prune: boolean | undefined;
  readonly pruneTags: boolean | undefined;
  readonly mirror: boolean;
  readonly skipDefaultUpdate: boolean;
  readonly skipFetchAll: boolean;
  readonly uploadPack: string | undefined;
  readonly receivePack: string | undefined;
  readonly proxy: string | undefined;
  readonly vcs: string | undefined;
  readonly serverOptions: readonly string[];
  /** `remote.<name>.negotiationRestrict` and `negotiationInclude`: revisions and patterns. */
  readonly negotiationRestrict: readonly string[];
  readonly negotiationInclude: readonly string[];
  readonly followRemoteHead: string | undefined;
  readonly promisor: boolean;
  readonly partialCloneFilter: string | undefined;
  /** Where it is set up. */
  readonly origin: 'config' | 'remotes' | 'branches' | 'none';
}

/** `url.<base>.insteadOf` or `pushInsteadOf`. */
function urlRewrites(config: Config, key: 'insteadof' | 'pushinsteadof'): UrlRewrite[] {
  const rules: UrlRewrite[] = [];
  for (const base of config.subsections('url')) {
    for (const prefix of config.getAll(`url.${base}.${key}`)) rules.push({ base, prefix });
  }
  return rules;
}

/** What the old files `.git/remotes/<name>` and `.git/branches/<name>` say. */
interface Legacy {
  readonly urls: readonly string[];
  readonly fetch: readonly string[];
  readonly push: readonly string[];
  readonly origin: 'remotes' | 'branches';
}

/** Reads remotes; made once per command. `repository` may be missing (`ls-remote` outside of one). */
export class Remotes {
  readonly config: Config;
  readonly #repository: Repository | undefined;
  readonly #insteadOf: readonly UrlRewrite[];
  readonly #pushInsteadOf: readonly UrlRewrite[];

  constructor(config: Config, repository: Repository | undefined) {
    this.config = config;
    this.#repository = repository;
    const nameless = config.entries().find((entry) => entry.key.startsWith('branch..'));
    if (nameless !== undefined) throw badVariable(nameless);
    // A broken refspec of any remote stops everything that has to do with remotes.
    const algorithm = repository?.objectFormat ?? 'sha1';
    for (const { key, value } of config.entries()) {
      const kind = /^remote\..+\.(fetch|push)$/s.exec(key)?.[1];
      if (kind !== undefined && value !== undefined) parseRefspec(value, kind as 'fetch' | 'push', algorithm);
    }
    this.#insteadOf = urlRewrites(config, 'insteadof');
    this.#pushInsteadOf = urlRewrites(config, 'pushinsteadof');
  }

  /** Names of the remotes set up in the configuration, in order of appearance. */
  names(): string[] {
    return this.config.subsections('remote');
  }

  rewrite(url: string): string {
    return rewriteUrl(url, this.#insteadOf) ?? url;
  }

  /** The remote's name that is meant where none is said: of the branch, the only one, or `origin`. */
  defaultName(branch: string | undefined): string {
    return this.branchRemote(branch) ?? (this.names().length === 1 ? this.names()[0]! : 'origin');
  }

  /** Is there such a remote? Without one `fetch` has nothing to do, and where to push to must be said. */
  hasDefault(branch: string | undefined): boolean {
    return this.branchRemote(branch) !== undefined || this.isConfigured(this.defaultName(branch));
  }

  branchRemote(branch: string | undefined): string | undefined {
    return branch === undefined ? undefined : this.config.get(`branch.${branch}.remote`);
  }

  defaultPushName(branch: string | undefined): string {
    return (
      (branch === undefined ? undefined : this.config.get(`branch.${branch}.pushremote`)) ??
      this.config.get('remote.pushdefault') ??
      this.defaultName(branch)
    );
  }

  /** Is there a setting that says where to push, if only a path? */
  isChosen(branch: string | undefined): boolean {
    return (
      this.branchRemote(branch) !== undefined ||
      this.config.has('remote.pushdefault') ||
      (branch !== undefined && this.config.has(`branch.${branch}.pushremote`))
    );
  }

  /** True where something is set up under that name. */
  isConfigured(name: string): boolean {
    return this.get(name).configured;
  }

  /** Set up in the repository itself, and not only by the user or the machine. */
  isConfiguredHere(name: string): boolean {
    if (this.get(name).origin === 'remotes' || this.get(name).origin === 'branches') return true;
    return this.config
      .entries()
      .some(
        (entry) =>
          (entry.scope === 'local' || entry.scope === 'worktree') &&
          entry.key.startsWith(`remote.${name}.`) &&
          !entry.key.slice(8 + name.length).includes('.'),
      );
  }

  /** The remote of that name; a name that is not set up is taken for a URL. */
  get(name: string): RemoteConfig {
    const { config } = this;
    const key = (part: string) => `remote.${name}.${part}`;
    const list = (part: string): string[] => {
      let values: string[] = [];
      if (config.entries().some((entry) => entry.value === undefined && entry.key === key(part))) {
        throw new GitError('CONFIG', `bad config variable '${key(part)}'`, {
          data: { preface: `error: missing value for '${key(part)}'\n` },
        });
      }
      for (const value of config.getAll(key(part))) {
        if (value === '') values = [];
        else values.push(value);
      }
      return values;
    };
    let urls = list('url');
    const explicitPush = list('pushurl');
    let fetch: readonly string[] = config.getAll(key('fetch'));
    let push: readonly string[] = config.getAll(key('push'));
    let origin: RemoteConfig['origin'] = this.names().includes(name) ? 'config' : 'none';
    if (urls.length === 0 && explicitPush.length === 0 && config.get(key('vcs')) === undefined) {
      const legacy = this.#legacy(name);
      if (legacy !== undefined) {
        urls = [...legacy.urls];
        fetch = [...fetch, ...legacy.fetch];
        push = [...push, ...legacy.push];
        origin = legacy.origin;
      }
    }
    const hasUrl = urls.length > 0 || explicitPush.length > 0 || config.get(key('vcs')) !== undefined;
    if (!hasUrl && name !== '') urls = [name];
    const rewritten = urls.map((url) => this.rewrite(url));
    const pushRewritten = urls.map((url) => rewriteUrl(url, this.#pushInsteadOf));
    let pushUrls: readonly string[];
    let hasPushUrls = true;
    if (explicitPush.length > 0) pushUrls = explicitPush.map((url) => this.rewrite(url));
    else if (pushRewritten.some((url) => url !== undefined))
      pushUrls = pushRewritten.map((url, i) => url ?? rewritten[i]!);
    else {
      pushUrls = rewritten;
      hasPushUrls = false;
    }
    const tagOption = config.get(key('tagopt'));
    return {
      name,
      configured: hasUrl || origin === 'config',
      urls: rewritten,
      pushUrls,
      hasPushUrls,
      fetch,
      push,
      tags: tagOption === '--tags' ? 'all' : tagOption === '--no-tags' ? 'none' : 'auto',
      prune: config.getBool(key('prune')),
      pruneTags: config.getBool(key('prunetags')),
      mirror: config.getBoolOrString(key('mirror')) === true,
      skipDefaultUpdate: config.getBool(key('skipfetchall'), false) || config.getBool(key('skipdefaultupdate'), false),
      skipFetchAll: config.getBool(key('skipfetchall'), false) || config.getBool(key('skipdefaultupdate'), false),
      uploadPack: config.get(key('uploadpack')),
      receivePack: config.get(key('receivepack')),
      proxy: config.get(key('proxy')),
      vcs: config.get(key('vcs')),
      serverOptions: list('serveroption'),
      negotiationRestrict: list('negotiationrestrict'),
      negotiationInclude: list('negotiationinclude'),
      followRemoteHead: config.get(key('followremotehead')),
      promisor: config.getBool(key('promisor'), false),
      partialCloneFilter: config.get(key('partialclonefilter')),
      origin,
    };
  }

  #legacy(name: string): Legacy | undefined {
    const repository = this.#repository;
    if (repository === undefined || name === '' || name === '.' || name === '..' || name.includes('/'))
      return undefined;
    const { fs } = repository.platform;
    const remotes =
      fs.stat(repository.path(`remotes/${name}`))?.kind === 'file'
        ? fs.readFile(repository.path(`remotes/${name}`))
        : undefined;
    if (remotes !== undefined) {
      const found = { urls: [] as string[], fetch: [] as string[], push: [] as string[], origin: 'remotes' as const };
      for (const line of decodeText(remotes).split('\n')) {
        const match = /^(URL|Push|Pull):\s*(.*?)\s*$/.exec(line);
        if (match === null) continue;
        if (match[1] === 'URL') found.urls.push(match[2]!);
        else if (match[1] === 'Push') found.push.push(match[2]!);
        else found.fetch.push(match[2]!);
      }
      return found;
    }
    const branches =
      fs.stat(repository.path(`branches/${name}`))?.kind === 'file'
        ? fs.readFile(repository.path(`branches/${name}`))
        : undefined;
    if (branches === undefined) return undefined;
    const line = decodeText(branches).split('\n')[0]!.trim();
    if (line === '') return undefined;
    const hash = line.indexOf('#');
    const url = hash < 0 ? line : line.slice(0, hash);
    const branch = hash < 0 ? defaultBranch(this.config, repository.env) : line.slice(hash + 1);
    return {
      urls: [url],
      fetch: [`refs/heads/${branch}:refs/heads/${name}`],
      push: [`HEAD:refs/heads/${branch}`],
      origin: 'branches',
    };
  }

  /** Parsed, with git's error for a broken one. */
  refspecs(texts: readonly string[], direction: 'fetch' | 'push', algorithm: HashAlgorithm): Refspec[] {
    return texts.map((text) => parseRefspec(text, direction, algorithm));
  }

  /** The remotes of a group `remotes.<name>`, or the name itself. */
  group(name: string): readonly string[] {
    const values = this.config.getAll(`remotes.${name}`);
    if (values.length === 0) return [name];
    return values.flatMap((value) => value.split(/[ \t\n]+/)).filter((word) => word !== '');
  }
}

/** `transfer.credentialsInUrl`: warns of passwords in URLs, or refuses them. Throws in git's words. */
export function checkUrlCredentials(config: Config, urls: readonly string[], warn: (message: string) => void): void {
  const mode = config.get('transfer.credentialsinurl') ?? 'allow';
  if (mode === 'allow') return;
  if (mode !== 'warn' && mode !== 'die')
    throw new GitError('CONFIG', `unrecognized value transfer.credentialsInUrl: '${mode}'`);
  for (const url of urls) {
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/]+@/i.test(url)) continue;
    const message = `URL '${redactUrl(url)}' uses plaintext credentials`;
    if (mode === 'die') throw new GitError('CONFIG', message);
    warn(message);
  }
}

/** `branch.<name>.merge` values and its remote. */
export interface BranchConfig {
  readonly remote: string | undefined;
  readonly merge: readonly string[];
  readonly rebase: string | undefined;
}

export function branchConfig(config: Config, branch: string): BranchConfig {
  return {
    remote: config.get(`branch.${branch}.remote`),
    merge: config.getAll(`branch.${branch}.merge`),
    rebase:
      config.last(`branch.${branch}.rebase`) === undefined
        ? undefined
        : (config.last(`branch.${branch}.rebase`)!.value ?? 'true'),
  };
}

/** The protocol version to ask for: `protocol.version`, 2 unless said. */
export function protocolVersion(config: Config, env: Readonly<Record<string, string | undefined>>): 0 | 1 | 2 {
  const text = config.get('protocol.version');
  if (text === undefined) {
    const forced = env['GIT_TEST_PROTOCOL_VERSION'];
    return forced === '0' ? 0 : forced === '1' ? 1 : 2;
  }
  if (text === '0') return 0;
  if (text === '1') return 1;
  if (text === '2') return 2;
  throw new GitError('CONFIG', `unknown value for config 'protocol.version': ${text}`);
}

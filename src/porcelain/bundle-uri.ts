import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { resolvePath } from '../repo/paths.js';
import { allowSettings, isProtocolAllowed } from '../transport/allowed.js';
import { bundleFault, isBundleFile, openBundle, unbundle } from '../transport/bundle.js';
import type { BundleList, ListedBundle } from '../transport/bundle-list.js';
import { parseBundleList } from '../transport/bundle-list.js';
import type { TransportContext } from '../transport/connection.js';
import { HttpSession } from '../transport/http-session.js';
import { parseRemoteUrl, redactUrl } from '../transport/url.js';
import { LocalConfig } from './local-config.js';

/** Lists in lists, no deeper than this. */
const MAX_NESTING = 4;
/** Longest list that is read, in bytes. */
const LONGEST_LIST = 16 << 20;

export interface BundleUriOptions {
  /** Standard error, as it is. */
  readonly say: (text: string) => void;
  readonly receiving?:
    | ((phase: 'receive' | 'resolve', done: number, total: number, bytes?: number) => void)
    | undefined;
}

export interface BundleUriResult {
  /** All that was needed came in. */
  readonly ok: boolean;
  /** The list is one that later fetches may ask again. */
  readonly hasHeuristic: boolean;
}

/**
 * Takes in what bundles hold, before anybody is asked for the rest: their refs go below `refs/bundles/`. `from`: where
 * the user says that they are, or a list that a server told of. Whatever goes wrong is told and no more, for the server
 * has everything.
 */
export async function fetchBundles(
  repository: Repository,
  from: string | BundleList,
  context: TransportContext,
  options: BundleUriOptions,
): Promise<BundleUriResult> {
  const bundles = new Bundles(repository, context, options);
  try {
    return await (typeof from === 'string' ? bundles.fetch(from, undefined, 0) : bundles.fetchList(from, 0));
  } finally {
    bundles.cleanUp();
  }
}

/** Where one bundle of a list has got to. */
interface Progress {
  readonly bundle: ListedBundle;
  file?: string | undefined;
  state: 'new' | 'here' | 'done' | 'failed';
}

class Bundles {
  readonly #repository: Repository;
  readonly #context: TransportContext;
  readonly #options: BundleUriOptions;
  readonly #temporary: string[] = [];
  #serial = 0;

  constructor(repository: Repository, context: TransportContext, options: BundleUriOptions) {
    this.#repository = repository;
    this.#context = context;
    this.#options = options;
  }

  cleanUp(): void {
    const { fs } = this.#repository.platform;
    for (const path of this.#temporary) fs.remove(path);
    if (this.#temporary.length > 0) fs.removeDirectory(`${this.#repository.objectsDirectory}/bundles`);
  }

  /** `base`: where the list is that names the URI; `undefined` where the user does. */
  async fetch(uri: string, base: string | undefined, depth: number): Promise<BundleUriResult> {
    const file = await this.#download(uri, base);
    if (file === undefined) return { ok: false, hasHeuristic: false };
    if (isBundleFile(this.#repository.platform.fs, file)) {
      return { ok: await this.#unbundle(file), hasHeuristic: false };
    }
    return this.#takeList(file, uri, depth);
  }

  async #takeList(file: string, uri: string, depth: number): Promise<BundleUriResult> {
    const { fs } = this.#repository.platform;
    const readable = depth < MAX_NESTING && (fs.stat(file)?.size ?? 0) <= LONGEST_LIST;
    const bytes = readable ? fs.readFile(file) : undefined;
    const list = bytes && parseBundleList(bytes, uri);
    if (list === undefined || list.bundles.length === 0) {
      this.#options.say(`error: file at URI '${redactUrl(uri)}' is not a bundle or bundle list\n`);
      return { ok: false, hasHeuristic: false };
    }
    return this.fetchList(list, depth);
  }

  async fetchList(list: BundleList, depth: number): Promise<BundleUriResult> {
    const wanted = list.bundles.filter(({ filter }) => filter === undefined);
    const { base } = list;
    if (list.mode === 'any') {
      for (const { uri } of wanted)
        if ((await this.fetch(uri, base, depth + 1)).ok) return { ok: true, hasHeuristic: false };
      return { ok: false, hasHeuristic: false };
    }
    if (list.byToken) return { ok: await this.#fetchByToken(wanted, base), hasHeuristic: true };
    return { ok: await this.#fetchAll(wanted, base, depth), hasHeuristic: false };
  }

  /** Everything, taken in as soon as what it builds on is there. */
  async #fetchAll(bundles: readonly ListedBundle[], base: string, depth: number): Promise<boolean> {
    const { fs } = this.#repository.platform;
    let ok = true;
    let waiting: string[] = [];
    for (const { uri } of bundles) {
      const file = await this.#download(uri, base);
      if (file === undefined) ok = false;
      else if (isBundleFile(fs, file)) waiting.push(file);
      else ok = (await this.#takeList(file, uri, depth + 1)).ok && ok;
    }
    for (let before = -1; waiting.length > 0 && waiting.length !== before; ) {
      before = waiting.length;
      const left: string[] = [];
      for (const file of waiting) if (!(await this.#unbundle(file))) left.push(file);
      waiting = left;
    }
    return ok && waiting.length === 0;
  }

  /**
   * From the newest down, until one fits what is here; then up again, taking in what waited. Only bundles newer than
   * those of the last time are looked at, and the newest taken in is noted.
   */
  async #fetchByToken(bundles: readonly ListedBundle[], base: string): Promise<boolean> {
    const { config } = this.#repository;
    const known = config.get('fetch.bundlecreationtoken');
    const seen = known === undefined || !/^\d+$/.test(known) ? undefined : BigInt(known);
    const list: Progress[] = bundles
      .filter(({ creationToken }) => seen === undefined || creationToken > seen)
      .sort((a, b) => (a.creationToken < b.creationToken ? 1 : a.creationToken > b.creationToken ? -1 : 0))
      .map((bundle) => ({ bundle, state: 'new' }));
    if (list.length === 0) return true;
    let newest: bigint | undefined;
    let at = 0;
    let step = 1;
    while (at >= 0 && at < list.length) {
      const each = list[at]!;
      if (each.state === 'new') {
        each.file = await this.#download(each.bundle.uri, base);
        each.state = each.file === undefined ? 'failed' : 'here';
        step = 1;
      }
      if (each.state === 'here') {
        if (await this.#unbundle(each.file!)) {
          each.state = 'done';
          if (newest === undefined || each.bundle.creationToken > newest) newest = each.bundle.creationToken;
          step = -1;
        } else step = 1;
      }
      at += step;
    }
    if (at >= 0) return false;
    if (newest !== undefined) new LocalConfig(this.#repository).set('fetch.bundlecreationtoken', String(newest));
    return true;
  }

  /** The file that holds what is at the URI; a place of this machine is read where it is. */
  async #download(uri: string, base: string | undefined): Promise<string | undefined> {
    const shown = redactUrl(uri);
    const fail = (): undefined => {
      this.#options.say(`warning: failed to download bundle from URI '${shown}'\n`);
      return undefined;
    };
    const scheme = /^(https?):\/\//.exec(uri)?.[1];
    // Where a server sends us is no choice of the user's: not to files of this machine, unless that is allowed.
    const chosen = base === undefined || parseRemoteUrl(base).kind === 'local';
    const protocol = scheme ?? 'file';
    if (!chosen && !isProtocolAllowed(protocol, allowSettings(this.#context, false))) {
      this.#options.say(`error: transport '${protocol}' not allowed\n`);
      return fail();
    }
    if (scheme !== undefined) {
      if (/[ \n]/.test(uri)) {
        this.#options.say(`error: bundle-uri: URI is malformed: '${shown}'\n`);
        return fail();
      }
      const folder = `${this.#repository.objectsDirectory}/bundles`;
      if (folder.includes('\n')) {
        this.#options.say(`error: bundle-uri: filename is malformed: '${folder}'\n`);
        return fail();
      }
      try {
        return await this.#get(uri, folder);
      } catch (error) {
        if (!(error instanceof GitError) || error.code === 'ABORTED') throw error;
        return fail();
      }
    }
    const path = resolvePath(this.#context.cwd, uri.startsWith('file://') ? uri.slice(7) : uri);
    return this.#repository.platform.fs.stat(path)?.kind === 'file' ? path : fail();
  }

  async #get(uri: string, folder: string): Promise<string> {
    const { fs, pid } = this.#repository.platform;
    const { response } = await new HttpSession(this.#context, uri).ask({
      method: 'GET',
      url: uri,
      headers: [['accept', '*/*']],
      first: true,
    });
    if (response.status !== 200) {
      response.cancel();
      throw new GitError('TRANSPORT', `The requested URL returned error: ${response.status}`);
    }
    fs.makeDirectory(folder, { recursive: true });
    const path = `${folder}/tmp-${pid}-${this.#serial++}`;
    this.#temporary.push(path);
    const file = fs.openWrite(path, { mode: 0o600 });
    try {
      for await (const chunk of response.body) file.write(chunk);
    } finally {
      file.close();
    }
    return path;
  }

  /** Takes a bundle in, if what it builds on is here. */
  async #unbundle(file: string): Promise<boolean> {
    const repository = this.#repository;
    const { say } = this.#options;
    try {
      const bundle = await openBundle(repository.platform.fs, file);
      try {
        if (bundle.header.algorithm !== repository.objectFormat) return false;
        if ((await bundleFault(repository, bundle.header)) !== undefined) return false;
        await unbundle(repository, bundle, {
          check: true,
          complain: say,
          progress: this.#options.receiving,
          signal: this.#context.signal,
        });
        for (const { name, oid } of bundle.header.references) await this.#write(name, oid);
      } finally {
        bundle.close();
      }
      return true;
    } catch (error) {
      if (!(error instanceof GitError) || error.code === 'ABORTED') throw error;
      const preface = error.data['preface'];
      say(`${typeof preface === 'string' ? preface : ''}error: ${error.message}\n`);
      return false;
    }
  }

  async #write(name: string, oid: Oid): Promise<void> {
    if (!name.startsWith('refs/')) return;
    const target = `refs/bundles/${name.slice(5)}`;
    const result = await this.#repository.refs.update([{ name: target, to: oid, reason: 'fetched bundle' }]);
    if (!result.ok) this.#options.say(`error: ${result.message}\n`);
  }
}

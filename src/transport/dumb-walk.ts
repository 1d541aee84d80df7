import { breath } from '../base/breath.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText, emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { oidFromBytes, oidToBytes } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { parseLoose } from '../objects/loose.js';
import { isGitlinkMode } from '../objects/mode.js';
import type { RawObject } from '../objects/source.js';
import { parseTag } from '../objects/tag.js';
import { parseTree } from '../objects/tree.js';
import { PackIndex } from '../packs/pack-index.js';
import type { Repository } from '../repo/repository.js';
import { allowSettings, isProtocolAllowed } from './allowed.js';
import type { TransportContext } from './connection.js';
import { isComplete } from './fetch-objects.js';
import { readBody } from './http-body.js';
import { HttpSession, leadsOn } from './http-session.js';
import { storeIncoming } from './incoming.js';
import { UrlConfig } from './url-config.js';

/** Objects asked for at once. */
const AT_ONCE = 8;
/** Longest list of packs or alternates, and largest index or object, that is read. */
const LONGEST_LIST = 16 << 20;
const LARGEST_FILE = 1 << 30;
/** Places that are looked through: each may name others. */
const MOST_PLACES = 100;

/** A place where objects lie as files: loose ones, packs, and the places it borrows from. */
interface Place {
  /** Ends with `/objects`. */
  readonly url: string;
  readonly session: HttpSession;
  indexes?: Promise<readonly RemotePack[]>;
}

interface RemotePack {
  /** `pack-<checksum>`. */
  readonly name: string;
  readonly index: PackIndex;
  taken?: Promise<void>;
}

/** Fetches objects one by one, or pack by pack, from a web server that knows nothing of git. */
export class DumbWalk {
  readonly #repository: Repository;
  readonly #context: TransportContext;
  readonly #places: Place[];
  readonly #borrowed = new Map<Place, Promise<void>>();
  /** Came in during this walk: what they name may be missing. */
  readonly #fresh = new Set<Oid>();

  constructor(repository: Repository, context: TransportContext, session: HttpSession, root: string) {
    this.#repository = repository;
    this.#context = context;
    this.#places = [{ url: `${root}/objects`, session }];
  }

  /** Gets `wants` and all behind them that is not here. */
  async fetch(wants: readonly Oid[]): Promise<void> {
    const { objects } = this.#repository;
    const seen = new Set<Oid>(wants);
    const queue = [...seen];
    while (queue.length > 0) {
      await breath(this.#context.signal);
      const batch = queue.splice(-AT_ONCE);
      const missing: Oid[] = [];
      for (const oid of batch) if (!(await objects.has(oid))) missing.push(oid);
      // Whatever fails, none goes on behind our back.
      const ends = await Promise.allSettled(missing.map((oid) => this.#get(oid)));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      for (const oid of batch) {
        const object = await objects.read(oid);
        if (object === undefined) throw this.#notFound(oid);
        // What was here, with all that is behind it, need not be walked.
        const known = (object.kind === 'commit' || object.kind === 'tag') && !this.#fresh.has(oid);
        if (known && (await isComplete(this.#repository, [oid]))) continue;
        for (const next of this.#links(object.kind, object.data)) {
          if (seen.has(next)) continue;
          seen.add(next);
          queue.push(next);
        }
      }
    }
  }

  #links(kind: ObjectKind, data: Bytes): Oid[] {
    switch (kind) {
      case 'commit': {
        const { tree, parents } = parseCommitLinks(data);
        return [tree, ...parents];
      }
      case 'tree':
        return parseTree(data, this.#repository.oidLength)
          .filter(({ mode }) => !isGitlinkMode(mode))
          .map(({ oid }) => oid);
      case 'tag':
        return [parseTag(data).target];
      case 'blob':
        return [];
    }
  }

  #notFound(oid: Oid): GitError {
    const [first] = this.#places;
    return new GitError('TRANSPORT', 'fetch failed.', {
      data: {
        oid,
        severity: 'error',
        preface: `error: Unable to find ${oid} under ${first!.url.slice(0, -8)}\nCannot obtain needed object ${oid}\n`,
      },
    });
  }

  async #get(oid: Oid): Promise<void> {
    for (let i = 0; i < this.#places.length; i++) {
      const place = this.#places[i]!;
      if ((await this.#getLoose(place, oid)) || (await this.#getPacked(place, oid))) {
        this.#fresh.add(oid);
        return;
      }
      if (i === this.#places.length - 1) await this.#borrow(place);
    }
    throw this.#notFound(oid);
  }

  /** What is at a URL; `undefined` where there is nothing. */
  async #read(place: Place, path: string, limit: number): Promise<Bytes | undefined> {
    const body = await this.#open(place, path);
    if (body === undefined) return undefined;
    const { bytes, whole } = await readBody(body, limit);
    if (!whole) throw new GitError('LIMIT', `${place.url}/${path} is too large`);
    return bytes;
  }

  async #open(place: Place, path: string): Promise<AsyncIterable<Bytes> | undefined> {
    const url = `${place.url}/${path}`;
    const { response } = await place.session.ask({ method: 'GET', url, headers: [['accept', '*/*']] });
    if (response.status === 200) return response.body;
    response.cancel();
    if (response.status === 404 || response.status === 410) return undefined;
    throw new GitError('TRANSPORT', `unable to access '${url}': The requested URL returned error: ${response.status}`);
  }

  async #getLoose(place: Place, oid: Oid): Promise<boolean> {
    const file = await this.#read(place, `${oid.slice(0, 2)}/${oid.slice(2)}`, LARGEST_FILE);
    if (file === undefined) return false;
    const { platform, objectFormat, objects } = this.#repository;
    const corrupt = (cause?: unknown): GitError =>
      new GitError('OBJECT_CORRUPT', `File ${oid} (${place.url}) corrupt`, { data: { oid }, cause });
    let object: RawObject;
    try {
      object = parseLoose(platform, oid, place.url, file);
    } catch (error) {
      throw corrupt(error);
    }
    if (platform.hashObject(objectFormat, object.kind, object.data) !== oid) throw corrupt();
    await objects.write(object.kind, object.data);
    return true;
  }

  async #getPacked(place: Place, oid: Oid): Promise<boolean> {
    place.indexes ??= this.#readIndexes(place);
    const raw = oidToBytes(oid);
    for (const pack of await place.indexes) {
      if (pack.index.find(raw) < 0) continue;
      pack.taken ??= this.#takePack(place, pack);
      await pack.taken;
      if (await this.#repository.objects.has(oid)) return true;
    }
    return false;
  }

  /** The indexes of the packs that are not here. */
  async #readIndexes(place: Place): Promise<readonly RemotePack[]> {
    const { platform, objectsDirectory, oidLength, objectFormat } = this.#repository;
    const list = decodeText((await this.#read(place, 'info/packs', LONGEST_LIST)) ?? emptyBytes);
    const packs: RemotePack[] = [];
    for (const line of list.split('\n')) {
      const name = /^P (pack-[0-9a-f]{40,64})\.pack$/.exec(line)?.[1];
      if (name === undefined || platform.fs.stat(`${objectsDirectory}/pack/${name}.idx`) !== undefined) continue;
      const bytes = await this.#read(place, `pack/${name}.idx`, LARGEST_FILE);
      if (bytes === undefined) continue;
      const sum = bytes.length > oidLength ? oidFromBytes(bytes, bytes.length - oidLength, oidLength) : '';
      if (platform.hash(objectFormat, bytes.subarray(0, Math.max(0, bytes.length - oidLength))) !== sum) {
        this.#context.errors(`error: index file of ${name} is damaged\n`);
        continue;
      }
      packs.push({ name, index: PackIndex.of(platform.fs, `${name}.idx`, bytes, oidLength) });
    }
    return packs;
  }

  async #takePack(place: Place, pack: RemotePack): Promise<void> {
    const body = await this.#open(place, `pack/${pack.name}.pack`);
    if (body === undefined) return;
    for (let row = 0; row < pack.index.count; row++) this.#fresh.add(pack.index.oidAt(row));
    await storeIncoming(this.#repository, body, { unpackLimit: 0, signal: this.#context.signal });
  }

  /** Adds the places that a place borrows from. */
  #borrow(place: Place): Promise<void> {
    const known = this.#borrowed.get(place);
    if (known !== undefined) return known;
    const asked = this.#readAlternates(place);
    this.#borrowed.set(place, asked);
    return asked;
  }

  async #readAlternates(place: Place): Promise<void> {
    for (const file of ['info/http-alternates', 'info/alternates']) {
      const bytes = await this.#read(place, file, LONGEST_LIST);
      if (bytes === undefined) continue;
      for (const line of decodeText(bytes).split('\n')) {
        const words = line.trim();
        if (words === '' || words.startsWith('#')) continue;
        let url: string;
        try {
          // Relative to the folder of the objects.
          url = new URL(words, `${place.url}/`).href.replace(/\/+$/, '');
        } catch {
          continue;
        }
        this.#addPlace(url);
      }
      return;
    }
  }

  /** A server names another place: only as far as redirects may lead. */
  #addPlace(url: string): void {
    const context = this.#context;
    if (leadsOn(new UrlConfig(context.config, 'http', url)) !== 'always') {
      context.errors(`warning: alternate disabled by http.followRedirects: ${url}\n`);
      return;
    }
    const scheme = /^(https?):\/\//.exec(url)?.[1];
    if (scheme === undefined || !isProtocolAllowed(scheme, allowSettings(context, false))) {
      context.errors(`warning: alternate of a protocol that is not allowed: ${url}\n`);
      return;
    }
    if (this.#places.some((place) => place.url === url)) return;
    if (this.#places.length >= MOST_PLACES) throw new GitError('LIMIT', 'too many alternate object stores');
    context.errors(`warning: adding alternate object store: ${url.replace(/\/objects$/, '')}\n`);
    this.#places.push({ url, session: new HttpSession(context, url) });
  }
}

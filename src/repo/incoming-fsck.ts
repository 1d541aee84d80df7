import { isPromise } from '../base/awaitable.js';
import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import type { FsckId } from '../objects/fsck.js';
import { fsckObject, FsckRules } from '../objects/fsck.js';
import { checkAttributes, checkModules } from '../objects/fsck-blob.js';
import type { RawObject } from '../objects/source.js';
import type { LinkCheck } from '../packs/link-check.js';
import { parseConfigFile } from './config-file.js';
import { applyFsckSettings, readFsckSettings } from './fsck-config.js';
import type { Repository } from './repository.js';

/** Looks at the content of a `.gitmodules` blob. */
export function checkModulesBlob(data: Bytes, found: (id: FsckId, message: string) => void): void {
  const parsed = parseConfigFile(decodeText(data));
  const entries = [];
  for (const token of parsed.tokens) {
    if (token.type !== 'entry') continue;
    const match = /^submodule\.(.*)\.([^.]*)$/s.exec(token.key);
    if (match !== null) entries.push({ name: match[1]!, key: match[2]!, value: token.value });
  }
  checkModules(entries, found);
  if (parsed.faultLine !== undefined) found('gitmodulesParse', 'could not parse gitmodules blob');
}

export interface IncomingFsckOptions {
  readonly algorithm: HashAlgorithm;
  readonly rules: FsckRules;
  /** All that objects name must be there too (`--strict`). */
  readonly links?: LinkCheck | undefined;
  /** Look at contents; true unless said. Otherwise only `links` are followed. */
  readonly contents?: boolean | undefined;
  /** Findings, as lines without an end: `error: object …` and `warning: object …`. */
  readonly tell: (line: string) => void;
}

/**
 * Looks at objects as they come in, before anything trusts them: `index-pack --strict` and `--fsck-objects`,
 * `unpack-objects --strict`, and `transfer.fsckObjects` with its sisters. Give `object` each of them, then `finish`.
 */
export class IncomingFsck {
  readonly #options: IncomingFsckOptions;
  readonly #modules = new Set<Oid>();
  readonly #attributes = new Set<Oid>();
  readonly #done = new Set<Oid>();
  readonly #failures: string[] = [];

  constructor(options: IncomingFsckOptions) {
    this.#options = options;
  }

  /**
   * Looks at one object; blobs without their bytes are looked at in the end, if at all. Throws `OBJECT_CORRUPT` where it
   * is refused.
   */
  readonly object = (oid: Oid, kind: ObjectKind, data: Bytes | undefined): void => {
    const { algorithm, rules, links, contents } = this.#options;
    if (contents !== false && data !== undefined) {
      if (kind === 'blob') this.#blob(oid, data);
      else {
        for (const { id, severity, message } of fsckObject(kind, data, {
          algorithm,
          rules,
          oid,
          special: {
            gitmodules: (blob) => this.#modules.add(blob),
            gitattributes: (blob) => this.#attributes.add(blob),
          },
        })) {
          this.#say(oid, severity, id, message);
        }
      }
      this.#refuseFailures('fsck error in packed object');
    }
    links?.object(oid, kind, data, algorithm);
  };

  #say(oid: Oid, severity: 'error' | 'warning', id: FsckId, message: string): void {
    const line = `${severity}: object ${oid}: ${id}: ${message}`;
    if (severity === 'error') this.#failures.push(line);
    this.#options.tell(line);
  }

  #found(oid: Oid, id: FsckId, message: string): void {
    const { rules } = this.#options;
    if (rules.isSkipped(oid)) return;
    const severity = rules.severity(id);
    if (severity !== undefined) this.#say(oid, severity, id, message);
  }

  #blob(oid: Oid, data: Bytes): void {
    const modules = this.#modules.has(oid);
    const attributes = this.#attributes.has(oid);
    if ((!modules && !attributes) || this.#done.has(oid)) return;
    this.#done.add(oid);
    const found = (id: FsckId, message: string): void => this.#found(oid, id, message);
    if (modules) checkModulesBlob(data, found);
    if (attributes) checkAttributes(data, found);
  }

  /**
   * When all objects have been seen: follows the links and looks at the special blobs that went by before they were
   * named. `read`: what came, and what is here already. Answers the `.gitmodules` blobs that are nowhere, which a
   * caller in a partial clone may get later. Throws where something is refused.
   */
  async finish(read: (oid: Oid) => Awaitable<RawObject | undefined>): Promise<readonly Oid[]> {
    await this.#options.links?.finish();
    const missing: Oid[] = [];
    for (const [which, wanted] of [
      ['gitmodules', this.#modules],
      ['gitattributes', this.#attributes],
    ] as const) {
      for (const oid of wanted) {
        if (this.#done.has(oid)) continue;
        const object = await quietly(read, oid);
        if (object === undefined) {
          if (which === 'gitmodules') missing.push(oid);
        } else if (object.kind !== 'blob') this.#found(oid, `${which}Blob`, `non-blob found at .${which}`);
        else this.#blob(oid, object.data);
      }
    }
    this.#refuseFailures('fsck error in pack objects');
    return missing;
  }

  /** Whether blobs were named that have not gone by. */
  get isWaiting(): boolean {
    for (const wanted of [this.#modules, this.#attributes]) {
      for (const oid of wanted) if (!this.#done.has(oid)) return true;
    }
    return false;
  }

  /** Refuses what `finish` found missing. */
  refuseMissing(missing: readonly Oid[]): void {
    for (const oid of missing) this.#found(oid, 'gitmodulesMissing', 'unable to read .gitmodules blob');
    this.#refuseFailures('fsck error in pack objects');
  }

  #refuseFailures(message: string): void {
    if (this.#failures.length === 0) return;
    throw new GitError('OBJECT_CORRUPT', message, { data: { findings: this.#failures } });
  }
}

async function quietly(read: (oid: Oid) => Awaitable<RawObject | undefined>, oid: Oid): Promise<RawObject | undefined> {
  try {
    const object = read(oid);
    return isPromise(object) ? await object : object;
  } catch (error) {
    if (isGitError(error)) return undefined;
    throw error;
  }
}

/**
 * How a repository takes objects from elsewhere (`receive.fsckObjects`, `fetch.fsckObjects`, `transfer.fsckObjects`;
 * `<what>.fsck.*`). The settings are read at once; the skip list only when `rules` is called. Throws `CONFIG`.
 */
export function incomingRules(
  repository: Repository,
  what: 'receive' | 'fetch',
  warn: (message: string) => void,
): { readonly wanted: boolean; readonly rules: () => FsckRules } {
  const { config } = repository;
  const settings = readFsckSettings(repository, `${what}.fsck`, warn);
  return {
    wanted: config.getBool(`${what}.fsckobjects`) ?? config.getBool('transfer.fsckobjects', false),
    rules: () => {
      const rules = new FsckRules();
      rules.strict = true;
      applyFsckSettings(repository, rules, settings);
      return rules;
    },
  };
}

/** Applies a list `<msg-id>=<severity>,…`, as `--strict=` takes it; `skiplist=<file>` among them. Throws `CONFIG`. */
export function applyFsckList(rules: FsckRules, list: string, skip: (path: string) => void): void {
  for (const word of list.split(/[ ,|]/)) {
    if (word === '') continue;
    const equal = word.search(/[=:]/);
    if (equal < 0) {
      if (word.toLowerCase() === 'skiplist') throw new GitError('CONFIG', 'skiplist requires a path');
      throw new GitError('CONFIG', `Missing '=': '${word}'`);
    }
    const name = word.slice(0, equal).toLowerCase();
    const value = word.slice(equal + 1);
    if (name === 'skiplist') {
      if (value === '') throw new GitError('CONFIG', 'skiplist requires a path');
      skip(value);
    } else rules.set(name, value);
  }
}

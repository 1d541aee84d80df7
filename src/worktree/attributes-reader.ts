import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isRegularMode, isTreeMode } from '../objects/mode.js';
import { findInTree } from '../objects/tree.js';
import type { AttributeList, AttributeMacros, Attributes } from '../repo/attributes.js';
import {
  attributesOf,
  builtinAttributes,
  collectMacros,
  MAX_ATTRIBUTES_FILE,
  parseAttributes,
} from '../repo/attributes.js';
import { xdgConfigFile } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import type { Index } from './index-file.js';
import { readRulesFile } from './rules-file.js';

/**
 * Where `.gitattributes` files are read: `checkin` from the work tree, then the index; `checkout` the other way
 * round; `index` only there; or from a tree.
 */
export type AttributeDirection = 'checkin' | 'checkout' | 'index' | { readonly tree: Oid };

export interface AttributeReaderOptions {
  readonly direction?: AttributeDirection;
  readonly index?: (() => Index) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/** Looks attributes up, reading each `.gitattributes` file once. Never reads one through a symbolic link. */
export class AttributeReader {
  readonly #repository: Repository;
  #direction: AttributeDirection;
  readonly #index: (() => Index) | undefined;
  readonly #warn: ((message: string) => void) | undefined;
  readonly #ignoreCase: boolean;
  readonly #stacks = new Map<
    string,
    { lists: readonly AttributeList[]; macros: AttributeMacros; info: AttributeList[] }
  >();
  readonly #names = new Set<string>();
  #lastDirectory: string | undefined;
  /** `lists` are empty where no rule is about any path. */
  #lastStack: { lists: readonly AttributeList[]; macros: AttributeMacros } | undefined;

  constructor(repository: Repository, options: AttributeReaderOptions = {}) {
    this.#repository = repository;
    this.#direction = options.direction ?? 'checkin';
    this.#index = options.index;
    this.#warn = options.warn;
    this.#ignoreCase = repository.config.getBool('core.ignorecase', false);
  }

  /** The attributes of a path from the top of the work tree (a directory's ends in `/`). */
  of(path: string): Attributes {
    const plain = path.endsWith('/') ? path.slice(0, -1) : path;
    const directory = plain.slice(0, Math.max(0, plain.lastIndexOf('/')));
    if (this.#lastDirectory !== directory || this.#lastStack === undefined) {
      const stack = this.#stack(directory);
      this.#lastDirectory = directory;
      const lists = [...stack.lists, ...stack.info];
      const says = lists.some(({ rules }) => rules.some(({ macro }) => macro === undefined));
      this.#lastStack = { lists: says ? lists : [], macros: stack.macros };
    }
    if (this.#lastStack.lists.length === 0) return none;
    return attributesOf(this.#lastStack.lists, this.#lastStack.macros, path);
  }

  /** The names that `path`'s attributes have, in the order in which files read so far first mention them. */
  namesInOrder(path: string): string[] {
    const attributes = this.of(path);
    return [...this.#names].filter((name) => attributes.get(name) !== undefined);
  }

  #mention(lists: readonly AttributeList[]): void {
    for (const { rules } of lists) {
      for (const rule of rules) {
        if (rule.macro !== undefined) this.#names.add(rule.macro);
        for (const { name } of rule.assignments) this.#names.add(name);
      }
    }
  }

  /** Reads elsewhere from now on. Answers where it read before. */
  turn(direction: AttributeDirection): AttributeDirection {
    const before = this.#direction;
    this.#direction = direction;
    this.reset();
    return before;
  }

  /** Forgets what was read: files may have changed. */
  reset(): void {
    this.#stacks.clear();
    this.#lastDirectory = undefined;
    this.#lastStack = undefined;
  }

  #stack(directory: string): { lists: readonly AttributeList[]; macros: AttributeMacros; info: AttributeList[] } {
    const known = this.#stacks.get(directory);
    if (known !== undefined) return known;
    let stack: { lists: readonly AttributeList[]; macros: AttributeMacros; info: AttributeList[] };
    if (directory === '') {
      const { outer, info } = this.#outside();
      const top = this.#inTree('');
      const lists = top === undefined ? outer : [...outer, top];
      this.#mention([...lists, ...info]);
      stack = { lists, macros: collectMacros([...lists, ...info]), info };
    } else {
      const parent = this.#stack(directory.slice(0, Math.max(0, directory.lastIndexOf('/'))));
      const own = this.#inTree(`${directory}/`);
      if (own !== undefined) this.#mention([own]);
      stack = own === undefined ? parent : { ...parent, lists: [...parent.lists, own] };
    }
    this.#stacks.set(directory, stack);
    return stack;
  }

  /** Built in, system, user's; and `info/attributes`, which comes on top of everything. */
  #outside(): { outer: AttributeList[]; info: AttributeList[] } {
    const { config, env } = this.#repository;
    const outer: AttributeList[] = [builtinAttributes];
    const noSystem = env['GIT_ATTR_NOSYSTEM'];
    if (noSystem === undefined || noSystem === '' || /^(0|false|no|off)$/i.test(noSystem)) {
      const system = this.#file(env['GIT_ATTR_SYSTEM'] ?? '/etc/gitattributes', '', true, true);
      if (system !== undefined) outer.push(system);
    }
    const user = config.getPath('core.attributesfile') ?? xdgConfigFile(env, 'attributes');
    if (user !== undefined) {
      const global = this.#file(this.#repository.fromTop(user), '', true, true, user);
      if (global !== undefined) outer.push(global);
    }
    const path = this.#repository.path('info/attributes');
    const info = this.#file(path, '', true, true, this.#repository.shownPath(path));
    return { outer, info: info === undefined ? [] : [info] };
  }

  #inTree(base: string): AttributeList | undefined {
    const name = `${base}.gitattributes`;
    const { workTree } = this.#repository;
    const disk = (): AttributeList | undefined =>
      workTree === undefined ? undefined : this.#file(`${workTree}/${name}`, base, base === '', false, name);
    const direction = this.#direction;
    if (typeof direction === 'object') return this.#fromTree(direction.tree, name, base);
    if (direction === 'index') return this.#fromIndex(name, base);
    if (direction === 'checkout') return this.#fromIndex(name, base) ?? disk();
    return disk() ?? this.#fromIndex(name, base);
  }

  #parse(data: Bytes, base: string, macros: boolean, name: string): AttributeList {
    return parseAttributes(data, {
      base,
      macros,
      ignoreCase: this.#ignoreCase,
      file: name,
      warn: this.#warn,
      reject: (line) => this.#repository.complain(line),
    });
  }

  #file(path: string, base: string, macros: boolean, follow: boolean, name = path): AttributeList | undefined {
    const message = `ignoring overly large gitattributes file '${name}'`;
    const tooLarge = { bytes: MAX_ATTRIBUTES_FILE, message };
    const data = readRulesFile(this.#repository.platform.fs, { path, name, follow, warn: this.#warn, tooLarge });
    return data === undefined ? undefined : this.#parse(data, base, macros, name);
  }

  #fromIndex(name: string, base: string): AttributeList | undefined {
    const index = this.#index?.();
    if (index === undefined) return undefined;
    const entry = index.get(name) ?? index.get(name, 2);
    if (entry === undefined || !isRegularMode(entry.mode)) return undefined;
    return this.#blob(entry.oid, base, name);
  }

  #blob(oid: Oid, base: string, name: string): AttributeList | undefined {
    const object = now(this.#repository.objects.readNow(oid));
    if (object === undefined || object.kind !== 'blob') return undefined;
    if (object.data.length >= MAX_ATTRIBUTES_FILE) {
      this.#warn?.(`ignoring overly large gitattributes blob '${name}'`);
      return undefined;
    }
    return this.#parse(object.data, base, base === '', name);
  }

  #fromTree(tree: Oid, name: string, base: string): AttributeList | undefined {
    let current = tree;
    const parts = name.split('/');
    for (const [i, part] of parts.entries()) {
      const object = now(this.#repository.objects.readNow(current));
      if (object?.kind !== 'tree') return undefined;
      const row = findInTree(object.data, this.#repository.oidLength, part);
      if (row === undefined) return undefined;
      if (i === parts.length - 1) return isRegularMode(row.mode) ? this.#blob(row.oid, base, name) : undefined;
      if (!isTreeMode(row.mode)) return undefined;
      current = row.oid;
    }
    return undefined;
  }
}

const none: Attributes = new Map();

/** Attributes are asked for in synchronous code; a store that answers later cannot be used for them. */
function now<T>(value: T | Promise<T>): T {
  if (isPromise(value))
    throw new GitError('UNSUPPORTED', 'attributes cannot be read from an object store that answers later');
  return value;
}

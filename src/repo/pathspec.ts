import { GitError } from '../base/errors.js';
import type { Matcher } from '../base/wildmatch.js';
import { compileWildmatch, hasWildcards, literalLength } from '../base/wildmatch.js';
import type { Attributes } from './attributes.js';
import { isAttributeName } from './attributes.js';

/** What a pathspec says about attributes: `:(attr:text -binary eol=lf !x)`. */
export interface AttributeDemand {
  readonly name: string;
  /** `undefined`: unspecified is wanted. */
  readonly value: true | false | string | undefined;
}

export interface PathspecItem {
  /** As given. */
  readonly original: string;
  /** From the top of the work tree, magic taken off; '' is everything. May end in `/`. */
  readonly match: string;
  readonly exclude: boolean;
  readonly ignoreCase: boolean;
  readonly literal: boolean;
  readonly glob: boolean;
  /** Says `:(top)` or `:/`. */
  readonly top: boolean;
  readonly attributes: readonly AttributeDemand[];
  readonly wildcards: boolean;
  /** Length of `match` before its first wildcard. */
  readonly literalLength: number;
  /** How much of `match` comes from the current directory: that part is plain text in exact case. */
  readonly prefixLength: number;
  readonly matches: Matcher;
}

export interface PathspecSettings {
  readonly literal?: boolean;
  readonly glob?: boolean;
  readonly noglob?: boolean;
  readonly icase?: boolean;
}

export interface PathspecOptions {
  /** Where paths are relative to: '' or `a/b/`. */
  readonly prefix?: string;
  readonly settings?: PathspecSettings;
  /** The work tree's absolute root, for absolute paths and for messages. */
  readonly workTree?: string | undefined;
  /** What is named instead where there is no work tree. */
  readonly root?: string | undefined;
  /** Magic that the command does not understand: these words are refused. */
  readonly refuse?: readonly Magic[];
  /** With no words at all: the current directory (`cwd`) or everything (the default). */
  readonly whenEmpty?: 'all' | 'cwd';
  /** `core.ignoreCase` does not matter here; `:(icase)` does. */
  readonly attributesOf?: ((path: string) => Attributes) | undefined;
}

export type Magic = 'top' | 'literal' | 'glob' | 'icase' | 'exclude' | 'attr';

/** How well an item matched; better ones count when several do. */
const MATCH_NONE = 0;
const MATCH_BELOW = 1;
const MATCH_PATTERN = 2;
export const MATCH_EXACT = 3;

/** A list of pathspecs. Made by `parsePathspec`. Keeps track of which items matched something (`seen`). */
export class Pathspec {
  readonly items: readonly PathspecItem[];
  readonly seen: Uint8Array;
  readonly #attributesOf: ((path: string) => Attributes) | undefined;
  readonly #hasExclude: boolean;
  /** Exclusions count as seen as soon as there was something to take away from. */
  #excludesAsked = false;

  constructor(items: readonly PathspecItem[], attributesOf?: (path: string) => Attributes) {
    this.items = items;
    this.seen = new Uint8Array(items.length);
    this.#attributesOf = attributesOf;
    this.#hasExclude = items.some((item) => item.exclude);
  }

  /** Nothing was asked for: everything matches. */
  get isEmpty(): boolean {
    return this.items.length === 0;
  }

  /** Some item is a pattern. */
  get hasWildcards(): boolean {
    return this.items.some((item) => item.wildcards);
  }

  /** A copy that looks attributes up here. */
  withAttributes(attributesOf: (path: string) => Attributes): Pathspec {
    return new Pathspec(this.items, attributesOf);
  }

  /** True when `path` is asked for. `isDirectory`: then an item `path/` means it too. */
  matches(path: string, isDirectory = false): boolean {
    return this.degree(path, isDirectory) !== MATCH_NONE;
  }

  /** The best match's degree, `MATCH_NONE` when there is none or an exclude item takes the path out. */
  degree(path: string, isDirectory = false): number {
    if (this.items.length === 0) return MATCH_BELOW;
    let best = MATCH_NONE;
    for (let i = 0; i < this.items.length; i++) {
      const item = this.items[i]!;
      if (item.exclude) continue;
      const degree = this.#itemDegree(item, path, isDirectory);
      if (degree > this.seen[i]!) this.seen[i] = degree;
      if (degree > best) best = degree;
    }
    if (best === MATCH_NONE || !this.#hasExclude) return best;
    if (!this.#excludesAsked) {
      this.#excludesAsked = true;
      this.items.forEach((item, i) => {
        if (item.exclude) this.seen[i] = Math.max(this.seen[i]!, MATCH_PATTERN);
      });
    }
    for (let i = 0; i < this.items.length; i++) {
      const item = this.items[i]!;
      if (!item.exclude) continue;
      const degree = this.#itemDegree(item, path, isDirectory);
      if (degree === MATCH_NONE) continue;
      if (degree > this.seen[i]!) this.seen[i] = degree;
      return MATCH_NONE;
    }
    return best;
  }

  #itemDegree(item: PathspecItem, path: string, isDirectory: boolean): number {
    const degree = pathDegree(item, path, isDirectory);
    return degree !== MATCH_NONE && this.#demandsHold(item, path) ? degree : MATCH_NONE;
  }

  #demandsHold(item: PathspecItem, path: string): boolean {
    if (item.attributes.length === 0) return true;
    const attributes = this.#attributesOf?.(path) ?? new Map();
    return item.attributes.every(({ name, value }) =>
      attributes.has(name) ? attributes.get(name) === value : value === undefined,
    );
  }

  /**
   * True when some item may be about something below `directory` (without `/`), and none is about the directory itself:
   * then it is not named as a whole.
   */
  leadsBelow(directory: string): boolean {
    const path = `${directory}/`;
    let leads = false;
    for (const item of this.items) {
      if (item.exclude) continue;
      const degree = this.#itemDegree(item, path, true);
      if (degree === MATCH_EXACT || degree === MATCH_PATTERN) return false;
      if (degree === MATCH_NONE && itemMayMatchBelow(item, directory)) leads ||= this.#demandsHold(item, path);
    }
    return leads && !this.#isExcluded(path);
  }

  #isExcluded(path: string): boolean {
    return (
      this.#hasExclude && this.items.some((item) => item.exclude && this.#itemDegree(item, path, true) !== MATCH_NONE)
    );
  }

  /** False when nothing below `directory` (without `/`) can match: then it need not be looked into. */
  mayMatchBelow(directory: string): boolean {
    if (this.items.length === 0) return true;
    let may = false;
    for (const item of this.items) {
      if (item.exclude) continue;
      if (itemMayMatchBelow(item, directory)) {
        may = true;
        break;
      }
    }
    if (!may) return false;
    if (!this.#hasExclude) return true;
    for (const item of this.items) {
      if (item.exclude && item.attributes.length === 0 && coversDirectory(item, directory)) return false;
    }
    return true;
  }

  /** True when everything below `directory` matches. */
  matchesAllBelow(directory: string): boolean {
    if (this.items.length === 0) return true;
    if (this.#hasExclude) return false;
    return this.items.some((item) => item.attributes.length === 0 && coversDirectory(item, directory));
  }

  /** Items that matched nothing so far (exclude items aside, where they are not asked for). */
  unmatched(options: { readonly exclusions?: boolean } = {}): PathspecItem[] {
    const exclusions = options.exclusions === true;
    return this.items.filter((item, i) => (exclusions || !item.exclude) && this.seen[i] === MATCH_NONE);
  }

  /** The deepest directory that all items are in: where a walk may begin ('' or `a/b`). */
  commonDirectory(): string {
    let common: string | undefined;
    for (const item of this.items) {
      if (item.exclude) continue;
      if (item.ignoreCase) return '';
      const literal = item.match.slice(0, item.literalLength);
      const directory = literal.slice(0, Math.max(0, literal.lastIndexOf('/')));
      if (common === undefined) common = directory;
      else {
        while (common !== '' && directory !== common && !directory.startsWith(`${common}/`)) {
          common = common.slice(0, Math.max(0, common.lastIndexOf('/')));
        }
      }
    }
    return common ?? '';
  }
}

const foldAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const fold = (item: PathspecItem, text: string): string => (item.ignoreCase ? foldAscii(text) : text);

function pathDegree(item: PathspecItem, path: string, isDirectory: boolean): number {
  const { match } = item;
  if (match === '') return MATCH_BELOW;
  if (item.ignoreCase && !path.startsWith(match.slice(0, item.prefixLength))) return MATCH_NONE;
  const wanted = fold(item, match);
  const name = fold(item, path);
  if (name.startsWith(wanted)) {
    if (name.length === wanted.length) return MATCH_EXACT;
    if (wanted.endsWith('/') || name.charCodeAt(wanted.length) === 0x2f) return MATCH_BELOW;
  } else if (isDirectory && wanted.length === name.length + 1 && wanted.endsWith('/') && wanted.startsWith(name)) {
    return MATCH_EXACT;
  }
  if (item.wildcards && item.matches(path)) return MATCH_PATTERN;
  return MATCH_NONE;
}

/** Whether one word, taken for itself, means a path. */
export const itemMatches = (item: PathspecItem, path: string): boolean => pathDegree(item, path, false) !== MATCH_NONE;

function itemMayMatchBelow(item: PathspecItem, directory: string): boolean {
  const { match } = item;
  if (match === '' || directory === '') return true;
  const wanted = fold(item, match);
  const inside = `${fold(item, directory)}/`;
  if (inside.startsWith(wanted) && (wanted.endsWith('/') || inside.charCodeAt(wanted.length) === 0x2f)) return true;
  const literal = item.wildcards ? wanted.slice(0, item.literalLength) : wanted;
  if (!item.wildcards) return literal.startsWith(inside);
  return literal.length >= inside.length ? literal.startsWith(inside) : inside.startsWith(literal);
}

function coversDirectory(item: PathspecItem, directory: string): boolean {
  const { match } = item;
  if (match === '') return true;
  if (item.ignoreCase && !`${directory}/`.startsWith(match.slice(0, item.prefixLength))) return false;
  const wanted = fold(item, match);
  const name = fold(item, directory);
  if (name === wanted || `${name}/` === wanted) return true;
  if (name.startsWith(wanted.endsWith('/') ? wanted : `${wanted}/`)) return true;
  return false;
}

const shortMagic: Readonly<Record<string, Magic>> = { '/': 'top', '!': 'exclude', '^': 'exclude' };
/** Characters that may stand for magic one day; they cannot begin a plain path after `:`. */
const reserved = /[!"#%&',\-/:;<=>@_`~^]/;
const longNames: readonly Magic[] = ['top', 'literal', 'glob', 'icase', 'exclude'];
const magicNames: readonly Magic[] = [...longNames, 'attr'];

/** Reads pathspecs as given on a command line. Throws `USAGE` in git's words. */
export function parsePathspec(words: readonly string[], options: PathspecOptions = {}): Pathspec {
  const settings = options.settings ?? {};
  const prefix = options.prefix ?? '';
  if (words.length === 0) {
    if (options.whenEmpty !== 'cwd' || prefix === '') return new Pathspec([], options.attributesOf);
    return new Pathspec([makeItem('', prefix, { literal: true })], options.attributesOf);
  }
  if (settings.glob === true && settings.noglob === true) {
    throw new GitError('USAGE', "global 'glob' and 'noglob' pathspec settings are incompatible");
  }
  if (settings.literal === true && (settings.glob === true || settings.noglob === true || settings.icase === true)) {
    throw new GitError(
      'USAGE',
      "global 'literal' pathspec setting is incompatible with all other global pathspec settings",
    );
  }
  const items: PathspecItem[] = [];
  let excludes = 0;
  if (words.includes('')) {
    throw new GitError(
      'USAGE',
      'empty string is not a valid pathspec. please use . instead if you meant to match all paths',
    );
  }
  for (const word of words) {
    const item = parseItem(word, prefix, options);
    if (item.exclude) excludes++;
    items.push(item);
  }
  // Nothing but exclusions: they are taken from what no words at all would mean.
  if (excludes === items.length) {
    items.push(makeItem('.', options.whenEmpty === 'cwd' ? prefix : '', { literal: true }));
  }
  return new Pathspec(items, options.attributesOf);
}

interface ItemFlags {
  exclude?: boolean;
  icase?: boolean;
  literal?: boolean;
  glob?: boolean;
  top?: boolean;
  attributes?: AttributeDemand[];
}

function makeItem(original: string, match: string, flags: ItemFlags, magicPrefix?: number): PathspecItem {
  const literal = flags.literal === true;
  const from = Math.min(magicPrefix ?? 0, match.length);
  const wildcards = !literal && hasWildcards(match.slice(from));
  const ignoreCase = flags.icase === true;
  return {
    original,
    match,
    exclude: flags.exclude === true,
    ignoreCase,
    literal,
    glob: flags.glob === true,
    top: flags.top === true,
    attributes: flags.attributes ?? [],
    wildcards,
    prefixLength: from,
    literalLength: wildcards ? from + literalLength(match.slice(from)) : match.length,
    matches: wildcards ? patternMatcher(match, from, flags.glob === true, ignoreCase) : () => false,
  };
}

/** The part that comes from the current directory is plain text, whatever characters it has. */
function patternMatcher(match: string, from: number, glob: boolean, ignoreCase: boolean): Matcher {
  const matcher = compileWildmatch(match.slice(from), { pathname: glob, ignoreCase });
  if (from === 0) return matcher;
  const head = match.slice(0, from);
  return (path) => path.startsWith(head) && matcher(path.slice(from));
}

function parseItem(word: string, prefix: string, options: PathspecOptions): PathspecItem {
  const settings = options.settings ?? {};
  const flags: ItemFlags = {};
  let rest = word;
  let prefixLength: number | undefined;
  const magic = new Set<Magic>();
  if (settings.literal !== true && word.startsWith(':')) {
    if (word[1] === '(') {
      const read = longMagic(word, flags, magic);
      rest = read.rest;
      prefixLength = read.prefixLength;
    } else rest = shortForm(word, magic);
  }
  if (magic.has('literal') && magic.has('glob')) {
    throw new GitError('USAGE', `${word}: 'literal' and 'glob' are incompatible`);
  }
  if (settings.icase === true) magic.add('icase');
  if (settings.glob === true && !magic.has('literal')) magic.add('glob');
  if (settings.literal === true || (settings.noglob === true && !magic.has('glob'))) magic.add('literal');
  flags.exclude = magic.has('exclude');
  flags.top = magic.has('top');
  flags.icase = magic.has('icase');
  flags.glob = magic.has('glob');
  flags.literal = magic.has('literal');
  let match: string;
  let plain: number;
  if (prefixLength !== undefined) {
    match = rest;
    plain = prefixLength;
  } else if (flags.top) {
    // Taken as it is: no dots are resolved in it.
    match = rest;
    plain = 0;
  } else {
    const normal = normalize(prefix, rest, options.workTree);
    if (normal === undefined) {
      throw new GitError(
        'USAGE',
        `${word}: '${rest}' is outside repository at '${options.workTree ?? options.root ?? ''}'`,
      );
    }
    match = normal.path;
    plain = normal.prefixLength;
  }
  const refused = magicNames.filter((name) => magic.has(name) && options.refuse?.includes(name) === true);
  if (refused.length > 0) {
    const shown = refused.map((name) =>
      name === 'top' || name === 'exclude' ? `'${name}' (mnemonic: '${name === 'top' ? '/' : '!'}')` : `'${name}'`,
    );
    throw new GitError('USAGE', `${word}: pathspec magic not supported by this command: ${shown.join(', ')}`);
  }
  return makeItem(word, match, flags, plain);
}

function shortForm(word: string, magic: Set<Magic>): string {
  let at = 1;
  for (; at < word.length && word[at] !== ':'; at++) {
    const char = word[at]!;
    if (!reserved.test(char)) return word.slice(at);
    const known = shortMagic[char];
    if (known === undefined) {
      throw new GitError('USAGE', `Unimplemented pathspec magic '${char}' in '${word}'`);
    }
    magic.add(known);
  }
  return word.slice(word[at] === ':' ? at + 1 : at);
}

function longMagic(
  word: string,
  flags: ItemFlags,
  magic: Set<Magic>,
): { rest: string; prefixLength: number | undefined } {
  let prefixLength: number | undefined;
  let at = 2;
  while (at < word.length && word[at] !== ')') {
    let end = at;
    while (end < word.length && word[end] !== ',' && word[end] !== ')') end += word[end] === '\\' ? 2 : 1;
    const element = word.slice(at, end);
    at = word[end] === ',' ? end + 1 : end;
    if (element === '') continue;
    const known = longNames.find((name) => name === element);
    if (known !== undefined) magic.add(known);
    else if (element.startsWith('prefix:')) {
      const text = element.slice(7);
      if (!/^\d+$/.test(text)) throw new GitError('USAGE', `invalid parameter for pathspec magic 'prefix'`);
      prefixLength = Number(text);
    } else if (element === 'attr' || element.startsWith('attr:')) {
      if (flags.attributes !== undefined) {
        throw new GitError('USAGE', "Only one 'attr:' specification is allowed.");
      }
      flags.attributes = attributeDemands(element.slice(5));
      magic.add('attr');
    } else throw new GitError('USAGE', `Invalid pathspec magic '${element}' in '${word}'`);
  }
  if (word[at] !== ')') throw new GitError('USAGE', `Missing ')' at the end of pathspec magic in '${word}'`);
  return { rest: word.slice(at + 1), prefixLength };
}

function attributeDemands(text: string): AttributeDemand[] {
  if (text === '') throw new GitError('USAGE', 'attr spec must not be empty');
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      let name = word;
      let value: AttributeDemand['value'] = true;
      if (word.startsWith('!') || word.startsWith('-')) {
        name = word.slice(1);
        value = word.startsWith('-') ? false : undefined;
      } else if (word.includes('=')) {
        name = word.slice(0, word.indexOf('='));
        value = unescapeValue(word.slice(name.length + 1));
      }
      if (!isAttributeName(name)) throw new GitError('USAGE', `invalid attribute name ${name}`);
      return { name, value };
    });
}

function unescapeValue(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    let char = text[i]!;
    if (char === '\\') {
      if (i + 1 >= text.length) {
        throw new GitError('USAGE', "Escape character '\\' not allowed as last character in attr value");
      }
      char = text[++i]!;
    }
    if (!/[-A-Za-z0-9_]/.test(char) && char !== ',') {
      throw new GitError('USAGE', `cannot use '${char}' for value matching`);
    }
    out += char;
  }
  return out;
}

/**
 * A path relative to `prefix` (or absolute, inside `workTree`) from the top: `.`, `..` and doubled slashes resolved, a
 * trailing slash kept. `undefined` when it leads outside. `prefixLength`: how much of `prefix` is still in front.
 */
export function normalize(
  prefix: string,
  text: string,
  workTree?: string | undefined,
): { path: string; prefixLength: number } | undefined {
  if (text.startsWith('/')) {
    const clean = collapse(text.slice(1));
    if (clean === undefined || workTree === undefined) return undefined;
    const root = workTree === '/' ? '' : workTree;
    const absolute = `/${clean}`;
    if (absolute === root || absolute === `${root}/`) return { path: '', prefixLength: 0 };
    if (!absolute.startsWith(`${root}/`)) return undefined;
    return { path: absolute.slice(root.length + 1), prefixLength: 0 };
  }
  const clean = collapse(prefix + text);
  if (clean === undefined) return undefined;
  let prefixLength = prefix.length;
  while (prefixLength > 0 && !clean.startsWith(prefix.slice(0, prefixLength))) {
    prefixLength = prefix.lastIndexOf('/', prefixLength - 2) + 1;
  }
  return { path: clean, prefixLength };
}

function collapse(text: string): string | undefined {
  const out: string[] = [];
  const parts = text.split('/');
  const trailing =
    parts[parts.length - 1] === '' || parts[parts.length - 1] === '.' || parts[parts.length - 1] === '..';
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (out.pop() === undefined) return undefined;
      continue;
    }
    out.push(part);
  }
  if (out.length === 0) return '';
  return out.join('/') + (trailing ? '/' : '');
}

import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { unquotePath } from '../base/quote.js';
import type { Matcher } from '../base/wildmatch.js';
import { compileWildmatch, hasWildcards } from '../base/wildmatch.js';

/** `true` set, `false` unset (`-name`), a text (`name=value`); absent: unspecified (`!name`, or never mentioned). */
export type AttributeValue = true | false | string | undefined;
/** The attributes of one path; names not in it are unspecified. */
export type Attributes = ReadonlyMap<string, AttributeValue>;

export interface AttributeAssignment {
  readonly name: string;
  readonly value: AttributeValue;
}

export interface AttributeRule {
  /** Set for `[attr]name` lines, which define a macro. */
  readonly macro: string | undefined;
  readonly nameOnly: boolean;
  readonly directoriesOnly: boolean;
  readonly matches: Matcher;
  readonly assignments: readonly AttributeAssignment[];
}

/** The rules of one file. */
export interface AttributeList {
  /** The directory they are relative to: '' or `a/b/`. */
  readonly base: string;
  readonly rules: readonly AttributeRule[];
}

export interface AttributeParseOptions {
  /** '' or `a/b/`. */
  readonly base?: string;
  /** Macros may be defined here: the top-level file, info/attributes, global and system files. */
  readonly macros?: boolean;
  readonly ignoreCase?: boolean;
  /** The file's name, for warnings. */
  readonly file?: string;
  /** Told of lines that are passed over; the message is what git prints after `warning: `. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Told whole lines about names that cannot be. */
  readonly reject?: ((line: string) => void) | undefined;
}

const MAX_LINE = 2048;
export const MAX_ATTRIBUTES_FILE = 100 * 1024 * 1024;
const validName = /^(?!-)[-A-Za-z0-9_.]+$/;

/** True for a name that may be an attribute's. */
export const isAttributeName = (name: string): boolean => validName.test(name);

/** Reads the text of a `.gitattributes` file. */
export function parseAttributes(data: Bytes, options: AttributeParseOptions = {}): AttributeList {
  let text = decodeText(data);
  if (text.startsWith('\ufeff')) text = text.slice(1);
  const rules: AttributeRule[] = [];
  const base = options.base ?? '';
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    if (line.length >= MAX_LINE) {
      options.warn?.(`ignoring overly long attributes line ${number}`);
      continue;
    }
    const rule = parseLine(line.endsWith('\r') ? line.slice(0, -1) : line, number, options);
    if (rule !== undefined) rules.push(rule);
  }
  return { base, rules };
}

const blank = /[ \t\r]/;

function parseLine(line: string, number: number, options: AttributeParseOptions): AttributeRule | undefined {
  let at = 0;
  while (at < line.length && blank.test(line[at]!)) at++;
  if (at === line.length || line[at] === '#') return undefined;
  const quoted = line[at] === '"' ? unquotePath(line, at) : undefined;
  let pattern: string;
  const start = at;
  if (quoted !== undefined) {
    pattern = quoted.value;
    at = quoted.end;
  } else {
    while (at < line.length && !blank.test(line[at]!)) at++;
    pattern = line.slice(start, at);
  }
  const where = `${options.file ?? '.gitattributes'}:${number}`;
  const badName = (name: string): undefined => {
    options.reject?.(`${name} is not a valid attribute name: ${where}`);
    return undefined;
  };
  let macro: string | undefined;
  if (pattern.startsWith('[attr]') && pattern.length > 6) {
    if (options.macros !== true) {
      options.reject?.(`${quoted === undefined ? line.slice(start) : pattern} not allowed: ${where}`);
      return undefined;
    }
    macro = pattern.slice(6);
    if (!isAttributeName(macro) || macro.startsWith('builtin_')) return badName(macro);
  }
  const assignments: AttributeAssignment[] = [];
  for (const word of line.slice(at).split(/[ \t\r]+/)) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    let name = equals < 0 ? word : word.slice(0, equals);
    let value: AttributeValue = equals < 0 ? true : word.slice(equals + 1);
    if (name.startsWith('-') || name.startsWith('!')) {
      value = name.startsWith('-') ? false : undefined;
      name = name.slice(1);
    }
    if (!isAttributeName(name) || (name.startsWith('builtin_') && name !== 'builtin_objectmode')) return badName(name);
    assignments.push({ name, value });
  }
  if (macro !== undefined) {
    return { macro, nameOnly: false, directoriesOnly: false, matches: () => false, assignments };
  }
  if (pattern.startsWith('!')) {
    options.warn?.("Negative patterns are ignored in git attributes\nUse '\\!' for literal leading exclamation.");
    return undefined;
  }
  const directoriesOnly = pattern.endsWith('/') && pattern.length > 1;
  if (directoriesOnly) pattern = pattern.slice(0, -1);
  const nameOnly = !pattern.includes('/');
  const anchored = pattern.startsWith('/') ? pattern.slice(1) : pattern;
  const ignoreCase = options.ignoreCase === true;
  return {
    macro: undefined,
    nameOnly,
    directoriesOnly,
    matches:
      hasWildcards(anchored) || ignoreCase
        ? compileWildmatch(anchored, { pathname: true, ignoreCase })
        : (name) => name === anchored,
    assignments,
  };
}

/** What git defines by itself: `binary`. */
export const builtinAttributes: AttributeList = {
  base: '',
  rules: [
    {
      macro: 'binary',
      nameOnly: false,
      directoriesOnly: false,
      matches: () => false,
      assignments: [
        { name: 'diff', value: false },
        { name: 'merge', value: false },
        { name: 'text', value: false },
      ],
    },
  ],
};

/** Macros by name; later files win over earlier ones. */
export type AttributeMacros = ReadonlyMap<string, readonly AttributeAssignment[]>;

/** Gathers the macros of lists in order of rising precedence. */
export function collectMacros(lists: readonly AttributeList[]): AttributeMacros {
  const macros = new Map<string, readonly AttributeAssignment[]>();
  for (const list of lists) {
    for (const rule of list.rules) if (rule.macro !== undefined) macros.set(rule.macro, rule.assignments);
  }
  return macros;
}

/**
 * The attributes of `path` (from the top of the work tree; a trailing `/` says that it is a directory). `lists`: in
 * order of rising precedence. The first to speak, from the end, wins; a macro that is set sets what it stands for.
 */
export function attributesOf(lists: readonly AttributeList[], macros: AttributeMacros, path: string): Attributes {
  const found = new Map<string, AttributeValue>();
  const isDirectory = path.endsWith('/');
  const plain = isDirectory ? path.slice(0, -1) : path;
  const name = plain.slice(plain.lastIndexOf('/') + 1);
  const assign = (assignments: readonly AttributeAssignment[]): void => {
    for (let i = assignments.length - 1; i >= 0; i--) {
      const assignment = assignments[i]!;
      if (found.has(assignment.name)) continue;
      found.set(assignment.name, assignment.value);
      if (assignment.value !== true) continue;
      const macro = macros.get(assignment.name);
      if (macro !== undefined) assign(macro);
    }
  };
  for (let i = lists.length - 1; i >= 0; i--) {
    const { base, rules } = lists[i]!;
    if (rules.length === 0 || !plain.startsWith(base)) continue;
    const relative = base === '' ? plain : plain.slice(base.length);
    for (let k = rules.length - 1; k >= 0; k--) {
      const rule = rules[k]!;
      if (rule.macro !== undefined || (rule.directoriesOnly && !isDirectory)) continue;
      if (rule.matches(rule.nameOnly ? name : relative)) assign(rule.assignments);
    }
  }
  return found;
}

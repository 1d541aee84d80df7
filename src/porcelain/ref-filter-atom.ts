import { parseColor } from '../base/color.js';
import { GitError } from '../base/errors.js';
import type { DateMode } from '../repo/dates.js';
import { defaultDateMode, parseDateMode } from '../repo/dates.js';
import type { TrailerFormat } from './trailers.js';
import { parseTrailerFormat } from './ref-filter-trailers.js';

/** How a name is shown: whole, unambiguously short, or with steps taken off at an end. */
export type NameForm =
  | { readonly form: 'normal' | 'short' }
  | { readonly form: 'lstrip' | 'rstrip'; readonly count: number };

export type Length = { readonly kind: 'full' } | { readonly kind: 'short'; readonly length: number | undefined };

export interface DescribeOptions {
  readonly tags: boolean;
  readonly abbreviation: number | undefined;
  readonly match: readonly string[];
  readonly exclude: readonly string[];
}

type Identity = 'author' | 'committer' | 'tagger' | 'creator';

/** A field of the format, understood: what to take from a ref and how to show it. */
export type AtomKind =
  | { readonly type: 'refname' | 'symref'; readonly show: NameForm }
  | {
      readonly type: 'upstream' | 'push';
      readonly what: 'ref' | 'track' | 'trackshort' | 'remotename' | 'remoteref';
      readonly show: NameForm;
      readonly brackets: boolean;
    }
  | { readonly type: 'objecttype' | 'deltabase' | 'numparent' | 'flag' | 'HEAD' | 'worktreepath' | 'rest' }
  | { readonly type: 'objectsize'; readonly disk: boolean }
  | { readonly type: 'objectname' | 'tree' | 'parent'; readonly length: Length }
  | { readonly type: 'object' | 'type' | 'tag' }
  | { readonly type: 'identity'; readonly who: Identity }
  | { readonly type: 'name'; readonly who: Identity; readonly mailmap: boolean }
  | {
      readonly type: 'email';
      readonly who: Identity;
      readonly part: 'raw' | 'trim' | 'localpart';
      readonly mailmap: boolean;
    }
  | { readonly type: 'date'; readonly who: Identity; readonly mode: DateMode; readonly formatted: boolean }
  | {
      readonly type: 'contents';
      readonly part: 'whole' | 'body' | 'body+signature' | 'size' | 'signature' | 'subject' | 'sanitized';
    }
  | { readonly type: 'lines'; readonly count: number }
  | { readonly type: 'trailers'; readonly format: TrailerFormat }
  | { readonly type: 'raw'; readonly size: boolean }
  | { readonly type: 'color'; readonly sequence: string }
  | { readonly type: 'align'; readonly width: number; readonly position: 'left' | 'right' | 'middle' }
  | { readonly type: 'if'; readonly compare?: { readonly equal: boolean; readonly text: string } }
  | { readonly type: 'then' | 'else' | 'end' }
  | { readonly type: 'ahead-behind' | 'is-base'; readonly base: string }
  | { readonly type: 'describe'; readonly options: DescribeOptions }
  | {
      readonly type: 'signature';
      readonly part: 'bare' | 'grade' | 'signer' | 'key' | 'fingerprint' | 'primarykeyfingerprint' | 'trustlevel';
    };

export interface Atom {
  /** As written, for messages: `*authordate:iso`. */
  readonly text: string;
  /** `*`: of what an annotated tag leads to. */
  readonly peeled: boolean;
  readonly kind: AtomKind;
}

export interface AtomSettings {
  /** Colours are wanted; without them `%(color:…)` is empty. */
  readonly color: boolean;
  readonly terminal?: (() => boolean) | undefined;
}

const fail = (message: string): never => {
  throw new GitError('USAGE', message);
};

const noArgument = (name: string, argument: string | undefined): void => {
  if (argument !== undefined) fail(`%(${name}) does not take arguments`);
};
const unrecognized = (name: string, argument: string): never => fail(`unrecognized %(${name}) argument: ${argument}`);

/** Understands one field, the text between `%(` and `)`. Throws git's words. */
export function parseAtom(text: string, settings: AtomSettings): Atom {
  const peeled = text.startsWith('*');
  const plain = peeled ? text.slice(1) : text;
  if (plain === '') fail(`malformed field name: ${text}`);
  const colon = plain.indexOf(':');
  const name = colon < 0 ? plain : plain.slice(0, colon);
  const argument = colon < 0 || colon === plain.length - 1 ? undefined : plain.slice(colon + 1);
  const kind = Object.hasOwn(parsers, name) ? parsers[name]!(argument, name, settings) : undefined;
  if (kind === undefined) fail(`unknown field name: ${text}`);
  return { text, peeled, kind: kind! };
}

type Parser = (argument: string | undefined, name: string, settings: AtomSettings) => AtomKind;

const plainAtom =
  (type: 'objecttype' | 'deltabase' | 'HEAD' | 'worktreepath' | 'rest'): Parser =>
  (argument, name) => {
    noArgument(name, argument);
    return { type };
  };

/** Fields that have never looked at their argument. */
const looseAtom =
  (type: 'numparent' | 'flag' | 'object' | 'type' | 'tag' | 'then' | 'else' | 'end'): Parser =>
  () => ({ type });

const whole =
  (who: Identity): Parser =>
  () => ({ type: 'identity', who });

const nameOf =
  (who: Identity): Parser =>
  (argument, name) => {
    if (argument !== undefined && argument !== 'mailmap') unrecognized(name, argument);
    return { type: 'name', who, mailmap: argument === 'mailmap' };
  };

const emailOf =
  (who: Identity): Parser =>
  (argument, name) => {
    let part: 'raw' | 'trim' | 'localpart' = 'raw';
    let mailmap = false;
    for (let rest = argument; rest !== undefined; ) {
      const word = /^(?:trim|localpart|mailmap)/.exec(rest)?.[0];
      if (word === undefined) unrecognized(name, rest);
      else if (word === 'mailmap') mailmap = true;
      else if (word === 'localpart' || part !== 'localpart') part = word as 'trim' | 'localpart';
      rest = rest.slice(word!.length);
      if (rest === '') break;
      if (rest[0] !== ',') unrecognized(name, rest);
      rest = rest.slice(1);
    }
    return { type: 'email', who, part, mailmap };
  };

const dateOf =
  (who: Identity): Parser =>
  (argument, _name, settings) => ({
    type: 'date',
    who,
    mode: argument === undefined ? defaultDateMode : parseDateMode(argument, settings.terminal),
    formatted: argument !== undefined,
  });

const oidLength =
  (type: 'objectname' | 'tree' | 'parent'): Parser =>
  (argument, name) => {
    if (argument === undefined) return { type, length: { kind: 'full' } };
    if (argument === 'short') return { type, length: { kind: 'short', length: undefined } };
    if (argument.startsWith('short=')) {
      const text = argument.slice(6);
      const number = integer(text);
      if (number === undefined || number <= 0) fail(`positive value expected '${text}' in %(${name})`);
      return { type, length: { kind: 'short', length: Math.max(4, number!) } };
    }
    return unrecognized(name, argument);
  };

const integer = (text: string): number | undefined => (/^[+-]?\d+$/.test(text.trim()) ? Number(text) : undefined);

function nameForm(argument: string | undefined, name: string): NameForm {
  if (argument === undefined) return { form: 'normal' };
  if (argument === 'short') return { form: 'short' };
  const match = /^(lstrip|strip|rstrip)=(.*)$/s.exec(argument);
  if (match === null) return unrecognized(name, argument);
  const form = match[1] === 'rstrip' ? 'rstrip' : 'lstrip';
  const count = integer(match[2]!);
  if (count === undefined) return fail(`Integer value expected refname:${form}=${match[2]}`);
  return { form, count };
}

const remoteRef =
  (type: 'upstream' | 'push'): Parser =>
  (argument, name) => {
    let what: 'ref' | 'track' | 'trackshort' | 'remotename' | 'remoteref' = 'ref';
    let show: NameForm = { form: 'normal' };
    let brackets = true;
    for (const word of argument?.split(',') ?? []) {
      if (word === 'track' || word === 'trackshort' || word === 'remotename' || word === 'remoteref') what = word;
      else if (word === 'nobracket') brackets = false;
      else {
        what = 'ref';
        show = nameForm(word, name);
      }
    }
    return { type, what, show, brackets };
  };

const contents: Parser = (argument, name) => {
  if (argument === undefined) return { type: 'contents', part: 'whole' };
  if (argument === 'body' || argument === 'size' || argument === 'signature' || argument === 'subject')
    return { type: 'contents', part: argument };
  if (argument === 'subject:sanitize') return { type: 'contents', part: 'sanitized' };
  if (argument === 'trailers' || argument.startsWith('trailers:'))
    return { type: 'trailers', format: parseTrailerFormat(argument.slice(9)) };
  if (argument.startsWith('lines=')) {
    const text = argument.slice(6);
    const count = integer(text);
    if (count === undefined || count < 0) return fail(`positive value expected contents:lines=${text}`);
    return { type: 'lines', count };
  }
  return unrecognized(name, argument);
};

const align: Parser = (argument) => {
  if (argument === undefined) return fail('expected format: %(align:<width>,<position>)');
  let width: number | undefined;
  let position: 'left' | 'right' | 'middle' = 'left';
  const place = (text: string): typeof position | undefined =>
    text === 'left' || text === 'right' || text === 'middle' ? text : undefined;
  const size = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined);
  for (const word of argument.split(',')) {
    if (word.startsWith('position=')) {
      const found = place(word.slice(9));
      if (found === undefined) fail(`unrecognized position:${word.slice(9)}`);
      position = found!;
    } else if (word.startsWith('width=')) {
      const found = size(word.slice(6));
      if (found === undefined) fail(`unrecognized width:${word.slice(6)}`);
      width = found;
    } else if (size(word) !== undefined) width = size(word);
    else if (place(word) !== undefined) position = place(word)!;
    else unrecognized('align', word);
  }
  if (width === undefined) return fail('positive width expected with the %(align) atom');
  return { type: 'align', width, position };
};

const describe: Parser = (argument) => {
  let tags = false;
  let abbreviation: number | undefined;
  const match: string[] = [];
  const exclude: string[] = [];
  for (let rest = argument ?? ''; rest !== ''; ) {
    const found = /^(tags|abbrev|match|exclude)(?:=([^,]*))?(?:,|$)/.exec(rest);
    if (found === null) return unrecognized('describe', rest);
    const [all, key, value] = found;
    switch (key) {
      case 'tags': {
        const bool = value === undefined ? true : booleanOf(value);
        if (bool === undefined) return unrecognized('describe', rest);
        tags = bool;
        break;
      }
      case 'abbrev': {
        if (value === undefined || value === '') return fail('argument expected for describe:abbrev');
        const number = integer(value);
        if (number === undefined) return fail(`cannot fully parse describe:abbrev=${value}`);
        if (number < 0) return fail(`positive value expected describe:abbrev=${value}`);
        abbreviation = number;
        break;
      }
      default:
        if (value === undefined || value === '') return fail(`value expected describe:${key}=`);
        (key === 'match' ? match : exclude).push(value);
    }
    rest = rest.slice(all.length);
  }
  return { type: 'describe', options: { tags, abbreviation, match, exclude } };
};

const booleanOf = (text: string): boolean | undefined =>
  /^(?:true|yes|on|1)$/i.test(text) ? true : /^(?:false|no|off|0|)$/i.test(text) ? false : undefined;

const signatureParts = ['grade', 'signer', 'key', 'fingerprint', 'primarykeyfingerprint', 'trustlevel'] as const;

const parsers: Readonly<Record<string, Parser>> = {
  refname: (argument, name) => ({ type: 'refname', show: nameForm(argument, name) }),
  symref: (argument, name) => ({ type: 'symref', show: nameForm(argument, name) }),
  upstream: remoteRef('upstream'),
  push: remoteRef('push'),
  objecttype: plainAtom('objecttype'),
  objectsize(argument, name) {
    if (argument !== undefined && argument !== 'disk') unrecognized(name, argument);
    return { type: 'objectsize', disk: argument === 'disk' };
  },
  objectname: oidLength('objectname'),
  deltabase: plainAtom('deltabase'),
  tree: oidLength('tree'),
  parent: oidLength('parent'),
  numparent: looseAtom('numparent'),
  object: looseAtom('object'),
  type: looseAtom('type'),
  tag: looseAtom('tag'),
  flag: looseAtom('flag'),
  HEAD: plainAtom('HEAD'),
  worktreepath: plainAtom('worktreepath'),
  rest: plainAtom('rest'),
  author: whole('author'),
  authorname: nameOf('author'),
  authoremail: emailOf('author'),
  authordate: dateOf('author'),
  committer: whole('committer'),
  committername: nameOf('committer'),
  committeremail: emailOf('committer'),
  committerdate: dateOf('committer'),
  tagger: whole('tagger'),
  taggername: nameOf('tagger'),
  taggeremail: emailOf('tagger'),
  taggerdate: dateOf('tagger'),
  creator: whole('creator'),
  creatordate: dateOf('creator'),
  subject(argument, name) {
    if (argument !== undefined && argument !== 'sanitize') unrecognized(name, argument);
    return { type: 'contents', part: argument === undefined ? 'subject' : 'sanitized' };
  },
  body(argument, name) {
    noArgument(name, argument);
    return { type: 'contents', part: 'body+signature' };
  },
  trailers: (argument) => ({ type: 'trailers', format: parseTrailerFormat(argument ?? '') }),
  contents,
  raw(argument, name) {
    if (argument !== undefined && argument !== 'size') unrecognized(name, argument);
    return { type: 'raw', size: argument === 'size' };
  },
  color(argument, _name, settings) {
    if (argument === undefined) return fail('expected format: %(color:<color>)');
    let sequence: string;
    try {
      sequence = parseColor(argument);
    } catch {
      return fail(`unrecognized color: %(color:${argument})`);
    }
    return { type: 'color', sequence: settings.color ? sequence : '' };
  },
  align,
  if(argument, name) {
    if (argument === undefined) return { type: 'if' };
    if (argument.startsWith('equals=')) return { type: 'if', compare: { equal: true, text: argument.slice(7) } };
    if (argument.startsWith('notequals=')) return { type: 'if', compare: { equal: false, text: argument.slice(10) } };
    return unrecognized(name, argument);
  },
  // biome-ignore lint/suspicious/noThenProperty: the name of the field
  then: looseAtom('then'),
  else: looseAtom('else'),
  end: looseAtom('end'),
  'ahead-behind'(argument) {
    if (argument === undefined) return fail('expected format: %(ahead-behind:<committish>)');
    return { type: 'ahead-behind', base: argument };
  },
  'is-base'(argument) {
    if (argument === undefined) return fail('expected format: %(is-base:<committish>)');
    return { type: 'is-base', base: argument };
  },
  describe,
  signature(argument, name) {
    if (argument === undefined) return { type: 'signature', part: 'bare' };
    const part = signatureParts.find((known) => known === argument);
    return part === undefined ? unrecognized(name, argument) : { type: 'signature', part };
  },
};

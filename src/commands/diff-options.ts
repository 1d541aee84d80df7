import { GitError } from '../base/errors.js';
import { parseStatusFilter } from '../diff/select.js';
import { parseNumber, UsageError } from './options.js';

/** Output forms as bits of one mask: forms exclude and clear one another as in git. */
export type DiffForm =
  | 'patch'
  | 'raw'
  | 'stat'
  | 'numstat'
  | 'shortstat'
  | 'dirstat'
  | 'summary'
  | 'name'
  | 'nameStatus'
  | 'check'
  | 'none';

/** All that diff options can say, as said; defaults come from the configuration later. */
export interface DiffWords {
  readonly forms: Set<DiffForm>;
  context?: number;
  interHunkContext?: number;
  functionContext?: boolean;
  algorithm?: 'myers' | 'minimal' | 'patience' | 'histogram';
  anchors: string[];
  indentHeuristic?: boolean;
  ignoreAllSpace?: boolean;
  ignoreSpaceChange?: boolean;
  ignoreSpaceAtEol?: boolean;
  ignoreCrAtEol?: boolean;
  ignoreBlankLines?: boolean;
  ignoreMatching: string[];
  statWidth?: number;
  statNameWidth?: number;
  statGraphWidth?: number;
  statCount?: number;
  compactSummary?: boolean;
  /** Parameters, in order; they go on top of the configured ones. */
  dirstat: string[];
  nul?: boolean;
  color?: string | null;
  colorMoved?: string | null;
  colorMovedWs?: string | null;
  wsErrorHighlight?: string;
  wordDiff?: 'color' | 'plain' | 'porcelain' | 'none';
  wordRegex?: string;
  renames?: 'none' | 'renames' | 'copies';
  renameScore?: number;
  findCopiesHarder?: boolean;
  renameEmpty?: boolean;
  renameLimit?: number;
  breakScore?: { split: number; keep: number };
  follow?: boolean;
  omitDeleted?: boolean;
  binary?: boolean;
  fullIndex?: boolean;
  /** A length, 0 for the whole id, `auto` for the usual length. */
  abbrev?: number | 'auto';
  oldPrefix?: string;
  newPrefix?: string;
  prefixes?: 'none' | 'default';
  linePrefix?: string;
  indicators: { new?: string; old?: string; context?: string };
  filter?: string;
  pickaxe?: { kind: 'S' | 'G' | 'object'; text: string };
  pickaxeAll?: boolean;
  pickaxeRegex?: boolean;
  /** Of `log -i`: the pickaxe overlooks case. */
  ignoreCase?: boolean;
  orderFile?: string;
  rotateTo?: string;
  skipTo?: string;
  reverse?: boolean;
  /** `true`: to the current directory. */
  relative?: string | boolean;
  text?: boolean;
  exitCode?: boolean;
  quiet?: boolean;
  externalDiff?: boolean;
  textconv?: boolean;
  ignoreSubmodules?: string;
  submodule?: string;
  intentVisible?: boolean;
  output?: string;
  /** Infinite: into all directories, without a limit. */
  maxDepth?: number;
}

const exclusive: readonly DiffForm[] = ['name', 'nameStatus', 'check', 'none'];
const fail = (message: string): UsageError => new UsageError(message, { quiet: true });

/** `50`, `50%`, `.5`: a share as git reads it, in 60,000ths; and where the number ended. */
function parseScore(text: string): { readonly score: number; readonly end: number } {
  let number = 0;
  let scale = 1;
  let dot = false;
  let i = 0;
  for (; i < text.length; i++) {
    const char = text[i]!;
    if (!dot && char === '.') {
      scale = 1;
      dot = true;
    } else if (char === '%') {
      scale = dot ? scale * 100 : 100;
      i++;
      break;
    } else if (char >= '0' && char <= '9') {
      if (scale < 100_000) {
        scale *= 10;
        number = number * 10 + Number(char);
      }
    } else break;
  }
  return { score: number >= scale ? 60_000 : Math.floor((60_000 * number) / scale), end: i };
}

/** `--dirstat`'s and `diff.dirstat`'s parameters. Answers what is wrong with them, or nothing. */
export function parseDirstat(
  text: string,
  into: { by: 'changes' | 'lines' | 'files'; permille: number; cumulative: boolean },
): string[] {
  const faults: string[] = [];
  for (const word of text.split(',')) {
    if (word === '') continue;
    if (word === 'changes' || word === 'lines' || word === 'files') into.by = word;
    else if (word === 'noncumulative') into.cumulative = false;
    else if (word === 'cumulative') into.cumulative = true;
    else if (/^\d/.test(word)) {
      const match = /^(\d+)(?:\.(\d)\d*)?$/.exec(word);
      if (match === null) faults.push(`  Failed to parse dirstat cut-off percentage '${word}'\n`);
      else into.permille = Number(match[1]) * 10 + Number(match[2] ?? 0);
    } else faults.push(`  Unknown dirstat parameter '${word}'\n`);
  }
  return faults;
}

type Handler = (words: DiffWords, value: string) => void;
interface Spec {
  /** `none`: no value; `optional`: only stuck to the option; `required`. */
  readonly value: 'none' | 'optional' | 'required';
  readonly set: Handler;
  /** What `--option=` with nothing behind it means; as without a value unless said. */
  readonly empty?: (words: DiffWords) => void;
}

/** Turns an output form on; it ends `-s`. */
const form =
  (...forms: DiffForm[]): Handler =>
  (words) => {
    words.forms.delete('none');
    for (const one of forms) words.forms.add(one);
  };
const flag = (set: (words: DiffWords) => void): Spec => ({ value: 'none', set });
const number =
  (name: string, set: (words: DiffWords, value: number) => void): Handler =>
  (words, value) => {
    if (!/^\d+$/.test(value)) throw fail(`${name} expects a numerical value`);
    set(words, Number(value));
  };

const algorithms: Readonly<Record<string, DiffWords['algorithm']>> = {
  myers: 'myers',
  default: 'myers',
  minimal: 'minimal',
  patience: 'patience',
  histogram: 'histogram',
};

function setDirstat(words: DiffWords, text: string): void {
  const faults = parseDirstat(text, { by: 'changes', permille: 30, cumulative: false });
  if (faults.length > 0)
    throw new GitError('USAGE', `Failed to parse --dirstat/-X option parameter:\n${faults.join('')}`);
  words.dirstat.push(text);
  form('dirstat')(words, '');
}

function setScore(name: string, set: (words: DiffWords, score: number) => void): Handler {
  return (words, value) => {
    const { score, end } = parseScore(value);
    if (end !== value.length) throw fail(`invalid argument to ${name}`);
    set(words, score);
  };
}

const setContext: Handler = (words, value) => {
  if (value !== '') {
    if (!/^-?\d+$/.test(value)) throw fail(`--unified expects a numerical value`);
    const context = Number(value);
    if (context < 0) throw fail(`--unified expects a non-negative integer`);
    words.context = context;
  }
  form('patch')(words, '');
};

const setStat: Handler = (words, value) => {
  if (value !== '') {
    const match = /^(-?\d*)(?:,(-?\d*))?(?:,(-?\d*))?$/.exec(value);
    if (match === null) throw fail(`invalid --stat value: ${value}`);
    if (match[1] !== undefined && match[1] !== '') words.statWidth = Number(match[1]);
    if (match[2] !== undefined && match[2] !== '') words.statNameWidth = Number(match[2]);
    if (match[3] !== undefined && match[3] !== '') words.statCount = Number(match[3]);
  }
  form('stat')(words, '');
};

const setBreak: Handler = (words, value) => {
  const first = parseScore(value);
  let keep = 0;
  if (first.end !== value.length) {
    if (value[first.end] !== '/') throw fail('break-rewrites expects <n>/<m> form');
    const rest = value.slice(first.end + 1);
    const second = parseScore(rest);
    if (second.end !== rest.length) throw fail('break-rewrites expects <n>/<m> form');
    keep = second.score;
  }
  words.breakScore = { split: first.score, keep };
};

const indicator =
  (side: 'new' | 'old' | 'context'): Handler =>
  (words, value) => {
    if (value.length > 1) throw fail(`output-indicator-${side} expects a character, got '${value}'`);
    words.indicators[side] = value;
  };

const noIndicator = (side: 'new' | 'old') => (): void => {
  throw fail(`output-indicator-${side} expects a character, got ''`);
};

const longs: Readonly<Record<string, Spec>> = {
  patch: flag(form('patch') as (words: DiffWords) => void),
  'no-patch': flag((words) => {
    words.forms.clear();
    words.forms.add('none');
  }),
  unified: { value: 'optional', set: setContext, empty: (words) => setContext(words, '0') },
  'function-context': flag((words) => {
    words.functionContext = true;
  }),
  'no-function-context': flag((words) => {
    words.functionContext = false;
  }),
  raw: flag((words) => form('raw')(words, '')),
  'patch-with-raw': flag((words) => form('patch', 'raw')(words, '')),
  'patch-with-stat': flag((words) => form('patch', 'stat')(words, '')),
  numstat: flag((words) => form('numstat')(words, '')),
  shortstat: flag((words) => form('shortstat')(words, '')),
  dirstat: { value: 'optional', set: setDirstat },
  cumulative: flag((words) => setDirstat(words, 'cumulative')),
  'dirstat-by-file': { value: 'optional', set: (words, value) => setDirstat(words, `files,${value}`) },
  check: flag((words) => form('check')(words, '')),
  summary: flag((words) => form('summary')(words, '')),
  'name-only': flag((words) => form('name')(words, '')),
  'name-status': flag((words) => form('nameStatus')(words, '')),
  stat: { value: 'optional', set: setStat },
  'stat-width': {
    value: 'required',
    set: number('--stat-width', (words, value) => {
      words.statWidth = value;
      form('stat')(words, '');
    }),
  },
  'stat-name-width': {
    value: 'required',
    set: number('--stat-name-width', (words, value) => {
      words.statNameWidth = value;
      form('stat')(words, '');
    }),
  },
  'stat-graph-width': {
    value: 'required',
    set: number('--stat-graph-width', (words, value) => {
      words.statGraphWidth = value;
      form('stat')(words, '');
    }),
  },
  'stat-count': {
    value: 'required',
    set: number('--stat-count', (words, value) => {
      words.statCount = value;
      form('stat')(words, '');
    }),
  },
  'compact-summary': flag((words) => {
    words.compactSummary = true;
    form('stat')(words, '');
  }),
  'no-compact-summary': flag((words) => {
    words.compactSummary = false;
  }),
  binary: flag((words) => {
    words.binary = true;
    form('patch')(words, '');
  }),
  'full-index': flag((words) => {
    words.fullIndex = true;
  }),
  'no-full-index': flag((words) => {
    words.fullIndex = false;
  }),
  color: {
    value: 'optional',
    set: (words, value) => setColor(words, value === '' ? 'always' : value),
    empty: (words) => setColor(words, ''),
  },
  'no-color': flag((words) => {
    words.color = 'never';
  }),
  'color-moved': { value: 'optional', set: (words, value) => setMoved(words, value === '' ? 'default' : value) },
  'no-color-moved': flag((words) => {
    words.colorMoved = 'no';
  }),
  'color-moved-ws': {
    value: 'required',
    set: (words, value) => {
      words.colorMovedWs = value;
    },
  },
  'no-color-moved-ws': flag((words) => {
    words.colorMovedWs = 'no';
  }),
  'ws-error-highlight': {
    value: 'required',
    set: (words, value) => {
      const kinds = new Set(['', 'none', 'default', 'all', 'old', 'new', 'context']);
      const parts = value.split(',');
      const bad = parts.findIndex((part) => !kinds.has(part));
      if (bad >= 0)
        throw fail(
          `unknown value after ws-error-highlight=${parts
            .slice(0, bad)
            .map((part) => `${part},`)
            .join('')}`,
        );
      words.wsErrorHighlight = value;
    },
  },
  abbrev: {
    value: 'optional',
    set: (words, value) => {
      words.abbrev = value === '' ? 'auto' : abbreviation(value);
    },
    empty: (words) => {
      words.abbrev = 4;
    },
  },
  'no-abbrev': flag((words) => {
    words.abbrev = 0;
  }),
  'src-prefix': {
    value: 'required',
    set: (words, value) => {
      words.oldPrefix = value;
    },
  },
  'dst-prefix': {
    value: 'required',
    set: (words, value) => {
      words.newPrefix = value;
    },
  },
  'line-prefix': {
    value: 'required',
    set: (words, value) => {
      words.linePrefix = value;
    },
  },
  'no-prefix': flag((words) => {
    words.prefixes = 'none';
    words.oldPrefix = '';
    words.newPrefix = '';
  }),
  'default-prefix': flag((words) => {
    words.prefixes = 'default';
    words.oldPrefix = 'a/';
    words.newPrefix = 'b/';
  }),
  'output-indicator-new': { value: 'required', set: indicator('new'), empty: noIndicator('new') },
  'output-indicator-old': { value: 'required', set: indicator('old'), empty: noIndicator('old') },
  'output-indicator-context': { value: 'required', set: indicator('context') },
  'inter-hunk-context': {
    value: 'required',
    set: (words, value) => {
      if (value === '') throw fail("option `inter-hunk-context' expects a numerical value");
      const lines = parseNumber(value);
      if (lines === undefined || lines < 0)
        throw fail("option `inter-hunk-context' expects a non-negative integer value with an optional k/m/g suffix");
      words.interHunkContext = lines;
    },
  },
  'break-rewrites': { value: 'optional', set: setBreak },
  'find-renames': {
    value: 'optional',
    set: setScore('find-renames', (words, score) => {
      words.renames = 'renames';
      words.renameScore = score;
    }),
  },
  'find-copies': { value: 'optional', set: findCopies },
  'find-copies-harder': flag((words) => {
    words.findCopiesHarder = true;
  }),
  'no-find-copies-harder': flag((words) => {
    words.findCopiesHarder = false;
  }),
  'no-renames': flag((words) => {
    words.renames = 'none';
  }),
  'rename-empty': flag((words) => {
    words.renameEmpty = true;
  }),
  'no-rename-empty': flag((words) => {
    words.renameEmpty = false;
  }),
  'irreversible-delete': flag((words) => {
    words.omitDeleted = true;
  }),
  follow: flag((words) => {
    words.follow = true;
  }),
  'no-follow': flag((words) => {
    words.follow = false;
  }),
  minimal: flag((words) => {
    words.algorithm = 'minimal';
  }),
  patience: flag((words) => {
    words.algorithm = 'patience';
    words.anchors = [];
  }),
  histogram: flag((words) => {
    words.algorithm = 'histogram';
  }),
  'diff-algorithm': {
    value: 'required',
    set: (words, value) => {
      const algorithm = algorithms[value.toLowerCase()];
      if (algorithm === undefined)
        throw fail('option diff-algorithm accepts "myers", "minimal", "patience" and "histogram"');
      words.algorithm = algorithm;
    },
  },
  anchored: {
    value: 'required',
    set: (words, value) => {
      words.algorithm = 'patience';
      words.anchors.push(value);
    },
  },
  'ignore-all-space': flag((words) => {
    words.ignoreAllSpace = true;
  }),
  'ignore-space-change': flag((words) => {
    words.ignoreSpaceChange = true;
  }),
  'ignore-space-at-eol': flag((words) => {
    words.ignoreSpaceAtEol = true;
  }),
  'ignore-cr-at-eol': flag((words) => {
    words.ignoreCrAtEol = true;
  }),
  'ignore-blank-lines': flag((words) => {
    words.ignoreBlankLines = true;
  }),
  'ignore-matching-lines': {
    value: 'required',
    set: (words, value) => {
      words.ignoreMatching.push(value);
    },
  },
  'no-ignore-matching-lines': flag((words) => {
    words.ignoreMatching = [];
  }),
  'indent-heuristic': flag((words) => {
    words.indentHeuristic = true;
  }),
  'no-indent-heuristic': flag((words) => {
    words.indentHeuristic = false;
  }),
  'word-diff': {
    value: 'optional',
    set: (words, value) => {
      if (value !== '' && value !== 'plain' && value !== 'color' && value !== 'porcelain' && value !== 'none')
        throw fail(`bad --word-diff argument: ${value}`);
      words.wordDiff = value === '' ? 'plain' : value;
      if (value === 'color') words.color = 'always';
    },
    empty: () => {
      throw fail('bad --word-diff argument: ');
    },
  },
  'word-diff-regex': {
    value: 'required',
    set: (words, value) => {
      if (words.wordDiff === undefined || words.wordDiff === 'none') words.wordDiff = 'plain';
      words.wordRegex = value;
    },
  },
  'color-words': {
    value: 'optional',
    set: (words, value) => {
      words.color = 'always';
      words.wordDiff = 'color';
      if (value !== '') words.wordRegex = value;
    },
    empty: (words) => {
      words.color = 'always';
      words.wordDiff = 'color';
      words.wordRegex = '';
    },
  },
  relative: {
    value: 'optional',
    set: (words, value) => {
      words.relative = value === '' ? true : value;
    },
  },
  'no-relative': flag((words) => {
    words.relative = false;
  }),
  text: flag((words) => {
    words.text = true;
  }),
  'no-text': flag((words) => {
    words.text = false;
  }),
  'exit-code': flag((words) => {
    words.exitCode = true;
  }),
  'no-exit-code': flag((words) => {
    words.exitCode = false;
  }),
  quiet: flag((words) => {
    words.quiet = true;
  }),
  'no-quiet': flag((words) => {
    words.quiet = false;
  }),
  'ext-diff': flag((words) => {
    words.externalDiff = true;
  }),
  'no-ext-diff': flag((words) => {
    words.externalDiff = false;
  }),
  textconv: flag((words) => {
    words.textconv = true;
  }),
  'no-textconv': flag((words) => {
    words.textconv = false;
  }),
  'ignore-submodules': {
    value: 'optional',
    set: (words, value) => {
      setIgnoreSubmodules(words, value === '' ? 'all' : value);
    },
    empty: (words) => setIgnoreSubmodules(words, ''),
  },
  submodule: {
    value: 'optional',
    set: (words, value) => {
      if (value !== '' && value !== 'log' && value !== 'short' && value !== 'diff')
        throw fail(`failed to parse --submodule option parameter: '${value}'`);
      words.submodule = value === '' ? 'log' : value;
    },
    empty: () => {
      throw fail("failed to parse --submodule option parameter: ''");
    },
  },
  'ita-invisible-in-index': flag((words) => {
    words.intentVisible = false;
  }),
  'ita-visible-in-index': flag((words) => {
    words.intentVisible = true;
  }),
  'pickaxe-all': flag((words) => {
    words.pickaxeAll = true;
  }),
  'pickaxe-regex': flag((words) => {
    words.pickaxeRegex = true;
  }),
  'find-object': {
    value: 'required',
    set: (words, value) => {
      words.pickaxe = { kind: 'object', text: value };
    },
  },
  'diff-filter': {
    value: 'required',
    set: (words, value) => {
      const parsed = parseStatusFilter(value);
      if (typeof parsed === 'string') throw fail(`unknown change class '${parsed}' in --diff-filter=${value}`);
      if (value !== '') words.filter = (words.filter ?? '') + value;
    },
  },
  'rotate-to': {
    value: 'required',
    set: (words, value) => {
      words.rotateTo = value;
    },
  },
  'skip-to': {
    value: 'required',
    set: (words, value) => {
      words.skipTo = value;
    },
  },
  output: {
    value: 'required',
    set: (words, value) => {
      words.output = value;
      words.color ??= 'never';
    },
  },
  'max-depth': {
    value: 'required',
    set: (words, value) => {
      if (!/^\s*[+-]?\d+$/.test(value)) throw fail(`invalid value for '--max-depth': '${value}'`);
      const depth = Number(value);
      words.maxDepth = depth < 0 ? Number.POSITIVE_INFINITY : depth;
    },
  },
};

/** A length as `strtoul` reads it: what is no number is the least, less than nothing the most. */
function abbreviation(text: string): number {
  const length = Number(/^\s*([+-]?\d+)/.exec(text)?.[1] ?? 0);
  return length < 0 ? 64 : Math.min(64, Math.max(4, length));
}

function setIgnoreSubmodules(words: DiffWords, value: string): void {
  if (!['none', 'untracked', 'dirty', 'all'].includes(value))
    throw new GitError('USAGE', `bad --ignore-submodules argument: ${value}`);
  words.ignoreSubmodules = value;
}

function setColor(words: DiffWords, value: string): void {
  if (!['always', 'never', 'auto'].includes(value)) throw fail(`option \`color' expects "always", "auto", or "never"`);
  words.color = value;
}

export const movedModesMessage =
  "color moved setting must be one of 'no', 'default', 'blocks', 'zebra', 'dimmed-zebra', 'plain'";

function setMoved(words: DiffWords, value: string): void {
  if (parseMovedMode(value) === undefined)
    throw fail(`${movedModesMessage}\nerror: bad --color-moved argument: ${value}`);
  words.colorMoved = value;
}

/** A mode of `--color-moved` or `diff.colorMoved`; `undefined` for what is none. */
export function parseMovedMode(value: string): 'no' | 'plain' | 'blocks' | 'zebra' | 'dimmed-zebra' | undefined {
  switch (value.toLowerCase()) {
    case 'no':
    case 'false':
    case 'off':
    case '0':
      return 'no';
    case 'default':
    case 'true':
    case 'yes':
    case 'on':
    case '1':
    case 'zebra':
      return 'zebra';
    case 'plain':
      return 'plain';
    case 'blocks':
      return 'blocks';
    case 'dimmed-zebra':
    case 'dimmed_zebra':
      return 'dimmed-zebra';
    default:
      return undefined;
  }
}

function findCopies(words: DiffWords, value: string): void {
  const { score, end } = parseScore(value);
  if (end !== value.length) throw fail('invalid argument to find-copies');
  if (words.renames === 'copies') words.findCopiesHarder = true;
  else words.renames = 'copies';
  words.renameScore = score;
}

const shorts: Readonly<Record<string, Spec>> = {
  p: longs['patch']!,
  u: longs['patch']!,
  s: longs['no-patch']!,
  U: { value: 'optional', set: setContext },
  W: longs['function-context']!,
  X: { value: 'optional', set: setDirstat },
  z: flag((words) => {
    words.nul = true;
  }),
  B: { value: 'optional', set: setBreak },
  M: longs['find-renames']!,
  C: longs['find-copies']!,
  D: longs['irreversible-delete']!,
  l: {
    value: 'required',
    set: (words, value) => {
      const limit = parseNumber(value);
      if (limit === undefined) throw fail("switch `l' expects an integer value with an optional k/m/g suffix");
      words.renameLimit = limit;
    },
  },
  w: longs['ignore-all-space']!,
  b: longs['ignore-space-change']!,
  I: longs['ignore-matching-lines']!,
  a: longs['text']!,
  R: flag((words) => {
    words.reverse = true;
  }),
  S: {
    value: 'required',
    set: (words, value) => {
      if (value === '') throw new UsageError('-S requires a non-empty argument', { quiet: true });
      words.pickaxe = { kind: 'S', text: value };
    },
  },
  G: {
    value: 'required',
    set: (words, value) => {
      if (value === '') throw new UsageError('-G requires a non-empty argument', { quiet: true });
      words.pickaxe = { kind: 'G', text: value };
    },
  },
  O: {
    value: 'required',
    set: (words, value) => {
      words.orderFile = value;
    },
  },
};

/** Letters that commands use otherwise (`log -S` is ours, `-s` is not always). */
export interface DiffArgumentsSettings {
  /** Short options that are not diff options here. */
  readonly except?: string;
}

/**
 * Gathers diff options out of a command's words. One parser for `diff`, `diff-tree`, `log`, `show` and the others:
 * call `take` on each word that may be one.
 */
export class DiffArguments {
  readonly words: DiffWords = {
    forms: new Set(),
    anchors: [],
    dirstat: [],
    ignoreMatching: [],
    indicators: {},
  };

  constructor(private readonly settings: DiffArgumentsSettings = {}) {}

  /** Reads the option at `argv[at]`; answers how many words it took, 0 for what is no diff option. Throws `UsageError`. */
  take(argv: readonly string[], at: number): number {
    const word = argv[at]!;
    if (word.startsWith('--')) return this.long(argv, at);
    if (word.startsWith('-') && word.length > 1) return this.short(argv, at);
    return 0;
  }

  private long(argv: readonly string[], at: number): number {
    const word = argv[at]!;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    if (!Object.hasOwn(longs, name)) return 0;
    const spec = longs[name]!;
    if (equals >= 0) {
      if (spec.value === 'none') throw fail(`option \`${name}' takes no value`);
      const value = word.slice(equals + 1);
      if (value === '' && spec.empty !== undefined) spec.empty(this.words);
      else spec.set(this.words, value);
      return 1;
    }
    if (spec.value !== 'required') {
      spec.set(this.words, '');
      return 1;
    }
    const value = argv[at + 1];
    if (value === undefined) throw fail(`option \`${name}' requires a value`);
    spec.set(this.words, value);
    return 2;
  }

  private short(argv: readonly string[], at: number): number {
    const word = argv[at]!;
    const known = (letter: string): Spec | undefined =>
      this.settings.except?.includes(letter) === true || !Object.hasOwn(shorts, letter) ? undefined : shorts[letter];
    if (known(word[1]!) === undefined) return 0;
    for (let i = 1; i < word.length; i++) {
      const letter = word[i]!;
      const spec = known(letter);
      if (spec === undefined) {
        if (i === 1) return 0;
        throw fail(`unknown switch \`${letter}'`);
      }
      if (spec.value === 'none') {
        spec.set(this.words, '');
        continue;
      }
      const rest = word.slice(i + 1);
      if (rest !== '' || spec.value === 'optional') {
        spec.set(this.words, rest);
        return 1;
      }
      const value = argv[at + 1];
      if (value === undefined) throw fail(`switch \`${letter}' requires a value`);
      spec.set(this.words, value);
      return 2;
    }
    return 1;
  }

  /** Checks what excludes what, and settles what follows from it. Call once, after all words. */
  finish(): void {
    const { words } = this;
    const { forms } = words;
    const count = exclusive.filter((one) => forms.has(one)).length;
    if (count > 1) {
      throw new GitError(
        'USAGE',
        "options '--name-only', '--name-status', '--check', and '-s' cannot be used together",
      );
    }
    if (words.quiet === true) {
      forms.clear();
      forms.add('none');
      words.exitCode = true;
    }
    if (count > 0) for (const one of [...forms]) if (!exclusive.includes(one)) forms.delete(one);
    if (words.findCopiesHarder === true) words.renames = 'copies';
  }

  /** Some output form was asked for (`-s` counts). */
  get hasForm(): boolean {
    return this.words.forms.size > 0;
  }
}

import { GitError } from '../base/errors.js';
import type { RegexKind } from '../base/posix-regex.js';
import type { FilterSpec } from '../history/object-filter.js';
import type { DateMode } from '../repo/dates.js';
import { approxidate, parseDateMode } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import type { PrettyFormat } from './pretty-format.js';
import { onelineFormat, parsePrettyFormat } from './pretty-format.js';

/** A message or name pattern of `--grep`, `--author`, `--committer`, `--grep-reflog`. */
export interface LogPattern {
  readonly field: 'body' | 'author' | 'committer' | 'reflog';
  readonly pattern: string;
}

/** Which notes are shown. */
export interface NotesChoice {
  /** `undefined`: by habit of the command. */
  show: boolean | undefined;
  /** The usual notes: `undefined` where nothing was said of them. */
  usual: boolean | undefined;
  readonly refs: string[];
  /** The usual notes are shown, whatever the format, unless something was said of notes. */
  byDefault: boolean;
}

/** Everything the options of `git log` and `git rev-list` say about which commits, in which order, and how shown. */
export class LogSettings {
  // Which commits.
  maxCount = -1;
  maxCountOldest: number | undefined;
  /** Lanes of the graph that are shown; 0 or less: all. */
  graphLaneLimit = 0;
  skip = 0;
  maxAge: number | undefined;
  minAge: number | undefined;
  maxAgeAsFilter: number | undefined;
  minParents = 0;
  maxParents = -1;
  firstParent = false;
  excludeFirstParentOnly = false;
  maximalOnly = false;
  boundary = false;
  ancestryPath = false;
  readonly ancestryBottoms: string[] = [];
  leftRight = false;
  leftOnly = false;
  rightOnly = false;
  cherryPick = false;
  cherryMark = false;
  walkReflogs = false;
  merge = false;
  unpacked = false;
  noWalk: 'sorted' | 'unsorted' | undefined;
  bisect = false;
  ignoreMissing = false;
  excludePromisor = false;
  // Order.
  order: 'default' | 'topo' | 'date' | 'author-date' = 'default';
  reverse = false;
  inCommitOrder = false;
  // Simplification.
  simplifyHistory = true;
  dense = true;
  simplifyMerges = false;
  simplifyByDecoration = false;
  showPulls = false;
  removeEmpty = false;
  rewriteParents = false;
  printParents = false;
  children = false;
  fullDiff = false;
  limited = false;
  // Message filters.
  readonly patterns: LogPattern[] = [];
  patternKind: RegexKind | undefined;
  ignoreCase = false;
  allMatch = false;
  invertGrep = false;
  // Objects.
  trees = false;
  blobs = false;
  tags = false;
  edgeHint: false | 'edge' | 'aggressive' = false;
  verifyObjects = false;
  readonly filters: FilterSpec[] = [];
  // Showing.
  pretty: PrettyFormat | undefined;
  verboseHeader = false;
  expandTabs: number | undefined;
  abbrev: number | undefined;
  abbrevCommit = false;
  abbrevCommitSaid = false;
  dateMode: DateMode | undefined;
  /** A format that shortens dates was configured: that stays with the format that is asked for in its place. */
  shortDates = false;
  graph = false;
  showLinearBreak: string | undefined;
  showSignature = false;
  readonly notes: NotesChoice = { show: undefined, usual: undefined, refs: [], byDefault: false };
  outputEncoding: string | undefined;
  showLogSize = false;
  encodeEmailHeaders: boolean | undefined;
  // Differences.
  showRootDiff: boolean | undefined;
  noCommitId = false;
  alwaysShowHeader = true;
  /** `-t`: trees are shown too. */
  showTreesInDiff = false;
  recursiveDiff = false;
  /** `--diff-merges=` and its short forms; `undefined`: nothing was said. */
  diffMerges: DiffMerges | undefined;
  /** `-m`, `-c`, `--cc` were said, which do not mean a patch by themselves in `log`. */
  diffMergesSaid = false;
  /** Merges are shown with a patch even where other commits are not. */
  mergesNeedDiff = false;
  combineAllPaths = false;
  progress: string | undefined;
}

export type DiffMerges = 'off' | 'separate' | 'first-parent' | 'combined' | 'dense' | 'remerge';

export interface OptionContext {
  readonly repository: Repository;
  readonly terminal: () => boolean;
  /** Told of what is wrong with an option that is then taken for none. */
  readonly complain?: ((line: string) => void) | undefined;
}

const usage = (message: string): GitError => new GitError('USAGE', message);

function wholeNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw usage(`'${text}': not an integer`);
  return Number(text);
}

function nonNegative(text: string): number {
  if (!/^[+-]?\d+$/.test(text.trim())) throw usage(`'${text}': not an integer`);
  return Number(text);
}

function timestamp(text: string): number {
  // Less than nothing is read as very much.
  if (/^-\d+$/.test(text)) return Number.MAX_SAFE_INTEGER;
  if (!/^\d+$/.test(text)) throw usage(`'${text}': not a number of seconds since epoch`);
  return Number(text);
}

const diffMergesNames: Readonly<Record<string, DiffMerges>> = {
  off: 'off',
  none: 'off',
  '1': 'first-parent',
  'first-parent': 'first-parent',
  separate: 'separate',
  m: 'separate',
  c: 'combined',
  combined: 'combined',
  cc: 'dense',
  'dense-combined': 'dense',
  r: 'remerge',
  remerge: 'remerge',
};

/** The value of `--diff-merges=` and `log.diffMerges`; `undefined` for a name that is none. */
export function diffMergesOf(name: string, repository: Repository): DiffMerges | undefined {
  if (name === 'on') {
    const configured = repository.config.get('log.diffmerges');
    return configured === undefined || configured === 'on' ? 'separate' : diffMergesOf(configured, repository);
  }
  return Object.hasOwn(diffMergesNames, name) ? diffMergesNames[name] : undefined;
}

/** `pretty.<name>` entries. */
export function prettyAliases(repository: Repository): (readonly [string, string])[] {
  return repository.config.subsections('pretty').length >= 0
    ? repository.config
        .entries()
        .filter((entry) => entry.key.startsWith('pretty.') && entry.value !== undefined)
        .map((entry) => [entry.key.slice(7), entry.value!] as const)
    : [];
}

/**
 * Takes the option at `argv[at]` (and its value, where it stands apart) into the settings. Answers how many words were
 * used, 0 where it is no option of the walk. Options that name revisions (`--all`…) are not here.
 */
export function takeLogOption(
  settings: LogSettings,
  argv: readonly string[],
  at: number,
  context: OptionContext,
): number {
  const word = argv[at]!;
  const digits = /^-(\d+)$/.exec(word);
  if (digits === null && /^-\d/.test(word)) throw usage(`'${word.slice(1)}': not an integer`);
  if (digits !== null) {
    setCount(settings, Number(digits[1]));
    return 1;
  }
  if (word === '-n' || /^-n./.test(word)) {
    const value = word === '-n' ? argv[at + 1] : word.slice(2);
    if (value === undefined) throw refusal('-n requires an argument');
    setCount(settings, wholeNumber(value));
    return word === '-n' ? 2 : 1;
  }
  if (word === '--max-count-oldest') {
    // The word behind it is its value, and is looked at as a word of its own as well.
    const value = argv[at + 1];
    if (value === undefined) throw usage("Option '--max-count-oldest' requires a value");
    stuckOptions[word]!(settings, value, context);
    return 1;
  }
  const simple = simpleOptions[word];
  if (simple !== undefined) {
    simple(settings, context);
    return 1;
  }
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const valued = valuedOptions[name];
  if (valued !== undefined) {
    if (equals >= 0) {
      valued(settings, word.slice(equals + 1), context);
      return 1;
    }
    const value = argv[at + 1];
    if (value === undefined) throw usage(`Option '${name}' requires a value`);
    valued(settings, value, context);
    return 2;
  }
  if (name === '--no-walk' && equals >= 0 && !/^(?:un)?sorted$/.test(word.slice(equals + 1))) {
    context.complain?.('error: invalid argument to --no-walk');
    settings.noWalk = 'sorted';
    return 0;
  }
  if (equals >= 0) {
    const stuck = stuckOptions[name];
    if (stuck !== undefined) {
      stuck(settings, word.slice(equals + 1), context);
      return 1;
    }
  }
  return 0;
}

/** `-<n>` and `-n` say how many, of whichever end was spoken of. */
function setCount(settings: LogSettings, count: number): void {
  if (settings.maxCountOldest !== undefined) settings.maxCountOldest = count;
  else settings.maxCount = count;
  settings.noWalk = undefined;
}

/** Ends the command with a line that is no more than an error. */
export const refusal = (message: string): GitError => new GitError('USAGE', message, { data: { as: 'error' } });

type Simple = (settings: LogSettings, context: OptionContext) => void;
type Valued = (settings: LogSettings, value: string, context: OptionContext) => void;

const since: Valued = (settings, value, { repository }) => {
  settings.maxAge = approxidate(value, repository.clock).seconds;
};
const until: Valued = (settings, value, { repository }) => {
  settings.minAge = approxidate(value, repository.clock).seconds;
};
const topo = (settings: LogSettings, order: 'topo' | 'date' | 'author-date'): void => {
  settings.order = order;
};
const sides = (settings: LogSettings, option: string, other: string): GitError =>
  usage(`options '${option}' and '${other}' cannot be used together${settings.limited ? '' : ''}`);
const objects = (settings: LogSettings): void => {
  settings.tags = settings.trees = settings.blobs = true;
};
const setPretty = (settings: LogSettings, value: string, { repository }: OptionContext): void => {
  settings.verboseHeader = true;
  settings.pretty = parsePrettyFormat(value, prettyAliases(repository));
};
/** Merges that are shown against single parents must not be simplified away. */
const seeAllMerges = (settings: LogSettings): void => {
  const { diffMerges } = settings;
  if (diffMerges === 'separate' || diffMerges === 'first-parent' || diffMerges === 'remerge')
    settings.simplifyHistory = false;
};
const setMerges = (settings: LogSettings, mode: DiffMerges): void => {
  settings.diffMerges = mode;
  seeAllMerges(settings);
  settings.mergesNeedDiff = true;
  settings.diffMergesSaid = true;
};

const simpleOptions: Readonly<Record<string, Simple>> = {
  '--first-parent': (s) => {
    s.firstParent = true;
  },
  '--exclude-first-parent-only': (s) => {
    s.excludeFirstParentOnly = true;
  },
  '--maximal-only': (s) => {
    s.maximalOnly = true;
  },
  '--ancestry-path': (s) => {
    s.ancestryPath = true;
    s.simplifyHistory = false;
    s.limited = true;
  },
  '-g': (s) => {
    s.walkReflogs = true;
  },
  '--walk-reflogs': (s) => {
    s.walkReflogs = true;
  },
  '--merge': (s) => {
    s.merge = true;
  },
  '--topo-order': (s) => topo(s, 'topo'),
  '--date-order': (s) => topo(s, 'date'),
  '--author-date-order': (s) => topo(s, 'author-date'),
  '--simplify-merges': (s) => {
    s.simplifyMerges = true;
    if (s.order === 'default') s.order = 'topo';
    s.rewriteParents = true;
    s.simplifyHistory = false;
    s.limited = true;
  },
  '--simplify-by-decoration': (s) => {
    s.simplifyMerges = true;
    if (s.order === 'default') s.order = 'topo';
    s.rewriteParents = true;
    s.simplifyHistory = false;
    s.simplifyByDecoration = true;
    s.limited = true;
  },
  '--parents': (s) => {
    s.rewriteParents = true;
    s.printParents = true;
  },
  '--dense': (s) => {
    s.dense = true;
  },
  '--sparse': (s) => {
    s.dense = false;
  },
  '--in-commit-order': (s) => {
    s.inCommitOrder = true;
  },
  '--remove-empty': (s) => {
    s.removeEmpty = true;
  },
  '--merges': (s) => {
    s.minParents = 2;
  },
  '--no-merges': (s) => {
    s.maxParents = 1;
  },
  '--no-min-parents': (s) => {
    s.minParents = 0;
  },
  '--no-max-parents': (s) => {
    s.maxParents = -1;
  },
  '--boundary': (s) => {
    s.boundary = true;
  },
  '--left-right': (s) => {
    s.leftRight = true;
  },
  '--left-only': (s) => {
    if (s.rightOnly) throw sides(s, '--left-only', '--right-only/--cherry');
    s.leftOnly = true;
    s.limited = true;
  },
  '--right-only': (s) => {
    if (s.leftOnly) throw sides(s, '--right-only', '--left-only');
    s.rightOnly = true;
    s.limited = true;
  },
  '--cherry': (s) => {
    if (s.leftOnly) throw sides(s, '--cherry', '--left-only');
    s.cherryMark = true;
    s.rightOnly = true;
    s.maxParents = 1;
    s.limited = true;
  },
  '--cherry-mark': (s) => {
    if (s.cherryPick) throw sides(s, '--cherry-mark', '--cherry-pick');
    s.cherryMark = true;
    s.limited = true;
  },
  '--cherry-pick': (s) => {
    if (s.cherryMark) throw sides(s, '--cherry-pick', '--cherry-mark');
    s.cherryPick = true;
    s.limited = true;
  },
  '--objects': objects,
  '--objects-edge': (s) => {
    objects(s);
    s.edgeHint = 'edge';
  },
  '--objects-edge-aggressive': (s) => {
    objects(s);
    s.edgeHint = 'aggressive';
  },
  '--verify-objects': (s) => {
    objects(s);
    s.verifyObjects = true;
  },
  '--unpacked': (s) => {
    s.unpacked = true;
  },
  '--reverse': (s) => {
    s.reverse = !s.reverse;
  },
  '--children': (s) => {
    s.children = true;
    s.limited = true;
  },
  '--ignore-missing': (s) => {
    s.ignoreMissing = true;
  },
  '--full-history': (s) => {
    s.simplifyHistory = false;
  },
  '--show-pulls': (s) => {
    s.showPulls = true;
  },
  '--full-diff': (s) => {
    s.fullDiff = true;
  },
  '--do-walk': (s) => {
    s.noWalk = undefined;
  },
  '--no-walk': (s) => {
    s.noWalk = 'sorted';
  },
  // Showing.
  '-v': (s) => {
    s.verboseHeader = true;
  },
  '--pretty': (s) => {
    s.verboseHeader = true;
    s.pretty = undefined;
  },
  '--oneline': (s) => {
    s.verboseHeader = true;
    s.pretty = onelineFormat;
    s.abbrevCommit = true;
  },
  '--graph': (s) => {
    s.graph = true;
  },
  '--no-graph': (s) => {
    s.graph = false;
  },
  '--expand-tabs': (s) => {
    s.expandTabs = 8;
  },
  '--no-expand-tabs': (s) => {
    s.expandTabs = 0;
  },
  '--notes': (s) => {
    s.notes.show = true;
    s.notes.usual = true;
  },
  '--show-notes': (s) => {
    s.notes.show = true;
    s.notes.usual = true;
  },
  '--show-notes-by-default': (s) => {
    s.notes.byDefault = true;
  },
  '--no-notes': (s) => {
    s.notes.show = false;
    s.notes.usual = undefined;
    s.notes.refs.length = 0;
  },
  '--standard-notes': (s) => {
    s.notes.show ??= false;
    s.notes.usual = true;
  },
  '--no-standard-notes': (s) => {
    s.notes.usual = false;
  },
  '--encode-email-headers': (s) => {
    s.encodeEmailHeaders = true;
  },
  '--no-encode-email-headers': (s) => {
    s.encodeEmailHeaders = false;
  },
  '--abbrev-commit': (s) => {
    s.abbrevCommit = true;
    s.abbrevCommitSaid = true;
  },
  '--no-abbrev-commit': (s) => {
    s.abbrevCommit = false;
    s.abbrevCommitSaid = true;
  },
  '--abbrev': (s) => {
    s.abbrev = undefined;
  },
  '--no-abbrev': (s) => {
    s.abbrev = 0;
  },
  '--relative-date': (s) => {
    s.dateMode = { kind: 'relative', local: false };
  },
  '--log-size': (s) => {
    s.showLogSize = true;
  },
  '--show-signature': (s) => {
    s.showSignature = true;
  },
  '--no-show-signature': (s) => {
    s.showSignature = false;
  },
  '--show-linear-break': (s) => {
    s.showLinearBreak = '                    ..........';
  },
  // Patterns.
  '-i': (s) => {
    s.ignoreCase = true;
  },
  '--regexp-ignore-case': (s) => {
    s.ignoreCase = true;
  },
  '-E': (s) => {
    s.patternKind = 'extended';
  },
  '--extended-regexp': (s) => {
    s.patternKind = 'extended';
  },
  '-F': (s) => {
    s.patternKind = 'fixed';
  },
  '--fixed-strings': (s) => {
    s.patternKind = 'fixed';
  },
  '-P': (s) => {
    s.patternKind = 'perl';
  },
  '--perl-regexp': (s) => {
    s.patternKind = 'perl';
  },
  '--basic-regexp': (s) => {
    s.patternKind = 'basic';
  },
  '--all-match': (s) => {
    s.allMatch = true;
  },
  '--invert-grep': (s) => {
    s.invertGrep = true;
  },
  // Differences.
  '--root': (s) => {
    s.showRootDiff = true;
  },
  '--no-commit-id': (s) => {
    s.noCommitId = true;
  },
  '--always': (s) => {
    s.alwaysShowHeader = true;
  },
  '-r': (s) => {
    s.recursiveDiff = true;
  },
  '-t': (s) => {
    s.recursiveDiff = true;
    s.showTreesInDiff = true;
  },
  '-m': (s, { repository }) => {
    s.diffMerges = diffMergesOf('on', repository) ?? 'separate';
    seeAllMerges(s);
    s.mergesNeedDiff = false;
    s.diffMergesSaid = false;
  },
  '-c': (s) => setMerges(s, 'combined'),
  '--cc': (s) => setMerges(s, 'dense'),
  '--dd': (s) => setMerges(s, 'first-parent'),
  '--remerge-diff': (s) => setMerges(s, 'remerge'),
  '--no-diff-merges': (s) => {
    s.diffMerges = 'off';
  },
  '--combined-all-paths': (s) => {
    s.combineAllPaths = true;
  },
  '--default': () => {},
};

const valuedOptions: Readonly<Record<string, Valued>> = {
  '--max-count': (s, v) => {
    if (s.maxCountOldest !== undefined) throw together('--max-count', '--max-count-oldest');
    s.maxCount = wholeNumber(v);
    s.noWalk = undefined;
  },
  '--skip': (s, v) => {
    s.skip = nonNegative(v);
  },
  '--max-age': (s, v) => {
    s.maxAge = timestamp(v);
  },
  '--min-age': (s, v) => {
    s.minAge = timestamp(v);
  },
  '--since': since,
  '--after': since,
  '--since-as-filter': (s, v, { repository }) => {
    s.maxAgeAsFilter = approxidate(v, repository.clock).seconds;
  },
  '--until': until,
  '--before': until,
  '--author': (s, v) => {
    s.patterns.push({ field: 'author', pattern: v });
  },
  '--committer': (s, v) => {
    s.patterns.push({ field: 'committer', pattern: v });
  },
  '--grep': (s, v) => {
    s.patterns.push({ field: 'body', pattern: v });
  },
  '--grep-reflog': (s, v) => {
    s.patterns.push({ field: 'reflog', pattern: v });
  },
  '--date': (s, v, { terminal }) => {
    s.dateMode = parseDateMode(v, terminal);
  },
  '--encoding': (s, v) => {
    s.outputEncoding = v === 'none' ? '' : v;
  },
  '--diff-merges': (s, v, { repository }) => {
    const mode = diffMergesOf(v, repository);
    if (mode === undefined) throw usage(`invalid value for '--diff-merges': '${v}'`);
    s.diffMerges = mode;
    s.mergesNeedDiff = mode !== 'off';
    s.diffMergesSaid = false;
    seeAllMerges(s);
  },
};

const stuckOptions: Readonly<Record<string, Valued>> = {
  '--max-count-oldest': (s, v) => {
    if (s.maxCount >= 0) throw together('--max-count', '--max-count-oldest');
    s.maxCountOldest = wholeNumber(v);
  },
  '--graph-lane-limit': (s, v) => {
    s.graphLaneLimit = wholeNumber(v);
  },
  '--unpacked': () => {
    throw usage('--unpacked=<packfile> no longer supported');
  },
  '--ancestry-path': (s, v) => {
    s.simplifyHistory = false;
    s.limited = true;
    s.ancestryBottoms.push(v);
  },
  '--min-parents': (s, v) => {
    s.minParents = wholeNumber(v);
  },
  '--max-parents': (s, v) => {
    s.maxParents = wholeNumber(v);
  },
  '--no-walk': (s, v) => {
    s.noWalk = v as 'sorted' | 'unsorted';
  },
  '--pretty': setPretty,
  '--format': setPretty,
  '--expand-tabs': (s, v) => {
    if (!/^\d+$/.test(v)) throw usage(`'${v}': not a non-negative integer`);
    s.expandTabs = Number(v);
  },
  '--abbrev': (s, v, { repository }) => {
    const length = Number.parseInt(v, 10) || 0;
    const whole = repository.oidLength * 2;
    s.abbrev = length < 0 ? whole : Math.min(Math.max(length, 4), whole);
  },
  '--notes': (s, v) => {
    s.notes.show = true;
    if (s.notes.usual === undefined) s.notes.usual = false;
    s.notes.refs.push(notesRef(v));
  },
  '--show-notes': (s, v) => {
    s.notes.show = true;
    if (s.notes.usual === undefined) s.notes.usual = true;
    s.notes.refs.push(notesRef(v));
  },
  '--show-linear-break': (s, v) => {
    s.showLinearBreak = v;
  },
  '--progress': (s, v) => {
    s.progress = v;
  },
};

/** Settles what options mean together. Called once, after all of them. `checkPatterns` throws where one is none. */
export function settleLogSettings(settings: LogSettings, checkPatterns: () => void): void {
  if (settings.maxCountOldest !== undefined && settings.skip > 0) throw together('--skip', '--max-count-oldest');
  checkPatterns();
  if (settings.graph) {
    if (settings.order === 'default') settings.order = 'topo';
    settings.rewriteParents = true;
  }
  const { graph, walkReflogs } = settings;
  if (walkReflogs && (settings.limited || settings.order !== 'default'))
    throw usage('cannot combine --walk-reflogs with history-limiting options');
  if (graph && settings.children) throw together('--parents', '--children');
  if (graph && settings.reverse) throw together('--graph', '--reverse');
  if (walkReflogs && settings.reverse) throw together('--reverse', '--walk-reflogs');
  if (graph && settings.noWalk !== undefined) throw together('--no-walk', '--graph');
  if (settings.graphLaneLimit > 0 && !graph) throw usage("the option '--graph-lane-limit' requires '--graph'");
  if (!walkReflogs && settings.patterns.some(({ field }) => field === 'reflog'))
    throw usage("the option '--grep-reflog' requires '--walk-reflogs'");
  if (graph && settings.showLinearBreak !== undefined) throw together('--show-linear-break', '--graph');
}

const together = (a: string, b: string): GitError => usage(`options '${a}' and '${b}' cannot be used together`);

/** `x` means `refs/notes/x`. */
const notesRef = (text: string): string =>
  text.startsWith('refs/notes/') ? text : text.startsWith('notes/') ? `refs/${text}` : `refs/notes/${text}`;

import { parseColor } from '../base/color.js';
import { GitError } from '../base/errors.js';
import { badNumber, badVariable, type Config, type ConfigEntry, missingValue } from './config.js';
import { parseBool, parseConfigNumber } from './config-values.js';
import { isSyncComponent } from './fsync.js';

/** Throws `CONFIG` where an entry cannot be what it is meant to be. */
type Check = (entry: ConfigEntry, warn: (message: string) => void) => void;

const bool: Check = (entry) => {
  if (parseBool(entry.value) === undefined)
    throw new GitError('CONFIG', `bad boolean config value '${entry.value}' for '${entry.key}'`);
};

const number =
  (bits: 32 | 64 = 32): Check =>
  (entry) => {
    const parsed = parseConfigNumber(entry.value, bits);
    if ('fault' in parsed) badNumber(entry, parsed.fault);
  };

const text: Check = (entry) => {
  if (entry.value === undefined) throw missingValue(entry);
};

/** A bool, or one of the words, as they are spelled. */
const boolOr =
  (...words: readonly string[]): Check =>
  (entry, warn) => {
    if (entry.value === undefined || !words.includes(entry.value)) bool(entry, warn);
  };

/** A bool, or one of the words in any case. */
const boolOrAnyCase =
  (...words: readonly string[]): Check =>
  (entry, warn) => {
    if (entry.value === undefined || !words.includes(entry.value.toLowerCase())) bool(entry, warn);
  };

const boolOrAuto = boolOrAnyCase('never', 'always', 'auto');

const boolOrNumber: Check = (entry, warn) => {
  if (parseBool(entry.value) === undefined) number()(entry, warn);
};

/** One of the words; `why` is told where it is none. */
const oneOf =
  (words: readonly string[], why: (entry: ConfigEntry) => string): Check =>
  (entry) => {
    if (entry.value === undefined) throw missingValue(entry);
    if (!words.includes(entry.value)) throw badVariable(entry, why(entry));
  };

const abbreviation: Check = (entry) => {
  const { value } = entry;
  if (value === undefined) throw missingValue(entry);
  if (value.toLowerCase() === 'auto' || parseBool(value) === false) return;
  const parsed = parseConfigNumber(value);
  if ('fault' in parsed) badNumber(entry, parsed.fault);
  if (parsed.value < 4) throw badVariable(entry, `abbrev length out of range: ${parsed.value}`);
};

const compression: Check = (entry) => {
  const parsed = parseConfigNumber(entry.value);
  if ('fault' in parsed) badNumber(entry, parsed.fault);
  if (parsed.value < -1 || parsed.value > 9) throw new GitError('CONFIG', `bad zlib compression level ${parsed.value}`);
};

const comment: Check = (entry) => {
  if (entry.value === undefined) throw missingValue(entry);
  if (entry.value === '') throw badVariable(entry, `${entry.key} must have at least one character`);
  if (entry.value.includes('\n')) throw badVariable(entry, `${entry.key} cannot contain newline`);
};

function color(entry: ConfigEntry): void {
  if (entry.value === undefined) throw missingValue(entry);
  try {
    parseColor(entry.value);
  } catch {
    throw badVariable(entry, `invalid color value: ${entry.value}`);
  }
}

const fsync: Check = (entry, warn) => {
  if (entry.value === undefined) throw missingValue(entry);
  for (const word of entry.value.split(/[\t\n\r ,]+/)) {
    const name = word.replace(/^-/, '');
    if (name !== '' && !isSyncComponent(name)) warn(`ignoring unknown core.fsync component '${name}'`);
  }
};

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...[
    ...['core.filemode', 'core.trustctime', 'core.quotepath', 'core.symlinks', 'core.ignorecase', 'core.bare'],
    ...['core.ignorestat', 'core.protecthfs', 'core.protectntfs', 'core.precomposeunicode', 'core.sparsecheckout'],
    ...['core.sparsecheckoutcone', 'core.usereplacerefs', 'core.commitgraph', 'core.multipackindex', 'index.sparse'],
    ...['index.skiphash', 'feature.manyfiles', 'fetch.writecommitgraph', 'core.lockfilepid', 'user.useconfigonly'],
    ...['sparse.expectfilesoutsideofpatterns'],
  ].map((key): [string, Check] => [key, bool]),
  ...[
    ...['core.checkroundtripencoding', 'core.editor', 'core.askpass', 'core.excludesfile', 'core.attributesfile'],
    ...['core.whitespace', 'user.name', 'user.email', 'author.name', 'author.email', 'committer.name'],
    ...['committer.email', 'i18n.commitencoding', 'i18n.logoutputencoding', 'attr.tree'],
  ].map((key): [string, Check] => [key, text]),
  ['core.abbrev', abbreviation],
  [
    'core.disambiguate',
    oneOf(
      ['none', 'commit', 'committish', 'tree', 'treeish', 'blob'],
      (entry) => `unknown hint type for '${entry.key}': ${entry.value}`,
    ),
  ],
  [
    'core.checkstat',
    (entry) => {
      if (entry.value === undefined) throw missingValue(entry);
      if (!['default', 'minimal'].includes(entry.value.toLowerCase()))
        throw badVariable(entry, `invalid value for '${entry.key}': '${entry.value}'`);
    },
  ],
  ['core.compression', compression],
  ['core.loosecompression', compression],
  ['core.autocrlf', boolOrAnyCase('input')],
  ['core.safecrlf', boolOrAnyCase('warn')],
  ['core.packedgitwindowsize', number(64)],
  ['core.packedgitlimit', number(64)],
  ['core.deltabasecachelimit', number(64)],
  ['core.maxtreedepth', number()],
  ['pack.packsizelimit', number(64)],
  ['index.threads', boolOrNumber],
  ['index.version', number()],
  ['core.commentchar', comment],
  ['core.commentstring', comment],
  ['core.fsync', fsync],
  [
    'core.fsyncmethod',
    (entry, warn) => {
      if (entry.value === undefined) throw missingValue(entry);
      if (!['fsync', 'writeout-only', 'batch'].includes(entry.value))
        warn(`ignoring unknown core.fsyncMethod value '${entry.value}'`);
    },
  ],
  [
    'core.createobject',
    (entry) => {
      if (entry.value === undefined) throw missingValue(entry);
      if (entry.value !== 'rename' && entry.value !== 'link')
        throw new GitError('CONFIG', `invalid mode for object creation: ${entry.value}`);
    },
  ],
  ['branch.autosetupmerge', boolOr('always', 'inherit', 'simple')],
  [
    'branch.autosetuprebase',
    oneOf(['never', 'local', 'remote', 'always'], (entry) => `malformed value for ${entry.key}`),
  ],
  [
    'push.default',
    oneOf(
      ['nothing', 'matching', 'simple', 'upstream', 'tracking', 'current'],
      (entry) =>
        `malformed value for ${entry.key}: ${entry.value}\n` +
        'error: must be one of nothing, matching, simple, upstream or current',
    ),
  ],
  ['color.advice', boolOrAuto],
]);

/** Names below `advice.` that git knows; others are left alone. */
const adviceNames = new Set(
  [
    'addembeddedrepo addemptypathspec addignoredfile ambiguousfetchrefspec amworkdir',
    'checkoutambiguousremotebranchname commitbeforemerge detachedhead diverging fetchshowforcedupdates',
    'forcedeletebranch ignoredhook implicitidentity mergeconflict nestedtag pushalreadyexists pushfetchfirst',
    'pushneedsforce pushnonffcurrent pushnonffmatching pushrefneedsupdate pushunqualifiedrefname pushupdaterejected',
    'rebasetodoerror refsyntax resetnorefresh resolveconflict rmhints sequencerinuse skippedcherrypicks',
    'sparseindexexpanded statusaheadbehind statushints statusuoption submodulealternateerrorstrategydie',
    'submodulemergeconflict submodulesnotupdated suggestdetachinghead updatesparsepath waitingforeditor',
    'worktreeaddorphan',
  ].flatMap((line) => line.split(' ')),
);

const untracked: Check = (entry) => {
  if (entry.value === undefined) return;
  if (parseBool(entry.value) === undefined && !['no', 'normal', 'all'].includes(entry.value))
    throw badVariable(entry, `Invalid untracked files mode '${entry.value}'`);
};

const ignoring: Check = (entry) => {
  if (entry.value !== undefined && !['all', 'untracked', 'dirty', 'none'].includes(entry.value))
    throw new GitError('CONFIG', `bad --ignore-submodules argument: ${entry.value}`);
};

const bools = (...keys: readonly string[]): [string, Check][] => keys.map((key) => [key, bool]);

const ofStatus: readonly [string, Check][] = [
  ...bools('status.short', 'status.branch', 'status.aheadbehind', 'status.showstash', 'status.displaycommentprefix'),
  ...bools('status.relativepaths'),
  ['status.renamelimit', number()],
  ['status.renames', boolOr('copies', 'copy')],
  ['status.submodulesummary', boolOrNumber],
  ['status.showuntrackedfiles', untracked],
  ['color.status', boolOrAuto],
  ['color.ui', boolOrAuto],
  ['diff.renames', boolOr('copies', 'copy')],
  ['diff.renamelimit', number()],
  ['diff.ignoresubmodules', ignoring],
];

/** Names below `color.<command>.`. */
const slots: Readonly<Record<string, readonly string[]>> = {
  branch: ['plain', 'reset', 'remote', 'local', 'current', 'upstream', 'worktree'],
  status: ['header', 'branch', 'updated', 'added', 'changed', 'untracked', 'nobranch', 'unmerged'],
};

/** Throws `CONFIG` at a colour of `section` that cannot be read, used or not; with `only` at a slot that there is not, too. */
export function checkColors(
  config: Config,
  section: string,
  names: readonly string[],
  options: { readonly only?: boolean } = {},
): void {
  for (const entry of config.entries()) {
    if (!entry.key.startsWith(`${section}.`)) continue;
    if (names.includes(entry.key.slice(section.length + 1))) color(entry);
    else if (options.only === true) throw badVariable(entry);
  }
}

const grepSlots = [
  ...['context', 'filename', 'function', 'linenumber', 'column', 'match', 'matchcontext', 'matchselected'],
  ...['selected', 'separator'],
];

/** Throws `CONFIG` at a setting of searching that cannot be what it is meant to be: `grep.*` and `color.grep`. */
export function checkGrepSettings(config: Config): void {
  for (const entry of config.entries()) {
    const { key, value } = entry;
    if (/^grep\.(?:linenumber|column|fullname|extendedregexp)$/.test(key)) bool(entry, () => {});
    else if (key === 'grep.patterntype') {
      if (value === undefined) throw missingValue(entry);
      if (!['default', 'basic', 'extended', 'fixed', 'perl'].includes(value))
        throw new GitError('CONFIG', `bad grep.patterntype argument: ${value}`);
    } else if (key === 'color.grep') boolOrAuto(entry, () => {});
    else if (key === 'color.grep.match' && value === undefined)
      throw badVariable(entry, "missing value for 'color.grep.matchcontext'");
  }
  checkColors(config, 'color.grep', grepSlots, { only: true });
}

const conflicts: [string, Check] = [
  'merge.conflictstyle',
  oneOf(['merge', 'diff3', 'zdiff3'], ({ value }) => `unknown style '${value}' given for 'merge.conflictstyle'`),
];

/** What a command takes over beside the usual. */
const ofCommands: Readonly<Record<string, readonly [string, Check][]>> = {
  add: bools('add.ignoreerrors', 'add.ignore-errors'),
  branch: [
    ...bools('submodule.recurse', 'submodule.propagatebranches'),
    ['color.branch', boolOrAuto],
    ['color.ui', boolOrAuto],
  ],
  checkout: [...bools('checkout.guess', 'submodule.recurse'), conflicts, ['diff.ignoresubmodules', ignoring]],
  clean: [...bools('clean.requireforce'), ['color.interactive', boolOrAuto], ['color.ui', boolOrAuto]],
  commit: [...bools('commit.status', 'commit.gpgsign'), ['commit.verbose', boolOrNumber], ...ofStatus],
  'read-tree': bools('submodule.recurse'),
  reset: bools('submodule.recurse'),
  restore: [...bools('submodule.recurse'), conflicts],
  stash: bools('stash.index', 'stash.showincludeuntracked', 'stash.showpatch', 'stash.showstat'),
  status: ofStatus,
  switch: [...bools('checkout.guess', 'submodule.recurse'), conflicts, ['diff.ignoresubmodules', ignoring]],
  tag: bools('tag.gpgsign', 'tag.forcesignannotated'),
};

/**
 * Looks through the settings that every command takes over before it begins, in the order in which they were read, and
 * throws `CONFIG` at the first that cannot be what it is meant to be: nothing runs with a setting half understood.
 */
export function checkConfig(config: Config, command: string, warn: (message: string) => void): void {
  const own = new Map(Object.hasOwn(ofCommands, command) ? ofCommands[command] : []);
  for (const entry of config.entries()) {
    const { key } = entry;
    (checks.get(key) ?? own.get(key))?.(entry, warn);
    if (key.startsWith('advice.') && adviceNames.has(key.slice(7))) bool(entry, warn);
    if (key.startsWith('color.advice.')) color(entry);
    if (slots[command]?.includes(key.slice(key.lastIndexOf('.') + 1)) && key.startsWith(`color.${command}.`))
      color(entry);
  }
}

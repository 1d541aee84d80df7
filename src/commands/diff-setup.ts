import { openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Awaitable } from '../base/awaitable.js';
import { compareText, decodeText, emptyBytes, encodeText, type Bytes } from '../base/bytes.js';
import { parseColor } from '../base/color.js';
import { GitError } from '../base/errors.js';
import { isZeroOid, type Oid } from '../base/oid.js';
import { compileRegex } from '../base/posix-regex.js';
import { defaultDiffColors, type DiffColors } from '../diff/colors.js';
import type { DirstatOptions } from '../diff/dirstat.js';
import { lineBytes } from '../diff/lines.js';
import { writeDiff, type DiffFormats, type DiffOutcome } from '../diff/output.js';
import type { DiffOptions, SubmoduleFormat } from '../diff/options.js';
import type { DiffSide, FilePair } from '../diff/pair.js';
import { pickPairs, type Pickaxe } from '../diff/pickaxe.js';
import { detectRenames } from '../diff/renames.js';
import { filterPairs, orderPairs, parseOrderFile, parseStatusFilter, type StatusFilter } from '../diff/select.js';
import { wordSplitterFromRegex } from '../diff/word-regex.js';
import {
  defaultWhitespaceRule,
  parseWhitespaceRule,
  whitespaceRuleOf,
  type WhitespaceRule,
} from '../diff/whitespace.js';
import { createDelta } from '../packs/delta-create.js';
import { abbreviate } from '../repo/revision-short.js';
import { resolveRevision } from '../repo/revision.js';
import { badVariable, type Config, missingValue } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import { AttributeReader } from '../worktree/attributes-reader.js';
import type { CommandContext } from './command.js';
import { isGitlinkMode } from '../objects/mode.js';
import { submoduleRules } from '../porcelain/status-report.js';
import type { SubmoduleIgnore } from '../worktree/status.js';
import { WorkTree } from '../worktree/work-tree.js';
import { submoduleWriter } from './diff-submodule.js';
import { UsageError } from './options.js';
import { DiffDrivers, type AttributesOf } from './diff-drivers.js';
import { movedModesMessage, parseDirstat, parseMovedMode, type DiffArguments, type DiffForm } from './diff-options.js';

export interface DiffSetup {
  /** Read the settings of `git diff`, `log` and `show` (`diff.renames` and the like), not only those of plumbing. */
  readonly ui: boolean;
  /** What is shown where no form was asked for. */
  readonly defaultForm?: DiffForm | undefined;
  readonly attributesOf?: AttributesOf | undefined;
  /** Ids in raw output are whole unless asked otherwise (plumbing). */
  readonly rawFullIds?: boolean | undefined;
  /** Run textconv (and, with `externalDiff`, external programs) unless told not to. */
  readonly textconv?: boolean | undefined;
  readonly externalDiff?: boolean | undefined;
  /** Prefixes that say what is compared (`i/` and `w/`), for `diff.mnemonicPrefix`. */
  readonly mnemonics?: readonly [string, string] | undefined;
  /** The id of a file of the work tree. */
  readonly identify?: ((side: DiffSide) => Awaitable<Oid>) | undefined;
  /** Only objects are compared, whatever files there are. */
  readonly objectsOnly?: boolean | undefined;
  /** The work tree that is compared: its submodules and their settings count. */
  readonly tree?: WorkTree | undefined;
}

/** Everything a command needs to turn pairs into output, made from its diff options and the configuration. */
export class DiffTask {
  readonly formats: DiffFormats;
  readonly outcome: DiffOutcome = { failedCheck: false, changes: false };
  /** `--rotate-to` and `--skip-to` must name a path that differs. */
  strictRotation = false;
  /** Of `git diff`: only what a form of output has looked into counts as a difference. */
  judgesShown = false;
  /** Pairs of the last `process`: whether there were any. */
  hasChanges = false;
  neededRenameLimit = 0;
  private pick: Pickaxe | undefined;
  private order: readonly string[] | undefined;
  reducedRenames = false;

  constructor(
    readonly context: CommandContext,
    readonly args: DiffArguments,
    readonly options: DiffOptions,
    forms: ReadonlySet<DiffForm>,
    private readonly lazyPick: () => Awaitable<Pickaxe | undefined>,
    private readonly filter: StatusFilter | undefined,
    private readonly lazyOrder: () => readonly string[] | undefined,
    private readonly ordered: boolean,
    private readonly renames: Parameters<typeof detectRenames>[1],
    dirstat: DirstatOptions,
    stat: DiffFormats['stat'],
    /** How much of a submodule's changes counts. */
    readonly submoduleIgnore: (path: string) => SubmoduleIgnore,
  ) {
    this.formats = {
      raw: forms.has('raw'),
      name: forms.has('name'),
      nameStatus: forms.has('nameStatus'),
      check: forms.has('check'),
      numstat: forms.has('numstat'),
      stat: forms.has('stat') ? stat : undefined,
      shortstat: forms.has('shortstat'),
      dirstat: forms.has('dirstat') ? dirstat : undefined,
      summary: forms.has('summary'),
      patch: forms.has('patch'),
    };
  }

  /** Trees are to be walked into: some form needs files. */
  get recursive(): boolean {
    const { formats } = this;
    return (
      formats.patch === true ||
      formats.numstat === true ||
      formats.stat !== undefined ||
      formats.shortstat === true ||
      formats.dirstat !== undefined ||
      formats.summary === true ||
      formats.check === true ||
      this.picks
    );
  }

  private get picks(): boolean {
    return this.args.words.pickaxe !== undefined;
  }

  /** Unmodified files are wanted too, as sources of copies. */
  get wantsUnmodified(): boolean {
    return this.args.words.findCopiesHarder === true;
  }

  /** Pairs are changed after they were found: renames, pickaxe, filter. */
  get transforms(): boolean {
    return (
      this.renames.find !== 'none' ||
      this.renames.rewrites !== undefined ||
      this.picks ||
      this.ordered ||
      this.filter !== undefined
    );
  }

  #silent: boolean | undefined;

  /** Nothing is printed (`-s`, `--quiet`). */
  get silent(): boolean {
    this.#silent ??= Object.values(this.formats).every((form) => form === undefined || form === false);
    return this.#silent;
  }

  /** Renames, pickaxe, order and filter: from what differs to what is shown. */
  async process(raw: readonly FilePair[]): Promise<FilePair[]> {
    const { words } = this.args;
    let pairs: FilePair[] = words.reverse === true ? raw.map(reversed) : [...raw];
    pairs = pairs.filter((pair) => {
      const link = isGitlinkMode(pair.new.mode === 0 ? pair.old.mode : pair.new.mode);
      return !link || this.submoduleIgnore(pair.new.path) !== 'all';
    });
    const { relative } = this.options;
    if (relative !== undefined) pairs = pairs.filter((pair) => pair.new.path.startsWith(relative));
    if (this.renames.find !== 'none' || this.renames.rewrites !== undefined) {
      const found = await detectRenames(pairs, this.renames);
      pairs = found.pairs;
      this.neededRenameLimit = Math.max(this.neededRenameLimit, found.neededLimit);
      this.reducedRenames ||= found.reduced;
    }
    if (this.picks) {
      this.pick ??= (await this.lazyPick())!;
      pairs = await pickPairs(pairs, this.pick, this.options, words.pickaxeAll === true);
    }
    if (this.ordered) {
      this.order ??= this.lazyOrder() ?? [];
      pairs = orderPairs(pairs, this.order);
    }
    const from = words.rotateTo ?? words.skipTo;
    if (from !== undefined) pairs = this.rotated(pairs, from, words.skipTo !== undefined);
    if (this.filter !== undefined) pairs = filterPairs(pairs, this.filter);
    const { formats } = this;
    if (this.readsContent && (formats.raw === true || formats.name === true || formats.nameStatus === true)) {
      const shown: FilePair[] = [];
      for (const pair of pairs) {
        // Of a directory there is nothing to show.
        if (!(await this.isShown([pair]))) continue;
        // Whoever has read a file of the work tree knows what it is called.
        for (const side of [pair.old, pair.new])
          if (side.mode !== 0 && isZeroOid(side.oid)) {
            const oid = await this.options.identify?.(side);
            if (oid !== undefined) side.learn?.(oid);
          }
        shown.push(pair);
      }
      pairs = shown;
    }
    if (pairs.length > 0) this.hasChanges = true;
    return pairs;
  }

  /** Contents are looked at even where only names are shown. */
  private get readsContent(): boolean {
    const { whitespace, ignoreMatching } = this.options;
    return whitespace !== undefined || (ignoreMatching !== undefined && ignoreMatching.length > 0);
  }

  /** Some changes are overlooked: only the contents tell whether a pair differs. */
  private get byContent(): boolean {
    return this.readsContent || this.options.ignoreBlankLines === true;
  }

  /** Whether a patch of the pairs would show anything. */
  private async isShown(pairs: readonly FilePair[]): Promise<boolean> {
    const outcome: DiffOutcome = { failedCheck: false, changes: false };
    const options = { ...this.options, colors: undefined, quiet: true };
    for await (const _ of writeDiff(pairs, { patch: true }, options, outcome));
    return outcome.changes;
  }

  private rotated(pairs: readonly FilePair[], path: string, skip: boolean): FilePair[] {
    // where one path is asked for it must be there; in a log each commit goes from where it would be
    if (pairs.length === 0) return [];
    const at = pairs.findIndex(
      (pair) => pair.new.path === path || (!this.strictRotation && compareText(pair.new.path, path) > 0),
    );
    if (at < 0) {
      if (this.strictRotation) throw new GitError('USAGE', `No such path '${path}' in the diff`);
      return [...pairs];
    }
    return skip ? pairs.slice(at) : [...pairs.slice(at), ...pairs.slice(0, at)];
  }

  /** The pairs, and one without a difference for each path that has something to say and none; by old names. */
  withHeaders(pairs: readonly FilePair[], headers: ReadonlyMap<string, readonly string[]>): FilePair[] {
    const wanted = !this.picks && this.filter?.wanted.has('U') !== false;
    if (!wanted || headers.size === 0) return [...pairs];
    const present = new Set(pairs.map((pair) => pair.old.path));
    const all = [...pairs];
    for (const path of headers.keys()) {
      if (present.has(path)) continue;
      const side = { path, mode: 0, oid: '' as Oid, read: () => emptyBytes };
      all.push({ status: 'U', old: side, new: side, score: 0 });
    }
    return all.sort((a, b) => compareText(a.old.path, b.old.path));
  }

  /** The text of processed pairs, in pieces. */
  async *write(
    pairs: readonly FilePair[],
    linePrefix?: string,
    more: Partial<DiffOptions> = {},
  ): AsyncGenerator<Bytes> {
    const options = { ...this.options, ...more, ...(linePrefix === undefined ? {} : { linePrefix }) };
    yield* writeDiff(pairs, this.formats, options, this.outcome);
  }

  /** Whether something differs; where white space is overlooked, whether something would be shown. */
  async differs(pairs: readonly FilePair[]): Promise<boolean> {
    const trusting = (pair: FilePair): boolean => {
      const driver = this.options.externalDiff === true ? this.options.driverFor?.(pair.old.path) : undefined;
      return driver?.external !== undefined && driver.trustsExit === true;
    };
    // git looks at no content for these alone, and then knows of no change.
    const { dirstat, summary, ...others } = this.formats;
    if (
      (this.judgesShown || this.byContent) &&
      (dirstat !== undefined || summary === true) &&
      dirstat?.by !== 'lines' &&
      Object.values(others).every((on) => on === undefined || on === false)
    )
      return false;
    if (!this.byContent && !pairs.some(trusting)) return pairs.length > 0;
    if (this.formats.patch === true) return this.outcome.changes;
    return this.isShown(pairs);
  }

  /** Says at the end where renames were not looked for because there were too many files. */
  warnAboutLimits(key = 'diff.renameLimit'): void {
    if (this.reducedRenames) this.context.warning('only found copies from modified paths due to too many files.');
    else if (this.neededRenameLimit > 0)
      this.context.warning('exhaustive rename detection was skipped due to too many files.');
    else return;
    this.context.warning(
      `you may want to set your ${key} variable to at least ${this.neededRenameLimit} and retry the command.`,
    );
  }

  /** The exit code that `--exit-code` and `--check` ask for. */
  exitCode(differs: boolean): number {
    let code = 0;
    if (this.args.words.exitCode === true && differs) code |= 1;
    if (this.outcome.failedCheck) code |= 2;
    return code;
  }
}

/** Old and new exchanged. */
export function reversed(pair: FilePair): FilePair {
  const status = pair.status === 'A' ? 'D' : pair.status === 'D' ? 'A' : pair.status;
  return { status, old: pair.new, new: pair.old, score: pair.score };
}

const slots: Readonly<Record<string, keyof DiffColors>> = {
  context: 'context',
  plain: 'context',
  meta: 'meta',
  frag: 'frag',
  func: 'func',
  old: 'old',
  new: 'new',
  commit: 'commit',
  whitespace: 'whitespace',
  oldmoved: 'oldMoved',
  oldmovedalternative: 'oldMovedAlternative',
  oldmoveddimmed: 'oldMovedDimmed',
  oldmovedalternativedimmed: 'oldMovedAlternativeDimmed',
  newmoved: 'newMoved',
  newmovedalternative: 'newMovedAlternative',
  newmoveddimmed: 'newMovedDimmed',
  newmovedalternativedimmed: 'newMovedAlternativeDimmed',
  contextdimmed: 'contextDimmed',
  olddimmed: 'oldDimmed',
  newdimmed: 'newDimmed',
  contextbold: 'contextBold',
  oldbold: 'oldBold',
  newbold: 'newBold',
};

/** The colours of diffs: git's defaults, and `color.diff.<slot>`. */
function diffColors(config: Config | undefined): DiffColors {
  const colors: Record<string, string> = { ...defaultDiffColors };
  for (const [slot, name] of Object.entries(slots)) {
    for (const section of ['diff.color', 'color.diff']) {
      const entry = config?.last(`${section}.${slot}`);
      if (entry === undefined) continue;
      if (entry.value === undefined) throw missingValue(entry);
      try {
        colors[name] = parseColor(entry.value);
      } catch (error) {
        throw badVariable(entry, (error as Error).message);
      }
    }
  }
  return colors as unknown as DiffColors;
}

const renameValues: Readonly<Record<string, 'none' | 'renames' | 'copies'>> = {
  copies: 'copies',
  copy: 'copies',
};

function configuredRenames(repository: Repository | undefined): 'none' | 'renames' | 'copies' {
  const value = repository?.config.last('diff.renames')?.value;
  if (value === undefined) return 'renames';
  return renameValues[value.toLowerCase()] ?? (repository!.config.getBool('diff.renames', true) ? 'renames' : 'none');
}

function highlightOf(text: string, fail: () => GitError): { old: boolean; new: boolean; context: boolean } {
  let where = { old: false, new: false, context: false };
  for (const word of text.split(',')) {
    if (word === '') continue;
    if (word === 'none') where = { old: false, new: false, context: false };
    else if (word === 'default') where = { old: false, new: true, context: false };
    else if (word === 'all') where = { old: true, new: true, context: true };
    else if (word === 'old' || word === 'new' || word === 'context') where[word] = true;
    else throw fail();
  }
  return where;
}

const movedSpaceFlags: Readonly<Record<string, string>> = {
  'ignore-space-change': 'ignoreSpaceChange',
  'ignore-space-at-eol': 'ignoreSpaceAtEol',
  'ignore-all-space': 'ignoreAllSpace',
  'allow-indentation-change': 'allowIndentationChange',
};
const movedWords = (text: string): string[] => text.split(',').map((part) => part.trim());

function movedWhitespace(text: string | null | undefined): DiffOptions['movedWhitespace'] {
  if (text == null || text === '') return undefined;
  let flags: Record<string, boolean> = {};
  for (const word of movedWords(text)) {
    if (word === 'no') flags = {};
    else flags[movedSpaceFlags[word]!] = true;
  }
  return flags;
}

/** What is wrong with a value of `--color-moved-ws`. */
function movedWhitespaceFaults(text: string | null | undefined): string[] {
  if (text == null) return [];
  const faults = movedWords(text)
    .filter((word) => word !== 'no' && movedSpaceFlags[word] === undefined)
    .map(
      (word) =>
        `unknown color-moved-ws mode '${word}', possible values are 'ignore-space-change', 'ignore-space-at-eol', 'ignore-all-space', 'allow-indentation-change'`,
    );
  const flags = movedWhitespace(text);
  if (flags?.allowIndentationChange === true && Object.keys(flags).filter((key) => key !== 'undefined').length > 1)
    faults.push('color-moved-ws: allow-indentation-change cannot be combined with other whitespace modes');
  return faults;
}

/** Compiles `-I`, `-G` and word patterns; complains in git's words. */
function lineRegex(pattern: string, message: string): RegExp {
  try {
    return compileRegex(pattern, 'extended');
  } catch {
    throw new UsageError(`${message}: '${pattern}'`, { quiet: true });
  }
}

/** What is wrong with options by themselves, where it is told before anything else. */
export async function checkDiffWords(context: CommandContext, args: DiffArguments): Promise<void> {
  const { words } = args;
  if (words.output !== undefined) redirectOutput(context, words.output);
  if (words.colorMovedWs != null) checkMovedSpace(context, words.colorMovedWs);
  for (const pattern of words.ignoreMatching) lineRegex(pattern, 'invalid regex given to -I');
  if (words.pickaxe?.kind === 'object') await pickaxeOf(args, context.maybeRepository());
}

function checkMovedSpace(context: CommandContext, text: string): void {
  const faults = movedWhitespaceFaults(text);
  for (const fault of faults) context.error(fault);
  if (faults.length > 0) throw new UsageError(`invalid mode '${text}' in --color-moved-ws`, { quiet: true });
}

/** Turns parsed diff options and the configuration into a task. */
export async function setUpDiff(context: CommandContext, args: DiffArguments, setup: DiffSetup): Promise<DiffTask> {
  args.finish();
  const { words } = args;
  if (words.output !== undefined) redirectOutput(context, words.output);
  const repository = context.maybeRepository();
  const config = repository?.config;
  const ui = setup.ui;
  const forms = new Set(words.forms);
  if (forms.size === 0 && setup.defaultForm !== undefined) forms.add(setup.defaultForm);
  forms.delete('none');

  if (ui) {
    // What is not used here has to be what it is meant to be as well.
    config?.getBool('diff.mnemonicprefix');
    config?.get('diff.external');
  }
  const wantColor = context.wantColor('diff', words.color ?? config?.get('diff.color') ?? undefined);
  // Colours that cannot be read are told of, used or not.
  const palette = diffColors(config);
  const colors = wantColor ? palette : undefined;
  const movedMode = parseMovedMode(words.colorMoved ?? (ui ? (movedSetting(config) ?? 'no') : 'no'));
  if (movedMode === undefined) throw badVariable(config!.last('diff.colormoved')!, movedModesMessage);
  const movedSpace = words.colorMovedWs ?? (ui ? config?.get('diff.colormovedws') : undefined);
  if (words.colorMovedWs != null) checkMovedSpace(context, words.colorMovedWs);
  const movedSpaceFaults = movedWhitespaceFaults(movedSpace);
  if (movedSpaceFaults.length > 0) {
    for (const fault of movedSpaceFaults) context.error(fault);
    throw badVariable(config!.last('diff.colormovedws')!);
  }

  const whitespaceConfig = config?.get('core.whitespace');
  const baseRule =
    whitespaceConfig === undefined
      ? defaultWhitespaceRule
      : parseWhitespaceRule(whitespaceConfig, (message) => {
          throw new GitError('CONFIG', message);
        });
  const ruleFor = (path: string): WhitespaceRule =>
    whitespaceRuleOf(setup.attributesOf?.(path)?.get('whitespace'), baseRule);

  const relative = relativePrefix(
    words.relative ?? (ui && config?.getBool('diff.relative', false) === true),
    repository,
  );
  const drivers = new DiffDrivers(
    context,
    repository,
    setup.attributesOf,
    relative,
    setup.objectsOnly === true ? undefined : setup.tree,
  );
  const whitespace =
    words.ignoreAllSpace === true ||
    words.ignoreSpaceChange === true ||
    words.ignoreSpaceAtEol === true ||
    words.ignoreCrAtEol === true
      ? {
          ignoreAllSpace: words.ignoreAllSpace,
          ignoreSpaceChange: words.ignoreSpaceChange,
          ignoreSpaceAtEol: words.ignoreSpaceAtEol,
          ignoreCrAtEol: words.ignoreCrAtEol,
        }
      : undefined;

  const configAlgorithm = ui ? config?.get('diff.algorithm')?.toLowerCase() : undefined;
  if (
    configAlgorithm !== undefined &&
    !['myers', 'default', 'minimal', 'patience', 'histogram'].includes(configAlgorithm)
  ) {
    const entry = config!.last('diff.algorithm')!;
    throw badVariable(entry, `unknown value for config 'diff.algorithm': ${entry.value}`);
  }
  const algorithm =
    words.algorithm ??
    (configAlgorithm === undefined || configAlgorithm === 'default'
      ? undefined
      : (configAlgorithm as 'myers' | 'minimal' | 'patience' | 'histogram'));

  const wordRegex = words.wordRegex ?? undefined;
  const configuredWords = ui ? config?.get('diff.wordregex') : undefined;
  const wordDiff = words.wordDiff === 'none' ? undefined : words.wordDiff;

  const abbreviateTo = (length: number | undefined): ((oid: Oid) => Awaitable<string>) | undefined => {
    if (repository === undefined) return (oid) => oid.slice(0, length ?? 7);
    return (oid) => (/^0+$/.test(oid) ? zeroShort(repository, oid, length) : abbreviate(repository, oid, length));
  };
  const indexLength = typeof words.abbrev === 'number' && words.abbrev > 0 ? words.abbrev : undefined;
  let rawAbbreviate: ((oid: Oid) => Awaitable<string>) | undefined;
  if (words.abbrev === 'auto') rawAbbreviate = abbreviateTo(undefined);
  else if (words.abbrev !== undefined && words.abbrev > 0) rawAbbreviate = abbreviateTo(words.abbrev);
  else if (words.abbrev === undefined && setup.rawFullIds !== true) rawAbbreviate = abbreviateTo(undefined);
  if (rawAbbreviate !== undefined && context.env['GIT_PRINT_SHA1_ELLIPSIS'] === 'yes') {
    const plain = rawAbbreviate;
    rawAbbreviate = async (oid) => {
      const short = await plain(oid);
      return short.length < oid.length ? `${short}...` : short;
    };
  }

  let [oldPrefix, newPrefix] = ['a/', 'b/'];
  const mnemonic = setup.mnemonics !== undefined && ui && config?.getBool('diff.mnemonicprefix', false) === true;
  if (mnemonic && config?.getBool('diff.noprefix', false) !== true && words.prefixes !== 'default') {
    [oldPrefix, newPrefix] = setup.mnemonics!;
  } else if (ui) {
    oldPrefix = config?.get('diff.srcprefix') ?? oldPrefix;
    newPrefix = config?.get('diff.dstprefix') ?? newPrefix;
    if (config?.getBool('diff.noprefix', false) === true) [oldPrefix, newPrefix] = ['', ''];
  }
  oldPrefix = words.oldPrefix ?? oldPrefix;
  newPrefix = words.newPrefix ?? newPrefix;

  const highlightText = words.wsErrorHighlight ?? config?.get('diff.wserrorhighlight');
  const badHighlight = (): GitError =>
    badVariable(
      config!.last('diff.wserrorhighlight')!,
      `unknown value for config 'diff.wserrorhighlight': ${highlightText}`,
    );
  const options: DiffOptions = {
    algorithm,
    ignoreDriverAlgorithm: words.algorithm !== undefined,
    anchors: words.anchors.map((anchor) => encodeText(anchor)),
    whitespace,
    ignoreBlankLines: words.ignoreBlankLines,
    ignoreMatching: words.ignoreMatching.map((pattern) => {
      const regex = lineRegex(pattern, 'invalid regex given to -I');
      return (lines, index) => regex.test(decodeText(lineBytes(lines, index)));
    }),
    indentHeuristic: words.indentHeuristic ?? config?.getBool('diff.indentheuristic', true),
    context: words.context ?? contextFrom(context, ui ? naturalSetting(config, 'diff.context') : undefined),
    interHunkContext: words.interHunkContext ?? (ui ? naturalSetting(config, 'diff.interhunkcontext') : undefined),
    functionContext: words.functionContext,
    oldPrefix,
    newPrefix,
    relative,
    quotePath: config?.getBool('core.quotepath', true),
    terminator: words.nul === true ? '\0' : '\n',
    reverse: words.reverse,
    abbreviate: abbreviateTo(indexLength),
    abbreviateCombined: abbreviateTo(undefined),
    abbreviateRaw: rawAbbreviate,
    identify: setup.identify,
    fullIndex: words.fullIndex === true,
    binaryPatch: words.binary,
    deflate: (bytes) => deflateSync(bytes),
    makeDelta: (from, to, limit) => createDelta(from, to, limit),
    text: words.text,
    omitDeleted: words.omitDeleted,
    colors,
    indicators: words.indicators,
    linePrefix: words.linePrefix,
    highlightWhitespace: highlightText === undefined ? undefined : highlightOf(highlightText, badHighlight),
    whitespaceRuleFor: ruleFor,
    suppressBlankEmpty: config?.getBool('diff.suppressblankempty', false),
    driverFor: (path) => drivers.of(path),
    announce: (total) => drivers.announce(total),
    textconv: words.textconv ?? setup.textconv ?? false,
    externalDiff: words.externalDiff ?? setup.externalDiff ?? false,
    wordDiff,
    // Only a word diff that is shown looks at the pattern.
    words: wordRegex === undefined || !forms.has('patch') ? undefined : wordSplitterFromRegex(wordRegex),
    defaultWords:
      configuredWords === undefined || wordDiff === undefined || !forms.has('patch')
        ? undefined
        : wordSplitterFromRegex(configuredWords),
    moved: movedMode === 'no' ? undefined : movedMode,
    movedWhitespace: movedWhitespace(movedSpace),
    submodule: (words.submodule ?? (ui ? config?.get('diff.submodule') : undefined)) as SubmoduleFormat | undefined,
  };

  const ignoreWord = words.ignoreSubmodules as SubmoduleIgnore | undefined;
  const rules = setup.tree === undefined ? undefined : submoduleRules(setup.tree, 'untracked');
  const ignoreSetting = ui ? config?.get('diff.ignoresubmodules') : undefined;
  if (ui && ignoreSetting !== undefined && !['none', 'untracked', 'dirty', 'all'].includes(ignoreSetting))
    throw new GitError('CONFIG', `bad --ignore-submodules argument: ${ignoreSetting}`);
  const submoduleIgnore = (path: string): SubmoduleIgnore => ignoreWord ?? rules?.(path) ?? 'untracked';

  const find = words.renames ?? (ui ? configuredRenames(repository) : 'none');
  const limit = words.renameLimit ?? config?.getInt('diff.renamelimit') ?? 1000;
  const renames: Parameters<typeof detectRenames>[1] = {
    find,
    minimumScore: words.renameScore,
    limit: Math.max(0, limit),
    harder: words.findCopiesHarder,
    empty: words.renameEmpty,
    rewrites: words.breakScore,
    identify: setup.identify,
  };

  let filter: StatusFilter | undefined;
  if (words.filter !== undefined) {
    const parsed = parseStatusFilter(words.filter);
    if (typeof parsed === 'string')
      throw new GitError('USAGE', `unknown change class '${parsed}' in --diff-filter=${words.filter}`);
    filter = parsed;
  }

  const configuredOrder = ui ? (config?.getPath('diff.orderfile') ?? config?.get('diff.orderfile')) : undefined;
  const orderFile = words.orderFile ?? configuredOrder;
  const ordered = orderFile !== undefined && words.orderFile !== '' && orderFile !== '/dev/null';
  const order = (): string[] | undefined => {
    if (!ordered) return undefined;
    try {
      return parseOrderFile(decodeText(readFileSync(orderFile === '' ? '' : resolve(context.cwd, orderFile))));
    } catch (error) {
      const reason = (error as { code?: string }).code === 'ENOENT' ? 'No such file or directory' : 'Is a directory';
      throw new GitError('USAGE', `failed to read orderfile '${orderFile}': ${reason}`);
    }
  };

  const dirstat: { by: 'changes' | 'lines' | 'files'; permille: number; cumulative: boolean } = {
    by: 'changes',
    permille: 30,
    cumulative: false,
  };
  const configuredDirstat = config?.get('diff.dirstat');
  if (configuredDirstat !== undefined) {
    const faults = parseDirstat(configuredDirstat, dirstat);
    if (faults.length > 0) context.warning(`Found errors in 'diff.dirstat' config variable:\n${faults.join('')}`);
  }
  for (const text of words.dirstat) parseDirstat(text, dirstat);

  const stat = {
    width: words.statWidth ?? terminalWidth(context, words.linePrefix),
    nameWidth: words.statNameWidth ?? (ui ? config?.getInt('diff.statnamewidth') : undefined),
    graphWidth: words.statGraphWidth ?? (ui ? config?.getInt('diff.statgraphwidth') : undefined),
    count: words.statCount,
    compactSummary: words.compactSummary,
  };
  // A bad pattern is told where something is compared with it, a bad object at once.
  const known = words.pickaxe?.kind === 'object' || conflicting(args) ? await pickaxeOf(args, repository) : undefined;
  const pick = (): Awaitable<Pickaxe | undefined> => known ?? pickaxeOf(args, repository);
  const format = options.submodule;
  if (format !== undefined && !['short', 'log', 'diff'].includes(format)) {
    context.warning(`Unknown value for 'diff.submodule' config variable: '${format}'`);
  }
  const withSubmodules: DiffOptions =
    repository === undefined || (format !== 'log' && format !== 'diff')
      ? options
      : { ...options, showSubmodule: submoduleWriter(context, repository, options) };
  return new DiffTask(
    context,
    args,
    withSubmodules,
    forms,
    pick,
    filter,
    order,
    ordered,
    renames,
    dirstat,
    stat,
    submoduleIgnore,
  );
}

/** `diff.colorMoved`, which may be a mere yes or no. */
function movedSetting(config: Config | undefined): string | undefined {
  const entry = config?.last('diff.colormoved');
  if (entry === undefined) return undefined;
  return entry.value === undefined ? 'default' : entry.value === '' ? 'no' : entry.value;
}

/** A whole number that must not be less than nothing. */
function naturalSetting(config: Config | undefined, key: string): number | undefined {
  const value = config?.getInt(key);
  if (value !== undefined && value < 0) throw badVariable(config!.last(key)!);
  return value;
}

/** `GIT_DIFF_OPTS=-u5` or `--unified=5`. */
function contextFrom(context: CommandContext, configured: number | undefined): number | undefined {
  const match = /^(?:-u|--unified=)(\d+)/.exec(context.env['GIT_DIFF_OPTS'] ?? '');
  if (match !== null) return Number(match[1]);
  return configured;
}

async function zeroShort(repository: Repository, oid: Oid, length: number | undefined): Promise<string> {
  return abbreviate(repository, oid, length);
}

function relativePrefix(relative: string | boolean, repository: Repository | undefined): string | undefined {
  if (relative === false) return undefined;
  if (relative !== true) return relative;
  const prefix = repository?.prefix ?? '';
  return prefix === '' ? undefined : prefix;
}

/** Columns that `--stat` may take: the terminal's, or 80. */
function terminalWidth(context: CommandContext, linePrefix: string | undefined): number {
  const columns = Number(context.env['COLUMNS'] ?? 0) || context.io.stdout.columns || 80;
  return columns - (linePrefix?.replace(/\x1b\[[\d;]*m/g, '').length ?? 0);
}

/** Options of the pickaxe that do not go together; `pickaxeOf` says so. */
function conflicting({ words }: DiffArguments): boolean {
  return words.pickaxe?.kind === 'G' && words.pickaxeRegex === true;
}

async function pickaxeOf(args: DiffArguments, repository: Repository | undefined): Promise<Pickaxe | undefined> {
  const { words } = args;
  const { pickaxe } = words;
  if (pickaxe === undefined) return undefined;
  if (pickaxe.kind === 'object') {
    const oid = repository === undefined ? undefined : await resolveRevision(repository, pickaxe.text);
    if (oid === undefined) throw new UsageError(`unable to resolve '${pickaxe.text}'`, { quiet: true });
    if (words.pickaxeAll === true)
      throw new GitError(
        'USAGE',
        "options '--pickaxe-all' and '--find-object' cannot be used together, use '--pickaxe-all' with '-G' and '-S'",
      );
    return { kind: 'object', oids: new Set([oid]) };
  }
  if (pickaxe.kind === 'G') {
    if (words.pickaxeRegex === true)
      throw new GitError(
        'USAGE',
        "options '-G' and '--pickaxe-regex' cannot be used together, use '--pickaxe-regex' with '-S'",
      );
    return { kind: 'lines', regex: pickaxeRegex(pickaxe.text, words.ignoreCase === true) };
  }
  if (words.pickaxeRegex === true)
    return { kind: 'countRegex', regex: pickaxeRegex(pickaxe.text, words.ignoreCase === true) };
  return { kind: 'count', text: pickaxe.text, ignoreCase: words.ignoreCase };
}

function pickaxeRegex(text: string, ignoreCase: boolean): RegExp {
  try {
    return compileRegex(text, 'extended', { ignoreCase });
  } catch (error) {
    throw new GitError('USAGE', `invalid regex: ${(error as Error).message}`);
  }
}

/** Where attributes are read: from the tree that `--attr-source` or `attr.tree` names, else as the work tree has them. */
export async function attributeSource(context: CommandContext, repository: Repository): Promise<AttributesOf> {
  const word = context.globals.attrSource ?? context.env['GIT_ATTR_SOURCE'];
  const name = word ?? repository.config.get('attr.tree');
  const tree = name === undefined ? undefined : await resolveRevision(repository, `${name}^{tree}`);
  if (word !== undefined && tree === undefined) throw new GitError('USAGE', 'bad --attr-source or GIT_ATTR_SOURCE');
  const work = new WorkTree(repository);
  const index = (): WorkTree['index'] => work.index;
  const where = repository.workTree === undefined ? { index } : {};
  const reader = new AttributeReader(repository, tree === undefined ? where : { direction: { tree }, ...where });
  return (path) => reader.of(path);
}

/** Everything goes to the file of `--output`; throws `USAGE` in git's words where it cannot be written. */
function redirectOutput(context: CommandContext, output: string): void {
  try {
    if (output === '') throw Object.assign(new Error(), { code: 'ENOENT' });
    context.io.stdout.redirect(openSync(resolve(context.cwd, output), 'w'));
  } catch (error) {
    const { code } = error as { code?: string };
    const reason =
      code === 'ENOENT' ? 'No such file or directory' : code === 'EISDIR' ? 'Is a directory' : 'Permission denied';
    throw new GitError('USAGE', `could not open '${output}' for writing: ${reason}`);
  }
}

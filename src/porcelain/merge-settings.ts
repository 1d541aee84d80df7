import { GitError } from '../base/errors.js';
import type { DiffAlgorithm } from '../diff/line-diff.js';
import type { LineWhitespace } from '../diff/lines.js';
import { defaultRenameScore, maxScore } from '../diff/similarity.js';
import type { TreeOptions } from '../merge/tree.js';
import type { ConflictStyle } from '../merge/text.js';
import type { Config } from '../repo/config.js';

/** Everything configuration and `-X` say about how to merge. */
export interface MergeSettings {
  readonly favor?: 'ours' | 'theirs' | undefined;
  /** Least score of a rename, or `false`. */
  readonly renames: number | false;
  readonly renameLimit: number | undefined;
  readonly directoryRenames: boolean | 'conflict';
  readonly subtree?: string | true | undefined;
  readonly style: ConflictStyle;
  readonly algorithm: DiffAlgorithm;
  readonly whitespace: LineWhitespace;
  readonly renormalize: boolean;
  /** 0 silent, 2 usual, 5 with the news of merged ancestors. */
  readonly verbosity: number;
}

const styles: readonly string[] = ['merge', 'diff3', 'zdiff3'];

/** `merge.conflictStyle`. Throws `CONFIG` for a word it does not know. */
export function conflictStyle(config: Config): ConflictStyle {
  const entry = config.last('merge.conflictstyle');
  if (entry === undefined) return 'merge';
  const { value } = entry;
  if (value === undefined) throw new GitError('CONFIG', "missing value for 'merge.conflictstyle'");
  if (!styles.includes(value)) {
    const { origin, line } = entry;
    const place =
      origin.kind === 'file'
        ? `bad config variable 'merge.conflictstyle' in file '${origin.name}' at line ${line}`
        : "unable to parse 'merge.conflictstyle' from command-line config";
    throw new GitError('CONFIG', place, {
      data: { preface: `error: unknown style '${value}' given for 'merge.conflictstyle'\n` },
    });
  }
  return value as ConflictStyle;
}

/** What the configuration says. `porcelain`: read `diff.algorithm` too, as merge, rebase and their kin do. */
export function mergeSettings(config: Config, options: { readonly porcelain: boolean }): MergeSettings {
  const renames = isOn(config, 'merge.renames') ?? isOn(config, 'diff.renames') ?? true;
  const directory = config.last('merge.directoryrenames')?.value;
  const named = options.porcelain ? config.get('diff.algorithm') : undefined;
  const algorithm = named === undefined ? 'histogram' : parseAlgorithm(named);
  if (algorithm === undefined) throw new GitError('CONFIG', `unknown value for config 'diff.algorithm': ${named}`);
  return {
    renames: renames ? defaultRenameScore : false,
    renameLimit: config.getInt('merge.renamelimit') ?? config.getInt('diff.renamelimit'),
    directoryRenames: directory === 'conflict' ? 'conflict' : (tryBool(config, 'merge.directoryrenames') ?? 'conflict'),
    style: conflictStyle(config),
    algorithm,
    whitespace: {},
    renormalize: config.getBool('merge.renormalize', false),
    verbosity: config.getInt('merge.verbosity', 2),
  };
}

/** `copies` counts as "yes": merges do not look for copies. */
function isOn(config: Config, key: string): boolean | undefined {
  const value = config.last(key)?.value;
  if (value === 'copies' || value === 'copy') return true;
  return config.getBool(key);
}

function tryBool(config: Config, key: string): boolean | undefined {
  const value = config.getBoolOrString(key);
  return typeof value === 'boolean' ? value : undefined;
}

const algorithms: Readonly<Record<string, DiffAlgorithm>> = {
  myers: 'myers',
  default: 'myers',
  minimal: 'minimal',
  patience: 'patience',
  histogram: 'histogram',
};

const parseAlgorithm = (text: string): DiffAlgorithm | undefined => algorithms[text.toLowerCase()];

/** A score as `-M` takes it, 0 to 60000: `50%`, `0.5` and `5` are all a half. Undefined for anything else. */
function parseScore(text: string): number | undefined {
  const match = /^(\d*)(?:\.(\d*))?(%?)$/.exec(text);
  if (match === null || text === '') return undefined;
  const [, whole = '', part, percent] = match;
  const digits = part === undefined ? whole : part;
  if (part === undefined && percent === '%') {
    const number = Number(whole);
    return number >= 100 ? maxScore : Math.trunc((maxScore * number) / 100);
  }
  if (part !== undefined && Number(whole) > 0 && percent !== '%') return maxScore;
  const number = percent === '%' ? Number(`${whole || 0}.${part || 0}`) / 100 : Number(`0.${digits || 0}`);
  return number >= 1 ? maxScore : Math.trunc(maxScore * number + 1e-9);
}

const flags: Readonly<Record<string, (settings: MergeSettings) => MergeSettings>> = {
  ours: (settings) => ({ ...settings, favor: 'ours' }),
  theirs: (settings) => ({ ...settings, favor: 'theirs' }),
  subtree: (settings) => ({ ...settings, subtree: true }),
  patience: (settings) => ({ ...settings, algorithm: 'patience' }),
  histogram: (settings) => ({ ...settings, algorithm: 'histogram' }),
  'ignore-space-change': (settings) => ignoring(settings, { ignoreSpaceChange: true }),
  'ignore-all-space': (settings) => ignoring(settings, { ignoreAllSpace: true }),
  'ignore-space-at-eol': (settings) => ignoring(settings, { ignoreSpaceAtEol: true }),
  'ignore-cr-at-eol': (settings) => ignoring(settings, { ignoreCrAtEol: true }),
  renormalize: (settings) => ({ ...settings, renormalize: true }),
  'no-renormalize': (settings) => ({ ...settings, renormalize: false }),
  'no-renames': (settings) => ({ ...settings, renames: false }),
  'find-renames': (settings) => ({ ...settings, renames: defaultRenameScore }),
};

const ignoring = (settings: MergeSettings, more: LineWhitespace): MergeSettings => ({
  ...settings,
  whitespace: { ...settings.whitespace, ...more },
});

/** The settings with one `-X` option applied (without the `-X`). Throws `USAGE` for one that does not exist. */
export function withStrategyOption(settings: MergeSettings, option: string): MergeSettings {
  const flag = Object.hasOwn(flags, option) ? flags[option] : undefined;
  if (flag !== undefined) return flag(settings);
  const equals = option.indexOf('=');
  const name = equals < 0 ? '' : option.slice(0, equals);
  const value = option.slice(equals + 1);
  if (name === 'subtree') return { ...settings, subtree: value === '' ? true : value };
  if (name === 'diff-algorithm') {
    const algorithm = parseAlgorithm(value);
    if (algorithm !== undefined) return { ...settings, algorithm };
  }
  if (name === 'find-renames' || name === 'rename-threshold') {
    const score = parseScore(value);
    if (score !== undefined) return { ...settings, renames: score };
  }
  throw new GitError('USAGE', `unknown strategy option: -X${option}`);
}

/** The part that concerns trees. */
export function treeOptions(settings: MergeSettings): TreeOptions {
  return {
    renames: settings.renames,
    renameLimit: settings.renameLimit,
    directoryRenames: settings.directoryRenames,
    subtree: settings.subtree,
    favor: settings.favor,
  };
}

import { parseColor } from '../base/color.js';
import type { StatusColors, StatusStyle } from '../porcelain/status-render.js';
import { noColors } from '../porcelain/status-render.js';
import type { ReportOptions } from '../porcelain/status-report.js';
import { parseScore } from '../porcelain/scores.js';
import { GitError } from '../base/errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { adviceOn } from './work-tree.js';

/** `color.status.<slot>` over git's defaults. */
function statusColors(context: CommandContext, tree: WorkTree): StatusColors {
  if (!context.wantColor('status')) return noColors;
  const { config } = tree.repository;
  const slot = (names: readonly string[], fallback: string): string => {
    for (const name of names) {
      const value = config.get(`color.status.${name}`);
      if (value !== undefined) return parseColor(value);
    }
    return parseColor(fallback);
  };
  return {
    header: slot(['header'], ''),
    updated: slot(['added', 'updated'], 'green'),
    changed: slot(['changed'], 'red'),
    untracked: slot(['untracked'], 'red'),
    unmerged: slot(['unmerged'], 'red'),
    noBranch: slot(['nobranch'], 'red'),
    onBranch: slot(['branch'], ''),
    localBranch: slot(['localbranch'], 'green'),
    remoteBranch: slot(['remotebranch'], 'red'),
  };
}

/** What configuration says about how status looks. */
export function statusStyle(
  context: CommandContext,
  tree: WorkTree,
  options: Partial<StatusStyle> & { readonly untracked: StatusStyle['untracked'] },
): StatusStyle {
  const { config, prefix, gitDirShown } = tree.repository;
  return {
    colors: statusColors(context, tree),
    prefix: config.getBool('status.relativepaths', true) ? prefix : '',
    quoteHigh: config.getBool('core.quotepath', true),
    nul: false,
    hints: adviceOn(context, 'statusHints'),
    showBranch: false,
    showStash: config.getBool('status.showstash', false),
    rebaseDoneFile: `${gitDirShown}/rebase-merge/done`,
    ...options,
  };
}

/** `-u[<mode>]` and `status.showUntrackedFiles`. */
export function untrackedMode(word: string | null | undefined, tree: WorkTree): 'no' | 'normal' | 'all' {
  const text = word ?? tree.repository.config.last('status.showuntrackedfiles')?.value;
  if (text === undefined) return 'normal';
  switch (text) {
    case 'no':
    case 'normal':
    case 'all':
      return text;
    case '0':
    case 'false':
    case 'off':
    case '':
      return 'no';
    case '1':
    case 'true':
    case 'on':
    case 'yes':
      return 'normal';
    default:
      if (word == null) throw new GitError('CONFIG', `invalid value for 'status.showuntrackedfiles': '${text}'`);
      throw new GitError('USAGE', `Invalid untracked files mode '${text}'`);
  }
}

/** Rename settings of status: the options, `status.renames`, `diff.renames`. */
export function renameSettings(
  tree: WorkTree,
  values: { readonly 'no-renames'?: boolean; readonly 'find-renames'?: string | null },
): Pick<ReportOptions, 'renames' | 'renameScore' | 'renameLimit'> {
  const { config } = tree.repository;
  const setting = config.getBoolOrString('status.renames') ?? config.getBoolOrString('diff.renames') ?? true;
  let renames: 'none' | 'renames' | 'copies' =
    setting === false
      ? 'none'
      : setting === true
        ? 'renames'
        : /^cop(y|ies)$/.test(String(setting))
          ? 'copies'
          : 'renames';
  if (values['no-renames'] === true) renames = 'none';
  else if (values['no-renames'] === false && renames === 'none') renames = 'renames';
  let renameScore: number | undefined;
  const score = values['find-renames'];
  if (score != null) {
    if (renames === 'none') renames = 'renames';
    if (score !== '') {
      renameScore = parseScore(score);
    }
  }
  const limit = config.getInt('status.renamelimit') ?? config.getInt('diff.renamelimit');
  return { renames, renameScore, ...(limit === undefined ? {} : { renameLimit: limit }) };
}

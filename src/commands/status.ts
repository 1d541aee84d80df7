import { GitError } from '../base/errors.js';
import { isCommittable, noColors, renderLong, renderPorcelain2, renderShort } from '../porcelain/status-render.js';
import type { StatusStyle } from '../porcelain/status-render.js';
import type { StatusReport } from '../porcelain/status-report.js';
import { commentPrefix } from '../porcelain/message.js';
import { gatherStatus } from '../porcelain/status-report.js';
import { stopOptimizing } from '../platform/node/brief.js';
import type { SubmoduleIgnore } from '../worktree/status.js';
import { abbreviate } from '../repo/revision-short.js';
import { captureCommand } from './capture.js';
import { checkColumns, columnModeFor, tableWidth } from './column-option.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { renameSettings, statusStyle, untrackedMode } from './status-style.js';
import { openWorkTree, pathspecOf } from './work-tree.js';

/** Up to so many files there is nothing to optimize: 5,000 take 35 ms. */
const BRIEF = 15_000;
/** About the bytes of a file in the index. */
const ROW = 90;

type Format = 'long' | 'short' | 'v1' | 'v2';

interface Result extends StatusReport {
  readonly format: Format;
}

const styles = new WeakMap<Result, StatusStyle>();

export const command = defineCommand({
  name: 'status',
  summary: 'show what changed in the work tree and the index',
  usage: ['status [<options>] [--] [<pathspec>...]'],
  options: {
    verbose: { type: 'count', short: 'v', help: 'be verbose' },
    short: { type: 'flag', short: 's', help: 'show status concisely' },
    branch: { type: 'flag', short: 'b', help: 'show branch information' },
    'show-stash': { type: 'flag', help: 'show stash information' },
    'ahead-behind': { type: 'flag', help: 'compute full ahead/behind values' },
    porcelain: { type: 'optional', value: 'version', implied: '1', help: 'machine-readable output' },
    long: { type: 'flag', help: 'show status in long format (default)' },
    null: { type: 'flag', short: 'z', help: 'terminate entries with NUL' },
    'untracked-files': {
      type: 'optional',
      short: 'u',
      value: 'mode',
      implied: 'all',
      help: 'show untracked files, optional modes: all, normal, no. (Default: all)',
    },
    ignored: {
      type: 'optional',
      value: 'mode',
      implied: 'traditional',
      help: 'show ignored files, optional modes: traditional, matching, no. (Default: traditional)',
    },
    'ignore-submodules': {
      type: 'optional',
      value: 'when',
      implied: 'all',
      help: 'ignore changes to submodules, optional when: all, dirty, untracked. (Default: all)',
    },
    column: {
      type: 'optional',
      value: 'style',
      implied: '',
      help: 'list untracked files in columns',
      check: checkColumns,
    },
    'no-renames': { type: 'flag', help: 'do not detect renames' },
    'find-renames': {
      type: 'optional',
      short: 'M',
      value: 'n',
      implied: '',
      negatable: false,
      help: 'detect renames, optionally set similarity index',
    },
  },
  async *run(context, { values, events, rest }): AsyncGenerator<Result, number> {
    // Reading the index is the first loop: its size tells how many files there are before it is read.
    const index = context.platform.fs.stat(context.repository().path('index'));
    const optimize = (index?.size ?? 0) > BRIEF * ROW ? () => {} : stopOptimizing();
    const tree = openWorkTree(context);
    const { config } = tree.repository;
    const nul = values.null === true;
    let format: Format | undefined;
    let notShort = false;
    for (const { key, value, negated } of events) {
      if (key === 'short') {
        format = negated ? undefined : 'short';
        notShort = negated;
      } else if (key === 'long') format = 'long';
      else if (key === 'porcelain') {
        if (negated) format = undefined;
        else if (value === null || value === '1' || value === 'v1') format = 'v1';
        else if (value === '2' || value === 'v2') format = 'v2';
        else throw new GitError('USAGE', `unsupported porcelain version '${value}'`);
      }
    }
    if (nul && format === undefined) format = 'v1';
    if (nul && format === 'long') throw new GitError('USAGE', "options '--long' and '-z' cannot be used together");
    const chosen = format !== undefined;
    format ??= config.getBool('status.short', false) && !notShort ? 'short' : 'long';
    const machine = format === 'v1' || format === 'v2';
    const branch = values.branch ?? (machine && chosen ? false : config.getBool('status.branch', false));
    const untracked = untrackedMode(values['untracked-files'], tree);
    const ignored = ignoredMode(values.ignored);
    if (ignored === 'matching' && untracked === 'no') {
      throw new GitError('USAGE', 'Unsupported combination of ignored and untracked-files arguments');
    }
    const count = values['ahead-behind'] ?? (machine ? true : config.getBool('status.aheadbehind', true));
    const lock = context.globals.optionalLocks ? tree.tryLockIndex() : undefined;
    let report: StatusReport;
    try {
      const settings = {
        pathspec: pathspecOf(context, tree, rest),
        untracked,
        ignored,
        ...renameSettings(tree, values),
        ignoreSubmodules: submoduleMode(values['ignore-submodules']),
        aheadBehind: count,
        wantTracking: branch,
        wantCompared: format === 'long',
        wantState: format === 'long',
      };
      if (tree.index.count > BRIEF) optimize();
      report = await gatherStatus(tree, settings);
      // Writing it anew is also what makes racily clean entries plainly clean.
      const worth = tree.index.changed || tree.index.hasRacy;
      if (lock !== undefined && worth && tree.index.existed) tree.commitIndex(lock);
    } finally {
      lock?.rollback();
      await tree.close();
      optimize();
    }
    const result: Result = { ...report, format };
    const picked = report.state.cherryPickHead ?? report.state.revertHead;
    const abbreviated = picked === undefined ? '' : await abbreviate(tree.repository, picked);
    const base = statusStyle(context, tree, {
      untracked,
      nul,
      showBranch: branch,
      ...(values['show-stash'] === undefined ? {} : { showStash: values['show-stash'] }),
      abbreviated: () => abbreviated,
      ...(format === 'long' && config.getBool('status.displaycommentprefix', false)
        ? { comment: commentPrefix(config) }
        : {}),
    });
    if (format === 'v1') {
      styles.set(result, { ...base, prefix: '', colors: noColors });
    } else if (format === 'long' && (values.verbose ?? 0) > 0) {
      styles.set(result, { ...base, patch: verbosePatch(context, report, values.verbose ?? 0, base.colors.header) });
    } else styles.set(result, base);
    const { mode } = columnModeFor(context, 'status', values.column);
    if (format === 'long' && mode !== undefined) {
      const { layOutColumns } = await import('../porcelain/columns.js');
      const style = styles.get(result)!;
      const { colors, comment } = style;
      const [before, after] = colors.untracked === '' ? ['', ''] : [colors.untracked, '\x1b[m'];
      const indent = `${comment ?? ''}\t${before}`;
      // The tab reaches the eighth column.
      const width = tableWidth(context) + indent.length - 8;
      styles.set(result, {
        ...style,
        columns: (names) => [layOutColumns(names, { mode, width, indent, lineEnd: `${after}\n` })],
      });
    }
    yield result;
    return 0;
  },
  render(result) {
    const style = styles.get(result)!;
    if (result.format === 'long') return renderLong(result, style);
    return result.format === 'v2' ? renderPorcelain2(result, style) : renderShort(result, style);
  },
});

/** The staged changes, and with two `-v` the unstaged ones, as patches. */
function verbosePatch(context: CommandContext, report: StatusReport, level: number, header: string): string {
  const color = context.wantColor('diff') ? ['--color=always'] : ['--no-color'];
  // Titles, and the names of the sides, only where the list above says so too.
  const committable = isCommittable(report);
  const changed = report.items.some((item) => item.unstaged !== ' ' && item.unstaged !== '?' && item.unstaged !== '!');
  if (level === 1 || !committable) return captureCommand(context, ['diff', '--cached', '--no-ext-diff', ...color]);
  const staged = captureCommand(context, [
    'diff',
    '--cached',
    '--no-ext-diff',
    '--src-prefix=c/',
    '--dst-prefix=i/',
    ...color,
  ]);
  const unstaged = changed
    ? captureCommand(context, ['diff', '--no-ext-diff', '--src-prefix=i/', '--dst-prefix=w/', ...color])
    : '';
  const paint = (text: string): string => (header === '' ? `${text}\n` : `${header}${text}\x1b[m\n`);
  return (
    (staged === '' ? '' : paint('Changes to be committed:') + staged) +
    (unstaged === ''
      ? ''
      : paint('--------------------------------------------------') +
        paint('Changes not staged for commit:') +
        unstaged)
  );
}

function ignoredMode(word: string | null | undefined): 'no' | 'traditional' | 'matching' {
  if (word == null || word === 'no') return 'no';
  if (word === 'traditional' || word === 'matching') return word;
  throw new GitError('USAGE', `Invalid ignored mode '${word}'`);
}

function submoduleMode(word: string | null | undefined): SubmoduleIgnore | undefined {
  if (word == null) return undefined;
  if (word === 'all' || word === 'dirty' || word === 'untracked' || word === 'none') return word;
  throw new GitError('USAGE', `bad --ignore-submodules argument: ${word}`);
}

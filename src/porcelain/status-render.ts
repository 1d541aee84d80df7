import { RESET } from '../base/color.js';
import { quotePath, relativeTo } from '../base/quote.js';
import { formatMode } from '../objects/mode.js';
import type { StatusItem } from '../worktree/status.js';
import type { StatusReport } from './status-report.js';
import { trackingLines } from './tracking-info.js';

export interface StatusColors {
  readonly header: string;
  readonly updated: string;
  readonly changed: string;
  readonly untracked: string;
  readonly unmerged: string;
  readonly noBranch: string;
  readonly onBranch: string;
  readonly localBranch: string;
  readonly remoteBranch: string;
}

export const noColors: StatusColors = {
  header: '',
  updated: '',
  changed: '',
  untracked: '',
  unmerged: '',
  noBranch: '',
  onBranch: '',
  localBranch: '',
  remoteBranch: '',
};

export interface StatusStyle {
  readonly colors: StatusColors;
  /** Where paths are seen from; '' for the top. */
  readonly prefix: string;
  /** `core.quotePath`. */
  readonly quoteHigh: boolean;
  readonly nul: boolean;
  /** `advice.statusHints`. */
  readonly hints: boolean;
  /** Hints about upstream branches; `hints` where it is not said. */
  readonly trackingHints?: boolean | undefined;
  readonly showBranch: boolean;
  readonly showStash: boolean;
  readonly untracked: 'no' | 'normal' | 'all';
  /** For a commit's template: every line is a comment. */
  readonly comment?: string | undefined;
  readonly amend?: boolean;
  /** For templates: no closing line about what can be done. */
  readonly noWarn?: boolean;
  /** Says `Initial commit` instead of `No commits yet`. */
  readonly template?: boolean;
  /** The name compared with, where it is not HEAD. */
  readonly reference?: string | undefined;
  /** Untracked files side by side. */
  readonly columns?: ((names: readonly string[]) => string[]) | undefined;
  readonly abbreviated?: (oid: string) => string;
  /** `status --no-ahead-behind`. */
  readonly quickTracking?: boolean;
  /** What `-v` shows: the staged changes as a patch, before the closing line. */
  readonly patch?: string | undefined;
  /** The state directory as shown in hints. */
  readonly rebaseDoneFile?: string;
}

// ---------------------------------------------------------------- short forms

const paint = (color: string, text: string): string => (color === '' ? text : `${color}${text}${RESET}`);

function shownPath(path: string, style: StatusStyle): string {
  const shown = quotePath(relativeTo(path, style.prefix), style.quoteHigh);
  return shown.includes(' ') && !shown.startsWith('"') ? `"${shown}"` : shown;
}

/** `status --short` and `--porcelain`. */
export function renderShort(report: StatusReport, style: StatusStyle): string {
  let out = style.showBranch ? shortBranch(report, style) : '';
  const { colors } = style;
  for (const item of report.items) {
    const unmerged = item.stages !== undefined;
    const first = unmerged
      ? paint(colors.unmerged, item.staged + item.unstaged)
      : paintLetter(colors.updated, item.staged);
    const second = unmerged ? '' : paintLetter(colors.changed, item.unstaged);
    const from = item.from ?? item.workFrom;
    out += `${first}${second} `;
    if (style.nul) {
      out += `${item.path}\0${from === undefined ? '' : `${from}\0`}`;
      continue;
    }
    if (from !== undefined) out += `${shownPath(from, style)} -> `;
    out += `${shownPath(item.path, style)}\n`;
  }
  const others = (paths: readonly string[], mark: string): void => {
    for (const path of paths) {
      out += style.nul
        ? `${paint(colors.untracked, mark)} ${path}\0`
        : `${paint(colors.untracked, mark)} ${shownPath(path, style)}\n`;
    }
  };
  others(report.untracked, '??');
  others(report.ignored, '!!');
  return out;
}

const paintLetter = (color: string, letter: string): string => (letter === ' ' ? ' ' : paint(color, letter));

function shortBranch(report: StatusReport, style: StatusStyle): string {
  const { colors } = style;
  const end = style.nul ? '\0' : '\n';
  let out = paint(colors.header, '## ');
  if (report.initial) out += paint(colors.header, 'No commits yet on ');
  if (report.branch === undefined) return `${out}${paint(colors.noBranch, 'HEAD (no branch)')}${end}`;
  out += paint(colors.localBranch, report.branch);
  const { tracking } = report;
  if (tracking === undefined) return out + end;
  out += `${paint(colors.header, '...')}${paint(colors.remoteBranch, tracking.short)}`;
  if (tracking.same) return out + end;
  out += paint(colors.header, ' [');
  if (tracking.gone) out += paint(colors.header, 'gone');
  else if (tracking.ahead === undefined || tracking.behind === undefined) out += paint(colors.header, 'different');
  else {
    if (tracking.ahead > 0)
      out += `${paint(colors.header, 'ahead ')}${paint(colors.localBranch, String(tracking.ahead))}`;
    if (tracking.ahead > 0 && tracking.behind > 0) out += paint(colors.header, ', ');
    if (tracking.behind > 0)
      out += `${paint(colors.header, 'behind ')}${paint(colors.remoteBranch, String(tracking.behind))}`;
  }
  return `${out}${paint(colors.header, ']')}${end}`;
}

/** `status --porcelain=v2`. */
export function renderPorcelain2(report: StatusReport, style: StatusStyle): string {
  const end = style.nul ? '\0' : '\n';
  const shown = (path: string): string =>
    style.nul ? path : quotePath(relativeTo(path, style.prefix), style.quoteHigh);
  let out = '';
  if (style.showBranch) {
    out += `# branch.oid ${report.head ?? '(initial)'}${end}`;
    out += `# branch.head ${report.branch ?? '(detached)'}${end}`;
    const { tracking } = report;
    if (tracking !== undefined) {
      out += `# branch.upstream ${tracking.short}${end}`;
      if (!tracking.gone && (tracking.same || tracking.ahead !== undefined)) {
        out += `# branch.ab +${tracking.ahead ?? 0} -${tracking.behind ?? 0}${end}`;
      } else if (!tracking.gone && report.head !== undefined) out += `# branch.ab +? -?${end}`;
    }
  }
  if (style.showStash && report.stashes > 0) out += `# stash ${report.stashes}${end}`;
  const dot = (letter: string): string => (letter === ' ' ? '.' : letter);
  for (const item of report.items) if (item.stages === undefined) out += changedLine(item);
  for (const item of report.items) if (item.stages !== undefined) out += unmergedLine(item);
  for (const path of report.untracked) out += `? ${shown(path)}${end}`;
  for (const path of report.ignored) out += `! ${shown(path)}${end}`;
  return out;

  function submodule(item: StatusItem): string {
    const state = item.submodule;
    const isModule = item.headMode === 0o160000 || item.indexMode === 0o160000 || item.workMode === 0o160000;
    if (!isModule) return 'N...';
    return `S${state?.newCommits === true ? 'C' : '.'}${state?.modified === true ? 'M' : '.'}${state?.untracked === true ? 'U' : '.'}`;
  }

  function changedLine(item: StatusItem): string {
    const from = item.from ?? item.workFrom;
    const letters = dot(item.staged) + dot(item.unstaged);
    const modes = `${formatMode(item.headMode)} ${formatMode(item.indexMode)} ${formatMode(item.workMode)}`;
    const head = `${submodule(item)} ${modes} ${item.headOid} ${item.indexOid}`;
    if (from === undefined) return `1 ${letters} ${head} ${shown(item.path)}${end}`;
    const kind = item.from !== undefined ? item.staged : item.unstaged;
    const score = item.from !== undefined ? item.score : item.workScore;
    return `2 ${letters} ${head} ${kind}${score ?? 100} ${shown(item.path)}${style.nul ? '\0' : '\t'}${shown(from)}${end}`;
  }

  function unmergedLine(item: StatusItem): string {
    const modes = item.stages!.map((stage) => formatMode(stage?.mode ?? 0));
    const zero = '0'.repeat(item.headOid.length);
    const oids = item.stages!.map((stage) => stage?.oid ?? zero);
    const isModule = item.stages!.some((stage) => stage?.mode === 0o160000);
    return `u ${item.staged}${item.unstaged} ${isModule ? submodule({ ...item, workMode: 0o160000 }) : 'N...'} ${modes.join(' ')} ${formatMode(item.workMode)} ${oids.join(' ')} ${shown(item.path)}${end}`;
  }
}

// ---------------------------------------------------------------- the long form

interface Segment {
  readonly color: string;
  readonly text: string;
}

const changeLabels: Readonly<Record<string, string>> = {
  A: 'new file:',
  C: 'copied:',
  D: 'deleted:',
  M: 'modified:',
  R: 'renamed:',
  T: 'typechange:',
};
const conflictLabels: Readonly<Record<string, string>> = {
  DD: 'both deleted:',
  AU: 'added by us:',
  UD: 'deleted by them:',
  UA: 'added by them:',
  DU: 'deleted by us:',
  AA: 'both added:',
  UU: 'both modified:',
};

/** The form for people. Answers its text; `committable` tells whether something is staged. */
export function renderLong(report: StatusReport, style: StatusStyle): string {
  const page = new LongStatus(report, style);
  return page.text();
}

export const isCommittable = (report: StatusReport): boolean =>
  report.items.some((item) => item.stages === undefined && item.staged !== ' ') ||
  (report.state.merge && !report.items.some((item) => item.stages !== undefined));

class LongStatus {
  readonly #report: StatusReport;
  readonly #style: StatusStyle;
  #out = '';

  constructor(report: StatusReport, style: StatusStyle) {
    this.#report = report;
    this.#style = style;
  }

  text(): string {
    const report = this.#report;
    const style = this.#style;
    this.#branch();
    this.#state();
    if (report.initial) {
      this.#line('');
      this.#line(style.template === true ? 'Initial commit' : 'No commits yet');
      this.#line('');
    }
    const staged = report.items.filter((item) => item.stages === undefined && item.staged !== ' ');
    const unmerged = report.items.filter((item) => item.stages !== undefined);
    const changed = report.items.filter((item) => item.stages === undefined && item.unstaged !== ' ');
    this.#staged(staged);
    this.#unmerged(unmerged);
    this.#changed(changed);
    if (style.untracked !== 'no') {
      this.#others(report.untracked, 'Untracked files', 'add');
      this.#others(report.ignored, 'Ignored files', 'add -f');
    } else if (isCommittable(report)) {
      this.#line(`Untracked files not listed${style.hints ? ' (use -u option to show untracked files)' : ''}`);
    }
    this.#out += style.patch ?? '';
    if (!isCommittable(report)) this.#closing(changed.length + unmerged.length > 0);
    if (style.showStash && report.stashes > 0) {
      this.#line(`Your stash currently has ${report.stashes} ${report.stashes === 1 ? 'entry' : 'entries'}`);
    }
    return this.#out;
  }

  /** One line; each of the text's own lines is a comment in a template. */
  #line(text: string, color = this.#style.colors.header): void {
    for (const line of text.split('\n')) this.#segments([{ color, text: line }]);
  }

  #segments(segments: readonly Segment[]): void {
    const { comment } = this.#style;
    const whole = segments.map(({ text }) => text).join('');
    if (comment !== undefined) {
      this.#out +=
        whole === '' ? `${comment}\n` : whole.startsWith('\t') ? `${comment}${whole}\n` : `${comment} ${whole}\n`;
      return;
    }
    this.#out += `${segments.map(({ color, text }) => (text === '' ? '' : paint(color, text))).join('')}\n`;
  }

  #hint(text: string): void {
    if (this.#style.hints) this.#line(`  (${text})`);
  }

  #branch(): void {
    const { branch, state, detached } = this.#report;
    const { colors } = this.#style;
    if (branch !== undefined) {
      this.#segments([
        { color: colors.header, text: 'On branch ' },
        { color: colors.onBranch, text: branch },
      ]);
    } else if (state.rebase || state.rebaseInteractive) {
      const text = state.rebaseInteractive ? 'interactive rebase in progress; onto ' : 'rebase in progress; onto ';
      this.#segments([
        { color: colors.noBranch, text },
        { color: colors.onBranch, text: state.onto ?? '' },
      ]);
    } else if (detached !== undefined) {
      this.#segments([
        { color: colors.noBranch, text: detached.at ? 'HEAD detached at ' : 'HEAD detached from ' },
        { color: colors.onBranch, text: detached.name },
      ]);
    } else this.#segments([{ color: colors.noBranch, text: 'Not currently on any branch.' }]);
    if (this.#report.head === undefined) return;
    for (const info of this.#report.compared) {
      const lines = trackingLines(
        info,
        this.#style.trackingHints ?? this.#style.hints,
        this.#style.hints && this.#style.template !== true,
      );
      this.#line(lines.trimEnd());
      this.#line('');
    }
  }

  #state(): void {
    const { state } = this.#report;
    const unmerged = this.#report.items.some((item) => item.stages !== undefined);
    if (state.merge) {
      if (state.rebaseInteractive) {
        this.#rebaseLists();
        this.#out += '\n';
      }
      if (unmerged) {
        this.#line('You have unmerged paths.');
        this.#hint('fix conflicts and run "git commit"');
        this.#hint('use "git merge --abort" to abort the merge');
      } else {
        this.#line('All conflicts fixed but you are still merging.');
        this.#hint('use "git commit" to conclude merge');
      }
      this.#line('');
    } else if (state.am) this.#am();
    else if (state.rebase || state.rebaseInteractive) this.#rebase(unmerged);
    else if (state.cherryPick)
      this.#pick('cherry-pick', 'Cherry-pick', 'cherry-picking', state.cherryPickHead, unmerged);
    else if (state.revert) this.#pick('revert', 'Revert', 'reverting', state.revertHead, unmerged);
    if (state.bisect) {
      this.#line(
        state.bisectFrom === undefined
          ? 'You are currently bisecting.'
          : `You are currently bisecting, started from branch '${state.bisectFrom}'.`,
      );
      this.#hint('use "git bisect reset" to get back to the original branch');
      this.#line('');
    }
    const { sparsePercent } = this.#report;
    if (sparsePercent !== undefined) {
      this.#line(
        sparsePercent === 'index'
          ? 'You are in a sparse checkout.'
          : `You are in a sparse checkout with ${sparsePercent}% of tracked files present.`,
      );
      this.#line('');
    }
  }

  #am(): void {
    const { amEmptyPatch } = this.#report.state;
    this.#line('You are in the middle of an am session.');
    if (amEmptyPatch) this.#line('The current patch is empty.');
    if (!amEmptyPatch) this.#hint('fix conflicts and then run "git am --continue"');
    this.#hint('use "git am --skip" to skip this patch');
    if (amEmptyPatch) this.#hint('use "git am --allow-empty" to record this patch as an empty commit');
    this.#hint('use "git am --abort" to restore the original branch');
    this.#line('');
  }

  #rebaseLists(): void {
    const { rebaseDone, rebaseTodo, state } = this.#report;
    if (!state.rebaseInteractive) return;
    if (rebaseDone.length === 0) this.#line('No commands done.');
    else {
      const count = rebaseDone.length;
      this.#line(
        count === 1 ? `Last command done (${count} command done):` : `Last commands done (${count} commands done):`,
      );
      for (const line of rebaseDone.slice(-2)) this.#line(`   ${line}`);
      if (count > 2) this.#hint(`see more in file ${this.#style.rebaseDoneFile ?? '.git/rebase-merge/done'}`);
    }
    if (rebaseTodo.length === 0) this.#line('No commands remaining.');
    else {
      const count = rebaseTodo.length;
      this.#line(
        count === 1
          ? `Next command to do (${count} remaining command):`
          : `Next commands to do (${count} remaining commands):`,
      );
      for (const line of rebaseTodo.slice(0, 2)) this.#line(`   ${line}`);
      this.#hint('use "git rebase --edit-todo" to view and edit');
    }
  }

  #rebase(unmerged: boolean): void {
    const { state, splitting } = this.#report;
    this.#rebaseLists();
    const on = state.branch === undefined ? undefined : `branch '${state.branch}' on '${state.onto ?? ''}'`;
    const currently = on === undefined ? 'You are currently rebasing.' : `You are currently rebasing ${on}.`;
    if (unmerged) {
      this.#line(currently);
      this.#hint('fix conflicts and then run "git rebase --continue"');
      this.#hint('use "git rebase --skip" to skip this patch');
      this.#hint('use "git rebase --abort" to check out the original branch');
    } else if (state.rebase || this.#report.hasMergeMessage) {
      this.#line(currently);
      this.#hint('all conflicts fixed: run "git rebase --continue"');
    } else if (splitting) {
      this.#line(
        on === undefined
          ? 'You are currently splitting a commit during a rebase.'
          : `You are currently splitting a commit while rebasing ${on}.`,
      );
      this.#hint('Once your working directory is clean, run "git rebase --continue"');
    } else {
      this.#line(
        on === undefined
          ? 'You are currently editing a commit during a rebase.'
          : `You are currently editing a commit while rebasing ${on}.`,
      );
      this.#hint('use "git commit --amend" to amend the current commit');
      this.#hint('use "git rebase --continue" once you are satisfied with your changes');
    }
    this.#line('');
  }

  #pick(command: string, title: string, doing: string, head: string | undefined, unmerged: boolean): void {
    this.#line(
      head === undefined
        ? `${title} currently in progress.`
        : `You are currently ${doing} commit ${this.#style.abbreviated?.(head) ?? head.slice(0, 7)}.`,
    );
    if (unmerged) this.#hint(`fix conflicts and run "git ${command} --continue"`);
    else if (head === undefined) this.#hint(`run "git ${command} --continue" to continue`);
    else this.#hint(`all conflicts fixed: run "git ${command} --continue"`);
    this.#hint(`use "git ${command} --skip" to skip this patch`);
    this.#hint(`use "git ${command} --abort" to cancel the ${command} operation`);
    this.#line('');
  }

  #unstageHint(): void {
    const { state, head } = this.#report;
    if (state.merge || state.cherryPick || state.revert) {
      if (state.merge || (state.cherryPick && state.cherryPickHead !== undefined)) return;
    }
    const { reference } = this.#style;
    if (head === undefined) this.#hint('use "git rm --cached <file>..." to unstage');
    else if (reference === undefined || reference === 'HEAD')
      this.#hint('use "git restore --staged <file>..." to unstage');
    else this.#hint(`use "git restore --source=${reference} --staged <file>..." to unstage`);
  }

  #path(path: string): string {
    return quotePath(relativeTo(path, this.#style.prefix), this.#style.quoteHigh);
  }

  #item(label: string, width: number, text: string, color: string, extra = ''): void {
    this.#segments([
      { color: this.#style.colors.header, text: '\t' },
      { color, text: `${label.padEnd(width)}${text}` },
      { color: this.#style.colors.header, text: extra },
    ]);
  }

  #staged(items: readonly StatusItem[]): void {
    if (items.length === 0) return;
    this.#line('Changes to be committed:');
    this.#unstageHint();
    for (const item of items) {
      const name =
        item.from === undefined ? this.#path(item.path) : `${this.#path(item.from)} -> ${this.#path(item.path)}`;
      this.#item(changeLabels[item.staged]!, 12, name, this.#style.colors.updated);
    }
    this.#line('');
  }

  #unmerged(items: readonly StatusItem[]): void {
    if (items.length === 0) return;
    this.#line('Unmerged paths:');
    this.#unstageHint();
    const letters = items.map((item) => item.staged + item.unstaged);
    const bothDeleted = letters.includes('DD');
    const halfDeleted = letters.some((pair) => pair === 'UD' || pair === 'DU');
    const notDeleted = letters.some((pair) => pair !== 'DD' && pair !== 'UD' && pair !== 'DU');
    if (!bothDeleted) {
      this.#hint(
        halfDeleted
          ? 'use "git add/rm <file>..." as appropriate to mark resolution'
          : 'use "git add <file>..." to mark resolution',
      );
    } else if (!halfDeleted && !notDeleted) this.#hint('use "git rm <file>..." to mark resolution');
    else this.#hint('use "git add/rm <file>..." as appropriate to mark resolution');
    for (const item of items) {
      this.#item(conflictLabels[item.staged + item.unstaged]!, 17, this.#path(item.path), this.#style.colors.unmerged);
    }
    this.#line('');
  }

  #changed(items: readonly StatusItem[]): void {
    if (items.length === 0) return;
    this.#line('Changes not staged for commit:');
    const deleted = items.some((item) => item.unstaged === 'D');
    this.#hint(`use "git add${deleted ? '/rm' : ''} <file>..." to update what will be committed`);
    this.#hint('use "git restore <file>..." to discard changes in working directory');
    if (items.some((item) => item.submodule !== undefined && (item.submodule.modified || item.submodule.untracked))) {
      this.#hint('commit or discard the untracked or modified content in submodules');
    }
    for (const item of items) {
      const name =
        item.workFrom === undefined
          ? this.#path(item.path)
          : `${this.#path(item.workFrom)} -> ${this.#path(item.path)}`;
      const parts: string[] = [];
      if (item.submodule?.newCommits === true) parts.push('new commits');
      if (item.submodule?.modified === true) parts.push('modified content');
      if (item.submodule?.untracked === true) parts.push('untracked content');
      const extra = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
      this.#item(changeLabels[item.unstaged]!, 12, name, this.#style.colors.changed, extra);
    }
    this.#line('');
  }

  #others(paths: readonly string[], title: string, how: string): void {
    if (paths.length === 0) return;
    this.#line(`${title}:`);
    this.#hint(`use "git ${how} <file>..." to include in what will be committed`);
    const { columns, colors } = this.#style;
    const names = paths.map((path) => this.#path(path));
    if (columns !== undefined) {
      for (const line of columns(names)) this.#out += line;
      this.#line('');
      return;
    }
    for (const name of names) {
      this.#segments([
        { color: colors.header, text: '\t' },
        { color: colors.untracked, text: name },
      ]);
    }
    this.#line('');
  }

  #closing(dirty: boolean): void {
    const { hints, amend, noWarn, untracked } = this.#style;
    const line = (text: string): void => {
      this.#out += `${text}\n`;
    };
    if (amend === true) this.#line('No changes');
    else if (noWarn === true) return;
    else if (dirty) {
      line(`no changes added to commit${hints ? ' (use "git add" and/or "git commit -a")' : ''}`);
    } else if (this.#report.untracked.length > 0) {
      line(`nothing added to commit but untracked files present${hints ? ' (use "git add" to track)' : ''}`);
    } else if (this.#report.head === undefined) {
      line(`nothing to commit${hints ? ' (create/copy files and use "git add" to track)' : ''}`);
    } else if (untracked === 'no') line(`nothing to commit${hints ? ' (use -u to show untracked files)' : ''}`);
    else line(`nothing to commit${hints ? ', working tree clean' : ''}`);
  }
}

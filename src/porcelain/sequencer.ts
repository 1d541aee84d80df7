import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid, isOid } from '../base/oid.js';
import type { Ancestry } from '../history/merge-base.js';
import { treeOfCommit } from '../merge/history.js';
import { mergeTrees } from '../merge/tree.js';
import type { Commit } from '../objects/commit.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { defaultDateMode, formatDate } from '../repo/date-format.js';
import { currentBranch } from '../repo/revision-branch.js';
import { resolveRevision } from '../repo/revision.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { changeSummary } from './change-summary.js';
import { writeCommit } from './commit.js';
import { hardReset, resetFiles } from './hard-reset.js';
import { hintLines } from './hints.js';
import { conflictsHint } from './merge.js';
import { historyRequest } from './merge-context.js';
import { applyMerge } from './merge-result.js';
import type { MergeSettings } from './merge-settings.js';
import { withStrategyOption } from './merge-settings.js';
import { hasState, readState, readStateOids, removeState, writeState } from './merge-state.js';
import { Strategies, tellMerge, refreshAndWrite } from './merge-strategies.js';
import type { CustomStrategy } from './merge-strategies.js';
import type { CleanupMode } from './message.js';
import { cleanMessage, commentPrefix, stripSpace, subjectLine } from './message.js';
import { endPick } from './pick-state.js';
import { renormalizer } from './renormalize.js';
import { commitSigner } from './signing.js';
import { appendSignoff, trailerSettings } from './signoff.js';
import { parseTrailers } from './trailers.js';
import type { Talk } from './talk.js';

export interface PickOptions {
  readonly action: 'cherry-pick' | 'revert';
  readonly noCommit: boolean;
  readonly edit: boolean | undefined;
  readonly signoff: boolean;
  /** Say in the message where it came from (`-x`). */
  readonly recordOrigin: boolean;
  readonly fastForward: boolean;
  readonly allowEmpty: boolean;
  readonly allowEmptyMessage: boolean;
  /** What to do with changes that are there already. */
  readonly redundant: 'stop' | 'drop' | 'keep';
  /** Number of the parent that a merge is seen from. */
  readonly mainline: number | undefined;
  readonly strategy: string | undefined;
  readonly strategyOptions: readonly string[];
  /** Absent: messages stay as they are. */
  readonly cleanup: CleanupMode | undefined;
  /** How to tidy was said: signing off or naming the origin does not tidy the message then. */
  readonly explicitCleanup: boolean;
  readonly reference: boolean;
  /** `-S`: the key, '' for the usual one, `null` for no signature; unless said, `commit.gpgSign` decides. */
  readonly sign: string | null | undefined;
}

export interface SequencerSurroundings {
  readonly tree: WorkTree;
  readonly ancestry: Ancestry;
  readonly settings: () => MergeSettings;
  readonly talk: Talk;
  /** `git commit` with these words; answers its exit code. */
  readonly commit: (words: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<number>;
  readonly custom?: ((name: string) => CustomStrategy | undefined) | undefined;
  readonly interactive: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface Step {
  readonly action: 'pick' | 'revert';
  readonly commit: Oid<'commit'>;
  readonly line: string;
}

const DIRECTORY = 'sequencer';

/** Something the sequencer says no to: printed as `error: …`, and the command fails. */
export class Refusal extends Error {}

/** Replays (or takes back) commits one by one on top of HEAD, and remembers what is left: cherry-pick and revert. */
export class Sequencer {
  readonly #around: SequencerSurroundings;
  readonly #repository: Repository;
  readonly #tree: WorkTree;
  readonly #talk: Talk;
  #options: PickOptions;

  constructor(around: SequencerSurroundings, options: PickOptions) {
    this.#around = around;
    this.#tree = around.tree;
    this.#repository = around.tree.repository;
    this.#talk = around.talk;
    this.#options = options;
  }

  /** Answers git's exit code: 0 done, 1 stopped at a conflict. Throws `Refusal` where nothing could begin. */
  async pick(commits: readonly Oid<'commit'>[], single: boolean): Promise<number> {
    await refreshAndWrite(this.#tree);
    if (commits.length === 0) throw new Refusal('empty commit set passed');
    if (single) {
      const commit = commits[0]!;
      if (this.#options.action === 'cherry-pick' || (await this.#head()) !== undefined) return this.#one(commit);
      throw new Refusal("can't revert as initial commit");
    }
    const steps: Step[] = [];
    for (const commit of commits) steps.push(await this.#step(commit));
    this.#begin();
    const head = await this.#head();
    if (head === undefined && this.#options.action === 'revert') throw new Refusal("can't revert as initial commit");
    this.#write('head', `${head ?? '0'.repeat(this.#repository.oidLength * 2)}\n`);
    this.#saveOptions();
    await this.#rememberHead();
    return this.#run(steps);
  }

  async #head(): Promise<Oid<'commit'> | undefined> {
    return (await this.#repository.refs.resolve('HEAD')) as Oid<'commit'> | undefined;
  }

  #refuseUnmerged(): void {
    if (!this.#tree.index.hasConflicts) return;
    const doing = this.#options.action === 'revert' ? 'Reverting' : 'Cherry-picking';
    this.#talk.err(`error: ${doing} is not possible because you have unmerged files.\n`);
    if (this.#advice('resolveconflict')) {
      const text =
        "Fix them up in the work tree, and then use 'git add/rm <file>'\nas appropriate to mark resolution and make a commit.";
      this.#talk.err(hintLines(text));
    }
    throw new Refusal('');
  }

  #advice(name: string): boolean {
    return this.#repository.env['GIT_ADVICE'] !== '0' && this.#repository.config.getBool(`advice.${name}`, true);
  }

  async #step(commit: Oid<'commit'>): Promise<Step> {
    const action = this.#options.action === 'revert' ? 'revert' : 'pick';
    const { message } = await this.#read(commit);
    return { action, commit, line: `${action} ${await abbreviate(this.#repository, commit)} ${subjectLine(message)}` };
  }

  async #read(commit: Oid<'commit'>): Promise<Commit> {
    return parseCommit(await readKind(this.#repository.objects, commit, 'commit'));
  }

  // ---------------------------------------------------------------- state on disk

  #begin(): void {
    const doing = hasState(this.#repository, `${DIRECTORY}/todo`) ? this.#actionUnderWay() : undefined;
    if (doing !== undefined) {
      const name = doing === 'revert' ? 'revert' : 'cherry-pick';
      this.#talk.err(
        `error: a ${name} is already in progress\n`
          .replace('a cherry-pick', 'cherry-pick')
          .replace('a revert', 'revert'),
      );
      const skip = hasState(this.#repository, doing === 'revert' ? 'REVERT_HEAD' : 'CHERRY_PICK_HEAD');
      if (this.#advice('sequencerinuse')) {
        this.#talk.err(hintLines(`try "git ${name} (--continue | ${skip ? '--skip | ' : ''}--abort | --quit)"`));
      }
      throw new Refusal('');
    }
    this.#repository.platform.fs.makeDirectory(this.#repository.path(DIRECTORY));
  }

  #actionUnderWay(): 'pick' | 'revert' | undefined {
    const first = /^\s*(pick|p|revert)\b/m.exec(readState(this.#repository, `${DIRECTORY}/todo`) ?? '')?.[1];
    if (first === undefined) return undefined;
    return first === 'revert' ? 'revert' : 'pick';
  }

  #write(name: string, text: string): void {
    this.#repository.platform.fs.writeFile(this.#repository.path(`${DIRECTORY}/${name}`), encodeText(text));
  }

  get #hasDirectory(): boolean {
    return hasState(this.#repository, DIRECTORY);
  }

  async #rememberHead(): Promise<void> {
    if (!this.#hasDirectory) return;
    const head = await this.#head();
    this.#write('abort-safety', head === undefined ? '' : `${head}\n`);
  }

  removeState(): void {
    this.#repository.platform.fs.removeRecursive(this.#repository.path(DIRECTORY));
  }

  #saveOptions(): void {
    const o = this.#options;
    const rows: string[] = [];
    const put = (name: string, value: string | boolean | number | undefined) => {
      if (value !== undefined && value !== false && value !== '') rows.push(`\t${name} = ${value}\n`);
    };
    put('no-commit', o.noCommit);
    if (o.edit !== undefined) rows.push(`\tedit = ${o.edit}\n`);
    put('allow-empty', o.allowEmpty);
    put('allow-empty-message', o.allowEmptyMessage);
    put('keep-redundant-commits', o.redundant === 'keep');
    put('drop-redundant-commits', o.redundant === 'drop');
    put('signoff', o.signoff);
    put('record-origin', o.recordOrigin);
    put('allow-ff', o.fastForward);
    put('mainline', o.mainline);
    put('strategy', o.strategy);
    put('gpg-sign', o.sign ?? undefined);
    for (const option of o.strategyOptions) put('strategy-option', option);
    if (o.explicitCleanup) put('default-msg-cleanup', o.cleanup);
    if (rows.length > 0) this.#write('opts', `[options]\n${rows.join('')}`);
  }

  /** Takes the options of the sequence that is under way. */
  #loadOptions(): void {
    const text = readState(this.#repository, `${DIRECTORY}/opts`);
    if (text === undefined) return;
    const values = new Map<string, string[]>();
    for (const match of text.matchAll(/^\s*([a-z-]+)\s*=\s*(.*)$/gm)) {
      values.set(match[1]!, [...(values.get(match[1]!) ?? []), match[2]!]);
    }
    const is = (name: string) => values.get(name)?.at(-1) === 'true';
    const edit = values.get('edit')?.at(-1);
    this.#options = {
      ...this.#options,
      noCommit: is('no-commit'),
      edit: edit === undefined ? undefined : edit === 'true',
      allowEmpty: is('allow-empty'),
      allowEmptyMessage: is('allow-empty-message'),
      redundant: is('keep-redundant-commits') ? 'keep' : is('drop-redundant-commits') ? 'drop' : 'stop',
      signoff: is('signoff'),
      recordOrigin: is('record-origin'),
      fastForward: is('allow-ff'),
      mainline: values.has('mainline') ? Number(values.get('mainline')!.at(-1)) : undefined,
      strategy: values.get('strategy')?.at(-1),
      sign: values.get('gpg-sign')?.at(-1) ?? this.#options.sign,
      strategyOptions: values.get('strategy-option') ?? [],
      cleanup: (values.get('default-msg-cleanup')?.at(-1) as CleanupMode | undefined) ?? this.#options.cleanup,
      explicitCleanup: values.has('default-msg-cleanup'),
    };
  }

  async #loadSteps(): Promise<Step[]> {
    const steps: Step[] = [];
    for (const line of (readState(this.#repository, `${DIRECTORY}/todo`) ?? '').split('\n')) {
      const match = /^\s*(pick|p|revert)\s+(\S+)/.exec(line);
      if (match === null) {
        if (line.trim() !== '' && !line.startsWith('#')) {
          throw new Refusal(
            `invalid line ${steps.length + 1}: ${line}\nerror: unusable instruction sheet: '.git/sequencer/todo'`,
          );
        }
        continue;
      }
      const commit = await resolveRevision(this.#repository, match[2]!, { hint: 'commit' });
      if (commit === undefined) throw new Refusal(`could not parse '${match[2]}'`);
      const action = match[1] === 'revert' ? 'revert' : 'pick';
      if ((action === 'revert') !== (this.#options.action === 'revert')) {
        throw new Refusal(
          action === 'revert' ? 'cannot cherry-pick during a revert.' : 'cannot revert during a cherry-pick.',
        );
      }
      steps.push({ action, commit: commit as Oid<'commit'>, line });
    }
    return steps;
  }

  // ---------------------------------------------------------------- going on, and giving up

  async #run(steps: readonly Step[]): Promise<number> {
    for (let i = 0; i < steps.length; i++) {
      this.#write(
        'todo',
        steps
          .slice(i)
          .map(({ line }) => `${line}\n`)
          .join(''),
      );
      const code = await this.#one(steps[i]!.commit);
      if (code !== 0) return code;
    }
    this.removeState();
    return 0;
  }

  async continue(): Promise<number> {
    const heads = ['CHERRY_PICK_HEAD', 'REVERT_HEAD'].some((name) => hasState(this.#repository, name));
    if (!hasState(this.#repository, `${DIRECTORY}/todo`)) return this.#continueSingle(heads);
    await refreshAndWrite(this.#tree);
    this.#loadOptions();
    const steps = await this.#loadSteps();
    if (heads) {
      const code = await this.#continueSingle(true);
      if (code !== 0) return code;
    }
    await this.#refuseStaged();
    return this.#run(steps.slice(1));
  }

  async #continueSingle(heads: boolean): Promise<number> {
    if (!heads) throw new Refusal('no cherry-pick or revert in progress');
    const edits = this.#edits();
    return this.#around.commit(edits ? [] : ['--no-edit', '--cleanup=strip']);
  }

  #edits(): boolean {
    return this.#options.edit ?? (this.#options.action === 'revert' && this.#around.interactive);
  }

  async skip(): Promise<number> {
    const { action } = this.#options;
    const head = action === 'revert' ? 'REVERT_HEAD' : 'CHERRY_PICK_HEAD';
    if (!hasState(this.#repository, head)) {
      const doing = this.#actionUnderWay();
      if (doing !== (action === 'revert' ? 'revert' : 'pick')) throw new Refusal(`no ${action} in progress`);
      if (!(await this.#mayRollBack())) {
        this.#talk.err('error: there is nothing to skip\n');
        if (this.#advice('sequencerinuse')) {
          this.#talk.err(hintLines(`have you committed already?\ntry "git ${action} --continue"`));
        }
        throw new Refusal('');
      }
    }
    await this.#reset('HEAD');
    if (!this.#hasDirectory) return 0;
    return this.continue();
  }

  async abort(): Promise<number> {
    const start = readState(this.#repository, `${DIRECTORY}/head`);
    if (start === undefined) {
      if (!hasState(this.#repository, 'CHERRY_PICK_HEAD') && !hasState(this.#repository, 'REVERT_HEAD')) {
        throw new Refusal('no cherry-pick or revert in progress');
      }
      const head = await this.#head();
      if (head === undefined) throw new Refusal('cannot abort from a branch yet to be born');
      await this.#reset(head);
      return 0;
    }
    const oid = start.trim();
    if (!isOid(oid)) throw new Refusal(`stored pre-cherry-pick HEAD file '.git/sequencer/head' is corrupt`);
    if (/^0+$/.test(oid)) throw new Refusal('cannot abort from a branch yet to be born');
    if (!(await this.#mayRollBack())) {
      this.#talk.err('warning: You seem to have moved HEAD. Not rewinding, check your HEAD!\n');
    } else await this.#reset(oid);
    this.removeState();
    return 0;
  }

  async #mayRollBack(): Promise<boolean> {
    const [expected] = readStateOids(this.#repository, `${DIRECTORY}/abort-safety`);
    return expected === (await this.#head());
  }

  async #reset(to: string): Promise<void> {
    const repository = this.#repository;
    if (to === 'HEAD' && (await this.#head()) === undefined) {
      // Not born yet: nothing is in the commit that is not there.
      const nothing = emptyTreeOid(repository.objectFormat);
      await resetFiles(this.#tree, nothing, to, { keepChanges: true, talk: this.#talk });
      endPick(repository);
      removeState(repository, 'MERGE_MSG', 'AUTO_MERGE');
      return;
    }
    if (to === 'HEAD') {
      await hardReset(this.#tree, 'HEAD', { keepChanges: true, talk: this.#talk });
      return;
    }
    await resetFiles(this.#tree, await treeOfCommit(repository.objects, to as Oid<'commit'>), to, {
      keepChanges: true,
      talk: this.#talk,
    });
    const before = await this.#head();
    if (before !== undefined) {
      await repository.refs.update([{ name: 'ORIG_HEAD', to: before, reason: 'updating ORIG_HEAD', unchecked: true }]);
    }
    const done = await repository.refs.update([{ name: 'HEAD', to: to as Oid, reason: `reset: moving to ${to}` }]);
    if (!done.ok) throw new GitError('REF_CHANGED', done.message);
    removeState(repository, 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'SQUASH_MSG', 'MERGE_HEAD', 'MERGE_RR', 'MERGE_MSG');
    removeState(repository, 'MERGE_MODE', 'AUTO_MERGE');
  }

  async #refuseStaged(): Promise<void> {
    this.#refuseUnmerged();
    const head = await this.#head();
    const tree = head === undefined ? undefined : await treeOfCommit(this.#repository.objects, head);
    const staged = await diffIndexWithTree(this.#repository.objects, this.#tree.reloadIndex(), tree);
    if (staged.length === 0) return;
    this.#talk.err(`error: your local changes would be overwritten by ${this.#options.action}.\n`);
    if (this.#advice('commitbeforemerge')) this.#talk.err(hintLines('commit your changes or stash them to proceed.'));
    throw new Refusal('');
  }

  // ---------------------------------------------------------------- one commit

  async #one(oid: Oid<'commit'>): Promise<number> {
    const code = await this.#replay(oid);
    await this.#rememberHead();
    return code;
  }

  async #replay(oid: Oid<'commit'>): Promise<number> {
    const repository = this.#repository;
    const { objects } = repository;
    const options = this.#options;
    const reverts = options.action === 'revert';
    const head = await this.#head();
    let ours: Oid<'tree'>;
    if (options.noCommit) {
      if (this.#tree.index.hasConflicts) throw new Refusal('your index file is unmerged.');
      ours = await writeIndexTree(this.#tree.index, objects);
    } else {
      await this.#refuseStaged();
      ours = head === undefined ? emptyTreeOid(repository.objectFormat) : await treeOfCommit(objects, head);
    }
    const commit = await this.#read(oid);
    const parent = this.#parent(oid, commit);
    if (options.fastForward && !reverts && (parent === head || (parent === undefined && head === undefined))) {
      return this.#fastForwardTo(oid, commit, head);
    }
    const short = await abbreviate(repository, oid);
    const subject = subjectLine(commit.message);
    const label = `${short} (${subject})`;
    const parentTree = parent === undefined ? undefined : await treeOfCommit(objects, parent);
    const sides = reverts
      ? { base: commit.tree, theirs: parentTree ?? emptyTreeOid(repository.objectFormat) }
      : { base: parentTree, theirs: commit.tree };
    const parentLabel = parent === undefined ? '(empty tree)' : `parent of ${label}`;
    const labels = {
      base: reverts ? label : parentLabel,
      ours: 'HEAD',
      theirs: reverts ? parentLabel : label,
    };
    let message = reverts ? await this.#revertMessage(oid, commit, parent) : this.#pickMessage(oid, commit);
    if (options.signoff) {
      const { name, email } = repository.identity('committer');
      message = appendSignoff(message, `${name} <${email}>`, this.#trailers());
    }
    const { strategy } = options;
    let verdict: number;
    if (strategy === undefined || strategy === 'ort' || strategy === 'recursive') {
      let settings = this.#around.settings();
      for (const option of options.strategyOptions) settings = withStrategyOption(settings, option);
      const request = historyRequest(repository, settings, {
        ancestry: this.#around.ancestry,
        attributes: (path) => this.#tree.attributes.of(path),
        warn: this.#tree.warn,
        signal: this.#around.signal,
        ...(settings.renormalize ? await renormalizer(this.#tree, [sides.base, ours, sides.theirs]) : {}),
      });
      const merged = await mergeTrees(
        objects,
        request.driverFor,
        { base: sides.base, ours, theirs: sides.theirs },
        { path: '', labels, depth: 0, nesting: 0, signal: this.#around.signal },
        request.options,
      );
      if (!(await applyMerge(this.#tree, ours, merged, { action: 'merge', autoMerge: true, talk: this.#talk }))) {
        throw new Refusal('');
      }
      tellMerge(repository, merged, settings, this.#talk);
      verdict = merged.clean ? 0 : 1;
      if (!merged.clean) {
        message += conflictsHint(repository, this.#tree.index.conflictedPaths(), options.cleanup);
      }
      writeState(repository, 'MERGE_MSG', message);
    } else {
      writeState(repository, 'MERGE_MSG', message);
      verdict = await this.#otherStrategy(strategy, oid, parent, head);
    }
    if (!reverts && !options.noCommit && (verdict === 0 || verdict === 1)) {
      writeState(repository, 'CHERRY_PICK_HEAD', `${oid}\n`);
    }
    if (reverts && (verdict === 1 || (options.noCommit && verdict === 0))) {
      writeState(repository, 'REVERT_HEAD', `${oid}\n`);
    }
    if (verdict !== 0) {
      this.#talk.err(`error: could not ${reverts ? 'revert' : 'apply'} ${short}... ${subject}\n`);
      this.#advise(verdict === 1);
      if (verdict < 0) throw new Refusal('');
      return verdict;
    }
    if (options.noCommit) return 0;
    return this.#commit(oid, commit, message, head);
  }

  #parent(oid: Oid<'commit'>, { parents }: Commit): Oid<'commit'> | undefined {
    const { mainline } = this.#options;
    if (parents.length > 1) {
      if (mainline === undefined) throw new Refusal(`commit ${oid} is a merge but no -m option was given.`);
      const parent = parents[mainline - 1];
      if (parent === undefined) throw new Refusal(`commit ${oid} does not have parent ${mainline}`);
      return parent;
    }
    if (mainline !== undefined && mainline > 1) throw new Refusal(`commit ${oid} does not have parent ${mainline}`);
    return parents[0];
  }

  async #fastForwardTo(oid: Oid<'commit'>, commit: Commit, head: Oid<'commit'> | undefined): Promise<number> {
    const from = head === undefined ? undefined : await treeOfCommit(this.#repository.objects, head);
    const merged = { tree: commit.tree, unmerged: [] };
    if (!(await applyMerge(this.#tree, from, merged, { action: this.#options.action, talk: this.#talk }))) {
      throw new Refusal('');
    }
    const done = await this.#repository.refs.update([
      { name: 'HEAD', to: oid, expect: head ?? 'absent', reason: `${this.#reflogAction()}: fast-forward` },
    ]);
    if (!done.ok) throw new GitError('REF_CHANGED', done.message);
    return 0;
  }

  #reflogAction(): string {
    return this.#repository.env['GIT_REFLOG_ACTION'] ?? this.#options.action;
  }

  #pickMessage(oid: Oid<'commit'>, { message }: Commit): string {
    if (!this.#options.recordOrigin) return message;
    const line = `(cherry picked from commit ${oid})\n`;
    const text = message === '' || message.endsWith('\n') ? message : `${message}\n`;
    const { trailers } = parseTrailers(text, this.#trailers());
    return `${text}${trailers.length > 0 ? '' : '\n'}${line}`;
  }

  #trailers() {
    return trailerSettings(this.#repository.config, commentPrefix(this.#repository.config));
  }

  async #revertMessage(oid: Oid<'commit'>, commit: Commit, parent: Oid<'commit'> | undefined): Promise<string> {
    const subject = subjectLine(commit.message);
    const refer = async (to: Oid<'commit'>): Promise<string> => {
      if (!this.#options.reference) return to;
      const { message, author } = await this.#read(to);
      const day = formatDate(
        author.seconds,
        author.zone,
        { ...defaultDateMode, kind: 'short' },
        this.#repository.clock,
      );
      return `${await abbreviate(this.#repository, to)} (${subjectLine(message)}, ${day})`;
    };
    let title: string;
    const inner = /^Revert "(.*)$/s.exec(subject)?.[1];
    if (this.#options.reference)
      title = `${commentPrefix(this.#repository.config)} *** SAY WHY WE ARE REVERTING ON THE TITLE LINE ***`;
    else if (inner !== undefined && !inner.startsWith('Revert "')) title = `Reapply "${inner}`;
    else title = `Revert "${subject}"`;
    let text = `${title}\n\nThis reverts commit ${await refer(oid)}`;
    if (commit.parents.length > 1) text += `, reversing\nchanges made to ${await refer(parent!)}`;
    return `${text}.\n`;
  }

  async #otherStrategy(
    name: string,
    oid: Oid<'commit'>,
    parent: Oid<'commit'> | undefined,
    head: Oid<'commit'> | undefined,
  ): Promise<number> {
    const reverts = this.#options.action === 'revert';
    const runner = new Strategies({ ...this.#around });
    // The empty tree stands in for the parent of a root.
    const before = parent ?? (emptyTreeOid(this.#repository.objectFormat) as Oid as Oid<'commit'>);
    const theirs = reverts ? before : oid;
    const base = reverts ? oid : before;
    const verdict = await runner.run(name, {
      head: head!,
      heads: [{ commit: theirs, name: theirs, object: theirs, isTag: false }],
      bases: [base],
      options: this.#options.strategyOptions,
    });
    return verdict;
  }

  #advise(conflicts: boolean): void {
    const help = this.#repository.env['GIT_CHERRY_PICK_HELP'];
    if (help !== undefined) {
      this.#talk.err(hintLines(help));
      removeState(this.#repository, 'CHERRY_PICK_HEAD');
      return;
    }
    if (!conflicts || !this.#advice('mergeconflict')) return;
    const { action, noCommit } = this.#options;
    let text = noCommit
      ? "after resolving the conflicts, mark the corrected paths\nwith 'git add <paths>' or 'git rm <paths>'"
      : 'After resolving the conflicts, mark them with\n"git add/rm <pathspec>", then run\n' +
        `"git ${action} --continue".\nYou can instead skip this commit with "git ${action} --skip".\n` +
        `To abort and get back to the state before "git ${action}",\nrun "git ${action} --abort".`;
    if (!this.#repository.config.has('advice.mergeconflict')) {
      text += '\nDisable this message with "git config set advice.mergeConflict false"';
    }
    this.#talk.err(hintLines(text));
  }

  async #commit(oid: Oid<'commit'>, original: Commit, given: string, head: Oid<'commit'> | undefined): Promise<number> {
    const repository = this.#repository;
    const options = this.#options;
    const reverts = options.action === 'revert';
    const tree = await writeIndexTree(this.#tree.index, repository.objects);
    const headTree =
      head === undefined ? emptyTreeOid(repository.objectFormat) : await treeOfCommit(repository.objects, head);
    let allowEmpty = false;
    if (tree === headTree) {
      const parent = original.parents[0];
      const wasEmpty =
        original.tree ===
        (parent === undefined ? emptyTreeOid(repository.objectFormat) : await treeOfCommit(repository.objects, parent));
      if (wasEmpty) allowEmpty = options.allowEmpty;
      else if (options.redundant === 'keep') allowEmpty = true;
      else if (options.redundant === 'drop') {
        removeState(repository, 'CHERRY_PICK_HEAD', 'MERGE_MSG', 'AUTO_MERGE');
        this.#talk.err(`dropping ${oid} ${subjectLine(original.message)} -- patch contents already upstream\n`);
        return 0;
      }
    }
    const edits = this.#edits();
    if (edits || (tree === headTree && !allowEmpty)) return this.#runCommit(edits, allowEmpty);
    let message = given;
    if (repository.hooks.exists('prepare-commit-msg')) {
      const run = repository.hooks.run('prepare-commit-msg', [repository.path('MERGE_MSG'), 'message'], {
        env: { GIT_INDEX_FILE: repository.path('index'), GIT_EDITOR: ':' },
      });
      if (run !== undefined && run.code !== 0) {
        throw new Refusal("'prepare-commit-msg' hook failed");
      }
      message = readState(repository, 'MERGE_MSG') ?? '';
    }
    const added = options.signoff || options.recordOrigin;
    if (added && !options.explicitCleanup) message = stripSpace(message);
    else if (options.cleanup !== undefined) {
      message = cleanMessage(message, options.cleanup, commentPrefix(repository.config, message));
    }
    if (!options.allowEmptyMessage && message.trim() === '') return this.#runCommit(edits, allowEmpty);
    const author = reverts ? repository.identity('author') : original.author;
    const committer = repository.identity('committer');
    const made = await writeCommit(repository, {
      tree,
      parents: head === undefined ? [] : [head],
      author,
      committer,
      message,
      sign: commitSigner(repository, options.sign),
    });
    const done = await repository.refs.update([
      {
        name: 'HEAD',
        to: made,
        expect: head ?? 'absent',
        reason: `${this.#reflogAction()}: ${message.split('\n', 1)[0] ?? ''}`,
      },
    ]);
    if (!done.ok) throw new GitError('REF_CHANGED', done.message, { data: { name: done.name } });
    repository.hooks.run('post-commit', [], { env: { GIT_INDEX_FILE: repository.path('index') } });
    removeState(repository, 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'MERGE_MSG');
    await this.#tell(made, author, committer, message, headTree, tree, head === undefined);
    return 0;
  }

  #runCommit(edits: boolean, allowEmpty: boolean): Promise<number> {
    const words = ['-n', '-F', this.#repository.path('MERGE_MSG')];
    const { signoff, recordOrigin, cleanup } = this.#options;
    if (edits) words.push('-e');
    else if (!signoff && !recordOrigin && cleanup === undefined) words.push('--cleanup=verbatim');
    if (cleanup !== undefined) words.push(`--cleanup=${cleanup}`);
    const { sign } = this.#options;
    if (sign !== undefined) words.push(sign === null ? '--no-gpg-sign' : `-S${sign}`);
    if (allowEmpty) words.push('--allow-empty');
    if (!edits) words.push('--allow-empty-message');
    return this.#around.commit(words, { GIT_REFLOG_ACTION: this.#reflogAction() });
  }

  async #tell(
    oid: Oid<'commit'>,
    author: Commit['author'],
    committer: Commit['committer'],
    message: string,
    from: Oid<'tree'>,
    to: Oid<'tree'>,
    root: boolean,
  ): Promise<void> {
    const branch = (await currentBranch(this.#repository))?.replace(/^refs\/heads\//, '') ?? 'detached HEAD';
    const short = await abbreviate(this.#repository, oid);
    let text = `[${branch}${root ? ' (root-commit)' : ''} ${short}] ${subjectLine(message)}\n`;
    if (author.name !== committer.name || author.email !== committer.email) {
      text += ` Author: ${author.name} <${author.email}>\n`;
    }
    text += ` Date: ${formatDate(author.seconds, author.zone, defaultDateMode, this.#repository.clock)}\n`;
    this.#talk.out(text + (await changeSummary(this.#repository, from, to)));
  }
}

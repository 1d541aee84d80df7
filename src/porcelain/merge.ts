import type { Oid } from '../base/oid.js';
import { GitError } from '../base/errors.js';
import type { Ancestry } from '../history/merge-base.js';
import { treeOfCommit } from '../merge/history.js';
import { readKind } from '../objects/database.js';
import type { Header } from '../objects/headers.js';
import { decodeText } from '../base/bytes.js';
import { defaultDateMode, formatDate } from '../repo/date-format.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { refreshIndex } from '../worktree/refresh.js';
import { firstRefusal } from '../worktree/switch-errors.js';
import { Switch } from '../worktree/switch.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { openAncestry } from '../repo/ancestry.js';
import { applyAutostash, createAutostash, keepAutostash } from './autostash.js';
import { writeCommit } from './commit.js';
import { editFile } from './editor.js';
import { hintLines } from './hints.js';
import { verifyCommit } from './log-signature.js';
import { hardReset } from './hard-reset.js';
import type { CollectedHeads, MergeHead } from './merge-heads.js';
import { collectHeads, isThrowawayTag } from './merge-heads.js';
import { commitsNotIn, mergeMessage, signatureStart } from './merge-message.js';
import { refuseStaged, switchTrees } from './merge-result.js';
import type { MergeSettings } from './merge-settings.js';
import { hasState, readState, removeMergeState, writeState } from './merge-state.js';
import type { CustomStrategy } from './merge-strategies.js';
import { Strategies, strategies } from './merge-strategies.js';
import type { CleanupMode } from './message.js';
import { cleanMessage, commentLines, commentPrefix, SCISSORS } from './message.js';
import { PristineState } from './pristine.js';
import { commitSigner } from './signing.js';
import { appendSignoff, trailerSettings } from './signoff.js';
import type { Talk } from './talk.js';

export interface MergeOptions {
  readonly fastForward: 'allow' | 'only' | 'never';
  readonly squash: boolean;
  /** `false`: stop before the commit. */
  readonly commit: boolean;
  /** Let the user edit the message. */
  readonly edit: boolean;
  /** The user's message. */
  readonly message?: string | undefined;
  readonly into?: string | undefined;
  /** Subjects to list per head, 0 for none. */
  readonly log: number;
  readonly cleanup: CleanupMode;
  /** How the message of a conflicted merge will be tidied once it is committed. */
  readonly hintCleanup: CleanupMode;
  readonly signoff: boolean;
  /** Run pre-merge-commit and commit-msg. */
  readonly verify: boolean;
  readonly autostash: boolean;
  readonly allowUnrelated: boolean;
  readonly overwriteIgnored: boolean;
  readonly strategies: readonly string[];
  readonly strategyOptions: readonly string[];
  readonly quiet: boolean;
  readonly settings: () => MergeSettings;
  /** Defaults of `pull.twohead` and `pull.octopus`. */
  readonly twoHead: readonly string[];
  readonly octopus: readonly string[];
  readonly custom?: ((name: string) => CustomStrategy | undefined) | undefined;
  /** The short account of what changed, shown at the end. */
  readonly diffstat?: ((from: Oid, to: Oid) => Promise<string>) | undefined;
  /** `-S`: the key, '' for the usual one, `null` for no signature; unless said, `commit.gpgSign` decides. */
  readonly sign?: string | null | undefined;
  /** Merge only commits with a good signature. */
  readonly verifySignatures?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type MergeStatus = 'up-to-date' | 'fast-forward' | 'merged' | 'squashed' | 'stopped' | 'conflicted' | 'failed';

export interface MergeAnswer {
  readonly status: MergeStatus;
  /** git's exit code. */
  readonly code: number;
  readonly head?: Oid | undefined;
}

/** Merges into the current branch, as `git merge` does: one to be used once. */
export class WorkTreeMerge {
  readonly #tree: WorkTree;
  readonly #repository: Repository;
  readonly #options: MergeOptions;
  readonly #talk: Talk;
  readonly #ancestry: Ancestry;
  #message = '';
  #fastForward: MergeOptions['fastForward'];
  #reflogAction = '';

  constructor(tree: WorkTree, options: MergeOptions, talk: Talk) {
    this.#tree = tree;
    this.#repository = tree.repository;
    this.#options = options;
    this.#talk = talk;
    this.#ancestry = openAncestry(tree.repository);
    this.#fastForward = options.fastForward;
  }

  /** `names`: what to merge, at least one. Throws before anything is touched where a merge cannot begin. */
  async run(names: readonly string[]): Promise<MergeAnswer> {
    const talk = this.#talk;
    const options = this.#options;
    const head = (await this.#repository.refs.resolve('HEAD')) as Oid<'commit'> | undefined;
    if (head === undefined) this.#refuseEmpty();
    const collected = await collectHeads(this.#repository, this.#ancestry, head, names, talk);
    if (options.verifySignatures === true)
      for (const { commit } of collected.heads) await this.#verifySignature(commit);
    if (head === undefined) return this.#intoEmpty(collected);
    const { heads } = collected;
    await this.#prepareMessage(collected);
    this.#reflogAction =
      this.#repository.env['GIT_REFLOG_ACTION'] ?? ['merge', ...heads.map(({ name }) => name)].join(' ');
    for (const one of heads) {
      if (this.#fastForward !== 'only' && (await isThrowawayTag(this.#repository, one))) this.#fastForward = 'never';
    }
    const chosen = this.#strategies(heads.length);
    let trivial = true;
    for (const name of chosen) {
      if (strategies[name]?.noFastForward === true) this.#fastForward = 'never';
      if (strategies[name]?.noTrivial === true || strategies[name] === undefined) trivial = false;
    }
    const bases = await this.#bases(head, heads);
    await this.#repository.refs.update([
      { name: 'ORIG_HEAD', to: head, reason: 'updating ORIG_HEAD', unchecked: true },
    ]);
    const [first] = heads;
    if (first !== undefined && bases.length === 0) {
      if (!options.allowUnrelated) throw new GitError('UNRELATED_HISTORIES', 'refusing to merge unrelated histories');
    } else if (first === undefined || (heads.length === 1 && bases.length === 1 && bases[0] === first.commit)) {
      return this.#upToDate(head);
    } else if (this.#fastForward !== 'never' && heads.length === 1 && bases.length === 1 && bases[0] === head) {
      return this.#fastForwardTo(head, heads, first);
    } else if (heads.length === 1 && bases.length > 1) {
      // Several bases: a real merge.
    } else if (heads.length === 1 && options.commit) {
      await refreshIndex(this.#tree);
      if (trivial && this.#fastForward !== 'only') {
        if (await refuseStaged(this.#tree, await treeOfCommit(this.#repository.objects, head), talk)) {
          return { status: 'failed', code: 2 };
        }
        talk.out('Trying really trivial in-index merge...\n');
        const answer = await this.#trivial(head, collected, bases[0]!);
        if (answer !== undefined) return answer;
        talk.out('Nope.\n');
      }
    } else if (heads.length > 1) {
      let all = true;
      for (const { commit } of heads) {
        if ((await this.#ancestry.mergeBases(head, [commit]))[0] !== commit) {
          all = false;
          break;
        }
      }
      if (all) return this.#upToDate(head);
    }
    if (this.#fastForward === 'only') {
      talk.err(divergedHint(this.#repository));
      throw new GitError('USAGE', 'Not possible to fast-forward, aborting.');
    }
    if (options.autostash) await createAutostash(this.#tree, talk);
    this.#repository.identity('committer');
    return this.#merge(head, collected, bases, chosen);
  }

  async #verifySignature(oid: Oid<'commit'>): Promise<void> {
    const repository = this.#repository;
    const verdict = verifyCommit(repository, decodeText(await readKind(repository.objects, oid, 'commit')));
    const short = await abbreviate(repository, oid);
    const { result, signer, valid, trust } = verdict ?? { result: 'N', valid: false };
    const trusted = repository.config.has('gpg.mintrustlevel') || !['undefined', 'never', undefined].includes(trust);
    if (result === 'G' && valid && trusted) {
      if (!this.#options.quiet) this.#talk.out(`Commit ${short} has a good GPG signature by ${signer}\n`);
      return;
    }
    if (result === 'G') {
      throw new GitError('USAGE', `Commit ${short} has an untrusted GPG signature, allegedly by ${signer}.`);
    }
    throw new GitError(
      'USAGE',
      result === 'B'
        ? `Commit ${short} has a bad GPG signature allegedly by ${signer}.`
        : `Commit ${short} does not have a GPG signature.`,
    );
  }

  async #prepareMessage({ described }: CollectedHeads): Promise<void> {
    const { message, log, into, edit } = this.#options;
    let text = message ?? '';
    if (message === undefined || log > 0) {
      const made = await mergeMessage(this.#repository, described, {
        title: message === undefined,
        log,
        into,
        credit: edit,
      });
      if (message !== undefined && made !== '' && !text.endsWith('\n')) text += '\n';
      text += made.replace(/\n$/, '');
    }
    this.#message = text;
  }

  #strategies(heads: number): readonly string[] {
    const { strategies: named, twoHead, octopus } = this.#options;
    if (named.length > 0) return named;
    if (heads === 0) return [];
    if (heads === 1) return twoHead.length > 0 ? twoHead : ['ort'];
    return octopus.length > 0 ? octopus : ['octopus'];
  }

  async #bases(head: Oid<'commit'>, heads: readonly MergeHead[]): Promise<Oid<'commit'>[]> {
    if (heads.length === 0) return [];
    if (heads.length === 1) return this.#ancestry.mergeBases(head, [heads[0]!.commit]);
    return this.#ancestry.octopusBases([head, ...heads.map(({ commit }) => commit)]);
  }

  /** What makes no sense before the first commit. */
  #refuseEmpty(): void {
    if (this.#options.squash) throw new GitError('USAGE', 'Squash commit into empty head not supported yet');
    if (this.#fastForward === 'never') {
      throw new GitError('USAGE', 'Non-fast-forward commit does not make sense into an empty head');
    }
  }

  async #intoEmpty({ heads }: CollectedHeads): Promise<MergeAnswer> {
    const [first] = heads;
    if (heads.length !== 1) throw new GitError('USAGE', 'Can merge only exactly one commit into empty head');
    const tree = await treeOfCommit(this.#repository.objects, first!.commit);
    const lock = this.#tree.lockIndex();
    try {
      const plan = new Switch(this.#tree, [undefined, tree], { way: 'twoway', update: true, initial: true });
      const { refusals } = await plan.plan();
      const refusal = firstRefusal(refusals);
      if (refusal !== undefined) {
        this.#talk.err(`error: ${refusal}\n`);
        throw new GitError('WORKTREE_DIRTY', 'read-tree failed');
      }
      for (const message of await plan.apply()) this.#talk.err(`error: ${message}\n`);
      this.#tree.commitIndex(lock);
    } catch (error) {
      lock.rollback();
      throw error;
    }
    const done = await this.#repository.refs.update([{ name: 'HEAD', to: first!.commit, reason: 'initial pull' }]);
    if (!done.ok) throw new GitError('REF_CHANGED', done.message);
    return { status: 'fast-forward', code: 0, head: first!.commit };
  }

  #upToDate(head: Oid): MergeAnswer {
    if (!this.#options.quiet) {
      this.#talk.out(`Already up to date.${this.#options.squash ? ' (nothing to squash)' : ''}\n`);
    }
    removeMergeState(this.#repository);
    return { status: 'up-to-date', code: 0, head };
  }

  async #fastForwardTo(head: Oid<'commit'>, heads: readonly MergeHead[], { commit }: MergeHead): Promise<MergeAnswer> {
    const { message, autostash, quiet, overwriteIgnored } = this.#options;
    if (!quiet) {
      const short = async (oid: Oid) => abbreviate(this.#repository, oid);
      this.#talk.out(`Updating ${await short(head)}..${await short(commit)}\n`);
    }
    const news = message === undefined ? 'Fast-forward' : 'Fast-forward (no commit created; -m option ignored)';
    if (autostash) await createAutostash(this.#tree, this.#talk);
    const lock = this.#tree.lockIndex();
    try {
      await refreshIndex(this.#tree);
      const from = await treeOfCommit(this.#repository.objects, head);
      const to = await treeOfCommit(this.#repository.objects, commit);
      if (!(await switchTrees(this.#tree, from, to, { action: 'merge', overwriteIgnored, talk: this.#talk }))) {
        lock.rollback();
        await applyAutostash(this.#tree, this.#talk);
        return { status: 'failed', code: 1 };
      }
      this.#tree.commitIndex(lock);
    } catch (error) {
      lock.rollback();
      throw error;
    }
    await this.#finish(head, heads, commit, news);
    removeMergeState(this.#repository);
    return { status: this.#options.squash ? 'squashed' : 'fast-forward', code: 0, head: commit };
  }

  /** Only where no file has to be merged: the index is made at once. */
  async #trivial(
    head: Oid<'commit'>,
    collected: CollectedHeads,
    base: Oid<'commit'>,
  ): Promise<MergeAnswer | undefined> {
    const trees: Oid<'tree'>[] = [];
    for (const commit of [base, head, collected.heads[0]!.commit]) {
      trees.push(await treeOfCommit(this.#repository.objects, commit));
    }
    const lock = this.#tree.lockIndex();
    try {
      const plan = new Switch(this.#tree, trees, { way: 'threeway', update: true, overwriteIgnored: true });
      const { refusals, nontrivial } = await plan.plan();
      if (nontrivial || refusals.length > 0) {
        lock.rollback();
        const why = firstRefusal(refusals) ?? 'Merge requires file-level merging';
        this.#talk.err(`error: ${why}\n`);
        return undefined;
      }
      for (const message of await plan.apply()) this.#talk.err(`error: ${message}\n`);
      this.#talk.out('Wonderful.\n');
      await writeIndexTree(this.#tree.index, this.#repository.objects);
      this.#tree.commitIndex(lock);
    } catch (error) {
      lock.rollback();
      throw error;
    }
    return this.#commitMerge(head, { ...collected, headSubsumed: false }, 'In-index merge');
  }

  async #merge(
    head: Oid<'commit'>,
    collected: CollectedHeads,
    bases: readonly Oid<'commit'>[],
    chosen: readonly string[],
  ): Promise<MergeAnswer> {
    const { heads } = collected;
    const talk = this.#talk;
    const options = this.#options;
    const runner = new Strategies({
      tree: this.#tree,
      ancestry: this.#ancestry,
      settings: options.settings,
      talk,
      overwriteIgnored: options.overwriteIgnored,
      custom: options.custom,
      signal: options.signal,
    });
    const request = { head, heads, bases, options: options.strategyOptions };
    const pristine = await PristineState.take(this.#tree, head, this.#reflogAction);
    let best: { readonly name: string; readonly left: number } | undefined;
    let last = '';
    let ok = false;
    for (const [i, name] of chosen.entries()) {
      if (i > 0) {
        talk.out('Rewinding the tree to pristine...\n');
        await pristine.restore();
      }
      if (chosen.length > 1) talk.out(`Trying merge strategy ${name}...\n`);
      last = name;
      const verdict = await runner.run(name, request);
      if (verdict === 0) {
        ok = true;
        best = { name, left: 0 };
        break;
      }
      if (verdict >= 2) continue;
      const left = chosen.length > 1 ? await this.#countLeft() : 0;
      if (best === undefined || best.left <= 0 || left <= best.left) best = { name, left };
    }
    if (ok && options.commit) {
      return this.#commitMerge(head, collected, `Merge made by the '${last}' strategy.`);
    }
    if (best === undefined) {
      await pristine.restore();
      talk.err(
        chosen.length > 1 ? 'No merge strategy handled the merge.\n' : `Merge with strategy ${chosen[0]} failed.\n`,
      );
      await applyAutostash(this.#tree, talk);
      return { status: 'failed', code: 2 };
    }
    if (best.name !== last) {
      talk.out('Rewinding the tree to pristine...\n');
      await pristine.restore();
      talk.out(`Using the ${best.name} strategy to prepare resolving by hand.\n`);
      await runner.run(best.name, request);
    }
    if (options.squash) await this.#finish(head, heads, undefined, undefined);
    else this.#writeState(heads);
    if (ok) {
      talk.err('Automatic merge went well; stopped before committing as requested\n');
      this.#tellAutostash();
      return { status: options.squash ? 'squashed' : 'stopped', code: 0, head };
    }
    this.#suggestConflicts();
    this.#tellAutostash();
    return { status: 'conflicted', code: 1, head };
  }

  #tellAutostash(): void {
    if (this.#options.autostash) {
      this.#talk.out('When finished, apply stashed changes with `git stash pop`\n');
    }
  }

  /** How much a strategy left to do: files that differ from the index, and unmerged paths once more. */
  async #countLeft(): Promise<number> {
    const { index } = this.#tree;
    let count = index.conflictedPaths().length;
    for (const entry of index.entries) {
      if (entry.stage !== 0) count++;
      if (entry.stage !== 0 && entry.stage !== 2) continue;
      const stat = this.#tree.lstat(entry.path);
      if (stat === undefined || (await this.#tree.isModified(entry.withStage(0), stat))) count++;
    }
    return count;
  }

  #writeHeads(heads: readonly MergeHead[]): void {
    writeState(this.#repository, 'MERGE_HEAD', heads.map(({ object }) => `${object}\n`).join(''));
    writeState(this.#repository, 'MERGE_MODE', this.#fastForward === 'never' ? 'no-ff' : '');
  }

  #writeState(heads: readonly MergeHead[]): void {
    this.#writeHeads(heads);
    writeState(this.#repository, 'MERGE_MSG', `${this.#message}\n`);
  }

  #suggestConflicts(): void {
    const before = readState(this.#repository, 'MERGE_MSG') ?? '';
    const hint = conflictsHint(this.#repository, this.#tree.index.conflictedPaths(), this.#options.hintCleanup);
    writeState(this.#repository, 'MERGE_MSG', before + hint);
    this.#talk.out('Automatic merge failed; fix conflicts and then commit the result.\n');
  }

  async #commitMerge(head: Oid<'commit'>, collected: CollectedHeads, news: string): Promise<MergeAnswer> {
    const { heads, headSubsumed } = collected;
    const stopped = this.#prepareToCommit(heads);
    if (stopped !== undefined) return stopped;
    const parents = [
      ...(headSubsumed && this.#fastForward !== 'never' ? [] : [head]),
      ...heads.map(({ commit }) => commit),
    ];
    const tree = await writeIndexTree(this.#tree.index, this.#repository.objects);
    const commit = await writeCommit(this.#repository, {
      tree,
      parents,
      author: this.#repository.identity('author'),
      committer: this.#repository.identity('committer'),
      message: this.#message,
      extra: await mergeTags(this.#repository, heads),
      sign: commitSigner(this.#repository, this.#options.sign),
    });
    await this.#finish(head, heads, commit, news);
    removeMergeState(this.#repository);
    return { status: 'merged', code: 0, head: commit };
  }

  /** Hooks and editor; an answer where they stop the commit. */
  #prepareToCommit(heads: readonly MergeHead[]): MergeAnswer | undefined {
    const { edit, verify, signoff, cleanup } = this.#options;
    const repository = this.#repository;
    const hookEnvironment = {
      GIT_INDEX_FILE: repository.path('index'),
      ...(edit ? {} : { GIT_EDITOR: ':' }),
    };
    const allows = (name: string, args: readonly string[] = []): boolean => {
      const run = repository.hooks.run(name, args, { env: hookEnvironment });
      return run === undefined || run.code === 0;
    };
    if (verify && repository.hooks.exists('pre-merge-commit')) {
      if (!allows('pre-merge-commit')) return this.#abortCommit(heads);
      this.#tree.reloadIndex();
    }
    const comment = commentPrefix(repository.config, this.#message);
    let text = this.#message;
    if (edit) {
      text += '\n';
      if (cleanup === 'scissors') text += cutLine(comment);
      let note =
        'Please enter a commit message to explain why this merge is necessary,\n' +
        'especially if it merges an updated upstream into a topic branch.\n\n';
      if (cleanup === 'strip') {
        note += `Lines starting with '${comment}' will be ignored, and an empty message aborts\nthe commit.\n`;
      } else note += 'An empty message aborts the commit.\n';
      text += `\n${commentLines(note, comment)}`;
    }
    if (signoff) {
      const { name, email } = repository.identity('committer');
      const at = edit ? this.#message.length : text.length;
      text =
        appendSignoff(text.slice(0, at), `${name} <${email}>`, trailerSettings(repository.config, comment)) +
        text.slice(at);
    }
    this.#writeHeads(heads);
    writeState(repository, 'MERGE_MSG', text);
    const file = repository.path('MERGE_MSG');
    if (!allows('prepare-commit-msg', [file, 'merge'])) return this.#abortCommit(heads);
    if (edit) {
      try {
        editFile(repository, file);
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        this.#talk.err(`error: ${error.message}\n`);
        return this.#abortCommit(heads);
      }
    }
    if (verify && !allows('commit-msg', [file])) return this.#abortCommit(heads);
    this.#message = cleanMessage(readState(repository, 'MERGE_MSG') ?? '', cleanup, comment);
    if (this.#message === '') {
      this.#talk.err('error: Empty commit message.\n');
      return this.#abortCommit(heads);
    }
    return undefined;
  }

  #abortCommit(heads: readonly MergeHead[]): MergeAnswer {
    this.#talk.err("Not committing merge; use 'git commit' to complete the merge.\n");
    this.#writeState(heads);
    return { status: 'stopped', code: 1 };
  }

  /** Moves the branch (or writes the message of a squash), tells about it, runs the hook, brings stashed changes back. */
  async #finish(
    head: Oid<'commit'>,
    heads: readonly MergeHead[],
    to: Oid<'commit'> | undefined,
    news: string | undefined,
  ): Promise<void> {
    const { quiet, squash, diffstat } = this.#options;
    if (news !== undefined && !quiet) this.#talk.out(`${news}\n`);
    if (squash) await this.#squashMessage(head, heads);
    else if (!quiet && this.#message === '') this.#talk.out('No merge message -- not updating HEAD\n');
    else {
      const reason = news === undefined ? this.#reflogAction : `${this.#reflogAction}: ${news}`;
      const done = await this.#repository.refs.update([{ name: 'HEAD', to: to!, expect: head, reason }]);
      if (!done.ok) throw new GitError('REF_CHANGED', done.message, { data: { name: done.name } });
    }
    if (to !== undefined && diffstat !== undefined) this.#talk.out(await diffstat(head, to));
    this.#repository.hooks.run('post-merge', [squash ? '1' : '0']);
    if (to !== undefined) await applyAutostash(this.#tree, this.#talk);
  }

  async #squashMessage(head: Oid<'commit'>, heads: readonly MergeHead[]): Promise<void> {
    this.#talk.out('Squash commit -- not updating HEAD\n');
    let text = 'Squashed commit of the following:\n';
    const from = heads.map(({ commit }) => commit);
    for await (const { oid, commit } of commitsNotIn(this.#repository, from, [head])) {
      const { author, parents } = commit;
      text += `\ncommit ${oid}\n`;
      if (parents.length > 1) {
        const short = [];
        for (const parent of parents) short.push(await abbreviate(this.#repository, parent));
        text += `Merge: ${short.join(' ')}\n`;
      }
      text += `Author: ${author.name} <${author.email}>\n`;
      text += `Date:   ${formatDate(author.seconds, author.zone, defaultDateMode, this.#repository.clock)}\n\n`;
      const body = commit.message.replace(/^\n+/, '').replace(/\s+$/, '');
      text += `${body
        .split('\n')
        .map((line) => `    ${line.replace(/[ \t\r\f\v]+$/, '')}`)
        .join('\n')}\n`;
    }
    writeState(this.#repository, 'SQUASH_MSG', text);
  }
}

const cutLine = (comment: string): string =>
  `${comment} ${SCISSORS}\n${commentLines(
    'Do not modify or remove the line above.\nEverything below it will be ignored.\n',
    comment,
  )}`;

/** What is added to a message to remind of the paths that conflicted. */
export function conflictsHint(
  repository: Repository,
  paths: readonly string[],
  cleanup: CleanupMode | undefined,
): string {
  const comment = commentPrefix(repository.config);
  let text = '\n';
  if (cleanup === 'scissors') text += cutLine(comment) + comment;
  text += cleanup === 'scissors' ? '\n' : '';
  text += commentLines(`Conflicts:\n${paths.map((path) => `\t${path}\n`).join('')}`, comment);
  return text;
}

/** Signed tags that are merged stay in the commit, whole. */
async function mergeTags(repository: Repository, heads: readonly MergeHead[]): Promise<Header[]> {
  const headers: Header[] = [];
  for (const { isTag, object } of heads) {
    if (!isTag) continue;
    const tag = await repository.objects.read(object);
    const text = tag === undefined ? '' : decodeText(tag.data);
    if (signatureStart.test(text)) headers.push({ name: 'mergetag', value: text.replace(/\n$/, '') });
  }
  return headers;
}

function divergedHint(repository: Repository): string {
  if (repository.env['GIT_ADVICE'] === '0' || !repository.config.getBool('advice.diverging', true)) return '';
  return hintLines(
    "Diverging branches can't be fast-forwarded, you need to either:\n\n\tgit merge --no-ff\n\nor:\n\n\tgit rebase\n\n" +
      'Disable this message with "git config set advice.diverging false"',
  );
}

/** Ends a merge that is under way and brings everything back: `git merge --abort`. */
export async function abortMerge(tree: WorkTree, talk: Talk): Promise<void> {
  const { repository } = tree;
  if (!hasState(repository, 'MERGE_HEAD')) {
    throw new GitError('USAGE', 'There is no merge to abort (MERGE_HEAD missing).');
  }
  await hardReset(tree, 'HEAD', { keepChanges: true, talk });
  await applyAutostash(tree, talk);
}

/** Forgets a merge that is under way, leaving files and index: `git merge --quit`. */
export async function quitMerge(repository: Repository, talk: Talk): Promise<void> {
  removeMergeState(repository);
  await keepAutostash(repository, talk);
}

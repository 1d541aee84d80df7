import { systemMessage } from '../platform/system-message.js';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid, isOid } from '../base/oid.js';
import type { Commit } from '../objects/commit.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import type { Signature } from '../objects/signature.js';
import type { LockFile } from '../platform/lock.js';
import { addToIndex } from '../porcelain/add.js';
import { changeSummary } from '../porcelain/change-summary.js';
import { endPick } from '../porcelain/pick-state.js';
import { advanceHead, commitAction, removeMergeState, writeCommit } from '../porcelain/commit.js';
import { whileWriting } from '../objects/write-failure.js';
import { editFile } from '../porcelain/editor.js';
import {
  cleanMessage,
  cleanupMode,
  commentEntries,
  commentLines,
  commentPrefix,
  SCISSORS,
  stripSpace,
  subjectLine,
  type CleanupMode,
} from '../porcelain/message.js';
import type { CommitSigner } from '../porcelain/signing.js';
import { recode, sameEncoding } from '../porcelain/text-encoding.js';
import { appendSignoff, trailerSettings } from '../porcelain/signoff.js';
import { ignoredTail } from '../porcelain/trailers.js';
import { isCommittable, noColors, renderLong, renderShort } from '../porcelain/status-render.js';
import { gatherStatus } from '../porcelain/status-report.js';
import type { StatusReport } from '../porcelain/status-report.js';
import { approxidate, formatDate, formatZone, parseDate } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { resolveKind, resolveRevision } from '../repo/revision.js';
import { refreshIndex } from '../worktree/refresh.js';
import { FLAG_ASSUME_VALID } from '../worktree/index-entry.js';
import { WorkTree } from '../worktree/work-tree.js';
import { readTreeEntries, writeIndexTree, primeCacheTree } from '../worktree/write-tree.js';
import { autoMaintenance } from './auto-maintenance.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { renameSettings, statusStyle, untrackedMode } from './status-style.js';
import type { OptionEvent, ParsedOptions } from './options.js';
import { adviceOn, openWorkTree, pathspecFileOptions, pathspecOf, pathspecWords, wholeTree } from './work-tree.js';
import { checkPatchOptions, hunkOptions, patchOptions } from './patch-options.js';

/** Before a path that need not be there. */
const OPTIONAL = ':(optional)';

interface Result {
  readonly text: string;
  readonly oid?: string;
  readonly branch?: string | undefined;
  readonly subject?: string;
}

const options = {
  quiet: { type: 'flag', short: 'q', help: 'suppress summary after successful commit' },
  verbose: { type: 'count', short: 'v', help: 'show diff in commit message template' },
  file: { type: 'string', short: 'F', value: 'file', help: 'read message from file' },
  author: { type: 'string', value: 'author', help: 'override author for commit' },
  date: { type: 'string', value: 'date', help: 'override date for commit' },
  message: { type: 'list', short: 'm', value: 'message', help: 'commit message' },
  'reedit-message': {
    type: 'string',
    short: 'c',
    value: 'commit',
    help: 'reuse and edit message from specified commit',
  },
  'reuse-message': { type: 'string', short: 'C', value: 'commit', help: 'reuse message from specified commit' },
  fixup: {
    type: 'string',
    value: '[(amend|reword):]commit',
    help: 'use autosquash formatted message to fixup or amend/reword specified commit',
  },
  squash: { type: 'string', value: 'commit', help: 'use autosquash formatted message to squash specified commit' },
  'reset-author': { type: 'flag', help: 'the commit is authored by me now (used with -C/-c/--amend)' },
  trailer: { type: 'list', value: 'trailer', help: 'add custom trailer(s)' },
  signoff: { type: 'flag', short: 's', help: 'add a Signed-off-by trailer' },
  template: { type: 'string', short: 't', value: 'file', help: 'use specified template file' },
  edit: { type: 'flag', short: 'e', help: 'force edit of commit' },
  cleanup: { type: 'string', value: 'mode', help: 'how to strip spaces and #comments from message' },
  status: { type: 'flag', help: 'include status in commit message template' },
  'gpg-sign': { type: 'optional', short: 'S', value: 'key-id', implied: '', help: 'GPG sign commit' },
  all: { type: 'flag', short: 'a', help: 'commit all changed files' },
  include: { type: 'flag', short: 'i', help: 'add specified files to index for commit' },
  interactive: { type: 'flag', help: 'interactively add files' },
  patch: { type: 'flag', short: 'p', help: 'interactively add changes' },
  ...hunkOptions,
  only: { type: 'flag', short: 'o', help: 'commit only specified files' },
  'no-verify': { type: 'flag', short: 'n', help: 'bypass pre-commit and commit-msg hooks' },
  'dry-run': { type: 'flag', help: 'show what would be committed' },
  short: { type: 'flag', help: 'show status concisely' },
  branch: { type: 'flag', help: 'show branch information' },
  'ahead-behind': { type: 'flag', help: 'compute full ahead/behind values' },
  porcelain: { type: 'flag', help: 'machine-readable output' },
  long: { type: 'flag', help: 'show status in long format (default)' },
  null: { type: 'flag', short: 'z', help: 'terminate entries with NUL' },
  amend: { type: 'flag', help: 'amend previous commit' },
  'no-post-rewrite': { type: 'flag', help: 'bypass post-rewrite hook' },
  'untracked-files': {
    type: 'optional',
    short: 'u',
    value: 'mode',
    implied: 'all',
    help: 'show untracked files, optional modes: all, normal, no. (Default: all)',
  },
  ...pathspecFileOptions,
  'allow-empty': { type: 'flag', hidden: true, help: 'ok to record an empty change' },
  'allow-empty-message': { type: 'flag', hidden: true, help: 'ok to record a change with an empty message' },
} as const;

type Values = ParsedOptions<typeof options>['values'];

export const command = defineCommand({
  name: 'commit',
  summary: 'record the index as a commit',
  usage: [
    'commit [-a | --interactive | --patch] [-s] [-v] [-u[<mode>]] [--amend]\n' +
      '           [--dry-run] [(-c | -C | --squash) <commit> | --fixup [(amend|reword):]<commit>]\n' +
      '           [-F <file> | -m <msg>] [--reset-author] [--allow-empty]\n' +
      '           [--allow-empty-message] [--no-verify] [-e] [--author=<author>]\n' +
      '           [--date=<date>] [--cleanup=<mode>] [--[no-]status]\n' +
      '           [-i | -o] [--pathspec-from-file=<file> [--pathspec-file-nul]]\n' +
      '           [(--trailer <token>[(=|:)<value>])...] [-S[<keyid>]]\n' +
      '           [--] [<pathspec>...]',
  ],
  options,
  async *run(context, { values, rest, events }): AsyncGenerator<Result, number> {
    const run = new CommitRun(context, values, rest, events);
    try {
      return yield* run.run();
    } catch (error) {
      if (error instanceof Stop) return error.code;
      throw error;
    } finally {
      run.release();
      await run.tree.close();
    }
  },
  render: ({ text }) => text,
});

type Whence = 'commit' | 'merge' | 'cherry-pick' | 'rebase';

/** An end with a code and messages already said. */
class Stop extends Error {
  readonly code: number;
  constructor(code: number) {
    super('stop');
    this.code = code;
  }
}

class CommitRun {
  readonly tree: WorkTree;
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #values: Values;
  readonly #rest: readonly string[];
  readonly #events: readonly OptionEvent[];
  #lock: LockFile | undefined;
  /** The index of a partial commit; hooks and status see it. */
  #falseLock: LockFile | undefined;
  /** The index as it was before changes were chosen for this commit; put back when there is no commit. */
  #indexBefore: Bytes | 'none' | undefined;
  #committing: WorkTree;
  /** Nothing is committed: the state is shown. */
  #dry = false;
  #indexFile: string;
  #whence: Whence = 'commit';
  #useEditor = true;
  #cleanup: CleanupMode = 'strip';
  #comment = '#';
  #fixup: { readonly kind: 'fixup' | 'amend' | 'reword'; readonly commit: string } | undefined;
  #template: string | undefined;
  #borrowed = false;

  constructor(context: CommandContext, values: Values, rest: readonly string[], events: readonly OptionEvent[]) {
    this.#context = context;
    this.tree = openWorkTree(context);
    this.#repository = this.tree.repository;
    // A file without a name is none.
    this.#values = {
      ...values,
      ...(values.file === '' ? { file: null } : {}),
      ...(values.template === '' ? { template: null } : {}),
    };
    this.#rest = rest;
    this.#events = events;
    this.#committing = this.tree;
    this.#indexFile = this.tree.place.path;
  }

  release(): void {
    this.#lock?.rollback();
    this.#falseLock?.rollback();
    if (this.#indexBefore === undefined) return;
    const { fs } = this.#repository.platform;
    if (this.#indexBefore === 'none') fs.remove(this.tree.place.path);
    else fs.writeFile(this.tree.place.path, this.#indexBefore);
  }

  get #amend(): boolean {
    return this.#values.amend === true;
  }

  async *run(): AsyncGenerator<Result, number> {
    const values = this.#values;
    const repository = this.#repository;
    const { config } = repository;
    this.#whence = await this.#findWhence();
    const resolved = await repository.refs.resolveFull('HEAD');
    const head = resolved?.oid as Oid<'commit'> | undefined;
    await this.#checkOptions(this.#rest, head);
    const words = pathspecWords(this.#context, values, this.#rest, [
      (values.interactive === true || values.patch === true) && '--interactive/--patch',
      values.all === true && '-a',
    ]);
    this.#checkNamed(words);
    this.#comment = commentPrefix(config);
    await this.#discourageAuto();
    const dry =
      values['dry-run'] === true ||
      values.short === true ||
      values.porcelain === true ||
      values.long === true ||
      values.null === true;
    const current = head === undefined ? undefined : parseCommit(await readKind(repository.objects, head, 'commit'));
    this.#dry = dry;
    const reused = await this.#reusedCommit();
    await this.#prepareIndex(words, dry, head);
    const reference = this.#amend ? (current?.parents[0] ?? null) : undefined;
    if (dry) return yield* this.#dryRun(reference);
    const author = await this.#author(reused);
    if (values['no-verify'] !== true && repository.hooks.exists('pre-commit')) {
      if (!this.#hook('pre-commit', [])) throw new Stop(1);
      this.#committing.reloadIndex();
    }
    const started = await this.#startMessage(reused);
    const report = await this.#report(reference, true);
    const path = repository.path('COMMIT_EDITMSG');
    const parents = await this.#parents(head, current);
    // From here on COMMIT_EDITMSG holds the message, so that nothing typed is lost when something fails.
    await this.#finishMessage(started, report, author, path);
    if (yield* this.#nothingToCommit(report, current)) return 1;
    const message = await this.#editMessage(path, started);
    const extra =
      this.#amend && current !== undefined
        ? current.extra.filter((header) => !/^(gpgsig|gpgsig-sha256|mergetag|encoding)$/.test(header.name))
        : [];
    const treeOid = await this.#writeTree();
    const signing = await this.#signer();
    const committer = repository.identity('committer');
    let oid: Oid<'commit'>;
    try {
      oid = await writeCommit(repository, {
        tree: treeOid,
        parents,
        author,
        committer,
        message,
        extra,
        warn: (text) => this.#context.printError(text),
        ...(signing === undefined ? {} : { sign: signing }),
      });
    } catch (error) {
      throw whileWriting(error, 'failed to write commit object');
    }
    const kind = this.#amend
      ? 'amend'
      : head === undefined
        ? 'initial'
        : this.#whence === 'commit'
          ? 'plain'
          : this.#whence;
    await advanceHead(repository, oid, head, commitAction(repository.env, kind), message);
    endPick(repository);
    removeMergeState(repository);
    this.#commitIndexFiles();
    await this.#applyAutostash();
    await autoMaintenance(this.#context, repository, values.quiet === true);
    if (repository.hooks.exists('post-commit')) this.#hook('post-commit', []);
    if (this.#amend && values['no-post-rewrite'] !== true && head !== undefined) {
      await this.#carryNotes(head, oid);
      repository.hooks.run('post-rewrite', ['amend'], { input: encodeText(`${head} ${oid}\n`), output: 'stderr' });
    }
    if (values.quiet !== true) {
      const branch = resolved?.symbolic === true ? resolved.name.replace(/^refs\/heads\//, '') : undefined;
      yield {
        text: await this.#summary(oid, branch, author, committer, parents, treeOid, message),
        oid,
        branch,
        subject: subjectLine(message),
      };
    }
    return 0;
  }

  /** `notes.rewrite.amend`: the notes of the old commit go to the new one. */
  async #carryNotes(from: Oid, to: Oid): Promise<void> {
    const { config, env } = this.#repository;
    if (env['GIT_NOTES_REWRITE_REF'] === undefined && config.get('notes.rewriteref') === undefined) return;
    const { NotesRewriter } = await import('../porcelain/notes-rewrite.js');
    const rewriter = await NotesRewriter.open(this.#repository, 'amend', (message) => this.#context.warning(message));
    await rewriter?.copy(from, to);
    await rewriter?.finish("Notes added by 'git commit --amend'");
  }

  /** Changes that a merge put aside come back once it is committed. */
  async #applyAutostash(): Promise<void> {
    if (this.#whence !== 'merge') return;
    const { applyAutostash } = await import('../porcelain/autostash.js');
    await applyAutostash(new WorkTree(this.#repository), {
      out: (text) => this.#context.print(text),
      err: (text) => this.#context.printError(text),
    });
  }

  // ---------------------------------------------------------------- options

  async #findWhence(): Promise<Whence> {
    const { fs } = this.#repository.platform;
    const there = (name: string) => fs.stat(this.#repository.path(name)) !== undefined;
    if (there('MERGE_HEAD')) return 'merge';
    if (there('CHERRY_PICK_HEAD')) return there('rebase-merge') ? 'rebase' : 'cherry-pick';
    return 'commit';
  }

  async #checkOptions(words: readonly string[], head: Oid | undefined): Promise<void> {
    const values = this.#values;
    if (values.author != null && !values.author.includes('>')) await this.#knownAuthor(values.author);
    const together = (list: readonly (readonly [boolean, string])[]): void => {
      const given = list.filter(([on]) => on).map(([, name]) => name);
      if (given.length === 2) {
        throw new GitError('USAGE', `options '${given[0]}' and '${given[1]}' cannot be used together`);
      }
      if (given.length > 2) {
        const names = given.map((name) => `'${name}'`);
        throw new GitError(
          'USAGE',
          `options ${names.slice(0, -1).join(', ')}, and ${names[names.length - 1]} cannot be used together`,
        );
      }
    };
    const messages = values.message !== undefined && values.message.length > 0;
    const fixup = values.fixup ?? undefined;
    if (values.amend === true && head === undefined) throw new GitError('USAGE', 'You have nothing to amend.');
    if (values.amend === true && this.#whence !== 'commit') {
      if (this.#whence === 'merge') throw new GitError('USAGE', 'You are in the middle of a merge -- cannot amend.');
      if (this.#whence === 'cherry-pick')
        throw new GitError('USAGE', 'You are in the middle of a cherry-pick -- cannot amend.');
      throw new GitError('USAGE', 'You are in the middle of a rebase -- cannot amend.');
    }
    if (values['reset-author'] === true && values.author != null) {
      throw new GitError('USAGE', "options '--reset-author' and '--author' cannot be used together");
    }
    together([
      [values['reuse-message'] != null, '-C'],
      [values['reedit-message'] != null, '-c'],
      [values.file != null, '-F'],
      [fixup !== undefined, '--fixup'],
    ]);
    together([
      [messages, '-m'],
      [values['reedit-message'] != null, '-c'],
      [values['reuse-message'] != null, '-C'],
      [values.file != null, '-F'],
    ]);
    if (values.squash != null && fixup !== undefined) {
      throw new GitError('USAGE', "options '--squash' and '--fixup' cannot be used together");
    }
    if (fixup !== undefined) {
      const match = /^([A-Za-z]+):(.*)$/s.exec(fixup);
      if (match !== null && /^(amend|reword)$/.test(match[1]!)) {
        this.#fixup = { kind: match[1] as 'amend' | 'reword', commit: match[2]! };
        if (match[1] === 'reword' && (this.#whence === 'merge' || this.#whence === 'cherry-pick'))
          throw new GitError('USAGE', `You are in the middle of a ${this.#whence} -- cannot reword.`);
        if (match[1] === 'reword' && words.length > 0) {
          throw new GitError('USAGE', `reword option of '--fixup' and path '${words[0]}' cannot be used together`);
        }
        if (
          match[1] === 'reword' &&
          (values.patch === true ||
            values.interactive === true ||
            values.all === true ||
            values.include === true ||
            values.only === true)
        ) {
          throw new GitError(
            'USAGE',
            "reword option of '--fixup' and '--patch/--interactive/--all/--include/--only' cannot be used together",
          );
        }
      } else if (match !== null) {
        throw new GitError('USAGE', `unknown option: --fixup=${match[1]}:${match[2]}`);
      } else this.#fixup = { kind: 'fixup', commit: fixup };
    }
    if (
      values['reset-author'] === true &&
      values['reuse-message'] == null &&
      values['reedit-message'] == null &&
      !this.#amend &&
      this.#whence !== 'cherry-pick' &&
      this.#whence !== 'rebase'
    ) {
      throw new GitError('USAGE', '--reset-author can be used only with -C, -c or --amend.');
    }
    together([
      [values.include === true, '-i/--include'],
      [values.only === true, '-o/--only'],
      [values.all === true, '-a/--all'],
      [values.interactive === true || values.patch === true, '--interactive/-p/--patch'],
    ]);
    if (values.all === true && words.length > 0) {
      throw new GitError('USAGE', `paths '${words[0]} ...' with -a does not make sense`);
    }
    untrackedMode(values['untracked-files'], this.tree);
    this.#settleEditor();
  }

  #checkNamed(words: readonly string[]): void {
    const values = this.#values;
    if (
      words.length === 0 &&
      (values.include === true ||
        (values.only === true && !this.#amend && values['allow-empty'] !== true && this.#fixup?.kind !== 'amend'))
    ) {
      throw new GitError('USAGE', 'No paths with --include/--only does not make sense.');
    }
  }

  #settleEditor(): void {
    const values = this.#values;
    const messages = values.message !== undefined && values.message.length > 0;
    this.#useEditor =
      !(messages || values.file != null || values['reuse-message'] != null || this.#fixup?.kind === 'fixup') ||
      this.#fixup?.kind === 'amend' ||
      this.#fixup?.kind === 'reword';
    if (values['reedit-message'] != null) this.#useEditor = true;
    if (values.edit !== undefined) this.#useEditor = values.edit;
    const cleanup = values.cleanup ?? this.#repository.config.get('commit.cleanup');
    this.#cleanup = cleanupMode(cleanup, this.#useEditor);
  }

  // ---------------------------------------------------------------- index

  async #prepareIndex(words: readonly string[], dry: boolean, head: Oid | undefined): Promise<void> {
    const values = this.#values;
    const { tree } = this;
    const repository = this.#repository;
    const chosen = values.patch === true || values.interactive === true;
    const reword = this.#fixup?.kind === 'reword';
    const onlyMessage = (values.only === true || reword) && words.length === 0;
    const partial = words.length > 0 && values.include !== true && !chosen;
    checkPatchOptions(values, chosen);
    if (chosen) {
      // What is chosen is only kept when the commit is made.
      tree.reloadIndex();
      if (tree.index.hasConflicts && !dry) await this.#refreshOrDie();
      this.#indexBefore = repository.platform.fs.readFile(tree.place.path) ?? 'none';
    }
    if (values.interactive === true && values.patch !== true) {
      const { addInteractively } = await import('./add-interactive.js');
      await addInteractively(this.#context, tree, words, { ...patchOptions(values), renames: true });
    } else if (values.patch === true) {
      const { patchInteractively, stageMode } = await import('./add-patch.js');
      await patchInteractively(this.#context, tree, stageMode, words, patchOptions(values));
    }
    if (partial && this.#whence !== 'commit') {
      if (this.#whence === 'merge') throw new GitError('USAGE', 'cannot do a partial commit during a merge.');
      if (this.#whence === 'cherry-pick')
        throw new GitError('USAGE', 'cannot do a partial commit during a cherry-pick.');
      throw new GitError('USAGE', 'cannot do a partial commit during a rebase.');
    }
    this.#lock = tree.lockIndex();
    tree.reloadIndex();
    if ((words.length > 0 && !chosen) || values.all === true) {
      const pathspec = pathspecOf(this.#context, tree, values.all === true ? [wholeTree(tree)] : words);
      if (words.length > 0 && !partial) await this.#checkPathspec(pathspec, undefined, 128);
      if (partial) {
        await this.#partialIndex(pathspec, dry, head);
        return;
      }
      await addToIndex(tree, { pathspec, newFiles: false, removals: true, updates: true });
      await this.#refreshOrDie();
      await this.#updateCacheTree();
      tree.writeLockedIndex(this.#lock);
      tree.tellOfIndex();
      this.#indexFile = this.#lock.lockPath;
      return;
    }
    if (onlyMessage) {
      await this.#messageOnlyIndex(head);
      return;
    }
    await this.#refreshOrDie();
    await this.#updateCacheTree();
    if (tree.index.changed && tree.index.existed) {
      tree.commitIndex(this.#lock);
    } else this.#lock.rollback();
    this.#lock = undefined;
  }

  async #refreshOrDie(): Promise<void> {
    const { tree } = this;
    await refreshIndex(tree, {
      unmerged: this.#dry,
      report: (path, why) => {
        if (why === 'unmerged') this.#context.print(`U\t${path}\n`);
      },
    });
    if (tree.index.hasConflicts && !this.#dry) this.#conflicted();
  }

  #conflicted(): never {
    const lines = ['error: Committing is not possible because you have unmerged files.\n'];
    if (adviceOn(this.#context, 'resolveConflict')) {
      lines.push(
        "hint: Fix them up in the work tree, and then use 'git add/rm <file>'\n",
        'hint: as appropriate to mark resolution and make a commit.\n',
      );
    }
    throw new GitError('USAGE', 'Exiting because of an unresolved conflict.', { data: { preface: lines.join('') } });
  }

  async #updateCacheTree({ index } = this.#committing): Promise<void> {
    if (index.hasConflicts) return;
    const before = index.cacheTree?.entryCount ?? -1;
    try {
      await writeIndexTree(index, this.#repository.objects, {});
      if (before < 0) index.changed = true;
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
    }
  }

  async #checkPathspec(
    pathspec: ReturnType<typeof pathspecOf>,
    extra: readonly string[] | undefined,
    code = 1,
  ): Promise<void> {
    for (const entry of this.tree.index.entries) pathspec.matches(entry.path);
    for (const path of extra ?? []) pathspec.matches(path);
    const missing = pathspec.unmatched({ exclusions: true });
    for (const item of missing) {
      this.#context.error(`pathspec '${item.original}' did not match any file(s) known to git`);
    }
    if (missing.length > 0) throw new Stop(code);
  }

  /** HEAD's tree with only the named paths as they are now; the real index gets them too. */
  async #partialIndex(pathspec: ReturnType<typeof pathspecOf>, dry: boolean, head: Oid | undefined): Promise<void> {
    const { tree } = this;
    const headTree =
      head === undefined ? undefined : ((await resolveRevision(this.#repository, `${head}^{tree}`)) as Oid<'tree'>);
    const headEntries = headTree === undefined ? [] : await readTreeEntries(this.#repository.objects, headTree);
    await this.#checkPathspec(
      pathspec,
      headEntries.map((entry) => entry.path),
    );
    const paths = new Set<string>();
    for (const entry of tree.index.entries) if (pathspec.matches(entry.path)) paths.add(entry.path);
    for (const entry of headEntries) if (pathspec.matches(entry.path)) paths.add(entry.path);
    await refreshIndex(tree, { unmerged: true });
    await takeOver(tree, paths);
    // Conflicts elsewhere are no hindrance: the commit is made from HEAD's tree.
    await this.#refreshTelling();
    await this.#updateCacheTree(tree);
    const file = this.#repository.path(`next-index-${this.#repository.platform.pid}`);
    const next = new WorkTree(this.#repository, { indexFile: file, warn: tree.warn, error: tree.error });
    const { index } = next;
    index.version = tree.index.version;
    index.setEntries(headEntries.map((entry) => statOf(tree, entry)));
    if (headTree !== undefined) index.cacheTree = await primeCacheTree(this.#repository.objects, headTree);
    await takeOver(next, paths);
    await refreshIndex(next, { unmerged: true });
    this.#falseLock = next.lockIndex();
    this.#committing = next;
    if (!dry) {
      await this.#updateCacheTree();
      tree.writeLockedIndex(this.#lock!);
      tree.tellOfIndex();
    }
    next.writeLockedIndex(this.#falseLock);
    next.alongWithIndex = 'files';
    next.tellOfIndex();
    this.#indexFile = this.#falseLock.lockPath;
  }

  async #refreshTelling(): Promise<void> {
    await refreshIndex(this.tree, {
      report: (path, why) => {
        if (why === 'unmerged') this.#context.print(`${path}: needs merge\n`);
      },
    });
  }

  async #messageOnlyIndex(head: Oid | undefined): Promise<void> {
    await this.#refreshTelling();
    await this.#updateCacheTree(this.tree);
    this.#lock!.rollback();
    this.#lock = undefined;
    const headTree =
      head === undefined ? undefined : ((await resolveRevision(this.#repository, `${head}^{tree}`)) as Oid<'tree'>);
    const file = this.#repository.path(`next-index-${this.#repository.platform.pid}`);
    const next = new WorkTree(this.#repository, { indexFile: file, warn: this.tree.warn, error: this.tree.error });
    if (headTree !== undefined) {
      next.index.setEntries(
        (await readTreeEntries(this.#repository.objects, headTree)).map((entry) => statOf(this.tree, entry)),
      );
      next.index.cacheTree = await primeCacheTree(this.#repository.objects, headTree);
    }
    this.#falseLock = next.lockIndex();
    next.writeLockedIndex(this.#falseLock);
    this.#committing = next;
    this.#indexFile = this.#falseLock.lockPath;
  }

  #commitIndexFiles(): void {
    this.#falseLock?.rollback();
    this.#falseLock = undefined;
    this.#lock?.commit();
    this.#lock = undefined;
    this.#indexBefore = undefined;
  }

  async #writeTree(): Promise<Oid<'tree'>> {
    try {
      return await writeIndexTree(this.#committing.index, this.#repository.objects, {});
    } catch (error) {
      if (error instanceof GitError && error.message === 'error building trees') {
        throw new GitError(error.code, 'Error building trees', { data: { ...error.data, severity: 'error' } });
      }
      throw error;
    }
  }

  #hook(name: string, args: readonly string[]): boolean {
    const env: Record<string, string> = { GIT_INDEX_FILE: this.#shownIndexFile() };
    if (!this.#useEditor) env['GIT_EDITOR'] = ':';
    const result = this.#repository.hooks.run(name, args, { env, output: 'stderr' });
    return result === undefined || result.code === 0;
  }

  #shownIndexFile(): string {
    const { workTree } = this.#repository;
    if (workTree !== undefined && this.#indexFile.startsWith(`${workTree}/`))
      return this.#indexFile.slice(workTree.length + 1);
    return this.#indexFile;
  }

  // ---------------------------------------------------------------- status

  async #report(reference: Oid | null | undefined, state: boolean): Promise<StatusReport> {
    const { tree } = this;
    return gatherStatus(this.#committing, {
      untracked: untrackedMode(this.#values['untracked-files'], tree),
      ...renameSettings(tree, {}),
      reference: reference === undefined ? undefined : reference,
      wantState: state,
      wantCompared: true,
    });
  }

  async *#dryRun(reference: Oid | null | undefined): AsyncGenerator<Result, number> {
    const values = this.#values;
    const report = await this.#report(reference, true);
    const nul = values.null === true;
    const untracked = untrackedMode(values['untracked-files'], this.tree);
    const style = statusStyle(this.#context, this.tree, {
      untracked,
      nul,
      showBranch: values.branch === true,
      template: true,
      ...(this.#repository.config.getBool('status.displaycommentprefix', false) ? { comment: this.#comment } : {}),
      ...(this.#amend ? { amend: true, reference: 'HEAD^1' } : {}),
    });
    let text: string;
    // Of several forms the last one counts.
    const form = this.#events.findLast(({ key, negated }) => !negated && /^(short|long|porcelain)$/.test(key))?.key;
    if (form === 'porcelain' || (nul && form === undefined)) {
      text = renderShort(report, { ...style, prefix: '', colors: noColors });
    } else if (form === 'short') text = renderShort(report, style);
    else text = renderLong(report, style);
    yield { text };
    return isCommittable(report) ? 0 : 1;
  }

  async *#nothingToCommit(report: StatusReport, current: Commit | undefined): AsyncGenerator<Result, boolean> {
    const values = this.#values;
    const committable = report.items.some((item) => item.stages === undefined && item.staged !== ' ');
    if (
      committable ||
      this.#whence === 'merge' ||
      values['allow-empty'] === true ||
      (this.#amend && (current?.parents.length ?? 0) > 1)
    ) {
      return false;
    }
    if (this.#fixup !== undefined && this.#fixup.kind !== 'fixup') return false;
    const { tree } = this;
    if (this.#repository.config.getBool('status.short', false) === false || this.#values.quiet !== true) {
      const style = statusStyle(this.#context, tree, {
        untracked: untrackedMode(values['untracked-files'], tree),
        template: true,
        ...(this.#amend ? { amend: true, reference: 'HEAD^1' } : {}),
      });
      yield { text: renderLong(report, style) };
    }
    if (this.#amend) {
      this.#context.printError(
        'You asked to amend the most recent commit, but doing so would make\n' +
          'it empty. You can repeat your command with --allow-empty, or you can\n' +
          'remove the commit entirely with "git reset HEAD^".\n',
      );
    } else if (this.#whence === 'cherry-pick' || this.#whence === 'rebase') {
      this.#context.printError(
        'The previous cherry-pick is now empty, possibly due to conflict resolution.\n' +
          'If you wish to commit it anyway, use:\n\n    git commit --allow-empty\n\n',
      );
      this.#context.printError(
        this.#whence === 'rebase' || this.#repository.platform.fs.stat(this.#repository.path('sequencer')) === undefined
          ? this.#whence === 'rebase'
            ? "Otherwise, please use 'git rebase --skip'\n"
            : "Otherwise, please use 'git cherry-pick --skip'\n"
          : 'and then use:\n\n    git cherry-pick --continue\n\nto resume cherry-picking the remaining commits.\nIf you wish to skip this commit, use:\n\n    git cherry-pick --skip\n\n',
      );
    }
    return true;
  }

  /** Says how to be rid of a comment character that is chosen anew for each message. */
  async #discourageAuto(): Promise<void> {
    const auto = commentEntries(this.#repository.config).at(-1);
    if (auto?.value?.toLowerCase() !== 'auto') return;
    const { autoCommentWarning, autoCommentAdvice } = await import('./comment-advice.js');
    this.#context.warning(autoCommentWarning(auto));
    const advice = autoCommentAdvice(this.#repository);
    if (advice !== undefined) this.#context.hint(advice);
  }

  // ---------------------------------------------------------------- people

  async #reusedCommit(): Promise<Commit | undefined> {
    const values = this.#values;
    const word =
      values['reedit-message'] ??
      values['reuse-message'] ??
      (this.#amend && this.#fixup === undefined ? 'HEAD' : undefined);
    if (word != null) return this.#commitNamed(word);
    if ((this.#whence === 'cherry-pick' || this.#whence === 'rebase') && values['reset-author'] !== true) {
      return this.#commitNamed('CHERRY_PICK_HEAD');
    }
    return undefined;
  }

  async #commitNamed(word: string): Promise<Commit> {
    const oid = await resolveKind(this.#repository, word, 'commit');
    if (oid === undefined) throw new GitError('USAGE', `could not lookup commit '${word}'`);
    const data = await readKind(this.#repository.objects, oid, 'commit');
    const commit = parseCommit(data);
    const wanted = this.#repository.config.get('i18n.commitencoding') ?? 'UTF-8';
    if (sameEncoding(commit.encoding ?? 'UTF-8', wanted)) return commit;
    const recoded = recode(data, commit.encoding ?? 'UTF-8', wanted);
    return recoded === undefined ? commit : parseCommit(recoded);
  }

  async #author(reused: Commit | undefined): Promise<Signature> {
    const values = this.#values;
    const renew = values['reset-author'] === true;
    const from = reused !== undefined && !renew ? reused.author : undefined;
    this.#borrowed = from !== undefined;
    let name = from?.name;
    let email = from?.email;
    let date: string | undefined = from === undefined ? undefined : `@${from.seconds} ${from.zone}`;
    if (values.author != null) {
      const match = /^(.*?)\s*<([^>]*)>\s*(.*)$/s.exec(values.author);
      const known = match === null ? await this.#knownAuthor(values.author) : undefined;
      name = known?.[0] ?? match![1]!;
      email = known?.[1] ?? match![2]!;
      if (match?.[3] !== undefined && /^\d+ [+-]\d{4}$/.test(match[3])) date = `@${match[3]}`;
    }
    if (values.date != null) {
      const parsed = parseDate(values.date, this.#repository.clock);
      if (parsed === undefined) {
        const approx = approxDate(this.#repository, values.date);
        if (approx === undefined) throw new GitError('USAGE', `invalid date format: ${values.date}`);
        date = approx;
      } else date = values.date;
    }
    return this.#repository.identity('author', { name, email, date });
  }

  /** Name and address of the newest commit whose author matches. */
  async #knownAuthor(pattern: string): Promise<readonly [string, string]> {
    const { tryCapture } = await import('./capture.js');
    const words = ['log', '--all', '-1', '-i', `--author=${pattern}`, '--format=%aN%n%aE', '--no-color'];
    const found = tryCapture(this.#context, words)?.split('\n') ?? [];
    if (found.length >= 2) return [found[0]!, found[1]!];
    throw new GitError('USAGE', `--author '${pattern}' is not 'Name <email>' and matches no existing author`);
  }

  // ---------------------------------------------------------------- message

  #readUserFile(word: string, what: string): string {
    let data: Bytes;
    try {
      data = word === '-' ? this.#context.io.stdin.readAll() : readFileSync(resolve(this.#context.cwd, word));
    } catch (error) {
      throw new GitError('USAGE', `${what}: ${systemMessage(error)}`);
    }
    return decodeText(data);
  }

  #stateText(name: string): string | undefined {
    const data = this.#repository.platform.fs.readFile(this.#repository.path(name));
    return data === undefined ? undefined : decodeText(data);
  }

  /** The message before anybody edits it, and what prepare-commit-msg is told about where it comes from. */
  async #startMessage(reused: Commit | undefined): Promise<{ text: string; source: string[]; clean: boolean }> {
    const values = this.#values;
    const { config } = this.#repository;
    let text = '';
    let source: string[] = [];
    let clean = this.#cleanup !== 'verbatim';
    const squash = values.squash;
    if (squash != null) {
      const same =
        squash === (values['reedit-message'] ?? values['reuse-message'] ?? (this.#amend ? 'HEAD' : undefined));
      text += same ? 'squash! ' : `squash! ${subjectLine((await this.#commitNamed(squash)).message)}\n\n`;
    }
    const messages = values.message ?? [];
    if (messages.length > 0 && this.#fixup === undefined) {
      text += joined(messages);
      source = ['message'];
    } else if (values.file != null) {
      const file = values.file;
      text += this.#readUserFile(file, `could not read log file '${file}'`);
      source = ['message'];
    } else if (values['reedit-message'] != null || values['reuse-message'] != null) {
      text += reused!.message.replace(/^\n+/, '');
      source = ['commit', values['reedit-message'] ?? values['reuse-message']!];
    } else if (this.#fixup !== undefined) {
      text += await this.#fixupMessage(messages);
      source = ['message'];
    } else if (this.#amend) {
      text += reused!.message.replace(/^\n+/, '');
      source = ['commit', 'HEAD'];
    } else if (this.#stateText('MERGE_MSG') !== undefined) {
      const squashed = this.#stateText('SQUASH_MSG');
      if (squashed !== undefined) {
        text += squashed;
        source = ['squash'];
      } else source = ['merge'];
      text += this.#stateText('MERGE_MSG')!;
      clean = true;
    } else if (this.#stateText('SQUASH_MSG') !== undefined) {
      text += this.#stateText('SQUASH_MSG')!;
      source = ['squash'];
    } else {
      const template = values.template ?? config.getPath('commit.template');
      if (template != null && values.template !== null) {
        const optional = template.startsWith(OPTIONAL);
        const name = optional ? config.expandPath(template.slice(OPTIONAL.length)) : template;
        const file = values.template == null ? this.#repository.fromTop(name) : name;
        if (!optional || existsSync(resolve(this.#context.cwd, file))) {
          text += this.#readUserFile(file, `could not read '${template}'`);
          this.#template = text;
          source = ['template'];
          clean = false;
        }
      }
    }
    if (squash != null && source.length === 0) source = ['message'];
    if (squash != null && messages.length === 0 && source[0] === 'message') source = ['message'];
    if (this.#whence === 'cherry-pick' || this.#whence === 'rebase') {
      if (source[0] === 'merge') source = ['commit', 'CHERRY_PICK_HEAD'].slice(0, 1).concat('CHERRY_PICK_HEAD');
    }
    if (clean) text = stripSpace(text);
    if (values.signoff === true) {
      const committer = this.#repository.identity('committer');
      const tail = text.length - ignoredTail(text, this.#comment);
      const settings = trailerSettings(config, this.#comment);
      const person = `${committer.name} <${committer.email}>`;
      text = appendSignoff(text.slice(0, tail), person, settings) + text.slice(tail);
    }
    return { text, source, clean };
  }

  async #fixupMessage(messages: readonly string[]): Promise<string> {
    const { kind, commit: word } = this.#fixup!;
    const commit = await this.#commitNamed(word);
    const subject = subjectLine(commit.message);
    if (kind !== 'fixup' && messages.length > 0)
      throw new GitError('USAGE', `options '-m' and '--fixup:${kind}' cannot be used together`);
    if (kind === 'fixup') {
      return `fixup! ${subject}\n\n${messages.length > 0 ? joined(messages) : ''}`;
    }
    const body = commit.message.replace(/^\n+/, '');
    if (/^amend! /.test(subject)) {
      const end = body.search(/\n[ \t]*\n/);
      return `amend! ${subject}\n\n${end < 0 ? '' : body.slice(end).replace(/^\s+/, '')}`;
    }
    return `amend! ${subject}\n\n${body}`;
  }

  /** Writes COMMIT_EDITMSG: the message, and for an editor what helps to write it. */
  async #finishMessage(
    started: { text: string; source: string[] },
    report: StatusReport,
    author: Signature,
    path: string,
  ): Promise<void> {
    const values = this.#values;
    let { text } = started;
    const config = this.#repository.config;
    if (
      config.get('core.commentchar')?.toLowerCase() === 'auto' ||
      config.get('core.commentstring')?.toLowerCase() === 'auto'
    ) {
      // Lines of comments at the end will go away, so their sign may be used.
      this.#comment = commentPrefix(config, text.slice(0, text.length - ignoredTail(text, '#')));
    }
    const include = values.status ?? config.getBool('commit.status', true);
    if (this.#useEditor && include) text += await this.#helpText(report, author);
    this.#repository.platform.fs.writeFile(path, encodeText(text));
    if (values.trailer === undefined || values.trailer.length === 0) return;
    const { applyTrailers } = await import('../porcelain/trailer-apply.js');
    const added = applyTrailers(text, values.trailer, this.#repository, this.#comment);
    this.#repository.platform.fs.writeFile(path, encodeText(added));
  }

  async #helpText(report: StatusReport, author: Signature): Promise<string> {
    const comment = this.#comment;
    const lines: string[] = [];
    const say = (text: string): void => {
      lines.push(commentLines(`${text}\n`, comment));
    };
    const blank = (): void => {
      lines.push(`${comment}\n`);
    };
    const { whence } = { whence: this.#whence };
    if (whence !== 'commit') {
      if (this.#cleanup === 'scissors') {
        const already = this.#stateText('MERGE_MSG')?.includes(`${comment} ${SCISSORS}`) === true;
        if (!already) lines.push(this.#scissorsText());
      }
      const reference = whence === 'merge' ? 'MERGE_HEAD' : 'CHERRY_PICK_HEAD';
      const what = whence === 'merge' ? 'merge' : 'cherry-pick';
      say(
        `\nIt looks like you may be committing a ${what}.\nIf this is not correct, please run\n\tgit update-ref -d ${reference}\nand try again.`,
      );
      lines.push('\n');
    }
    lines.push('\n');
    if (this.#cleanup === 'scissors' && whence === 'commit') lines.push(this.#scissorsText());
    else if (this.#cleanup === 'strip') {
      say(
        this.#values['allow-empty-message'] === true
          ? `Please enter the commit message for your changes. Lines starting\nwith '${comment}' will be ignored.`
          : `Please enter the commit message for your changes. Lines starting\nwith '${comment}' will be ignored, and an empty message aborts the commit.`,
      );
    } else if (this.#cleanup !== 'scissors') {
      say(
        this.#values['allow-empty-message'] === true
          ? `Please enter the commit message for your changes. Lines starting\nwith '${comment}' will be kept; you may remove them yourself if you want to.`
          : `Please enter the commit message for your changes. Lines starting\nwith '${comment}' will be kept; you may remove them yourself if you want to.\nAn empty message aborts the commit.`,
      );
    }
    const committer = this.#repository.identity('committer');
    let identShown = false;
    const ident = (text: string): void => {
      if (!identShown) blank();
      identShown = true;
      say(text);
    };
    if (author.name !== committer.name || author.email !== committer.email) {
      ident(`Author:    ${author.name} <${author.email}>`);
    }
    if (this.#dateInteresting()) ident(`Date:      ${showDate(this.#repository, author)}`);
    if (!this.#committerSufficient()) ident(`Committer: ${committer.name} <${committer.email}>`);
    blank();
    const style = statusStyle(this.#context, this.tree, {
      untracked: untrackedMode(this.#values['untracked-files'], this.tree),
      colors: noColors,
      comment,
      noWarn: true,
      template: true,
      hints: false,
      trackingHints: adviceOn(this.#context, 'statusHints'),
      ...(this.#amend ? { amend: true, reference: 'HEAD^1' } : {}),
    });
    lines.push(renderLong(report, style));
    const level = this.#verbosity;
    if (level > 0) lines.push(await this.#verboseText(level, report));
    return lines.join('');
  }

  #scissorsText(): string {
    return `${this.#comment} ${SCISSORS}\n${commentLines('Do not modify or remove the line above.\nEverything below it will be ignored.\n', this.#comment)}`;
  }

  /** `--verbose` or `commit.verbose`. */
  get #verbosity(): number {
    const level = this.#values.verbose ?? this.#repository.config.getBoolOrInt('commit.verbose') ?? 0;
    return Number(level);
  }

  async #verboseText(level: number, report: StatusReport): Promise<string> {
    const { captureCommand } = await import('./capture.js');
    const env = { GIT_INDEX_FILE: this.#indexFile };
    const reference = this.#amend ? [(await this.#firstParent()) ?? emptyTreeOid(this.#repository.objectFormat)] : [];
    let text = this.#cleanup === 'scissors' ? '' : this.#scissorsText();
    const staged = captureCommand(
      this.#context,
      ['diff', '--cached', '--no-ext-diff', ...(level > 1 ? ['--src-prefix=c/', '--dst-prefix=i/'] : []), ...reference],
      env,
    );
    if (level > 1 && isCommittable(report))
      text += `${this.#comment}\n${commentLines('Changes to be committed:\n', this.#comment)}`;
    text += staged;
    if (level > 1) {
      const unstaged = captureCommand(
        this.#context,
        ['diff', '--no-ext-diff', '--src-prefix=i/', '--dst-prefix=w/'],
        env,
      );
      if (unstaged !== '')
        text += `${this.#comment} --------------------------------------------------\n${commentLines('Changes not staged for commit:\n', this.#comment)}${unstaged}`;
    }
    return text;
  }

  async #firstParent(): Promise<Oid | undefined> {
    return resolveRevision(this.#repository, 'HEAD^1');
  }

  /** The author's date is another commit's, or was given. */
  #dateInteresting(): boolean {
    return this.#values.date != null || this.#borrowed;
  }

  #committerSufficient(): boolean {
    const { env, config } = this.#repository;
    const has = (variable: string, key: string): boolean =>
      env[variable] !== undefined || config.has(`committer.${key}`) || config.has(`user.${key}`);
    return has('GIT_COMMITTER_NAME', 'name') && (has('GIT_COMMITTER_EMAIL', 'email') || env['EMAIL'] !== undefined);
  }

  /** Hooks, editor, and the message as it is going to be stored. */
  async #editMessage(path: string, started: { text: string; source: string[] }): Promise<string> {
    const values = this.#values;
    const { fs } = this.#repository.platform;
    const shown = shownPath(this.#repository, path);
    if (this.#repository.hooks.exists('prepare-commit-msg')) {
      if (!this.#hook('prepare-commit-msg', [shown, ...started.source])) throw new Stop(1);
    }
    if (this.#useEditor) {
      try {
        editFile(this.#repository, path, {
          cwd: this.#context.cwd,
          env: { GIT_INDEX_FILE: this.#indexFile },
          wait: (on) => this.#waiting(on),
        });
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        this.#context.error(error.message);
        this.#context.printError('Please supply the message using either -m or -F option.\n');
        throw new Stop(1);
      }
    }
    if (values['no-verify'] !== true && this.#repository.hooks.exists('commit-msg')) {
      if (!this.#hook('commit-msg', [shown])) throw new Stop(1);
    }
    const data = fs.readFile(path);
    if (data === undefined) throw new GitError('USAGE', 'could not read commit message: No such file or directory');
    const raw = decodeText(data);
    const message = cleanMessage(raw, this.#cleanup, this.#comment, this.#verbosity > 0);
    const empty = isEmpty(message, this.#cleanup);
    if (empty && values['allow-empty-message'] !== true) {
      this.#context.printError('Aborting commit due to empty commit message.\n');
      throw new Stop(1);
    }
    if (
      this.#template !== undefined &&
      values['allow-empty-message'] !== true &&
      untouched(message, this.#template, this.#cleanup, this.#comment)
    ) {
      this.#context.printError('Aborting commit; you did not edit the message.\n');
      throw new Stop(1);
    }
    if (this.#fixup !== undefined && this.#fixup.kind !== 'fixup' && values['allow-empty-message'] !== true) {
      const body = message.split(/\n\n/).slice(1).join('\n\n');
      if (body.trim() === '') {
        this.#context.printError('Aborting commit due to empty commit message body.\n');
        throw new Stop(1);
      }
    }
    return message;
  }

  #waiting(on: boolean): void {
    if (!this.#context.io.stderr.isTerminal || !adviceOn(this.#context, 'waitingForEditor')) return;
    this.#context.printError(on ? 'hint: Waiting for your editor to close the file... ' : '\r\x1b[K');
  }

  // ---------------------------------------------------------------- the commit

  async #parents(head: Oid<'commit'> | undefined, current: Commit | undefined): Promise<Oid<'commit'>[]> {
    if (this.#amend) return [...(current?.parents ?? [])];
    if (this.#whence !== 'merge') return head === undefined ? [] : [head];
    const merged = (this.#stateText('MERGE_HEAD') ?? '').split('\n').filter(isOid) as unknown as Oid<'commit'>[];
    let parents = head === undefined ? merged : [head, ...merged];
    if (this.#stateText('MERGE_MODE')?.trim() !== 'no-ff') parents = await this.#reduce(parents);
    return parents;
  }

  /** Heads that others reach are no parents. */
  async #reduce(parents: Oid<'commit'>[]): Promise<Oid<'commit'>[]> {
    if (parents.length < 2) return parents;
    const { openAncestry } = await import('../repo/ancestry.js');
    return openAncestry(this.#repository).independent(parents);
  }

  async #signer(): Promise<CommitSigner | undefined> {
    const word = this.#values['gpg-sign'];
    if (word === null || (word === undefined && !this.#repository.config.has('commit.gpgsign'))) return undefined;
    const { commitSigner } = await import('../porcelain/signing.js');
    return commitSigner(this.#repository, word);
  }

  async #summary(
    oid: Oid<'commit'>,
    branch: string | undefined,
    author: Signature,
    committer: Signature,
    parents: readonly Oid<'commit'>[],
    treeOid: Oid<'tree'>,
    message: string,
  ): Promise<string> {
    const repository = this.#repository;
    const where = branch ?? 'detached HEAD';
    const root = parents.length === 0 && !this.#amend ? ' (root-commit)' : '';
    let text = `[${where}${root} ${await abbreviate(repository, oid)}] ${subjectLine(message)}\n`;
    if (author.name !== committer.name || author.email !== committer.email)
      text += ` Author: ${author.name} <${author.email}>\n`;
    if (this.#dateInteresting()) text += ` Date: ${showDate(repository, author)}\n`;
    if (!this.#committerSufficient()) {
      text += ` Committer: ${committer.name} <${committer.email}>\n`;
      if (adviceOn(this.#context, 'implicitIdentity')) text += implicitIdentityAdvice();
    }
    if (parents.length > 1) return text;
    const from =
      parents[0] === undefined
        ? undefined
        : ((await resolveRevision(repository, `${parents[0]}^{tree}`)) as Oid<'tree'>);
    return text + (await changeSummary(repository, from, treeOid));
  }
}

const joined = (messages: readonly string[]): string =>
  messages.map((message) => (message.endsWith('\n') ? message : `${message}\n`)).join('\n');

/** Takes the named files over as they are; missing ones leave. */
async function takeOver(tree: WorkTree, paths: ReadonlySet<string>): Promise<void> {
  const { addFile, AddFailure, fatalAdd } = await import('../worktree/add-file.js');
  const gone = new Set<string>();
  for (const path of paths) {
    if (tree.index.get(path)?.skipWorktree === true) continue;
    const stat = tree.hasSymlinkParent(path) ? undefined : tree.lstat(path);
    if (stat === undefined) gone.add(path);
    else {
      try {
        const { entry, changed } = await addFile(tree, path, stat);
        // What is named is looked at from now on.
        if (changed && entry.assumeValid)
          tree.index.add(entry.withFlags(entry.flags & ~FLAG_ASSUME_VALID), { replace: true });
      } catch (error) {
        if (error instanceof AddFailure)
          throw fatalAdd(new AddFailure(error.message.replaceAll(`'${path}/'`, `'${path}'`)), 'updating files failed');
        throw error;
      }
    }
  }
  tree.index.removeAll(gone);
}

/** An entry of HEAD with the stat words that the real index has for the same content. */
function statOf(tree: WorkTree, entry: import('../worktree/index-entry.js').IndexEntry) {
  const known = tree.index.get(entry.path);
  return known !== undefined && known.mode === entry.mode && known.sameOid(entry) ? known : entry;
}

function shownPath(repository: Repository, path: string): string {
  return path.startsWith(`${repository.gitDir}/`)
    ? repository.gitDirShown + path.slice(repository.gitDir.length)
    : path;
}

function isEmpty(message: string, mode: CleanupMode): boolean {
  if (mode === 'verbatim' && message !== '') return false;
  if (message.trim() === '') return true;
  // Nothing but sign-offs counts as empty.
  return message.split('\n').every((line) => line.trim() === '' || line.startsWith('Signed-off-by: '));
}

function untouched(message: string, template: string, mode: CleanupMode, comment: string): boolean {
  if (mode === 'verbatim' && message !== '') return false;
  const clean = cleanMessage(template, mode, comment);
  if (!message.startsWith(clean)) return false;
  return message
    .slice(clean.length)
    .split('\n')
    .every((line) => line.trim() === '' || line.startsWith('Signed-off-by: '));
}

function showDate(repository: Repository, who: Signature): string {
  return formatDate(who.seconds, who.zone, { kind: 'default', local: false }, repository.clock);
}

function approxDate(repository: Repository, text: string): string | undefined {
  const found = approxidate(text, repository.clock);
  return found.understood ? `@${found.seconds} ${formatZone(repository.clock.zone(found.seconds * 1000))}` : undefined;
}

function implicitIdentityAdvice(): string {
  return (
    'Your name and email address were configured automatically based\n' +
    'on your username and hostname. Please check that they are accurate.\n' +
    'You can suppress this message by setting them explicitly. Run the\n' +
    'following command and follow the instructions in your editor to edit\n' +
    'your configuration file:\n' +
    '\n' +
    '    git config --global --edit\n' +
    '\n' +
    'After doing this, you may fix the identity used for this commit with:\n' +
    '\n' +
    '    git commit --amend --reset-author\n' +
    '\n'
  );
}

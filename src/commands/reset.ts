import { isSafePath } from '../base/path.js';
import { smudgeMeta } from '../porcelain/smudge-meta.js';
import { GitError, noAnswer } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { emptyTreeOid } from '../base/oid.js';
import { quotePath } from '../base/quote.js';
import { canonicalMode } from '../objects/mode.js';
import { keepAutostash } from '../porcelain/autostash.js';
import { describeHead, forgetOperations, treeOfCommit } from '../porcelain/switch-branch.js';
import { verifyFilename, verifyNotFilename } from '../repo/revision-path.js';
import { resolveKind, resolveRevision } from '../repo/revision.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { FLAG_INTENT_TO_ADD, IndexEntry } from '../worktree/index-entry.js';
import { refreshIndex } from '../worktree/refresh.js';
import { Switch } from '../worktree/switch.js';
import { firstRefusal } from '../worktree/switch-errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { primeCacheTree } from '../worktree/write-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import type { OptionEvent } from './options.js';
import { advise, openWorkTree, pathspecFileOptions, pathspecOf, pathspecWords } from './work-tree.js';
import { advanceOption, checkPatchOptions, hunkOptions, patchOptions } from './patch-options.js';

type Mode = 'soft' | 'mixed' | 'hard' | 'merge' | 'keep';

interface Line {
  readonly text: string;
}

export const command = defineCommand({
  name: 'reset',
  summary: 'move HEAD, and index and work tree with it',
  usage: [
    'reset [--mixed | --soft | --hard | --merge | --keep] [-q] [<commit>]',
    'reset [-q] [<tree-ish>] [--] <pathspec>...',
    'reset [-q] [--pathspec-from-file [--pathspec-file-nul]] [<tree-ish>]',
    'reset --patch [<tree-ish>] [--] [<pathspec>...]',
  ],
  options: {
    quiet: { type: 'flag', short: 'q', help: 'be quiet, only report errors' },
    'no-refresh': { type: 'flag', help: 'skip refreshing the index after reset' },
    mixed: { type: 'flag', negatable: false, help: 'reset HEAD and index' },
    soft: { type: 'flag', negatable: false, help: 'reset only HEAD' },
    hard: { type: 'flag', negatable: false, help: 'reset HEAD, index and working tree' },
    merge: { type: 'flag', negatable: false, help: 'reset HEAD, index and working tree' },
    keep: { type: 'flag', negatable: false, help: 'reset HEAD but keep local changes' },
    'recurse-submodules': {
      type: 'optional',
      value: 'reset',
      implied: 'true',
      help: 'control recursive updating of submodules',
    },
    patch: { type: 'flag', short: 'p', help: 'select hunks interactively' },
    ...advanceOption,
    ...hunkOptions,
    'intent-to-add': {
      type: 'flag',
      short: 'N',
      help: 'record only the fact that removed paths will be added later',
    },
    ...pathspecFileOptions,
  },
  parsing: { keepDashDash: true },
  async *run(context, { values, rest, events }): AsyncGenerator<Line, number> {
    const tree = openWorkTree(context, { bareToo: true, submodules: values['recurse-submodules'] });
    const { repository } = tree;
    try {
      // Of several modes the last one counts.
      const mode = lastMode(events);
      const { revision, words, named } = await takeApart(tree, rest);
      const paths = pathspecWords(context, values, words, [values.patch === true && '--patch']);
      const byPath = paths.length > 0 || named;
      const head = (await repository.refs.resolve('HEAD')) as Oid<'commit'> | undefined;
      const unborn = revision === 'HEAD' && head === undefined;
      let commit: Oid<'commit'> | undefined;
      let to: Oid<'tree'>;
      if (unborn) to = emptyTreeOid(repository.objectFormat);
      else if (!byPath && values.patch !== true) {
        const oid = await resolveRevision(repository, revision, { hint: 'committish' });
        if (oid === undefined) throw new GitError('USAGE', `Failed to resolve '${revision}' as a valid revision.`);
        commit = (await resolveRevision(repository, `${oid}^{commit}`)) as Oid<'commit'> | undefined;
        if (commit === undefined) {
          const kind = (await repository.objects.readHeader(oid))?.kind;
          throw new GitError('USAGE', `Could not parse object '${revision}'.`, {
            data: { preface: `error: object ${oid} is a ${kind}, not a commit\n` },
          });
        }
        to = await treeOfCommit(repository, commit);
      } else {
        const oid = await resolveKind(repository, revision, 'tree');
        if (oid === undefined) throw new GitError('USAGE', `Failed to resolve '${revision}' as a valid tree.`);
        to = oid;
      }
      const pathspec = byPath ? pathspecOf(context, tree, paths) : undefined;
      checkPatchOptions(values, values.patch === true, '--patch');
      if (values.patch === true) {
        if (mode !== undefined)
          throw new GitError('USAGE', `options '--patch' and '--{hard,mixed,soft}' cannot be used together`);
        const { patchInteractively, resetMode } = await import('./add-patch.js');
        return await patchInteractively(
          context,
          tree,
          resetMode(revision, unborn ? emptyTreeOid(repository.objectFormat) : undefined),
          paths,
          patchOptions(values),
        );
      }
      if (byPath && mode !== undefined) {
        if (mode === 'mixed') {
          context.warning("--mixed with paths is deprecated; use 'git reset -- <paths>' instead.");
        } else throw new GitError('USAGE', `Cannot do ${mode} reset with paths.`);
      }
      const chosen = mode ?? 'mixed';
      if (chosen !== 'soft' && chosen !== 'mixed') tree.requireRoot();
      if (chosen === 'mixed' && repository.bare)
        throw new GitError('USAGE', 'mixed reset is not allowed in a bare repository');
      if (values['intent-to-add'] === true && chosen !== 'mixed')
        throw new GitError('USAGE', "the option '-N' requires '--mixed'");
      const quiet = values.quiet === true;
      if (chosen === 'soft' || chosen === 'keep') refuseMerging(tree, chosen);
      const run = new Reset(context, tree, {
        quiet,
        refresh: values['no-refresh'] !== true,
        intent: values['intent-to-add'] === true,
      });
      if (chosen !== 'soft') {
        const code = await run.files(chosen, head, to, pathspec, revision);
        if (code !== 0) return code;
        yield* run.lines;
      }
      if (pathspec === undefined && !unborn) {
        await run.head(head, commit!, revision);
        if (chosen === 'hard' && !quiet) yield { text: await describeHead(repository, 'HEAD is now at', commit!) };
      }
      if (pathspec === undefined) {
        forgetOperations(repository);
        await keepAutostash(repository, { out: () => {}, err: (text) => context.printError(text) });
      }
      return 0;
    } finally {
      await tree.close();
    }
  },
  render: ({ text }) => text,
});

const MODES: readonly Mode[] = ['soft', 'mixed', 'hard', 'merge', 'keep'];

function lastMode(events: readonly OptionEvent[]): Mode | undefined {
  return events.findLast(({ key }) => MODES.some((mode) => mode === key))?.key as Mode | undefined;
}

async function takeApart(
  tree: WorkTree,
  rest: readonly string[],
): Promise<{ revision: string; words: readonly string[]; named: boolean }> {
  const dash = rest.indexOf('--');
  if (dash === 0) return { revision: 'HEAD', words: rest.slice(1), named: rest.length > 1 };
  if (dash === 1) return { revision: rest[0]!, words: rest.slice(2), named: rest.length > 2 };
  const [first] = rest;
  if (first === undefined) return { revision: 'HEAD', words: [], named: false };
  const oid = await resolveRevision(tree.repository, first).catch(noAnswer);
  if (oid !== undefined) {
    verifyNotFilename(tree.repository, first);
    return { revision: first, words: rest.slice(1), named: rest.length > 1 };
  }
  await verifyFilename(tree.repository, first, true);
  return { revision: 'HEAD', words: rest, named: true };
}

function refuseMerging(tree: WorkTree, mode: Mode): void {
  const { fs } = tree;
  if (
    fs.stat(tree.repository.path('MERGE_HEAD')) !== undefined ||
    (tree.repository.workTree !== undefined && tree.index.hasConflicts)
  ) {
    throw new GitError('USAGE', `Cannot do a ${mode} reset in the middle of a merge.`);
  }
}

class Reset {
  readonly lines: Line[] = [];
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #options: { readonly quiet: boolean; readonly refresh: boolean; readonly intent: boolean };

  constructor(context: CommandContext, tree: WorkTree, options: { quiet: boolean; refresh: boolean; intent: boolean }) {
    this.#context = context;
    this.#tree = tree;
    this.#options = options;
  }

  async files(
    mode: Mode,
    head: Oid<'commit'> | undefined,
    to: Oid<'tree'>,
    pathspec: ReturnType<typeof pathspecOf> | undefined,
    revision: string,
  ): Promise<number> {
    const tree = this.#tree;
    const lock = tree.lockIndex();
    try {
      tree.reloadIndex();
      if (mode === 'mixed') await this.#mixed(to, pathspec);
      else {
        const code = await this.#unpack(mode, head, to, revision);
        if (code !== 0) return code;
      }
      if (mode === 'mixed') tree.alongWithIndex = 'skip-worktree';
      tree.commitIndex(lock);
      return 0;
    } finally {
      lock.rollback();
    }
  }

  async #indexTo(to: Oid<'tree'>, pathspec: ReturnType<typeof pathspecOf> | undefined): Promise<void> {
    const tree = this.#tree;
    const { index } = tree;
    const { objects } = tree.repository;
    const drop = new Set<string>();
    const put: IndexEntry[] = [];
    for (const change of await diffIndexWithTree(objects, index, to)) {
      if (pathspec !== undefined && !pathspec.matches(change.path)) continue;
      if (change.oldMode === 0) {
        if (this.#options.intent) {
          put.push(
            IndexEntry.create({
              path: change.path,
              mode: change.entry?.mode ?? 0o100644,
              oid: objects.hash('blob', new Uint8Array(0)),
              flags: FLAG_INTENT_TO_ADD,
            }),
          );
          await objects.write('blob', new Uint8Array(0));
        } else drop.add(change.path);
        continue;
      }
      if (!isSafePath(change.path)) {
        this.#context.error(`invalid path '${change.path}'`);
        throw new GitError('PATH_UNSAFE', `make_cache_entry failed for path '${change.path}'`);
      }
      const old = index.get(change.path);
      put.push(
        IndexEntry.create({
          path: change.path,
          mode: canonicalMode(change.oldMode),
          oid: change.oldOid!,
          flags: old?.skipWorktree === true ? old.flags : 0,
        }),
      );
    }
    index.removeAll(drop);
    index.addAll(put);
    if (pathspec === undefined) {
      index.cacheTree = this.#options.intent ? index.cacheTree : await primeCacheTree(objects, to);
    }
    index.changed = true;
  }

  async #mixed(to: Oid<'tree'>, pathspec: ReturnType<typeof pathspecOf> | undefined): Promise<void> {
    const tree = this.#tree;
    await this.#indexTo(to, pathspec);
    if (tree.repository.workTree === undefined || !this.#options.refresh) return;
    const high = tree.repository.config.getBool('core.quotepath', true);
    const found: string[] = [];
    const started = tree.repository.platform.now();
    await refreshIndex(tree, {
      report: (path, why) => {
        const letter =
          why === 'unmerged' ? 'U' : why === 'deleted' ? 'D' : why === 'typechange' ? 'T' : why === 'added' ? 'A' : 'M';
        found.push(`${letter}\t${quotePath(path, high)}\n`);
      },
    });
    if (this.#options.quiet) {
      // Conflicts are told of all the same.
      const unmerged = new Set(tree.index.conflictedPaths());
      this.lines.push(...[...unmerged].map((path) => ({ text: `${path}: needs merge\n` })));
      return;
    }
    if (found.length > 0) this.lines.push({ text: `Unstaged changes after reset:\n${found.join('')}` });
    const spent = (tree.repository.platform.now() - started) / 1000;
    if (spent > 2) {
      advise(
        this.#context,
        'resetNoRefresh',
        `It took ${spent.toFixed(2)} seconds to refresh the index after reset.  You can use\n'--no-refresh' to avoid this.`,
      );
    }
  }

  async #unpack(mode: Mode, head: Oid<'commit'> | undefined, to: Oid<'tree'>, revision: string): Promise<number> {
    const tree = this.#tree;
    const { objects } = tree.repository;
    const from = head === undefined ? undefined : await treeOfCommit(tree.repository, head);
    const unmerged = tree.index.hasConflicts;
    const meta = await smudgeMeta(
      tree.repository,
      revision,
      await resolveRevision(tree.repository, `${revision}^{commit}`, { quiet: true }),
    );
    const change =
      mode === 'keep'
        ? new Switch(tree, [from, to], { way: 'twoway', update: true, overwriteIgnored: true, statOnly: true, meta })
        : new Switch(tree, [to], {
            way: 'oneway',
            update: true,
            overwriteIgnored: true,
            statOnly: true,
            ...(mode === 'hard' ? { reset: 'overwrite-untracked' as const } : {}),
            meta,
          });
    if (mode === 'keep' && head === undefined) {
      this.#context.error('You do not have a valid HEAD.');
      throw new GitError('USAGE', `Could not reset index file to revision '${revision}'.`);
    }
    if (mode === 'keep' && unmerged) throw new GitError('USAGE', 'You need to resolve your current index first');
    const plan = await change.plan().catch((error: unknown) => {
      if (!(error instanceof GitError) || error.data['as'] !== 'error') throw error;
      this.#context.error(error.message);
      throw new GitError('PATH_UNSAFE', `Could not reset index file to revision '${revision}'.`);
    });
    const refusal = firstRefusal(plan.refusals);
    if (refusal !== undefined) {
      this.#context.error(refusal);
      throw new GitError('WORKTREE_DIRTY', `Could not reset index file to revision '${revision}'.`);
    }
    for (const message of await change.apply()) this.#context.error(message);
    // What was staged is kept in the files alone.
    if (mode === 'keep') {
      await this.#indexTo(to, undefined);
      tree.index.resolveUndo = undefined;
    } else tree.index.cacheTree = await primeCacheTree(objects, to);
    return 0;
  }

  /** Moves HEAD's branch, and ORIG_HEAD remembers where it was. */
  async head(old: Oid<'commit'> | undefined, to: Oid<'commit'>, revision: string): Promise<void> {
    const { repository } = this.#tree;
    const action = repository.env['GIT_REFLOG_ACTION'];
    const reason = action !== undefined && action !== '' ? `${action}: updating HEAD` : `reset: moving to ${revision}`;
    if (old !== undefined) {
      await repository.refs.update([{ name: 'ORIG_HEAD', to: old, reason: 'updating ORIG_HEAD' }]);
    } else if ((await repository.refs.readRaw('ORIG_HEAD')) !== undefined) {
      await repository.refs.update([{ name: 'ORIG_HEAD', to: 'deleted' }]);
    }
    const result = await repository.refs.update([{ name: 'HEAD', to, reason }]);
    if (!result.ok) throw new GitError('REF_CHANGED', result.message);
  }
}

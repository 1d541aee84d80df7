import { decodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import { parseConfigFile } from '../repo/config-file.js';
import type { Status, SubmoduleIgnore } from '../worktree/status.js';
import { readStatus } from '../worktree/status.js';
import type { StatusOptions } from '../worktree/status.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { InProgress } from './in-progress.js';
import { detachedFrom, isSplitting, nothingInProgress, readInProgress, rebaseLines } from './in-progress.js';
import type { TrackingInfo } from './tracking-info.js';
import { comparedBranches, trackingInfo } from './tracking-info.js';

/** Everything that `status` may show, as data. */
export interface StatusReport extends Status {
  /** The branch's short name; `undefined` when detached. */
  readonly branch: string | undefined;
  /** Nothing to compare with: no commit yet, or the first one is amended. */
  readonly initial: boolean;
  readonly head: Oid | undefined;
  readonly tracking: TrackingInfo | undefined;
  /** What the long form compares the branch with. */
  readonly compared: readonly TrackingInfo[];
  readonly detached: { readonly name: string; readonly at: boolean } | undefined;
  readonly state: InProgress;
  readonly splitting: boolean;
  readonly hasMergeMessage: boolean;
  readonly rebaseDone: readonly string[];
  readonly rebaseTodo: readonly string[];
  readonly stashes: number;
  /** Tracked files present in a sparse checkout, in percent; `undefined` where it is not sparse. */
  readonly sparsePercent: number | 'index' | undefined;
}

export interface ReportOptions extends Omit<StatusOptions, 'head' | 'submoduleIgnore'> {
  /** Compare with this commit instead of HEAD (`commit --amend`: HEAD's parent). `null`: with nothing. */
  readonly reference?: Oid | null | undefined;
  /** Count ahead and behind. */
  readonly aheadBehind?: boolean;
  readonly wantTracking?: boolean;
  /** For the long form: compare with what `status.compareBranches` lists. */
  readonly wantCompared?: boolean;
  readonly wantState?: boolean;
}

export async function gatherStatus(tree: WorkTree, options: ReportOptions): Promise<StatusReport> {
  const { repository } = tree;
  const resolved = await repository.refs.resolveFull('HEAD');
  const head = resolved?.oid;
  const branch =
    resolved?.symbolic === true && resolved.name.startsWith('refs/heads/') ? resolved.name.slice(11) : undefined;
  const commit = options.reference === undefined ? head : (options.reference ?? undefined);
  const status = await readStatus(tree, {
    ...options,
    head: commit === undefined ? undefined : await treeOf(tree, commit),
    submoduleIgnore: submoduleRules(tree),
  });
  const state = options.wantState === false ? nothingInProgress : await readInProgress(repository);
  const count = options.aheadBehind !== false;
  const compared =
    branch === undefined || options.wantCompared !== true
      ? []
      : await comparedBranches(repository, branch, count, tree.warn);
  const known = compared.find((info) => info.pulled === true);
  return {
    ...status,
    branch,
    head,
    initial: commit === undefined,
    tracking:
      known ??
      (branch === undefined || options.wantTracking === false
        ? undefined
        : await trackingInfo(repository, branch, count)),
    compared,
    detached: branch === undefined && head !== undefined ? await detachedFrom(repository) : undefined,
    state,
    hasMergeMessage: repository.platform.fs.stat(repository.path('MERGE_MSG')) !== undefined,
    splitting: await isSplitting(repository, state),
    rebaseDone: state.rebaseInteractive ? await rebaseLines(repository, 'done') : [],
    rebaseTodo: state.rebaseInteractive ? await rebaseLines(repository, 'git-rebase-todo') : [],
    stashes: ((await repository.refs.reflog('refs/stash')) ?? []).length,
    sparsePercent: sparsePercent(tree),
  };
}

async function treeOf(tree: WorkTree, commit: Oid): Promise<Oid<'tree'>> {
  return parseCommitLinks(await readKind(tree.repository.objects, commit, 'commit')).tree;
}

function sparsePercent(tree: WorkTree): StatusReport['sparsePercent'] {
  if (!tree.repository.config.getBool('core.sparsecheckout', false)) return undefined;
  if (tree.index.count === 0) return undefined;
  if (tree.index.expanded || tree.repository.config.getBool('index.sparse', false)) return 'index';
  const { entries } = tree.index;
  const skipped = entries.reduce((count, entry) => count + (entry.skipWorktree ? 1 : 0), 0);
  return 100 - Math.floor((100 * skipped) / entries.length);
}

/** `submodule.<name>.ignore` by path, from configuration over `.gitmodules`, else `diff.ignoreSubmodules`. */
export function submoduleRules(tree: WorkTree, otherwise: SubmoduleIgnore = 'none'): (path: string) => SubmoduleIgnore {
  const { config } = tree.repository;
  let byPath: Map<string, SubmoduleIgnore> | undefined;
  const parse = (text: string | undefined): SubmoduleIgnore | undefined =>
    text === 'all' || text === 'dirty' || text === 'untracked' || text === 'none' ? text : undefined;
  const fallback = parse(config.get('diff.ignoresubmodules')) ?? otherwise;
  return (path) => {
    if (byPath === undefined) {
      byPath = new Map();
      for (const { name, module } of readModules(tree)) {
        const own = parse(config.get(`submodule.${name}.ignore`)) ?? parse(module['ignore']);
        if (own !== undefined && module['path'] !== undefined) byPath.set(module['path'], own);
      }
    }
    return byPath.get(path) ?? fallback;
  };
}

function readModules(tree: WorkTree): { name: string; module: Record<string, string> }[] {
  const stat = tree.lstat('.gitmodules');
  const data = stat?.kind === 'file' ? tree.fs.readFile(tree.absolute('.gitmodules')) : undefined;
  if (data === undefined) return [];
  const modules = new Map<string, Record<string, string>>();
  for (const token of parseConfigFile(decodeText(data)).tokens) {
    if (token.type !== 'entry' || !token.key.startsWith('submodule.')) continue;
    const last = token.key.lastIndexOf('.');
    const name = token.key.slice(10, last);
    const module = modules.get(name) ?? {};
    module[token.key.slice(last + 1)] = token.value ?? 'true';
    modules.set(name, module);
  }
  return Array.from(modules, ([name, module]) => ({ name, module }));
}

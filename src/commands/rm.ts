import { systemMessage } from '../platform/system-message.js';
import { GitError, noAnswer } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isGitlinkMode } from '../objects/mode.js';
import { itemMatches, MATCH_EXACT, type Pathspec, type PathspecItem } from '../repo/pathspec.js';
import { resolveRevision } from '../repo/revision.js';
import { FileRemover } from '../worktree/checkout-writer.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { submoduleState } from '../worktree/status.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { adviceOn, adviseSparse, openWorkTree, pathspecFileOptions, pathspecOf, pathspecWords } from './work-tree.js';

interface Result {
  readonly removed: string;
}

export const command = defineCommand({
  name: 'rm',
  summary: 'remove files from the index and the work tree',
  usage: [
    'rm [-f | --force] [-n] [-r] [--cached] [--ignore-unmatch]\n' +
      '       [--quiet] [--pathspec-from-file=<file> [--pathspec-file-nul]]\n' +
      '       [--] [<pathspec>...]',
  ],
  options: {
    'dry-run': { type: 'flag', short: 'n', help: 'dry run' },
    quiet: { type: 'flag', short: 'q', help: 'do not list removed files' },
    cached: { type: 'flag', help: 'only remove from the index' },
    force: { rarelyMeant: true, type: 'flag', short: 'f', help: 'override the up-to-date check' },
    r: { type: 'flag', short: 'r', shortOnly: true, help: 'allow recursive removal' },
    'ignore-unmatch': { type: 'flag', help: 'exit with a zero status even if nothing matched' },
    sparse: { type: 'flag', help: 'allow updating entries outside of the sparse-checkout cone' },
    ...pathspecFileOptions,
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, number> {
    const cached = values.cached === true;
    const tree = openWorkTree(context, { bareToo: true });
    pathspecOf(context, tree, rest);
    let words = pathspecWords(context, values, rest);
    const { prefix } = tree.repository;
    if (words.length === 0 && prefix !== '') words = [wholePrefix];
    if (words.length === 0) throw new GitError('USAGE', 'No pathspec was given. Which files should I remove?');
    if (!cached) tree.requireRoot();
    const pathspec = pathspecOf(context, tree, words, { whenEmpty: 'cwd' });
    const shown = (original: string): string => (original === wholePrefix && rest.length === 0 ? prefix : original);
    const lock = tree.lockIndex();
    try {
      const index = tree.reloadIndex();
      const paths: string[] = [];
      const onlySparse: string[] = [];
      for (const entry of index.entries) {
        if (entry.skipWorktree && values.sparse !== true) continue;
        if (pathspec.matches(entry.path)) paths.push(entry.path);
      }
      for (const [i, item] of pathspec.items.entries()) {
        if (item.exclude) continue;
        if (pathspec.seen[i] === 0) {
          const sparse =
            values.sparse !== true &&
            index.entries.some((entry) => entry.skipWorktree && itemMatches(item, entry.path));
          if (sparse) {
            onlySparse.push(shown(item.original));
            continue;
          }
          if (values['ignore-unmatch'] === true) continue;
          const original = item.original === '.' && item.match === '' && item.literal ? words[0]! : item.original;
          throw new GitError('USAGE', `pathspec '${shown(original)}' did not match any files`);
        }
        // Below a directory, only with -r.
        if (values.r !== true && pathspec.seen[i]! < MATCH_EXACT && !item.wildcards) {
          throw new GitError('USAGE', `not removing '${shown(item.original)}' recursively without -r`);
        }
      }
      if (onlySparse.length > 0) adviseSparse(context, onlySparse);
      const code = onlySparse.length > 0 ? 1 : 0;
      if (paths.length === 0) return code;
      if (values.force !== true) {
        const problems = await check(tree, paths, cached);
        if (problems.length > 0) {
          for (const problem of problems) report(context, problem);
          return 1;
        }
      }
      for (const path of told(pathspec, paths)) if (values.quiet !== true) yield { removed: path };
      if (values['dry-run'] === true) return code;
      const gitlinks = new Set(paths.filter((path) => index.stages(path).some((entry) => isGitlinkMode(entry.mode))));
      index.removeAll(new Set(paths));
      if (!cached) {
        const remover = new FileRemover(tree);
        let done = 0;
        for (const path of new Set(paths)) {
          const link = gitlinks.has(path);
          if (link) {
            tree.fs.removeRecursive(tree.absolute(path));
            done++;
            continue;
          }
          const code = remover.remove(path);
          if (code !== undefined && done === 0) {
            throw new GitError('USAGE', `git rm: '${path}': ${systemMessage(code)}`);
          }
          done++;
        }
        remover.finish();
      }
      if (index.changed) tree.commitIndex(lock);
      return code;
    } finally {
      lock.rollback();
      await tree.close();
    }
  },
  render: ({ removed }) => `rm '${removed}'\n`,
});

/**
 * The paths as they are listed: each stage of a conflict that a pattern or a directory means, but only one where the path
 * itself was named.
 */
function told(pathspec: Pathspec, paths: readonly string[]): string[] {
  const named = new Set<PathspecItem>();
  return paths.filter((path) => {
    const by = pathspec.items.filter((item) => !item.exclude && !named.has(item) && itemMatches(item, path));
    for (const item of by) if (item.match.toLowerCase() === path.toLowerCase()) named.add(item);
    return by.length > 0;
  });
}

/** What no words stand for, in a directory below the top. */
const wholePrefix = '.';

interface Problem {
  readonly kind: 'both' | 'staged' | 'local';
  readonly paths: readonly string[];
}

/** What would be lost: content that differs from both HEAD and the file, staged changes, changed files. */
async function check(tree: WorkTree, paths: readonly string[], cached: boolean): Promise<Problem[]> {
  const { repository, index } = tree;
  const head = await resolveRevision(repository, 'HEAD^{tree}').catch(noAnswer);
  const changed = new Set(
    (await diffIndexWithTree(repository.objects, index, head as Oid<'tree'> | undefined)).map((change) => change.path),
  );
  const both: string[] = [];
  const staged: string[] = [];
  const local: string[] = [];
  for (const path of paths) {
    const entry = index.get(path) ?? index.get(path, 2);
    if (entry === undefined) continue;
    if (entry.stage !== 0 && !isGitlinkMode(entry.mode)) continue;
    const stat = repository.workTree === undefined || tree.hasSymlinkParent(path) ? undefined : tree.lstat(path);
    if (stat === undefined) continue;
    if (stat.kind === 'directory' && !isGitlinkMode(entry.mode)) continue;
    let differs: boolean;
    if (isGitlinkMode(entry.mode)) {
      const state = await submoduleState(tree, entry, 'none');
      differs = state.newCommits || state.modified || state.untracked;
    } else differs = await tree.isModified(entry, stat, {});
    const fromHead = head === undefined || changed.has(path);
    if (differs && fromHead) {
      if (!(cached && entry.intentToAdd)) both.push(path);
    } else if (!cached) {
      if (fromHead) staged.push(path);
      if (differs) local.push(path);
    }
  }
  const out: Problem[] = [];
  if (both.length > 0) out.push({ kind: 'both', paths: both });
  if (staged.length > 0) out.push({ kind: 'staged', paths: staged });
  if (local.length > 0) out.push({ kind: 'local', paths: local });
  return out;
}

function report(context: CommandContext, { kind, paths }: Problem): void {
  const one = paths.length === 1;
  const [single, many, hint] = {
    both: [
      'the following file has staged content different from both the\nfile and the HEAD:',
      'the following files have staged content different from both the\nfile and the HEAD:',
      '\n(use -f to force removal)',
    ],
    staged: [
      'the following file has changes staged in the index:',
      'the following files have changes staged in the index:',
      '\n(use --cached to keep the file, or -f to force removal)',
    ],
    local: [
      'the following file has local modifications:',
      'the following files have local modifications:',
      '\n(use --cached to keep the file, or -f to force removal)',
    ],
  }[kind] as [string, string, string];
  const list = paths.map((path) => `\n    ${path}`).join('');
  context.error(`${one ? single : many}${list}${adviceOn(context, 'rmHints') ? hint : ''}`);
}

import { GitError } from '../base/errors.js';
import { checkConfig } from '../repo/config-check.js';
import type { CommandContext } from './command.js';

/** Names between blanks: a set would be made at every start, for one look. */
const commands = (...lines: readonly string[]): string => ` ${lines.join(' ')} `;
const among = (names: string, name: string): boolean => names.includes(` ${name} `);

/** Commands that take over the usual settings before they look at their own words. */
const checked = commands(
  'add annotate blame branch cat-file check-attr check-ignore checkout checkout-index cherry-pick clean',
  'commit commit-graph commit-tree count-objects describe diff-files diff-index',
  'diff-tree fast-export fast-import fetch fmt-merge-msg for-each-ref gc ',
  'last-modified log ls-files ls-tree merge merge-base merge-octopus merge-one-file merge-ours',
  'merge-recursive merge-resolve merge-subtree merge-tree multi-pack-index mv name-rev notes pack-objects',
  'pack-refs pull push read-tree reflog repack replace reset restore rev-list revert rm send-pack',
  'show show-branch show-ref stash status switch symbolic-ref tag unpack-objects update-index',
  'update-ref update-server-info verify-commit verify-tag whatchanged write-tree',
);

/** Commands that are nothing without a repository, whatever their words are. */
const needRepository = commands(
  'add annotate blame branch cat-file check-attr check-ignore checkout checkout-index cherry cherry-pick',
  'clean commit commit-graph commit-tree count-objects describe diff-files diff-index diff-tree fast-export',
  'fast-import fetch fetch-pack fmt-merge-msg for-each-ref fsck gc last-modified log ls-files ls-tree',
  'maintenance merge merge-base merge-index merge-octopus merge-one-file merge-ours merge-recursive',
  'merge-resolve merge-subtree merge-tree mktag mktree multi-pack-index mv name-rev notes pack-objects',
  'pack-redundant pack-refs prune prune-packed pull push read-tree reflog refs remote repack replace reset',
  'restore rev-list revert rm send-pack show show-branch show-ref stash status switch symbolic-ref tag',
  'unpack-file unpack-objects update-index update-ref update-server-info verify-commit verify-tag worktree write-tree',
);

/** … and those that are nothing without a work tree. */
const needWorkTree = commands(
  'add check-ignore checkout checkout-index cherry-pick clean commit diff-files merge merge-one-file',
  'merge-recursive merge-subtree mv pull restore revert stash status switch',
);

/** Looks at place and settings first where git does, so that they are told before wrong words. */
export function checkPreconditions(context: CommandContext): void {
  const { name, argv } = context;
  if ((argv[0] === '-h' || argv[0] === '--help-all') && argv.length === 1) return;
  if (context.program === 'git' && among(needRepository, name)) {
    const { workTree, contradictory } = context.repository();
    const named = context.env['GIT_WORK_TREE'] !== undefined && workTree !== undefined;
    const missing = named && context.platform.fs.stat(workTree) === undefined;
    // A bare repository has attributes, too; a git directory with a work tree elsewhere is not the place to ask.
    const attributes = name === 'check-attr' && context.repository().config.getBool('core.bare') === false;
    if ((workTree === undefined || missing) && (attributes || among(needWorkTree, name))) {
      if (contradictory) throw new GitError('CONFIG', 'unable to set up work tree using invalid config');
      throw new GitError('USAGE', 'this operation must be run in a work tree');
    }
  }
  if (!among(checked, name)) return;
  checkConfig(context.repository().config, name, (message) => context.warning(message));
}

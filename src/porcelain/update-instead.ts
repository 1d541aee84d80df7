import { encodeText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { openRepository } from '../repo/repository.js';
import { runHook } from '../transport/hook-run.js';
import type { CheckedOut } from '../transport/receive-update.js';
import { diffIndexWithTree } from '../worktree/index-diff.js';
import { refreshIndex } from '../worktree/refresh.js';
import { Switch } from '../worktree/switch.js';
import { WorkTree } from '../worktree/work-tree.js';
import { treeOf } from './pull-clean.js';

/**
 * `receive.denyCurrentBranch=updateInstead`: brings a clean work tree to a pushed commit, or asks the
 * `push-to-checkout` hook to. Answers why not, in the words the pusher gets.
 */
export async function updateWorkTreeInstead(
  served: Repository,
  oid: Oid,
  place: CheckedOut,
  say: (text: string) => Promise<void>,
): Promise<string | undefined> {
  const { platform } = served;
  const repository = openRepository({
    platform,
    env: { ...served.env, GIT_DIR: place.gitDir, GIT_WORK_TREE: place.workTree },
    cwd: place.workTree,
  });
  try {
    const code = await runHook(repository, 'push-to-checkout', [oid], {
      cwd: place.workTree,
      env: { GIT_DIR: place.gitDir, GIT_WORK_TREE: place.workTree },
      output: (text) => say(new TextDecoder().decode(text)),
    });
    if (code !== undefined) return code === 0 ? undefined : 'push-to-checkout hook declined';
    const tree = new WorkTree(repository);
    const lock = tree.lockIndex();
    try {
      if (!(await refreshIndex(tree, { ignoreSubmodules: true }))) return 'Working directory has unstaged changes';
      const head = await repository.refs.resolve('HEAD');
      const base = head === undefined ? undefined : await treeOf(repository, head);
      if ((await diffIndexWithTree(repository.objects, tree.index, base)).length > 0)
        return 'Working directory has staged changes';
      const change = new Switch(tree, [await treeOf(repository, oid)], { way: 'oneway', update: true });
      const plan = await change.plan();
      if (plan.refusals.length > 0) {
        await say(`error: ${plan.refusals[0]!.paths.length} files are in the way\n`);
        return 'Could not update working tree to new HEAD';
      }
      const errors = await change.apply();
      if (errors.length > 0) return 'Could not update working tree to new HEAD';
      tree.writeLockedIndex(lock);
      lock.commit();
      return undefined;
    } finally {
      lock.rollback();
    }
  } finally {
    repository.close();
  }
}

/** `info/refs` and `objects/info/packs`: what a client over plain files reads (git update-server-info). */
export async function updateServerInfo(repository: Repository, force = false): Promise<void> {
  const { fs } = repository.platform;
  let refs = '';
  const { peelOid } = await import('../transport/served-refs.js');
  for await (const ref of repository.refs.list('refs/')) {
    refs += `${ref.oid}\t${ref.name}\n`;
    const peeled = ref.peeledKnown === true ? ref.peeled : await peelOid(repository, ref.oid);
    if (peeled !== undefined) refs += `${peeled}\t${ref.name}^{}\n`;
  }
  const packs = repository.objectDirectories[0]!.packs.packs()
    .map((pack) => pack.path.slice(pack.path.lastIndexOf('/') + 1).replace(/\.pack$/, ''))
    .sort();
  const list = `${packs.map((name) => `P ${name}.pack\n`).join('')}\n`;
  const put = (path: string, text: string): void => {
    const bytes = encodeText(text);
    const before = fs.readFile(path);
    if (
      !force &&
      before !== undefined &&
      before.length === bytes.length &&
      before.every((byte, i) => byte === bytes[i])
    )
      return;
    fs.makeDirectory(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    fs.writeFile(`${path}.new`, bytes);
    fs.rename(`${path}.new`, path);
  };
  put(`${repository.commonDir}/info/refs`, refs);
  put(`${repository.objectsDirectory}/info/packs`, list);
}

import { compareText, decodeText } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';

/** A work tree of the repository, by the files in its git folder. */
export interface WorktreeInfo {
  /** Absolute; of a bare main repository, its folder. */
  readonly path: string;
  /** The branch its HEAD is on, born or not (a full name); `undefined` when detached. */
  readonly head: string | undefined;
  /** Its name below `worktrees/`; `undefined` for the main one. */
  readonly name: string | undefined;
  readonly gitDir: string;
  readonly bare: boolean;
}

/** How a ref is called from any work tree: `worktrees/<name>/HEAD`. */
export const headOfWorktree = (worktree: WorktreeInfo): string =>
  worktree.name === undefined ? 'main-worktree/HEAD' : `worktrees/${worktree.name}/HEAD`;

function reader(repository: Repository): (path: string) => string | undefined {
  const { fs } = repository.platform;
  return (path) => {
    const data = fs.readFile(path);
    return data === undefined ? undefined : decodeText(data).replace(/\s+$/, '');
  };
}

/** All work trees: the main one first, the others by name. */
export function listWorktrees(repository: Repository): readonly WorktreeInfo[] {
  const { platform, commonDir, gitDir, workTree } = repository;
  const read = reader(repository);
  const named = (file: string): string | undefined => /^ref:\s*(.*)$/.exec(read(file) ?? '')?.[1];
  const branchOf = (directory: string): string | undefined => {
    let name = named(`${directory}/HEAD`);
    // A branch may be another name of one, as far as references are followed.
    for (let depth = 1; depth < 5 && name?.startsWith('refs/') === true; depth++) {
      const next = named(`${commonDir}/${name}`);
      if (next === undefined) break;
      name = next;
    }
    return name;
  };
  const bare = gitDir === commonDir ? workTree === undefined : repository.config.getBool('core.bare', false);
  const found: WorktreeInfo[] = [
    {
      path:
        gitDir === commonDir && workTree !== undefined
          ? workTree
          : commonDir.endsWith('/.git')
            ? commonDir.slice(0, -5)
            : commonDir,
      head: branchOf(commonDir),
      name: undefined,
      gitDir: commonDir,
      bare,
    },
  ];
  const names = (platform.fs.readDirectory(`${commonDir}/worktrees`) ?? [])
    .filter((entry) => entry.kind === 'directory')
    .map((entry) => entry.name)
    .sort(compareText);
  for (const name of names) {
    const directory = `${commonDir}/worktrees/${name}`;
    const file = read(`${directory}/gitdir`);
    if (file === undefined) continue;
    const path = file.endsWith('/.git') ? file.slice(0, -5) : file;
    found.push({
      path: path.startsWith('/') ? path : (platform.fs.realPath(`${directory}/${path}`) ?? path),
      head: branchOf(directory),
      name,
      gitDir: directory,
      bare: false,
    });
  }
  return found;
}

export interface BranchUse {
  readonly path: string;
  readonly how: 'checked out' | 'rebase' | 'bisect' | 'update-refs';
}

/** Which branches (full names) work trees are busy with: checked out, being rebased or bisected. */
export function branchUses(repository: Repository): ReadonlyMap<string, BranchUse> {
  const read = reader(repository);
  const uses = new Map<string, BranchUse>();
  const note = (name: string | undefined, use: BranchUse): void => {
    if (name?.startsWith('refs/') === true && !uses.has(name)) uses.set(name, use);
  };
  for (const { path, head, gitDir, bare } of listWorktrees(repository)) {
    if (!bare) note(head, { path, how: 'checked out' });
    const applying = read(`${gitDir}/rebase-apply/rebasing`) !== undefined;
    note(read(`${gitDir}/rebase-merge/head-name`), { path, how: 'rebase' });
    if (applying) note(read(`${gitDir}/rebase-apply/head-name`), { path, how: 'rebase' });
    const bisected = read(`${gitDir}/BISECT_START`);
    if (bisected !== undefined && !/^[0-9a-f]{40,}$/.test(bisected))
      note(bisected.startsWith('refs/') ? bisected : `refs/heads/${bisected}`, { path, how: 'bisect' });
    const list = read(`${gitDir}/rebase-merge/update-refs`)?.split('\n') ?? [];
    for (let i = 0; i < list.length; i += 3) note(list[i], { path, how: 'update-refs' });
  }
  return uses;
}

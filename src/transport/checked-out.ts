import { decodeText } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';
import { resolvePath } from '../repo/paths.js';
import type { CheckedOut } from './receive-update.js';

/** Finds which work tree, the main one or a linked one, has a branch checked out. */
export function checkedOutFinder(repository: Repository): (ref: string) => CheckedOut | undefined {
  const { fs } = repository.platform;
  const places = new Map<string, CheckedOut>();
  const look = (gitDir: string, workTree: string, bare: boolean): void => {
    const head = fs.readFile(`${gitDir}/HEAD`);
    const match = head === undefined ? null : /^ref:\s*(.+?)\s*$/.exec(decodeText(head));
    if (match !== null && !places.has(match[1]!)) places.set(match[1]!, { gitDir, workTree, bare });
  };
  const { commonDir } = repository;
  const mainBare = repository.config.getBool('core.bare') ?? !commonDir.endsWith('/.git');
  const own = repository.config.getPath('core.worktree');
  const mainTree = own === undefined ? commonDir.slice(0, commonDir.lastIndexOf('/')) : resolvePath(commonDir, own);
  look(commonDir, mainTree, mainBare);
  for (const { name } of fs.readDirectory(`${commonDir}/worktrees`) ?? []) {
    const link = fs.readFile(`${commonDir}/worktrees/${name}/gitdir`);
    if (link === undefined) continue;
    const file = resolvePath(`${commonDir}/worktrees/${name}`, decodeText(link).trim());
    look(`${commonDir}/worktrees/${name}`, file.slice(0, file.lastIndexOf('/')), false);
  }
  return (ref) => places.get(ref);
}

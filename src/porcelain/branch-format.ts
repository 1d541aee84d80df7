/** Colours of branch listings: escape sequences, all empty where there is no colour. */
export interface BranchColors {
  readonly plain: string;
  readonly remote: string;
  readonly local: string;
  readonly current: string;
  readonly upstream: string;
  readonly worktree: string;
  readonly reset: string;
}

export interface BranchFormatOptions {
  /** `-v` is 1, `-vv` 2. */
  readonly verbose: number;
  /** Columns of the longest name, for `-v`. */
  readonly width: number;
  /** `remotes/` where local branches are listed too. */
  readonly remotePrefix: string;
  /** `--abbrev`: digits, 0 for whole ids, undefined for as many as the configuration says. */
  readonly abbreviation: number | undefined;
  readonly colors: BranchColors;
}

const literal = (text: string): string => text.replaceAll('%', '%%');

/** The ref format that shows branches as `git branch` does. */
export function branchFormat(options: BranchFormatOptions): string {
  const { colors, verbose, width } = options;
  const reset = colors.reset;
  let local =
    `%(if)%(HEAD)%(then)* ${colors.current}%(else)%(if)%(worktreepath)%(then)+ ${colors.worktree}` +
    `%(else)  ${colors.local}%(end)%(end)`;
  let remote = `  ${colors.remote}`;
  if (verbose > 0) {
    const { abbreviation } = options;
    const id =
      abbreviation === undefined
        ? '%(objectname:short)'
        : abbreviation === 0
          ? '%(objectname)'
          : `%(objectname:short=${abbreviation})`;
    local += `%(align:${width},left)%(refname:lstrip=2)%(end)${reset} ${id} `;
    if (verbose > 1) {
      local +=
        `%(if:notequals=*)%(HEAD)%(then)%(if)%(worktreepath)%(then)(${colors.worktree}%(worktreepath)${reset}) ` +
        '%(end)%(end)' +
        `%(if)%(upstream)%(then)[${colors.upstream}%(upstream:short)${reset}` +
        '%(if)%(upstream:track)%(then): %(upstream:track,nobracket)%(end)] %(end)%(contents:subject)';
    } else local += '%(if)%(upstream:track)%(then)%(upstream:track) %(end)%(contents:subject)';
    remote +=
      `%(align:${width},left)${literal(options.remotePrefix)}%(refname:lstrip=2)%(end)${reset}` +
      `%(if)%(symref)%(then) -> %(symref:short)%(else) ${id} %(contents:subject)%(end)`;
  } else {
    const tail = `%(refname:lstrip=2)${reset}%(if)%(symref)%(then) -> %(symref:short)%(end)`;
    local += tail;
    remote += literal(options.remotePrefix) + tail;
  }
  return `%(if:notequals=refs/remotes)%(refname:rstrip=-2)%(then)${local}%(else)${remote}%(end)`;
}

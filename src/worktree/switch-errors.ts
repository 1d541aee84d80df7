import { compareText } from '../base/bytes.js';
/** Why a switch of the work tree is refused. In the order in which git reports them. */
export type RefusalKind =
  | 'would-overwrite'
  | 'not-uptodate-file'
  | 'not-uptodate-directory'
  | 'cwd-in-the-way'
  | 'untracked-overwritten'
  | 'untracked-removed'
  | 'bind-overlap'
  | 'submodule';

export const refusalOrder: readonly RefusalKind[] = [
  'would-overwrite',
  'not-uptodate-file',
  'not-uptodate-directory',
  'cwd-in-the-way',
  'untracked-overwritten',
  'untracked-removed',
  'bind-overlap',
  'submodule',
];

export interface Refusal {
  readonly kind: RefusalKind;
  readonly paths: readonly string[];
}

/** How a plumbing command tells of what is in the way: of the first path only. `undefined`: nothing is. */
export function firstRefusal(refusals: readonly Refusal[]): string | undefined {
  let first: Refusal | undefined;
  for (const refusal of refusals) {
    if (first === undefined || compareText(refusal.paths[0]!, first.paths[0]!) < 0) first = refusal;
  }
  return first && plumbingRefusal(first.kind, first.paths[0]!);
}

/** How a plumbing command says that one path stands in the way. */
function plumbingRefusal(kind: RefusalKind, path: string, other = ''): string {
  switch (kind) {
    case 'would-overwrite':
      return `Entry '${path}' would be overwritten by merge. Cannot merge.`;
    case 'not-uptodate-file':
      return `Entry '${path}' not uptodate. Cannot merge.`;
    case 'not-uptodate-directory':
      return `Updating '${path}' would lose untracked files in it`;
    case 'cwd-in-the-way':
      return `Refusing to remove '${path}' since it is the current working directory.`;
    case 'untracked-overwritten':
      return `Untracked working tree file '${path}' would be overwritten by merge.`;
    case 'untracked-removed':
      return `Untracked working tree file '${path}' would be removed by merge.`;
    case 'bind-overlap':
      return `Entry '${path}' overlaps with '${other}'.  Cannot bind.`;
    case 'submodule':
      return `Cannot update submodule:\n'${path}'`;
  }
}

/**
 * How a porcelain command says it: one message for all paths of a kind. `command`: `checkout`, `merge`, or another
 * (`rebase`, `stash`…). `advice`: with the line that says what to do (`advice.commitBeforeMerge`).
 */
export function porcelainRefusal(refusal: Refusal, command: string, advice: boolean): string {
  const list = refusal.paths.map((path) => `\t${path}\n`).join('');
  const doing = command === 'checkout' ? 'switch branches' : command;
  const hint = (text: string): string => (advice ? `${text} before you ${doing}.` : '');
  switch (refusal.kind) {
    case 'would-overwrite':
    case 'not-uptodate-file':
      return `Your local changes to the following files would be overwritten by ${command}:\n${list}${hint('Please commit your changes or stash them')}`;
    case 'not-uptodate-directory':
      return `Updating the following directories would lose untracked files in them:\n${list}`;
    case 'cwd-in-the-way':
      return `Refusing to remove the current working directory:\n${list}`;
    case 'untracked-overwritten':
      return `The following untracked working tree files would be overwritten by ${command}:\n${list}${hint('Please move or remove them')}`;
    case 'untracked-removed':
      return `The following untracked working tree files would be removed by ${command}:\n${list}${hint('Please move or remove them')}`;
    case 'bind-overlap':
      return `Entry '${refusal.paths[0]}' overlaps.  Cannot bind.`;
    case 'submodule':
      return `Cannot update submodule:\n${list}`;
  }
}

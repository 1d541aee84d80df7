import { checkTrack, type OptionSpecs } from './options.js';

/** What `checkout`, `switch` and `restore` say while they write files, and how they merge. */
export const writingOptions = {
  quiet: { type: 'flag', short: 'q', help: 'suppress progress reporting' },
  'recurse-submodules': {
    type: 'optional',
    value: 'checkout',
    implied: 'true',
    help: 'control recursive updating of submodules',
  },
  progress: { type: 'flag', help: 'force progress reporting' },
  merge: { type: 'flag', short: 'm', help: 'perform a 3-way merge with the new branch' },
  conflict: { type: 'string', value: 'style', help: 'conflict style (merge, diff3, or zdiff3)' },
} as const satisfies OptionSpecs;

/** How `checkout` and `switch` go to another branch. */
export const branchOptions = {
  detach: { type: 'flag', short: 'd', help: 'detach HEAD at named commit' },
  track: {
    type: 'optional',
    short: 't',
    value: '(direct|inherit)',
    implied: 'direct',
    help: 'set branch tracking configuration',
    check: checkTrack,
  },
  force: { rarelyMeant: true, type: 'flag', short: 'f', help: 'force checkout (throw away local modifications)' },
  orphan: { type: 'string', value: 'new-branch', help: 'new unborn branch' },
  'overwrite-ignore': { rarelyMeant: true, type: 'flag', help: 'update ignored files (default)' },
  'ignore-other-worktrees': { type: 'flag', help: 'do not check if another worktree is using this branch' },
} as const satisfies OptionSpecs;

/** Whose side of an unmerged file `checkout` and `restore` take. */
export const sideOptions = {
  ours: { type: 'flag', short: '2', negatable: false, help: 'checkout our version for unmerged files' },
  theirs: { type: 'flag', short: '3', negatable: false, help: 'checkout their version for unmerged files' },
} as const satisfies OptionSpecs;

/**
 * What kind of command each of git's is, by the groups of its command list (the manual page git(1) has the same ones).
 * Names of commands that are not here yet do no harm: lists show what is in the table of commands.
 */
const words = (...lines: readonly string[]): readonly string[] => lines.flatMap((line) => line.split(' '));

export const commandGroups: Readonly<Record<string, readonly string[]>> = {
  mainporcelain: words(
    'add am archive backfill bisect branch bundle checkout cherry-pick citool clean clone commit describe',
    'diff fetch format-patch gc grep gui history init log maintenance merge mv notes pull push range-diff',
    'rebase reset restore revert rm shortlog show sparse-checkout stash status submodule switch tag worktree',
    'gitk',
  ),
  ancillarymanipulators: words(
    'config fast-export fast-import filter-branch mergetool pack-refs prune reflog refs remote repack replace',
  ),
  ancillaryinterrogators: words(
    'annotate blame bugreport count-objects diagnose difftool fsck help instaweb merge-tree rerere',
    'show-branch verify-commit verify-tag version whatchanged gitweb',
  ),
  foreignscminterface: words(
    'archimport cvsexportcommit cvsimport cvsserver imap-send p4 quiltimport request-pull send-email svn',
  ),
  plumbingmanipulators: words(
    'apply checkout-index commit-graph commit-tree hash-object index-pack merge-file merge-index mktag mktree',
    'multi-pack-index pack-objects prune-packed read-tree replay symbolic-ref unpack-objects update-index',
    'update-ref write-tree',
  ),
  plumbinginterrogators: words(
    'cat-file cherry diff-files diff-index diff-pairs diff-tree for-each-ref for-each-repo format-rev',
    'get-tar-commit-id last-modified ls-files ls-remote ls-tree merge-base name-rev pack-redundant repo',
    'rev-list rev-parse show-index show-ref unpack-file var verify-pack',
  ),
  synchingrepositories: words('daemon fetch-pack http-backend send-pack update-server-info'),
  purehelpers: words(
    'check-attr check-ignore check-mailmap check-ref-format column credential credential-cache',
    'credential-store fmt-merge-msg hook interpret-trailers mailinfo mailsplit merge-one-file patch-id',
    'sh-i18n sh-setup stripspace url-parse',
  ),
  synchelpers: words('http-fetch http-push receive-pack shell upload-archive upload-pack'),
  init: words('clone init'),
  worktree: words('add mv restore rm'),
  info: words('bisect diff grep log show status'),
  history: words('backfill branch commit history merge rebase reset switch tag'),
  remote: words('fetch pull push'),
  complete: words(
    'apply blame cherry config difftool fsck help instaweb mergetool prune reflog refs remote repack replace',
    'request-pull send-email show-branch whatchanged stage',
  ),
};

/** The groups of commands most people use, with what is said above each in `help`. */
export const commonGroups: readonly (readonly [group: string, heading: string])[] = [
  ['init', 'start a working area (see also: git help tutorial)'],
  ['worktree', 'work on the current change (see also: git help everyday)'],
  ['info', 'examine the history and state (see also: git help revisions)'],
  ['history', 'grow, mark and tweak your common history'],
  ['remote', 'collaborate (see also: git help workflows)'],
];

/** The groups of `help -a`, in its order. */
export const allGroups: readonly (readonly [group: string, heading: string])[] = [
  ['mainporcelain', 'Main Porcelain Commands'],
  ['ancillarymanipulators', 'Ancillary Commands / Manipulators'],
  ['ancillaryinterrogators', 'Ancillary Commands / Interrogators'],
  ['foreignscminterface', 'Interacting with Others'],
  ['plumbingmanipulators', 'Low-level Commands / Manipulators'],
  ['plumbinginterrogators', 'Low-level Commands / Interrogators'],
  ['synchingrepositories', 'Low-level Commands / Syncing Repositories'],
  ['purehelpers', 'Low-level Commands / Internal Helpers'],
];

/** bough's own commands; the others are git's. */
export const ownCommands: ReadonlySet<string> = new Set(
  words('put get list remove transact watch browse serve resolve'),
);

/** Commands whose words git does not parse with its parser of options: `--list-cmds=parseopt` leaves them out. */
export const otherParsers: ReadonlySet<string> = new Set(
  words(
    'check-ref-format credential diff diff-files diff-index diff-tree fast-import fetch-pack get-tar-commit-id index-pack',
    'mailsplit merge-index merge-ort merge-octopus merge-ours merge-recursive merge-resolve merge-subtree pack-redundant',
    'patch-id rev-list rev-parse unpack-file unpack-objects upload-archive var',
  ),
);

/** Pages of the documentation that `help NAME` shows: kind, file below docs, the line that lists give of it. */
export const pages: Readonly<Record<string, readonly [kind: PageKind, file: string, summary: string]>> = {
  everyday: ['guide', 'guides/everyday.md', 'The commands of an ordinary day'],
  glossary: ['guide', 'glossary.md', 'The words used here'],
  tutorial: ['guide', 'guides/tutorial.md', 'First steps: files, branches, and values'],
  workflows: ['guide', 'guides/workflows.md', 'Ways of working together'],
  attributes: ['userinterfaces', 'guides/attributes.md', 'What .gitattributes can say about a path'],
  hooks: ['userinterfaces', 'guides/hooks.md', 'Programs that run at certain moments'],
  ignore: ['userinterfaces', 'guides/ignore.md', 'Which files are left out'],
  revisions: ['userinterfaces', 'guides/revisions.md', 'How commits and ranges are named'],
};
export type PageKind = 'guide' | 'userinterfaces' | 'developerinterfaces';

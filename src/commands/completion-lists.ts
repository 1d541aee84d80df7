/**
 * Words that complete commands whose options are read by hand, as `--git-completion-helper` prints them: subcommands and
 * names of options, and after `--` what takes options back. First those that say how a change is shown.
 */
const diffOptions =
  '--patch --no-patch --unified --function-context --raw --patch-with-raw --patch-with-stat --numstat ' +
  '--shortstat --dirstat --cumulative --dirstat-by-file --check --summary --name-only --name-status ' +
  '--stat --stat-width= --stat-name-width= --stat-graph-width= --stat-count= --compact-summary ' +
  '--binary --full-index --color --ws-error-highlight= --abbrev --src-prefix= --dst-prefix= ' +
  '--line-prefix= --no-prefix --default-prefix --inter-hunk-context= --output-indicator-new= ' +
  '--output-indicator-old= --output-indicator-context= --break-rewrites --find-renames ' +
  '--irreversible-delete --find-copies --find-copies-harder --no-renames --rename-empty --follow ' +
  '--minimal --ignore-all-space --ignore-space-change --ignore-space-at-eol --ignore-cr-at-eol ' +
  '--ignore-blank-lines --ignore-matching-lines= --indent-heuristic --patience --histogram ' +
  '--diff-algorithm= --anchored= --word-diff --word-diff-regex= --color-words --color-moved ' +
  '--color-moved-ws= --relative --text --exit-code --quiet --ext-diff --textconv --ignore-submodules ' +
  '--submodule --ita-invisible-in-index --ita-visible-in-index --pickaxe-all --pickaxe-regex ' +
  '--rotate-to= --skip-to= --find-object= --diff-filter= --max-depth= --output=';

const diffOptionsBack =
  '--no-function-context --no-compact-summary --no-full-index --no-color --no-abbrev ' +
  '--no-find-copies-harder --no-rename-empty --no-follow --no-ignore-matching-lines ' +
  '--no-indent-heuristic --no-color-moved --no-color-moved-ws --no-relative --no-text --no-exit-code ' +
  '--no-quiet --no-ext-diff --no-textconv';

const diff = `${diffOptions} --patch -- ${diffOptionsBack}`;

const log =
  '--quiet --source --use-mailmap --clear-decorations --decorate-refs= --decorate-refs-exclude= --decorate ' +
  '--no-quiet -- --no-source --no-use-mailmap --no-mailmap --no-decorate-refs --no-decorate-refs-exclude ' +
  '--no-decorate';

const blame =
  '--incremental --root --show-stats --progress --score-debug --show-name --show-number --porcelain ' +
  '--line-porcelain --show-email --diff-algorithm= --ignore-rev= --ignore-revs-file= --color-lines ' +
  '--color-by-age --contents= --abbrev --no-incremental -- --no-root --no-show-stats --no-progress ' +
  '--no-score-debug --no-show-name --no-show-number --no-porcelain --no-line-porcelain --no-show-email ' +
  '--no-ignore-rev --no-ignore-revs-file --no-color-lines --no-color-by-age --no-contents --no-abbrev';

const lists: Readonly<Record<string, string>> = {
  diff: ` ${diff}`,
  'diff-files': ` ${diff}`,
  'diff-index': ` ${diff}`,
  'diff-tree': ` ${diff}`,
  'rev-list': ` ${diff}`,
  annotate: ` ${diff}`,
  blame,
  log,
  show: log,
  whatchanged: log,
  shortlog:
    '--committer --numbered --summary --email --group= --no-committer -- --no-numbered --no-summary --no-email ' +
    '--no-group',
  'update-index':
    ' --ignore-submodules --add --replace --remove --unmerged --refresh --really-refresh --cacheinfo --chmod= ' +
    '--assume-unchanged --no-assume-unchanged --skip-worktree --no-skip-worktree --ignore-skip-worktree-entries ' +
    '--info-only --force-remove --stdin --index-info --unresolve --again --ignore-missing --verbose ' +
    '--clear-resolve-undo --index-version= --show-index-version --split-index --untracked-cache ' +
    '--test-untracked-cache --force-untracked-cache --force-write-index --fsmonitor --fsmonitor-valid ' +
    '--no-fsmonitor-valid -- --no-ignore-submodules --no-add --no-replace --no-remove --no-unmerged ' +
    '--no-ignore-skip-worktree-entries --no-info-only --no-force-remove --no-ignore-missing --no-verbose ' +
    '--no-index-version --no-show-index-version --no-split-index --no-untracked-cache --no-test-untracked-cache ' +
    '--no-force-untracked-cache --no-force-write-index --no-fsmonitor',
  'fast-export':
    '--progress= --signed-tags= --signed-commits= --tag-of-filtered-object= --reencode= --export-marks= ' +
    '--import-marks= --import-marks-if-exists= --fake-missing-tagger --full-tree --use-done-feature --no-data ' +
    '--refspec= --anonymize --anonymize-map= --reference-excluded-parents --show-original-ids --mark-tags ' +
    '--data -- --no-progress --no-signed-tags --no-signed-commits --no-tag-of-filtered-object --no-reencode ' +
    '--no-export-marks --no-import-marks --no-import-marks-if-exists --no-fake-missing-tagger --no-full-tree ' +
    '--no-use-done-feature --no-refspec --no-anonymize --no-reference-excluded-parents --no-show-original-ids ' +
    '--no-mark-tags',
  'last-modified': '--recursive --show-trees --max-depth= --no-recursive -- --no-show-trees',
  'range-diff':
    '--creation-factor= --no-dual-color --notes --diff-merges= --max-memory= --remerge-diff --left-only --right-only ' +
    `${diffOptions} --dual-color --patch -- ` +
    '--no-creation-factor --no-notes --no-diff-merges --no-max-memory --no-remerge-diff --no-left-only --no-right-only ' +
    diffOptionsBack,
  bundle: 'create verify list-heads unbundle',
  config: 'list get set unset rename-section remove-section edit',
  hook: 'run list',
  maintenance: 'run start stop register unregister is-needed',
  reflog: 'show list exists write delete drop expire',
  refs: 'migrate verify list exists optimize',
  stash: 'apply clear drop pop branch list show store create push export import',
  worktree: 'add prune list lock unlock move remove repair',
};

/** Commands with subcommands and options of their own before them. */
const before: Readonly<Record<string, string>> = {
  'commit-graph': 'verify write',
  'multi-pack-index': 'repack write compact verify expire',
  notes: 'list add copy append edit show merge remove prune get-ref',
  remote: 'add rename remove set-head set-branches get-url set-url show prune update',
};

/** The words of such a command, or `undefined` where its table of options has them all. */
export const completionList = (name: string): string | undefined =>
  Object.hasOwn(lists, name) ? `${lists[name]!}\n` : undefined;

export const subcommandsOf = (name: string): readonly string[] =>
  Object.hasOwn(before, name) ? before[name]!.split(' ') : [];

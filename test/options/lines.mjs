// The command lines that the walk over the reading commands tries options and variables in; `@NAME` is a place of the
// repository (repositories.mjs).

/** The command lines in which an option stands (`OPTION`), with the places of a repository put in. */
export const lines = {
  log: [
    ['log', '-4', 'OPTION'],
    ['log', '-3', '-p', 'OPTION'],
    ['log', '--graph', '--oneline', '-6', 'OPTION', '@merge'],
    ['log', '-3', '--stat', '-c', 'OPTION', '@merge', '--', '@dir'],
  ],
  show: [
    ['show', 'OPTION', '@changing'],
    ['show', '--stat', 'OPTION', '@merge'],
    ['show', 'OPTION', '@tag', 'HEAD:'],
  ],
  whatchanged: [['whatchanged', '--i-still-use-this', '-3', 'OPTION']],
  diff: [
    ['diff', 'OPTION', '@older', '@newer'],
    ['diff', 'OPTION'],
    ['diff', '--cached', '--stat', 'OPTION'],
    ['diff', '--raw', 'OPTION', '@older', '--', '@dir'],
  ],
  'diff-tree': [
    ['diff-tree', 'OPTION', '@older', '@newer'],
    ['diff-tree', '-r', '-p', 'OPTION', '@older', '@newer'],
    ['diff-tree', '--pretty', '--stat', 'OPTION', '@changing'],
    ['diff-tree', '-c', 'OPTION', '@merge'],
  ],
  'diff-index': [
    ['diff-index', 'OPTION', 'HEAD'],
    ['diff-index', '-p', '--cached', 'OPTION', '@older', '--', '@dir'],
  ],
  'diff-files': [
    ['diff-files', 'OPTION'],
    ['diff-files', '-p', 'OPTION'],
  ],
  shortlog: [
    ['shortlog', 'OPTION', '@older..@newer'],
    ['shortlog', '-s', 'OPTION', '-20', 'HEAD'],
  ],
  'rev-list': [
    ['rev-list', '-8', 'OPTION', 'HEAD'],
    ['rev-list', '--count', 'OPTION', '@older..@newer'],
    ['rev-list', '--objects', '-2', 'OPTION', '@newer'],
    ['rev-list', '--left-right', 'OPTION', '@older...@merge'],
    ['rev-list', '-5', 'OPTION', 'HEAD', '--', '@dir'],
  ],
  blame: [
    ['blame', 'OPTION', '@file'],
    ['blame', '--porcelain', '-L', '1,30', 'OPTION', '@older', '--', '@file'],
  ],
  annotate: [['annotate', 'OPTION', '@file']],
  describe: [
    ['describe', 'OPTION'],
    ['describe', '--tags', '--always', 'OPTION', 'HEAD~7', '@older'],
  ],
  grep: [
    ['grep', 'OPTION', 'def', '--', '@dir'],
    ['grep', '-n', 'OPTION', '-e', 'import', '@older', '--', '@dir'],
    ['grep', '-c', 'OPTION', 'self'],
  ],
  'name-rev': [
    ['name-rev', 'OPTION', 'HEAD~3', '@older'],
    ['name-rev', '--name-only', 'OPTION', '@merge'],
  ],
  cherry: [
    ['cherry', 'OPTION', '@older', '@newer'],
    ['cherry', '-v', 'OPTION', '@merge^2', '@newer'],
  ],
  'range-diff': [['range-diff', 'OPTION', '@older~2..@older', '@newer~3..@newer']],
};

/** Options that are not walked, each with its reason. */
export const apart = {
  '--alternate-refs': 'asks a program of the other repository; walked without a value',
  '--': 'no option',
};

/** Sections of the configuration, and the command lines that read them. */
export const sections = {
  log: ['log', 'show', 'whatchanged'],
  diff: ['diff', 'log', 'diff-tree'],
  blame: ['blame'],
  grep: ['grep'],
  color: ['diff', 'log', 'grep', 'blame'],
  notes: ['log'],
  pretty: ['log'],
  mailmap: ['log', 'shortlog'],
  i18n: ['log'],
};

export const settingLines = {
  log: [
    ['log', '-3', '-p'],
    ['log', '--oneline', '--graph', '--decorate', '--color=always', '-5', '@merge'],
  ],
  show: [['show', '@merge']],
  whatchanged: [['whatchanged', '--i-still-use-this', '-2']],
  diff: [
    ['diff', '--color=always', '@older', '@newer'],
    ['diff', '--stat', '--dirstat'],
    ['diff', '--color-words', '@older'],
  ],
  'diff-tree': [['diff-tree', '-r', '-p', '--stat', '@older', '@newer']],
  blame: [
    ['blame', '@file'],
    ['blame', '--color-lines', '@file'],
  ],
  grep: [
    ['grep', 'def.', '--', '@dir'],
    ['grep', '--color=always', '-np', '-C1', 'imp[o]rt', '--', '@dir'],
  ],
  shortlog: [['shortlog', '-sne', 'HEAD']],
};

/** Variables of other commands in these sections. */
export const otherVariables =
  /^(?:color\.(?:advice|branch|interactive|push|remote|showBranch|status|transport)|notes\.(?:mergeStrategy|<name>|rewrite)|diff\.<driver>|diff\.(?:autoRefreshIndex|trustExitCode|tool|guitool)|difftool|pretty\.<name>)/;

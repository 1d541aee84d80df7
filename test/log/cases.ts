import type { Random } from '../support/random.js';

/** What the versions of git that are compared with know. */
export interface Known {
  /** 2.55 or newer. */
  readonly current: boolean;
}

const files = ['a.txt', 'dir/b.c', 'dir/deep/c.py', 'wide ä.txt', 'd'];

const authors = [
  'Ann Author <ann@example.com>',
  'ann <ann@old.example.com>',
  'J\u00f6rg \u00c4hnlich <joerg@example.com>',
  '\u5c71\u7530 <yamada@example.jp>',
  ' <empty@example.com>',
  "O'Hara, Pat <pat+tag@example.com>",
];
const zones = ['+0000', '-0700', '+0530', '+1200', '-0000'];

const subjects = [
  'short',
  'a subject that is rather longer than most of the others are, so that it is cut somewhere',
  'fix: \u00e4\u00f6\u00fc and \u5bbd\u5b57\u7b26 wide',
  'tabs\there\tand there',
  '[PATCH] with a prefix',
  'two lines\nof subject',
];
const bodies = [
  '',
  'A body.\n\nIn two paragraphs.\n',
  'Body with trailers.\n\nSigned-off-by: Ann Author <ann@example.com>\nReviewed-by: Pat\nSigned-off-by: Other <o@example.com>\n',
  '\tindented with a tab\n    and spaces\n\n\n\nafter empty lines\n',
  'From the start\n>From quoted\n',
  'One very long line that goes on and on so that wrapping has something to wrap at, again and again and again.\n',
];

/** A history with merges, renames, odd names, encodings, tags, notes and a mailmap, for `git fast-import`. */
export function historyStream(random: Random, commits: number): Uint8Array {
  const parts: Buffer[] = [];
  const put = (text: string, encoding: BufferEncoding = 'utf8'): void => void parts.push(Buffer.from(text, encoding));
  const data = (text: string, encoding: BufferEncoding = 'utf8'): void => {
    const bytes = Buffer.from(text, encoding);
    put(`data ${bytes.length}\n`);
    parts.push(bytes);
    put('\n');
  };
  let seconds = 1_400_000_000;
  const heads: { name: string; mark: number }[] = [];
  const contents = new Map<string, string[]>();
  for (let mark = 1; mark <= commits; mark++) {
    seconds += random.below(400_000);
    const head = heads.length > 0 && random.chance(0.75) ? random.pick(heads) : { name: `b${heads.length}`, mark: 0 };
    const from = head.mark !== 0 ? head.mark : heads.length > 0 ? random.pick(heads).mark : 0;
    put(`commit refs/heads/${head.name}\nmark :${mark}\n`);
    const latin = random.oneIn(6);
    const person = (): string => {
      const name = random.pick(authors);
      return latin && /[^\u0000-\u00ff]/.test(name) ? authors[0]! : name;
    };
    const when = (): string => `${seconds - random.below(9000)} ${random.pick(zones)}`;
    put(
      `author ${person()} ${when()}\ncommitter ${person()} ${seconds} ${random.pick(zones)}\n`,
      latin ? 'latin1' : 'utf8',
    );
    if (latin) put('encoding ISO-8859-1\n');
    let message = random.oneIn(15) ? '' : `${random.pick(subjects)}\n\n${random.pick(bodies)}`;
    if (latin) message = message.replace(/[^\u0000-\u00ff]/g, '?');
    data(message.trimEnd() === '' ? '' : `${message.trimEnd()}\n`, latin ? 'latin1' : 'utf8');
    if (from !== 0) put(`from :${from}\n`);
    if (from > 1 && random.oneIn(5)) put(`merge :${1 + random.below(from - 1)}\n`);
    for (let n = random.below(3); n >= 0; n--) {
      const file = random.pick(files);
      const lines = contents.get(file) ?? Array.from({ length: 12 }, (_, i) => `line ${i} of ${file}`);
      const changed = [...lines];
      changed[random.below(changed.length)] = `changed ${random.below(1000)}`;
      if (random.oneIn(3)) changed.splice(random.below(changed.length), 0, 'void inserted(int x)', `\treturn ${mark};`);
      contents.set(file, changed);
      put(`M ${random.oneIn(8) ? '100755' : '100644'} inline "${file}"\n`);
      data(`${changed.join('\n')}\n`);
    }
    put('\n');
    const known = heads.find(({ name }) => name === head.name);
    if (known === undefined) heads.push({ name: head.name, mark });
    else known.mark = mark;
    if (random.oneIn(5)) {
      put(`tag v${mark}\nfrom :${mark}\ntagger T <t@example.com> ${seconds} +0000\n`);
      data(`tag ${mark}\n`);
    }
    if (random.oneIn(6)) put(`reset refs/tags/light${mark}\nfrom :${mark}\n\n`);
    if (random.oneIn(6)) put(`reset refs/remotes/origin/r${mark}\nfrom :${mark}\n\n`);
  }
  put(`reset refs/heads/main\nfrom :${heads[0]!.mark}\n\n`);
  put('done\n');
  return Buffer.concat(parts);
}

export const mailmap =
  'Ann Author <ann@example.com> <ann@old.example.com>\nPat Mapped <pat@mapped.example.com> <pat+tag@example.com>\n';

const placeholders = [
  ...'HhTtPpdDsfbBNSem'.split('').filter((letter) => !'em'.includes(letter)),
  ...['an', 'aN', 'ae', 'aE', 'al', 'aL', 'ad', 'aD', 'ar', 'at', 'ai', 'aI', 'as'],
  ...['cn', 'cN', 'ce', 'cE', 'cl', 'cL', 'cd', 'cD', 'cr', 'ct', 'ci', 'cI', 'cs'],
  ...['e', 'm', 'n', '%', 'x41', 'gD', 'gs', 'gn'],
  ...['C(auto)', 'Cred', 'Cgreen', 'Creset', 'C(bold yellow)', 'C(always,blue)', 'C(#ff0000)'],
  ...[
    '(trailers)',
    '(trailers:only)',
    '(trailers:key=Signed-off-by)',
    '(trailers:valueonly,separator=%x2C )',
    '(trailers:unfold=false,keyonly)',
  ],
  ...['(describe)', '(describe:tags)', '(describe:abbrev=12)', '(describe:match=v1*)'],
  ...['w(20,1,3)', 'w()', 'w(0)', 'w(40)'],
];
const padding = [
  '',
  '',
  '',
  '',
  '<(12)',
  '<(10,trunc)',
  '>(15)',
  '>(8,ltrunc)',
  '><(20)',
  '<(12,mtrunc)',
  '>>(6)',
  '<|(30)',
  '>|(40)',
];

/** A format of random placeholders. */
function randomFormat(random: Random, known: Known): string {
  let out = '';
  for (let n = random.between(1, 5); n > 0; n--) {
    const pad = random.pick(padding);
    if (pad !== '') out += `%${pad}`;
    const sign = random.pick(['', '', '', '', '', '-', '+', ' ']);
    let word = random.pick(placeholders);
    if (known.current && random.oneIn(12))
      word = random.pick(['(decorate)', '(decorate:prefix=[,suffix=],separator=;)']);
    out += `%${sign}${word}${random.pick(['', ' ', '|', ' x ', 'text', '\u00e4'])}`;
  }
  return out;
}

const dates = [
  ...[
    'iso',
    'iso-strict',
    'iso8601',
    'rfc',
    'rfc2822',
    'short',
    'raw',
    'unix',
    'default',
    'local',
    'relative',
    'human',
  ],
  ...[
    'iso-local',
    'short-local',
    'raw-local',
    'rfc-local',
    'format:%Y-%m-%d %H:%M:%S %z',
    'format-local:%c',
    'format:%a %e %b %%',
    'auto:iso',
  ],
];
const builtin = ['oneline', 'short', 'medium', 'full', 'fuller', 'reference', 'email', 'raw', 'mboxrd'];

const pick = <T>(random: Random, chance: number, list: readonly T[]): T[] =>
  random.chance(chance) ? [random.pick(list)] : [];

/** One `log` or `show` command. */
export function logCase(random: Random, known: Known): string[] {
  const config: string[] = [];
  const set = (chance: number, ...settings: string[]): void => {
    for (const one of pick(random, chance, settings)) config.push('-c', one);
  };
  set(0.15, ...dates.filter((date) => !/relative|human|auto/.test(date)).map((date) => `log.date=${date}`));
  set(0.15, 'log.decorate=short', 'log.decorate=full', 'log.decorate=auto', 'log.decorate=no');
  set(
    0.1,
    'log.abbrevCommit=true',
    'log.showRoot=false',
    'log.mailmap=false',
    'log.follow=true',
    'core.abbrev=12',
    'core.abbrev=4',
  );
  set(0.1, 'i18n.logOutputEncoding=ISO-8859-1', 'i18n.commitEncoding=ISO-8859-1', 'i18n.logOutputEncoding=UTF-8');
  set(
    0.07,
    'log.excludeDecoration=refs/tags/*',
    'log.initialDecorationSet=all',
    'log.diffMerges=first-parent',
    'log.graphColors=red,blue',
  );
  set(0.07, ...builtin.map((name) => `format.pretty=${name}`));
  const words: string[] = [];
  const add = (chance: number, ...list: string[]): void => void words.push(...pick(random, chance, list));
  const show = random.oneIn(6);
  const custom = random.chance(0.6);
  const graph = random.oneIn(6);
  if (custom)
    words.push(`${random.pick(['--format=', '--pretty=format:', '--pretty=tformat:'])}${randomFormat(random, known)}`);
  else add(0.8, ...builtin.map((name) => `--pretty=${name}`), '--oneline');
  add(0.4, ...dates.map((date) => `--date=${date}`));
  add(
    0.25,
    '--decorate',
    '--decorate=full',
    '--no-decorate',
    '--decorate-refs=refs/tags/*',
    '--decorate-refs-exclude=refs/remotes/*',
    '--clear-decorations',
  );
  if (graph) words.push('--graph');
  add(0.2, '--abbrev-commit', '--no-abbrev-commit', '--abbrev=9', '--no-abbrev');
  add(0.1, '--encoding=ISO-8859-1', '--encoding=UTF-8');
  add(0.1, '--no-mailmap', '--mailmap', '--use-mailmap');
  add(0.15, '--notes', '--no-notes', '--notes=other', '--show-notes');
  add(0.1, '--parents', '--children', '--left-right', '--source', ...(show ? [] : ['--boundary']));
  add(0.1, '--expand-tabs=4', '--no-expand-tabs', '--expand-tabs');
  // Colours of the decorations changed between versions.
  if (known.current) add(0.2, '--color=always');
  add(0.1, '-z', '--log-size', '--show-signature');
  add(
    0.2,
    '-p',
    '--stat',
    '--raw',
    '--name-only',
    '--name-status',
    '--shortstat',
    '--numstat',
    '--summary',
    '-s',
    '--patch-with-stat',
    '--compact-summary',
    '--dirstat',
  );
  add(
    0.1,
    '-m',
    '-c',
    '--cc',
    '--diff-merges=first-parent',
    '--diff-merges=separate',
    '--no-diff-merges',
    '--remerge-diff',
  );
  if (show) {
    words.push(
      ...Array.from({ length: random.between(1, 2) }, () =>
        random.pick(['HEAD', 'main~2', 'b1', 'b2^', 'HEAD:a.txt', 'HEAD:dir', 'b0~1']),
      ),
    );
    return [...config, 'show', ...words];
  }
  add(0.15, '--no-merges', '--merges', '--first-parent', '--topo-order', '--date-order', '--author-date-order');
  if (!graph) add(0.1, '--reverse', '--no-walk=unsorted', '-g');
  add(
    0.1,
    '--author=Ann',
    '--grep=body',
    '--committer=J',
    '-i --grep=FIX'.split(' ')[1]!,
    '--grep=sub',
    '--invert-grep',
  );
  words.push(`-${random.between(1, 12)}`);
  if (!words.includes('-g'))
    words.push(random.pick(['HEAD', '--all', 'main..b1', 'b0...b1', '--branches', '--tags', 'b2']));
  if (random.oneIn(5)) words.push('--', random.pick(files));
  else if (random.oneIn(9)) words.push('--follow', '--', random.pick(files));
  return [...config, 'log', ...words];
}

/** One `diff`, `diff-tree` or `show` command. */
export function diffCase(random: Random, known: Known): string[] {
  const config: string[] = [];
  const set = (chance: number, ...settings: string[]): void => {
    for (const one of pick(random, chance, settings)) config.push('-c', one);
  };
  set(
    0.15,
    'diff.context=1',
    'diff.interHunkContext=3',
    'diff.noPrefix=true',
    'diff.mnemonicPrefix=true',
    'diff.renames=copies',
    'diff.renames=false',
  );
  set(
    0.1,
    'diff.algorithm=histogram',
    'diff.algorithm=patience',
    'diff.colorMoved=zebra',
    'diff.wordRegex=[a-z]+',
    'diff.suppressBlankEmpty=true',
  );
  set(
    0.1,
    'core.quotePath=false',
    'diff.statNameWidth=10',
    'diff.statGraphWidth=9',
    'diff.dirstat=lines,0',
    'core.whitespace=tab-in-indent,trailing-space',
    'diff.indentHeuristic=false',
  );
  const words: string[] = [];
  const add = (chance: number, ...list: string[]): void => void words.push(...pick(random, chance, list));
  for (let n = random.below(3); n >= 0; n--) {
    add(
      0.6,
      '-p',
      '--stat',
      '--raw',
      '--name-only',
      '--name-status',
      '--shortstat',
      '--numstat',
      '--summary',
      '--patch-with-stat',
      '--patch-with-raw',
      '--compact-summary',
      '--dirstat',
      '--dirstat=files,1',
      '--dirstat=lines,cumulative',

      '-s',
      '--stat=40',
      '--stat=60,20,3',
      '--stat-count=2',
    );
  }
  // These four cannot be together.
  if (words.filter((word) => /^--(?:name-only|name-status|check)$|^-s$/.test(word)).length > 1)
    return diffCase(random, known);
  add(
    0.3,
    '-M',
    '-C',
    '--find-copies-harder',
    '-B',
    '--no-renames',
    '-M90%',
    '-M10%',
    '-C50%',
    '-B20%/70%',
    '-l1',
    '--rename-empty',
  );
  add(0.3, '-U0', '-U1', '-U10', '--inter-hunk-context=5', '-W', '--function-context');
  add(
    0.3,
    '--minimal',
    '--patience',
    '--histogram',
    '--diff-algorithm=myers',
    '--anchored=line 3',
    '--no-indent-heuristic',
    '--indent-heuristic',
  );
  add(
    0.25,
    '-w',
    '-b',
    '--ignore-space-at-eol',
    '--ignore-blank-lines',
    '--ignore-cr-at-eol',
    '-Ichanged',
    '--ws-error-highlight=all',
  );
  add(
    0.25,
    '--color=always',
    '--word-diff',
    '--word-diff=porcelain',
    '--word-diff=color',
    '--word-diff-regex=[0-9]+',
    '--color-words',
    '--color-words=.',
  );
  add(
    0.15,
    '--color-moved',
    '--color-moved=plain',
    '--color-moved=blocks',
    '--color-moved=dimmed-zebra',
    '--color-moved-ws=ignore-all-space',
    '--no-color-moved',
  );
  add(
    0.25,
    '-R',
    '--full-index',
    '--binary',
    '--abbrev=5',
    '-z',
    '--no-prefix',
    '--src-prefix=x/',
    '--dst-prefix=y/',
    '--line-prefix=> ',
    '--relative=dir',
    '--relative=dir/',
    '--default-prefix',
  );
  add(
    0.2,
    '--diff-filter=M',
    '--diff-filter=ad',
    '--diff-filter=AR*',
    '-Schanged',
    '-Gchanged',
    '-Schanged.*1 --pickaxe-regex'.split(' ')[0]!,
    '--pickaxe-all',
    '-Sinserted',
  );
  add(
    0.1,
    '--exit-code',
    '--quiet',
    '-O/dev/null',
    '--text',
    '--ignore-submodules',
    '--output-indicator-new=n',
    '-D',
    '--skip-to=a.txt',
  );
  const revision = (): string => random.pick(['b0', 'b1', 'b2', 'main', 'HEAD~1', 'HEAD~3', 'b1~1', 'b2~2', 'main~4']);
  const paths = random.oneIn(5) ? ['--', random.pick([...files, 'dir', '*.txt', ':!a.txt', ':(icase)A.TXT'])] : [];
  switch (random.below(5)) {
    case 0:
      return [...config, 'diff-tree', '-r', ...words, revision(), revision(), ...paths];
    case 1:
      return [
        ...config,
        'diff-tree',
        '-r',
        '--root',
        ...words,
        ...pick(random, 0.5, ['-m', '-c', '--cc']),
        revision(),
        ...paths,
      ];
    case 2:
      return [...config, 'diff', ...words, `${revision()}...${revision()}`, ...paths];
    default:
      return [...config, 'diff', ...words, revision(), revision(), ...paths];
  }
}

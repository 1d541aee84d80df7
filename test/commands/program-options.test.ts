import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type BatchCase, bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { Random } from '../support/random.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';
import { since } from '../support/version.js';

/** Options that stand before the command. What came later than the oldest git that tests run with is asked of newer ones only. */
const options: readonly (readonly string[])[] = [
  ['-C', 'sub'],
  ['-C', ''],
  ['-C', 'nowhere'],
  ['-C', '..'],
  ['-C', 'sub', '-C', '..'],
  ['-c', 'color.ui=always'],
  ['-c', 'core.abbrev=5'],
  ['-c', 'user.name=Somebody Else'],
  ['-c', 'user.name='],
  ['-c', 'core.pager=pager one'],
  ['-c', 'core.quotePath=false'],
  ['-c', 'alias.st=status -sb'],
  ['-c', 'alias.st=!echo "$GIT_PREFIX" $#'],
  ['-c', 'alias.st=-c core.abbrev=6 log --oneline -1'],
  ['-c', 'alias.st=ls-files'],
  ['-c', 'advice.statusHints=false'],
  ['-c', 'log.date=iso'],
  ['--config-env=user.name=NAMED'],
  ['--config-env', 'core.abbrev=FOUR'],
  ['--config-env=user.name=NOT_THERE'],
  ['--config-env=user.name'],
  ['--config-env=user.name='],
  ['--git-dir=.git'],
  ['--git-dir', '.git'],
  ['--git-dir=../other/.git'],
  ['--git-dir=nowhere'],
  ['--work-tree=.'],
  ['--work-tree', 'sub'],
  ['--work-tree=nowhere'],
  ['--namespace=n'],
  ['--namespace', 'n/m'],
  ['--bare'],
  ['--no-replace-objects'],
  ['--no-optional-locks'],
  ['--literal-pathspecs'],
  ['--no-literal-pathspecs'],
  ['--glob-pathspecs'],
  ['--noglob-pathspecs'],
  ['--icase-pathspecs'],
  ['-p'],
  ['--paginate'],
  ['-P'],
  ['--no-pager'],
  ['--exec-path=/nowhere'],
  ...(since(41)
    ? [['-c', 'core.bare=true'], ['--attr-source=HEAD~1'], ['--attr-source', 'HEAD'], ['--attr-source=nowhere']]
    : []),
  ...(since(45) ? [['--no-lazy-fetch']] : []),
  ...(since(46) ? [['--no-advice']] : []),
];

const wrong: readonly (readonly string[])[] = [
  ['--bad'],
  ['-x'],
  ...(since(55) ? [['--super-prefix=x/']] : []),
  ['--paginate=x'],
  ['-c'],
  ['-C'],
  ['--git-dir'],
  ['--work-tree'],
  ['--namespace'],
  ['--config-env'],
  ['-c', '=x'],
  ['-c', 'nosection'],
  ['-c', 'a.=x'],
  ['-c', 'a.b_c=x'],
  ['-'],
  ['--'],
];

const commands: readonly (readonly string[])[] = [
  ['status', '-s'],
  ['status'],
  ['ls-files'],
  ['ls-files', '*.txt'],
  ['ls-files', 'A.TXT'],
  ['ls-files', ':(top)s*'],
  ['ls-files', 'sub/*'],
  ['log', '--oneline', '-2'],
  ['log', '-1', '--', 's*'],
  ['diff', '--stat', 'HEAD~1'],
  ['diff', 'HEAD~1'],
  ['cat-file', '-p', 'HEAD'],
  ['rev-parse', '--git-dir', '--is-bare-repository', '--is-inside-work-tree'],
  ['rev-parse', '--show-toplevel'],
  ['rev-parse', '--show-prefix'],
  ['rev-parse', '--show-cdup'],
  ['rev-parse', '--short', 'HEAD'],
  ['config', 'user.name'],
  ['config', '--bool', 'core.bare'],
  ['config', '--get-regexp', '^(user|core.abbrev|alias)'],
  ['var', 'GIT_PAGER'],
  ['var', 'GIT_AUTHOR_IDENT'],
  ['show-ref'],
  ['for-each-ref', '--format=%(refname) %(authorname)'],
  ['branch'],
  ['branch', '-v'],
  ['check-attr', '-a', 'a.txt', 'sub/b.txt'],
  ['add', '-n', '*.txt'],
  ['st'],
  ['st', 'one', 'two'],
  ['said'],
  ['said', 'a  b'],
  ['ext'],
  ['ext', 'x y'],
  ['diff', '--cached', '--stat'],
  ['symbolic-ref', 'HEAD'],
  ['check-ignore', '-v', 'ignored'],
  ['--exec-path=/elsewhere', 'ext'],
];

const places = ['r', 'r/sub', 'bare.git', 'none', 'r/.git'];

function repositories(box: Sandbox): void {
  const cwd = box.path('r');
  box.git(['init', '-q', '-b', 'main', cwd]);
  mkdirSync(`${cwd}/sub`);
  const write = (name: string, text: string) => writeFileSync(`${cwd}/${name}`, text);
  write('a.txt', 'one\n');
  write('sub/b.txt', 'b\n');
  write('*.txt', 'star\n');
  write('.gitattributes', '*.txt old\n');
  write('.gitignore', 'ignored\n');
  box.git(['add', '.'], { cwd });
  box.git(['commit', '-q', '-m', 'one'], { cwd });
  box.git(['tag', 'v1'], { cwd });
  write('a.txt', 'two\n');
  write('.gitattributes', '*.txt new\n');
  box.git(['commit', '-q', '-a', '-m', 'two'], { cwd });
  box.git(['replace', 'HEAD', 'HEAD~1'], { cwd });
  box.git(['update-ref', 'refs/namespaces/n/refs/heads/inner', 'HEAD'], { cwd });
  box.git(['config', 'alias.said', '!f() { echo "$#: $*"; env | grep ^GIT_ | sort; }; f'], { cwd });
  write('untracked.txt', 'new\n');
  box.git(['clone', '-q', '--bare', cwd, box.path('bare.git')]);
  box.git(['clone', '-q', cwd, box.path('other')]);
  mkdirSync(box.path('none'));
  mkdirSync(box.path('tools'));
  writeFileSync(box.path('tools/git-ext'), '#!/bin/sh\necho "$#: $*"\nenv | grep "^GIT_" | sort\n');
  writeFileSync(box.path('tools/pager'), '#!/bin/sh\ncat\n');
  for (const tool of ['git-ext', 'pager']) chmodSync(box.path(`tools/${tool}`), 0o755);
}

/** Each program's own: where it lies, its usage's first lines (its options have grown), which commands are near. */
function plain(text: string): string {
  return text
    .replaceAll(/^GIT_(?:EXEC_PATH|CONFIG_PARAMETERS)=.*\n/gm, '')
    .replaceAll(/^usage: git \[-v[\s\S]*/gm, 'usage\n')
    .replaceAll(/^\nThe most similar [\s\S]*/gm, '')
    .replaceAll(/^usage: git diff --no-index[\s\S]*/gm, 'usage\n')
    .replaceAll(/^git version .*/gm, 'version')
    .replaceAll(/^hint: .*\n/gm, '')
    .replaceAll(/(?: \(or any of the parent directories\): \.git| \(or any parent up to mount point .*)/g, '');
}

test('options before the command do what they do in stock git, alone and together', async () => {
  const rounds = Number(process.env['BOUGH_PROGRAM_ROUNDS'] ?? 90);
  const random = new Random(4711);
  const box = sandbox();
  repositories(box);
  const env = {
    ...box.env,
    PATH: `${box.path('tools')}:${box.env['PATH'] ?? ''}`,
    GIT_CEILING_DIRECTORIES: box.directory,
    PAGER: 'pager zero',
    NAMED: 'By Name',
    FOUR: '4',
  };
  const variables: readonly Record<string, string>[] = [
    {},
    {},
    {},
    {},
    { GIT_PAGER: 'pager two' },
    { PAGER: 'pager three' },
    { GIT_LITERAL_PATHSPECS: '1' },
    { GIT_ICASE_PATHSPECS: '1' },
    { GIT_NAMESPACE: 'n' },
    { GIT_CONFIG_PARAMETERS: "'core.abbrev'='7' 'user.name'='Given'" },
    { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.abbrev', GIT_CONFIG_VALUE_0: '8' },
    { GIT_NO_REPLACE_OBJECTS: '1' },
  ];
  const cases: BatchCase[] = random.times(rounds, () => {
    const words = random.times(random.below(4), () => random.pick(options)).flat();
    if (random.oneIn(8)) words.push(...random.pick(wrong));
    words.push(...random.pick(commands));
    return { cwd: box.path(random.oneIn(2) ? 'r' : random.pick(places)), words, env: random.pick(variables) };
  });
  const bundle = await bundleCommands(box.directory);
  const answers = runBatch(box.directory, bundle, cases, env);
  const differing: string[] = [];
  for (const [i, one] of cases.entries()) {
    const theirs = stockAnswer(one, env);
    const ours = answers[i]!;
    const what = `${one.cwd.slice(box.directory.length + 1)}: ${JSON.stringify(one.env)} git ${one.words.map((word) => `'${word}'`).join(' ')}`;
    const [a, b] = [theirs, ours].map((answer) => [answer.code, plain(answer.stdout), plain(answer.stderr)]);
    if (JSON.stringify(a) !== JSON.stringify(b))
      differing.push(`${what}\n${JSON.stringify(a).slice(0, 900)}\n${JSON.stringify(b).slice(0, 900)}`);
  }
  expect(differing.join('\n\n')).toBe('');
}, 300_000);

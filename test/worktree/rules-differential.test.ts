import { afterAll, expect, it } from 'vitest';
import type { BatchCase } from '../support/batch.js';
import { cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import { current, since } from '../support/version.js';
import { Worlds } from '../support/worlds.js';

/**
 * Ignore rules, attributes and pathspecs beside stock git: random nested rules over one set of files, and random
 * questions about them. `BOUGH_RULES_SEED=7 BOUGH_CASES=20 npx vitest run test/worktree/rules-differential.test.ts`
 */
const seed = Number(process.env['BOUGH_RULES_SEED'] ?? 1);
const worlds = new Worlds();
afterAll(() => worlds.remove());

const names = ['a', 'b', 'ab', 'a.o', 'b.c', 'A', 'dir', 'x y', '#h', '!n', '[b]', 'ä', 'a\\b', '*s', 'deep'];
const PER_WORLD = 120;

function pattern(random: Random, magic = true): string {
  const part = (): string =>
    random.pick([
      random.pick(names),
      random.pick([
        '*',
        '*.o',
        'a*',
        '?',
        '?b',
        '[ab]',
        '[!a]',
        '[a-c].c',
        '**',
        '*b',
        '[[:alpha:]]',
        'd*r',
        '[',
        'a\\',
        '\\a',
        '\\[b]',
        '[]a]',
        '[^b]*',
      ]),
      random.pick(names),
    ]);
  const parts = random.times(random.pick([1, 1, 1, 2, 2, 3]), part);
  let text = parts.join('/');
  if (random.oneIn(4)) text = `/${text}`;
  if (random.oneIn(5)) text += '/';
  if (random.oneIn(8)) text = `**/${text}`;
  if (random.oneIn(10)) text += '/**';
  if (magic && random.oneIn(4)) text = `!${text}`;
  if (magic && random.oneIn(12))
    text = random.pick([
      `${text} `,
      `${text}\\ `,
      ` ${text}`,
      `\\${text}`,
      `${text}\t`,
      '#x',
      '',
      '!',
      '/',
      '\\',
      `${text}\r`,
    ]);
  return text;
}

function paths(random: Random, count: number): string[] {
  const out = new Set<string>();
  while (out.size < count) out.add(random.times(random.pick([1, 1, 2, 2, 3]), () => random.pick(names)).join('/'));
  // A file and a directory of one name cannot both be.
  return [...out].filter((path) => ![...out].some((other) => other.startsWith(`${path}/`)));
}

const directories = (list: readonly string[]): string[] => [
  ...new Set(list.flatMap((path) => path.split('/').map((_, i, all) => all.slice(0, i).join('/')))),
];

interface World {
  readonly name: string;
  readonly files: readonly string[];
  readonly below: readonly string[];
}

let made = 0;
function world(
  random: Random,
  rules: (put: (path: string, text: string) => void, below: readonly string[]) => void,
): World {
  const name = `w${made++}`;
  const files = paths(random, 40);
  const below = directories(files);
  for (const path of files) worlds.put(`${name}/${path}`, `${path}\n${random.below(3)}\n`);
  worlds.git('.', 'init', '-q', '-b', 'main', name);
  const half = (list: readonly string[]): string[] => list.filter(() => random.oneIn(2));
  worlds.git(name, '--literal-pathspecs', 'add', '-f', '--', ...half(files), files[0]!);
  worlds.git(name, 'commit', '-qm', 'one');
  rules((path, text) => worlds.put(`${name}/${path}`, text), below);
  return { name, files, below };
}

/** A path to ask about: there or not, a directory or not, spelled one way or another. */
function question(random: Random, { files, below }: World): string {
  const path = random.pick([random.pick(files), random.pick(files), random.pick(below), random.pick(paths(random, 3))]);
  return random.pick([path, path, path, `${path}/`, `./${path}`, `${random.pick(files)}/${random.pick(names)}`]) || '.';
}

async function run(kind: string, make: (random: Random) => World, ask: (random: Random, world: World) => string[]) {
  const random = new Random(seed * 1000 + kind.length);
  const total = cases(PER_WORLD * 2);
  const list: BatchCase[] = [];
  while (list.length < total) {
    const place = make(random);
    for (let i = 0; i < PER_WORLD; i++) {
      const below = random.oneIn(4) ? random.pick(place.below) : '';
      const words = ask(random, place);
      // From a directory that goes, git cleans what is beside it as well.
      const cwd = words.includes('clean') ? '' : below;
      list.push({ cwd: worlds.path(place.name, cwd), words });
    }
  }
  await worlds.compare(kind, list);
}

const lines = (random: Random, count: number, make: () => string): string =>
  random.times(random.below(count) + 1, make).join('\n') + (random.oneIn(8) ? '' : '\n');

it('ignores what stock git ignores', { timeout: 3_600_000 }, async () => {
  await run(
    'ignore rules',
    (random) =>
      world(random, (put, below) => {
        const rules = (): string => (random.oneIn(15) ? '\ufeff' : '') + lines(random, 5, () => pattern(random));
        put('.gitignore', rules());
        put('.git/info/exclude', rules());
        put('user-rules', rules());
        put('more-rules', rules());
        for (const directory of below) if (directory !== '' && random.oneIn(3)) put(`${directory}/.gitignore`, rules());
      }),
    (random, place) => {
      const some = (...all: string[][]): string[] => random.pick([[], ...all]);
      const before = some(['-c', `core.excludesFile=${worlds.path(place.name, 'user-rules')}`]);
      // Files whose names differ in letter case only cannot be where case does not count.
      const folded = some(['-c', 'core.ignoreCase=true']);
      const asked = random.times(1 + random.below(8), () => question(random, place));
      const wild = /[*?[\\]/.test(asked[0]!);
      switch (random.below(9)) {
        case 0:
        case 1:
        case 2:
        case 3:
          return [
            ...before,
            ...folded,
            'check-ignore',
            ...some(['-v'], ['-v', '-n'], ['-v', '-n'], ['-q']),
            ...some(['--no-index']),
            '--',
            ...asked.slice(0, 8),
          ];
        case 4:
          return [
            ...before,
            'ls-files',
            '-o',
            '-i',
            '--exclude-standard',
            ...some(['--directory'], ['--directory', '--no-empty-directory']),
          ];
        case 5:
          return [
            ...before,
            'ls-files',
            ...some(['-o'], ['-c', '-i'], ['-o', '-i'], ['-o', '--directory'], ['-k'], ['-o', '-t']),
            '--exclude-standard',
            ...some(['--', asked[0]!]),
          ];
        case 6:
          return [
            ...before,
            'ls-files',
            random.pick(['-o', '-oi', '-ci']),
            ...random.pick([
              ['-x', pattern(random)],
              ['-x', pattern(random), '-x', pattern(random)],
              ['-X', worlds.path(place.name, 'more-rules')],
              ['--exclude-per-directory=.gitignore'],
              ['--exclude-per-directory=.gitignore', '-x', pattern(random)],
            ]),
          ];
        case 7:
          return [
            ...before,
            'status',
            random.pick(['--porcelain', '-s']),
            ...some(['-unormal'], ['-uall']),
            // Of ignored directories that lead to a path git shows some as a whole.
            ...random.pick([['--ignored'], ['--ignored=traditional'], wild ? [] : ['--', asked[0]!], []]),
          ];
        default:
          return [
            ...before,
            'clean',
            random.pick(['-n', '-nd', '-ndx', '-ndX', '-nX', '-nx']),
            ...some(['-e', pattern(random)]),
            // Below a pattern git removes ignored directories that it does not match.
            ...some(...(wild ? [] : [['--', asked[0]!]])),
          ];
      }
    },
  );
});

it('gives paths the attributes that stock git gives them', { timeout: 3_600_000 }, async () => {
  const attributes = [
    'one',
    'two',
    'three',
    'text',
    'diff',
    'macro',
    'other',
    'crlf',
    'eol',
    'merge',
    'binary',
    'bad name',
    '-x',
    'a.b',
  ];
  const given = (random: Random): string =>
    random
      .times(1 + random.below(4), () => {
        const name = random.pick(attributes);
        return random.pick([
          name,
          `-${name}`,
          `!${name}`,
          `${name}=v${random.below(3)}`,
          name,
          `${name}=`,
          `${name}=true`,
        ]);
      })
      .join(random.pick([' ', ' ', '\t', '  ']));
  await run(
    'attributes',
    (random) => {
      const place = world(random, (put, below) => {
        const rule = (top: boolean): string => {
          if (random.oneIn(6))
            return `[attr]${random.pick(['macro', 'other', 'binary', '-bad', 'three'])} ${top || random.oneIn(3) ? given(random) : 'one'}`;
          const spec = pattern(random, random.oneIn(6));
          return `${/[ "\t]/.test(spec) && random.oneIn(2) ? JSON.stringify(spec) : spec} ${given(random)}`;
        };
        const text = (top = false): string => lines(random, 6, () => rule(top));
        put('.gitattributes', text(true));
        put('.git/info/attributes', text(true));
        put('user-attributes', text(true));
        for (const directory of below)
          if (directory !== '' && random.oneIn(3)) put(`${directory}/.gitattributes`, text());
      });
      worlds.git(place.name, 'add', '-f', '--', '.gitattributes', '*/.gitattributes', '.gitattributes');
      worlds.git(place.name, 'commit', '-qm', 'two');
      // What is on disk, in the index and in the commit are three things.
      for (const directory of place.below) {
        if (!random.oneIn(3)) continue;
        const file = directory === '' ? '.gitattributes' : `${directory}/.gitattributes`;
        worlds.put(`${place.name}/${file}`, `${pattern(random, false)} ${given(random)}\n`);
        if (random.oneIn(2)) worlds.git(place.name, '--literal-pathspecs', 'add', '-f', '--', file);
      }
      return place;
    },
    (random, place) => {
      const some = (...all: string[][]): string[] => random.pick([[], ...all]);
      const before = some(
        ['-c', `core.attributesFile=${worlds.path(place.name, 'user-attributes')}`],
        ['-c', 'core.ignoreCase=true'],
        ...(since(43) ? [['-c', 'attr.tree=HEAD~1'], ['--attr-source=HEAD']] : []),
      );
      const asked = random.times(1 + random.below(6), () => question(random, place));
      const from = some(['--cached'], ...(since(40) ? [['--source=HEAD'], ['--source', 'HEAD~1']] : []));
      const what = random.pick([
        ['--all'],
        ['-a'],
        ['one', 'text'],
        [random.pick(attributes.slice(0, 10)), 'two', 'macro'],
      ]);
      return [...before, 'check-attr', ...from, ...some(['-z']), ...what, '--', ...asked];
    },
  );
});

it('matches the paths that stock git matches', { timeout: 3_600_000 }, async () => {
  const spec = (random: Random, place: World): string => {
    const spelled = random.pick([
      pattern(random, false),
      question(random, place),
      question(random, place),
      '.',
      '',
      '*',
      './a',
    ]);
    const base = spelled.replace(/^\/+/, '');
    const words = [
      'top',
      'literal',
      'icase',
      'glob',
      'exclude',
      'attr:one',
      'attr:!two',
      'attr:-one',
      'attr:text=v1',
      'attr:one two',
      'bad',
      '',
    ];
    return random.pick([
      base,
      base,
      base,
      `:${random.pick(['/', '!', '^', '/!', '!/', ':', '/:'])}${base}`,
      `:(${random.times(1 + random.below(2), () => random.pick(words)).join(',')})${base}`,
      `:(${random.pick(['icase', 'glob', 'top', 'exclude', 'attr:one'])})${base.toUpperCase()}`,
    ]);
  };
  await run(
    'pathspecs',
    (random) => {
      const place = world(random, (put) => {
        put(
          '.gitattributes',
          lines(
            random,
            4,
            () =>
              `${pattern(random, false).replace(/^!|[ \t]/g, '')} ${random.pick(['one', '-one', 'two', 'text=v1', '!one'])}`,
          ),
        );
      });
      for (const path of place.files) if (random.oneIn(4)) worlds.put(`${place.name}/${path}`, 'changed\n');
      return place;
    },
    (random, place) => {
      const some = (...all: string[][]): string[] => random.pick([[], ...all]);
      const specs = random.times(random.pick([1, 1, 2, 3]), () => spec(random, place));
      const before = some(
        [random.pick(['--literal-pathspecs', '--glob-pathspecs', '--noglob-pathspecs', '--icase-pathspecs'])],
        [],
      );
      const command = random.pick([
        ['ls-files'],
        ['ls-files', '-o'],
        ['ls-files', '-m', '-d'],
        ['ls-files', '--error-unmatch'],
        ['ls-files', '-s', '--full-name'],
        ['ls-files', '-o', '--directory'],
        ['log', '--format=%s', '--name-only'],
        ['grep', '-l', 'a'],
        ['grep', '-c', '--untracked', '1'],
        ['grep', '-l', 'a', 'HEAD'],
        ['diff', '--name-status'],
        ['diff', '--name-only', 'HEAD'],
        ['diff-tree', '-r', '--name-only', '--root', 'HEAD'],
        ['diff-index', '--name-status', 'HEAD'],
        ['diff-files', '--name-only'],
        ['add', '-n'],
        ['add', '-n', '-u'],
        ['add', '-n', '-A', '--ignore-missing'],
        ['rm', '-n', '-r', '--cached'],
        ['rm', '-n', '-rf', '--ignore-unmatch'],
        ['clean', '-nd'],
        ['status', '--porcelain'],
        ['commit', '--dry-run', '--short'],
        ['rev-list', '--count', 'HEAD'],
        ['ls-tree', '-r', '--name-only', 'HEAD'],
        ['check-ignore', '-n', '-v'],
      ]);
      // Older versions take less in `add`.
      const asked = !current && command[0] === 'add' ? ['ls-files'] : command;
      return [...before, ...asked, '--', ...specs];
    },
  );
});

it('has something to compare', () => {
  expect(made).toBeGreaterThan(0);
});

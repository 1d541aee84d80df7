import { existsSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { afterAll, it } from 'vitest';
import type { BatchCase } from '../support/batch.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import { current } from '../support/version.js';
import { Worlds } from '../support/worlds.js';

/**
 * What happens to contents between work tree and store, beside stock git: line ends, encodings, `$Id$` and filters, by
 * random attributes and configuration. In each place both programs add the same files, tell what they think of them, and
 * write them again. `BOUGH_CONVERT_SEED=7 BOUGH_CASES=20 npx vitest run test/worktree/convert-differential.test.ts`
 */
const seed = Number(process.env['BOUGH_CONVERT_SEED'] ?? 1);
const FILES = 40;
const worlds = new Worlds();
afterAll(() => worlds.remove());

function content(random: Random): Uint8Array {
  const words = [
    'one',
    'two three',
    '',
    'tränen',
    '$Id$',
    '$Id: 0123456789abcdef $',
    '$Id: a b $',
    '$Id',
    '日本',
    'end ',
  ];
  const ends = random.pick([
    ['\n'],
    ['\r\n'],
    ['\n', '\r\n'],
    ['\r'],
    ['\n', '\n', '\r'],
    ['\r\n', '\r\n', '\n', '\r'],
  ]);
  let text = random.times(random.below(7), () => random.pick(words) + random.pick(ends)).join('');
  if (random.oneIn(5)) text += random.pick(words);
  if (random.oneIn(12)) text += '\0';
  if (random.oneIn(20)) text += '\x1a';
  if (random.oneIn(20)) text = `\ufeff${text}`;
  switch (random.below(8)) {
    case 0:
      return Buffer.from(random.oneIn(2) ? `\ufeff${text}` : text, 'utf16le');
    case 1:
      return Buffer.from(random.oneIn(2) ? `\ufeff${text}` : text, 'utf16le').swap16();
    case 2:
      return Buffer.from(text, 'latin1');
    default:
      return Buffer.from(text);
  }
}

const attributes = [
  'text',
  '-text',
  'text=auto',
  'eol=lf',
  'eol=crlf',
  'text eol=crlf',
  'text=auto eol=crlf',
  'text=auto eol=lf',
  '-text eol=crlf',
  'crlf',
  '-crlf',
  'crlf=input',
  'ident',
  'ident text',
  'ident eol=crlf',
  'binary',
  'filter=turn',
  'filter=turn eol=crlf ident',
  'filter=clean',
  'filter=smudge text',
  'filter=broken',
  'filter=must',
  'filter=none',
  'working-tree-encoding=UTF-16',
  'working-tree-encoding=UTF-16LE',
  'working-tree-encoding=UTF-16BE text',
  'working-tree-encoding=UTF-16LE-BOM',
  'working-tree-encoding=utf-16le eol=crlf',
  'working-tree-encoding=UTF-8',
  'working-tree-encoding=latin1',
  'working-tree-encoding=ISO-8859-1 text=auto',
  'working-tree-encoding',
  '-working-tree-encoding',
  'working-tree-encoding=UTF-16LE ident',
];

const filters = [
  ['-c', 'filter.turn.clean=tr a-z n-za-m'],
  ['-c', 'filter.turn.smudge=tr n-za-m a-z'],
  ['-c', 'filter.clean.clean=sed -e s/one/1/'],
  ['-c', 'filter.smudge.smudge=sed -e s/one/%f/'],
  ['-c', 'filter.broken.clean=false'],
  ['-c', 'filter.broken.smudge=false'],
  ['-c', 'filter.must.clean=cat'],
  ['-c', 'filter.must.smudge=cat'],
  ['-c', 'filter.must.required=true'],
].flat();

it('converts contents as stock git does', { timeout: 3_600_000 }, async () => {
  const random = new Random(seed);
  const compared = new Compared('conversions');
  const total = cases(FILES * 3);
  for (let made = 0, world = 0; made < total; made += FILES, world++) {
    const copies = [`s${world}`, `b${world}`] as const;
    const names = Array.from({ length: FILES }, (_, i) => `f${i}`);
    const rules = names.map((name) => (random.oneIn(3) ? '' : `${name} ${random.pick(attributes)}\n`));
    if (random.oneIn(2)) rules.unshift(`* ${random.pick(attributes.slice(0, 12))}\n`);
    worlds.git('.', 'init', '-q', '-b', 'main', copies[0]);
    worlds.put(`${copies[0]}/.gitattributes`, rules.join(''));
    for (const name of names) worlds.put(`${copies[0]}/${name}`, content(random));
    const settings = [
      ...filters,
      ...random.pick([[], ['-c', 'core.autocrlf=true'], ['-c', 'core.autocrlf=input'], ['-c', 'core.autocrlf=false']]),
      ...random.pick([[], [], ['-c', 'core.eol=crlf'], ['-c', 'core.eol=lf'], ['-c', 'core.eol=native']]),
      ...random.pick([
        [],
        [],
        ['-c', 'core.safecrlf=true'],
        ['-c', 'core.safecrlf=false'],
        ['-c', 'core.safecrlf=warn'],
      ]),
      ...random.pick([[], [], [], ['-c', 'core.checkRoundtripEncoding=UTF-16LE']]),
    ];
    // Contents that are there already count: some files are stored as they are, and come again otherwise.
    worlds.put(`${copies[0]}/.git/info/attributes`, '* -text -ident -filter -working-tree-encoding\n');
    for (const name of names) if (random.oneIn(3)) worlds.git(copies[0], 'add', name);
    rmSync(worlds.path(copies[0], '.git/info/attributes'));
    for (const name of names) if (random.oneIn(4)) worlds.put(`${copies[0]}/${name}`, content(random));
    worlds.copy(copies[0], copies[1]);
    // What stands in the index is compared by content in both.
    for (const copy of copies) {
      for (const [i, name] of names.entries()) utimesSync(worlds.path(copy, name), 1_600_000_000, 1_600_000_000 + i);
    }
    const commands: string[][] = [
      ...names.map((name) => ['add', name]),
      ['ls-files', '-s'],
      ['ls-files', '--eol'],
      ['status', '--porcelain'],
      ...names.slice(0, 10).map((name) => ['hash-object', `--path=${random.pick(names)}`, name]),
      ...names.slice(0, 10).map((name) => ['cat-file', '--filters', `:${name}`]),
      ['diff', '--stat'],
      ['add', '--renormalize', '.'],
      ['ls-files', '-s'],
      ['checkout-index', '-f', '-a'],
      ['status', '--porcelain'],
    ];
    const list = commands.map((words): BatchCase => ({ cwd: worlds.path(copies[1]), words: [...settings, ...words] }));
    const ours = await worlds.bough(list);
    // Which other files are looked at again, and complained of, hangs on the clock.
    const about = (stderr: string, words: readonly string[]): string[] => {
      // A diff that has nothing to show need not have looked into a file.
      if (words[0] === 'diff') {
        return [...new Set(stderr.split('\n').filter((line) => !line.includes('in the working copy of')))];
      }
      const concerns = (line: string): boolean =>
        words[0] !== 'add' || words.length > 2 || !line.includes("'f") || line.includes(`'${words[1]}'`);
      return [...new Set(stderr.split('\n').filter(concerns))];
    };
    commands.forEach((words, i) => {
      const theirs = worlds.stock({ cwd: worlds.path(copies[0]), words: list[i]!.words });
      const view = ({ code, stdout, stderr }: typeof theirs) =>
        // Programs of filters complain themselves, or do not live to.
        current
          ? { code, stdout, stderr: about(stderr.replace(/^.*(?:tr|sed|false): .*\n/gm, ''), words) }
          : { code, stdout };
      const given = { settings: settings.slice(filters.length), words, rules: rules.join('') };
      compared.same(given, view(ours[i]!), view(theirs));
    });
    for (const name of names) {
      const [theirs, own] = copies.map((copy) => {
        // What a filter refuses is not written again.
        const file = worlds.path(copy, name);
        return existsSync(file) ? readFileSync(file, 'latin1') : 'gone';
      });
      compared.same({ settings: settings.slice(filters.length), written: name, rules: rules.join('') }, own, theirs);
    }
  }
  compared.finish();
});

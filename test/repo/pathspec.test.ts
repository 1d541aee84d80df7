import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { quotePath, unquotePath } from '../../src/base/quote.js';
import { parseIgnoreFile, lastMatchingRule } from '../../src/repo/ignore-rules.js';
import { attributesOf, builtinAttributes, collectMacros, parseAttributes } from '../../src/repo/attributes.js';
import { parsePathspec } from '../../src/repo/pathspec.js';
import { encodeText } from '../../src/base/bytes.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock, tryStock } from '../support/stock.js';

const paths = [
  'a', 'A', 'b.c', 'b.o', 'dir/a', 'dir/b.c', 'dir/sub/a', 'dir/sub/b.o', 'Dir/A', 'dirx/a', 'x/y/z/a.c', 'x/y/b', 'x/[q]/a',
  'x*y', 'ä/ö', 'deep/dir/a', 'deep/dir/sub/c.c',
]; // biome-ignore format: a table
const words = [
  'a', 'dir', 'dir/', 'dir/*', '*.c', 'x/**/a.c', '**/a', 'd*', '[ab]*', ':(glob)*.c', ':(glob)**/*.c', ':(glob)dir/*', ':(icase)DIR',
  ':(icase,glob)dir/*', ':(literal)x*y', 'x*y', ':!dir', ':(exclude)*.c', ':^dir/sub', ':/', ':/dir', ':(top)a', '.', '..', '../a', '../dir/*',
  'ä', '?/*', 'x/[q]/a', 'x/\\[q\\]/a', ':(exclude,icase)A', 'sub/', '*/sub/*', ':(glob)*/sub/*', 'deep/dir/',
]; // biome-ignore format: a table

function populate(directory: string): void {
  stock(['init', '-q'], { cwd: directory });
  for (const path of paths) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), path);
  }
  stock(['add', '.'], { cwd: directory });
}

it('matches pathspecs as ls-files does', () =>
  inTemporaryDirectory((directory) => {
    populate(directory);
    const all = stock(['ls-files', '-z'], { cwd: directory }).split('\0').slice(0, -1);
    const random = new Random(42);
    for (let i = 0; i < 250; i++) {
      const chosen = Array.from({ length: 1 + random.below(3) }, () => random.pick(words));
      const prefix = random.pick(['', '', 'dir/', 'deep/dir/', 'x/']);
      // Beside words that all begin alike, ls-files reads what is excluded wrongly where it is shorter than that.
      const begins = (word: string): string => word.replace(/^:(?:\([^)]*\)|[!^/]+)/, '').replace(/[*?[\\].*/, '');
      const isExcluded = (word: string): boolean => /^:(?:\([^)]*exclude|[/]*[!^])/.test(word);
      const shared = Math.min(...chosen.filter((word) => !isExcluded(word)).map((word) => begins(word).length));
      if (chosen.some((word) => isExcluded(word) && begins(word).length < shared)) continue;
      const answer = tryStock(['ls-files', '-z', '--full-name', '--', ...chosen], { cwd: join(directory, prefix) });
      let ours: string[] | undefined;
      try {
        const spec = parsePathspec(chosen, { prefix, workTree: directory, whenEmpty: 'cwd' });
        ours = all.filter((path) => spec.matches(path));
        for (const path of ours) {
          for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
            expect(spec.mayMatchBelow(path.slice(0, slash)), `${chosen.join(' ')} below ${path.slice(0, slash)}`).toBe(
              true,
            );
          }
        }
        for (const path of all) {
          for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
            if (spec.matchesAllBelow(path.slice(0, slash))) expect(spec.matches(path)).toBe(true);
          }
        }
        expect(ours.every((path) => path.startsWith(spec.commonDirectory()))).toBe(true);
      } catch (error) {
        if (answer.code === 0) throw error;
      }
      if (answer.code === 0)
        expect(ours, `${chosen.join(' ')} in '${prefix}'`).toEqual(answer.stdout.split('\0').slice(0, -1));
      else expect(ours).toBeUndefined();
    }
  }));

it('reads ignore rules as check-ignore does', () =>
  inTemporaryDirectory((directory) => {
    populate(directory);
    const random = new Random(7);
    const lines = [
      '*.c', '!b.c', 'dir', 'dir/', '/dir', 'dir/*', '!dir/a', '**/sub', 'sub/', 'x/**', '/x/*/z', '# comment', '\\#x', 'a  ', 'a\\ ', '',
      '[ab]', 'A', '!', '/', '*', '!*/', 'deep/**/c.c', 'b.*\r', '\\!a', 'x\\*y', 'ä',
    ]; // biome-ignore format: a table
    for (let i = 0; i < 60; i++) {
      const text = Array.from({ length: 1 + random.below(5) }, () => random.pick(lines)).join('\n') + '\n';
      writeFileSync(join(directory, '.gitignore'), text);
      const list = parseIgnoreFile(encodeText(text), '.gitignore', '');
      const theirs = tryStock(['check-ignore', '-z', '-v', '-n', '--no-index', '--stdin'], {
        cwd: directory,
        input: paths.map((path) => `${path}\0`).join(''),
      }).stdout.split('\0');
      paths.forEach((path, k) => {
        // A directory above that is ignored decides for everything below.
        let rule: ReturnType<typeof lastMatchingRule>;
        for (let slash = path.indexOf('/'); ; slash = path.indexOf('/', slash + 1)) {
          const part = slash < 0 ? path : path.slice(0, slash);
          rule = lastMatchingRule(list, part, () => slash > 0);
          if (slash < 0 || (rule !== undefined && !rule.negative)) break;
        }
        expect(rule === undefined ? '' : String(rule.line), `${path} in ${JSON.stringify(text)}`).toBe(
          theirs[k * 4 + 1],
        );
        expect(rule?.text ?? '').toBe(theirs[k * 4 + 2]);
      });
    }
  }));

it('resolves attributes as check-attr does', () =>
  inTemporaryDirectory((directory) => {
    populate(directory);
    const random = new Random(9);
    const patterns = [
      '*.c',
      'dir/*',
      'a',
      '/a',
      'dir/',
      'x/**',
      '"b.o"',
      '**/sub/**',
      'ä/ö',
      '[attr]mac',
      '[attr]two',
      '!a',
      '*',
    ];
    const words = [
      'text',
      '-text',
      '!text',
      'eol=lf',
      'binary',
      '-binary',
      'mac',
      '-mac',
      'two',
      'diff=c',
      'x=1',
      'x=2',
    ];
    for (let i = 0; i < 60; i++) {
      const text =
        Array.from(
          { length: 1 + random.below(6) },
          () =>
            `${random.pick(patterns)} ${Array.from({ length: 1 + random.below(3) }, () => random.pick(words)).join(' ')}`,
        ).join('\n') + '\n';
      writeFileSync(join(directory, '.gitattributes'), text);
      const lists = [builtinAttributes, parseAttributes(encodeText(text), { macros: true })];
      const macros = collectMacros(lists);
      const theirs = stock(['check-attr', '-z', '--stdin', '-a'], {
        cwd: directory,
        input: paths.map((path) => `${path}\0`).join(''),
      });
      const ours = paths.flatMap((path) =>
        [...attributesOf(lists, macros, path)]
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => `${path} ${name} ${value === true ? 'set' : value === false ? 'unset' : value}`),
      );
      const fields = theirs.split('\0');
      const expected: string[] = [];
      for (let k = 0; k + 2 < fields.length; k += 3) expected.push(fields.slice(k, k + 3).join(' '));
      expect(ours.sort(), text).toEqual(expected.sort());
    }
  }));

it('quotes paths and reads them back', () => {
  const text = 'a\tb"\\\x01ü\udc80';
  expect(quotePath(text)).toBe('"a\\tb\\"\\\\\\001\\303\\274\\200"');
  expect(quotePath('ü', false)).toBe('ü');
  expect(quotePath('plain')).toBe('plain');
  expect(unquotePath(quotePath(text))?.value).toBe(text);
  expect(unquotePath('"open')).toBeUndefined();
});

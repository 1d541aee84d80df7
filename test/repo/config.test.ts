import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { decodeText } from '../../src/base/bytes.js';
import { editConfig, parseConfigFile, renameSection } from '../../src/repo/config-file.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bough-config-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  LC_ALL: 'C',
};

function git(...args: string[]): { code: number | null; out: string } {
  const result = spawnSync('git', args, { cwd: directory, env, encoding: 'buffer' });
  return { code: result.status, out: decodeText(result.stdout) };
}

/** A file as people write them: odd spacing, comments anywhere, several sections of a name, quotes, long lines. */
function randomFile(random: Random): string {
  const sections = ['[a]', '[b "sub"]', '[a "x.y"]', '[A]', '[b "q\\"uote"]', '[c]  ', '  [d]', '[b.Sub]'];
  const names = ['one', 'two', 'Three', 'x-y'];
  const values = [
    'v',
    '"quoted ; # v"',
    'two words',
    'tail ; why',
    '',
    'a\\\n  b',
    '"a" b "c"',
    'x\\ty',
    '\\\\',
    'v\t',
  ];
  let text = '';
  for (let i = random.between(1, 12); i > 0; i--) {
    switch (random.below(6)) {
      case 0:
        text += `${random.pick(sections)}\n`;
        break;
      case 1:
        text += `${random.pick(sections)} ${random.pick(names)} = ${random.pick(values)}\n`;
        break;
      case 2:
        text += random.pick(['# note\n', '\t; note\n', '\n', '  \n']);
        break;
      default: {
        if (text === '') text = `${random.pick(sections)}\n`;
        const equals = random.pick([' = ', '=', ' =', '\t=\t']);
        text += `${random.pick(['\t', '', '  '])}${random.pick(names)}`;
        text += random.oneIn(6) ? '\n' : `${equals}${random.pick(values)}\n`;
      }
    }
  }
  return random.oneIn(8) ? text.trimEnd() : text;
}

const randomKey = (random: Random): string =>
  random.pick(['a', 'A', 'b.sub', 'a.x.y', 'c', 'd', 'b.q"uote', 'new', 'new.Sub']) +
  `.${random.pick(['one', 'two', 'three', 'Three', 'x-y', 'fresh'])}`;

describe('configuration files', () => {
  it('reads what git reads', () => {
    const random = new Random(11);
    const compared = new Compared('config: read');
    for (let i = 0; i < cases(60); i++) {
      const text = randomFile(random);
      writeFileSync(join(directory, 'f'), text);
      const { code, out } = git('config', '-f', 'f', '-z', '--list');
      const parsed = parseConfigFile(text);
      compared.same(text, parsed.faultLine === undefined, code === 0);
      if (code !== 0) continue;
      const shown = parsed.tokens
        .filter((token) => token.type === 'entry')
        .map(({ key, value }) => `${key}${value === undefined ? '' : `\n${value}`}\0`)
        .join('');
      // Blanks inside a value are kept since 2.45; before, each became one space.
      const plain = (words: string): string => words.replaceAll('\t', ' ');
      compared.same(text, plain(shown), plain(out));
    }
    compared.finish();
  });

  it('edits as git edits, to the byte', () => {
    const random = new Random(12);
    const compared = new Compared('config: edited');
    for (let i = 0; i < cases(120); i++) {
      const text = randomFile(random);
      if (parseConfigFile(text).faultLine !== undefined) continue;
      const key = randomKey(random);
      const value = random.pick(['plain', ' lead', 'trail ', 'a;b', 'q"q', 'back\\slash', 'new\nline', '']);
      const action = random.pick(['set', 'add', 'replace', 'unset', 'unset-all'] as const);
      writeFileSync(join(directory, 'f'), text);
      const words = {
        set: [key, value],
        add: ['--add', key, value],
        replace: ['--replace-all', key, value],
        unset: ['--unset', key],
        'unset-all': ['--unset-all', key],
      }[action];
      const { code } = git('config', '-f', 'f', ...words);
      const after = readFileSync(join(directory, 'f'), 'utf8');
      const result = editConfig(parseConfigFile(text), {
        key,
        value: action.startsWith('unset') ? undefined : value,
        all: action === 'replace' || action === 'unset-all',
        append: action === 'add',
      });
      const ours = 'text' in result ? result.text : text;
      compared.same([text, words], ['text' in result, ours], [code === 0, after]);
    }
    compared.finish();
  });

  it('renames and removes sections as git does', () => {
    const random = new Random(13);
    const compared = new Compared('config: sections');
    for (let i = 0; i < cases(60); i++) {
      const text = randomFile(random);
      const from = random.pick(['a', 'b.sub', 'a.x.y', 'c', 'd', 'A']);
      const to = random.oneIn(3) ? undefined : random.pick(['z', 'z.sub', 'b.sub']);
      writeFileSync(join(directory, 'f'), text);
      if (parseConfigFile(text).faultLine !== undefined) continue;
      const words = to === undefined ? ['--remove-section', from] : ['--rename-section', from, to];
      const { code } = git('config', '-f', 'f', ...words);
      const after = readFileSync(join(directory, 'f'), 'utf8');
      const ours = renameSection(parseConfigFile(text), from, to);
      compared.same([text, words], [ours !== undefined, ours ?? text], [code === 0, after]);
    }
    compared.finish();
  });
});

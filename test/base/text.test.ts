import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes, compareText, decodeText, encodeText } from '../../src/base/bytes.js';
import { isDotGitSpelling, path } from '../../src/base/path.js';
import { seedOf } from '../support/random.js';

test('any bytes survive as text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(Array.from(encodeText(decodeText(bytes)))).toEqual(Array.from(bytes));
    }),
    { seed: seedOf(1), numRuns: 2000 },
  );
});

test('any UTF-8 text reads as itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      expect(decodeText(new TextEncoder().encode(text))).toBe(text);
    }),
    { seed: seedOf(2), numRuns: 500 },
  );
});

test('text orders as its bytes do', () => {
  const someText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.uint8Array({ maxLength: 8 }).map(decodeText),
  );
  fc.assert(
    fc.property(someText, someText, (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(compareBytes(encodeText(a), encodeText(b))));
    }),
    { seed: seedOf(3), numRuns: 3000 },
  );
});

test('every spelling of .git is refused as a step', () => {
  for (const name of [
    '.git',
    '.GIT',
    '.Git',
    'git~1',
    'GIT~1',
    '.git.',
    '.git ',
    '.git . ',
    '.git::$INDEX_ALLOCATION',
    '.g\u200cit',
    '\ufeff.git',
  ]) {
    expect(isDotGitSpelling(name), JSON.stringify(name)).toBe(true);
    expect(() => path(`a/${name}/b`)).toThrow(/invalid path/);
  }
  for (const name of ['.gitignore', '.gitmodules', 'git', 'a.git', '.git2', 'git~2', '...'])
    expect(isDotGitSpelling(name), name).toBe(false);
  expect(() => path('a/../b')).toThrow(/invalid path/);
  expect(path('/a//b/')).toBe('a/b');
});

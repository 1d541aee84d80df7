import { expect, it } from 'vitest';
import { inTemporaryDirectory } from '../support/stock.js';
import { since } from '../support/version.js';
import { compareRandomMerges } from './differential.js';

/** Histories of 14 commits, 20 merges each; `BOUGH_MERGE_SEEDS=from-to` runs others by hand. */
const [first = 1, last = 10] = (process.env['BOUGH_MERGE_SEEDS'] ?? '1-10').split('-').map(Number);

/** Older versions shift the lines around conflicts otherwise: ids and texts may differ there, nothing else. */
const exact = since(54);
const withoutIds = (answer: string) => answer.replace(/[0-9a-f]{40}/g, '');

it('merges of random histories are stock git’s', async () => {
  let conflicted = 0;
  const failures: string[] = [];
  for (let seed = first; seed <= last; seed++) {
    await inTemporaryDirectory(async (directory) => {
      const result = await compareRandomMerges(directory, seed, {
        commits: 14,
        pairs: 20,
        ...(exact ? {} : { project: withoutIds }),
      });
      conflicted += result.conflicted;
      for (const { pair, expected, actual } of result.differences) {
        const show = (answer: string) => answer.replaceAll('\0', '|');
        failures.push(`seed ${seed}, ${pair.join(' ')}\n  stock ${show(expected)}\n  bough ${show(actual)}`);
      }
    });
  }
  expect(failures.slice(0, 5).join('\n\n')).toBe('');
  expect(failures.length).toBe(0);
  expect(conflicted).toBeGreaterThan((last - first + 1) * 2);
}, 600_000);

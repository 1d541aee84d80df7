import { expect, it } from 'vitest';
import { compareHistories } from '../../scripts/histories.mjs';
import { randomHistory } from '../merge/random-history.js';
import { Random } from '../support/random.js';
import { sandbox, stockGit } from '../support/sandbox.js';

/** `npm run histories` compares real repositories; this is the same on a small history that a seed makes. */
const seed = Number(process.env['BOUGH_HISTORIES_SEED'] ?? 5);
const count = Number(process.env['BOUGH_HISTORIES_COUNT'] ?? 10);

it('diff-tree, log, show, blame, checkout and status of a random history are what stock git shows', () => {
  const box = sandbox();
  const { stream, commits } = randomHistory(new Random(seed), 30, { submodules: false });
  box.git(['init', '-q', 'made']);
  box.git(['fast-import', '--quiet', '--force'], { cwd: 'made', input: stream });
  box.git(['symbolic-ref', 'HEAD', `refs/heads/c${commits - 1}`], { cwd: 'made' });
  const results = compareHistories({ repository: box.path('made'), count, seed, git: stockGit });
  for (const [kind, { cases, differences }] of Object.entries(results)) {
    expect(differences, kind).toEqual([]);
    expect(cases, kind).toBe(count);
  }
}, 300_000);

import { afterAll, describe, expect, it } from 'vitest';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { parseRevisionRequest } from '../../src/porcelain/log-revisions.js';
import { LogSettings } from '../../src/porcelain/log-settings.js';
import { createLogWalk } from '../../src/porcelain/log-walk.js';
import { openRepository } from '../../src/repo/repository.js';
import { historyStream, randomDates, randomShape } from '../support/history.js';
import { Random } from '../support/random.js';
import { sharedSandbox } from '../support/sandbox.js';
import { since } from '../support/version.js';

const box = sharedSandbox();
afterAll(() => box.remove());

const SIZE = 80;
const paths = ['a', 'b', 'dir/a', 'dir/b', 'dir/deep/c', 'dir/deep/é', 'other/x/y', 'other/z', '\u00a2'];
let made = 0;

function history(random: Random): string {
  const cwd = `r${made++}`;
  box.git(['init', '-q', cwd]);
  const shape = randomShape(random, SIZE, { reach: 4, roots: 0.02, parents: [1, 1, 1, 2] });
  const dates = randomDates(random, SIZE, 'rising');
  const stream = historyStream(shape, { dates, name: 'c', files: { random, paths } });
  box.git(['fast-import', '--quiet'], { cwd, input: stream });
  box.git(['symbolic-ref', 'HEAD', `refs/heads/c${SIZE - 1}`], { cwd });
  return cwd;
}

/** The commits that change the paths, how many objects were read for it, and what the filters said. */
async function walk(cwd: string, args: readonly string[], config: readonly string[] = []) {
  const repository = openRepository({
    platform: nodePlatform,
    env: box.env,
    cwd: box.path(cwd),
    configOverrides: config,
  });
  const settings = new LogSettings();
  const request = await parseRevisionRequest(args, {
    context: { repository, terminal: () => false },
    settings,
    other: () => 0,
    complain: () => {},
  });
  const log = await createLogWalk(repository, request);
  await log.walk.prepare();
  const shown: string[] = [];
  for (let node = await log.walk.next(); node !== undefined; node = await log.walk.next()) shown.push(node.oid);
  const answer = { shown, reads: repository.objects.counts.reads, counts: repository.commitGraph?.counts };
  repository.close();
  return answer;
}

describe('changed-path filters', () => {
  it('spare the trees of commits that change other paths', async () => {
    const cwd = history(new Random(4));
    box.git(['commit-graph', 'write', '--reachable', '--changed-paths'], { cwd });
    const args = ['--full-history', '--all', '--', 'dir/deep/c'];
    const without = await walk(cwd, args, ['commitGraph.readChangedPaths=false']);
    const filtered = await walk(cwd, args);
    expect(filtered.shown).toEqual(without.shown);
    expect(filtered.shown.join('\n')).toBe(box.git(['rev-list', ...args], { cwd }).trim());
    expect(filtered.shown.length).toBeGreaterThan(3);
    expect(without.counts).toEqual({ asked: 0, ruledOut: 0 });
    expect(filtered.counts!.ruledOut).toBeGreaterThan(20);
    // Each tree is read once and remembered, so commits that were ruled out save the trees that only they would read.
    expect(filtered.reads).toBeLessThan(0.8 * without.reads);
  }, 300_000);

  it('never change the answer, whoever wrote them', async () => {
    const random = new Random(12);
    const versions = since(46) ? [1, 2] : [1];
    const options = [
      [],
      ['--full-history'],
      ['--full-history', '--simplify-merges'],
      ['--simplify-merges'],
      ['--first-parent'],
      ['--topo-order'],
      ['--remove-empty'],
      ['--show-pulls'],
      ['--sparse'],
      ['--parents'],
    ];
    const limits = [
      ['dir'],
      ['dir/'],
      ['a', 'other/x'],
      ['dir/d*'],
      ['*a'],
      ['dir/deep/é'],
      ['\u00a2'],
      ['none'],
      ['.'],
    ];
    for (let round = 0; round < 3; round++) {
      const cwd = history(random);
      const write = (program: 'git' | 'bough', count: number, ...words: string[]): void => {
        const tips = `${box.git(['rev-list', '--all', '--reverse', '--topo-order'], { cwd }).split('\n').slice(0, count).join('\n')}\n`;
        box[program](
          [
            ...words.filter((word) => word.includes('=') && !word.startsWith('-')).flatMap((word) => ['-c', word]),
            'commit-graph',
            'write',
            '--stdin-commits',
            ...words.filter((word) => word.startsWith('-')),
          ],
          { cwd, input: tips },
        );
      };
      const version = versions[round % versions.length]!;
      if (round === 0) write('bough', SIZE, '--changed-paths', '--max-new-filters=40');
      else {
        // Layers: with filters, without, and with filters again (of another version where git knows two).
        write('git', 30, '--changed-paths', '--split=no-merge');
        write('git', 55, '--no-changed-paths', '--split=no-merge');
        write('bough', SIZE, '--changed-paths', '--split=no-merge', `commitGraph.changedPathsVersion=${version}`);
      }
      for (const limit of limits) {
        const args = [...random.pick(options), 'HEAD', '--', ...limit];
        const expected = box.git(
          ['-c', 'core.commitGraph=false', 'rev-list', ...args.filter((word) => word !== '--parents')],
          { cwd },
        );
        expect((await walk(cwd, args)).shown.join('\n'), args.join(' ')).toBe(expected.trim());
      }
    }
  }, 300_000);
});

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Oid } from '../../src/base/oid.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { openAncestry } from '../../src/repo/ancestry.js';
import { openRepository } from '../../src/repo/repository.js';
import { historyStream, randomDates, randomShape } from '../support/history.js';
import { Random } from '../support/random.js';
import { sharedSandbox } from '../support/sandbox.js';

type CommitOid = Oid<'commit'>;

const box = sharedSandbox();
afterAll(() => box.remove());

const SIZE = 40;
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
let rounds = 0;

/** A repository with a random history; names of its commits by number. */
function history(random: Random, kind: 'rising' | 'equal' | 'skewed'): { cwd: string; oids: CommitOid[] } {
  const cwd = `r${rounds++}`;
  box.git(['init', '-q', cwd]);
  const shape = randomShape(random, SIZE, { reach: 6 });
  const stream = historyStream(shape, { dates: randomDates(random, SIZE, kind), name: 'c' });
  box.git(['fast-import', '--quiet'], { cwd, input: stream });
  const refs = Array.from({ length: SIZE }, (_, i) => `refs/heads/c${i}`);
  return { cwd, oids: lines(box.git(['rev-parse', ...refs], { cwd })) as CommitOid[] };
}

/** Asks both programs many questions; answers whether a graph was used. */
async function compare(random: Random, cwd: string, oids: readonly CommitOid[], questions = 6): Promise<boolean> {
  const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.path(cwd) });
  const ancestry = openAncestry(repository);
  const all = (args: readonly string[]): string[] => lines(box.tryGit(args, { cwd }).stdout);
  for (let i = 0; i < questions; i++) {
    const heads = random.times(2 + random.below(3), () => random.pick(oids));
    const [one, two] = heads as [CommitOid, CommitOid];
    const said = `${cwd}: ${heads.join(' ')}`;
    expect(await ancestry.mergeBases(one, heads.slice(1)), said).toEqual(all(['merge-base', '--all', ...heads]));
    expect(await ancestry.independent(heads), said).toEqual(all(['merge-base', '--independent', ...heads]));
    expect(await ancestry.octopusBases(heads), said).toEqual(all(['merge-base', '--octopus', '--all', ...heads]));
    const reaches = box.tryGit(['merge-base', '--is-ancestor', one, two], { cwd }).code === 0;
    expect(await ancestry.isAncestor(one, two), said).toBe(reaches);
    // Whole histories: with dates out of order stock git's `one...two` may list commits of both.
    const [ours, theirs] = [one, two].map((oid) => new Set(all(['rev-list', oid]))) as [Set<string>, Set<string>];
    const ahead = [...ours].filter((oid) => !theirs.has(oid)).length;
    const behind = [...theirs].filter((oid) => !ours.has(oid)).length;
    expect(await ancestry.aheadBehind(one, two), said).toMatchObject({ ahead, behind });
  }
  const graph = repository.commitGraph !== undefined;
  repository.close();
  return graph;
}

const oldest = (oids: readonly CommitOid[], count: number): string => `${oids.slice(0, count).join('\n')}\n`;

describe('ancestry agrees with stock git', () => {
  for (const kind of ['rising', 'equal', 'skewed'] as const) {
    it(`with and without a commit-graph, dates ${kind}`, async () => {
      const random = new Random(kind.length);
      for (let round = 0; round < 3; round++) {
        const { cwd, oids } = history(random, kind);
        const graph = box.path(cwd, '.git/objects/info/commit-graph');
        expect(await compare(random, cwd, oids)).toBe(false);
        box.git(['commit-graph', 'write', '--reachable'], { cwd });
        expect(await compare(random, cwd, oids)).toBe(true);
        box.git(['config', 'core.commitGraph', 'false'], { cwd });
        expect(await compare(random, cwd, oids, 1)).toBe(false);
        box.git(['config', 'core.commitGraph', 'true'], { cwd });
        // Levels only.
        rmSync(graph, { force: true });
        box.git(['-c', 'commitGraph.generationVersion=1', 'commit-graph', 'write', '--reachable'], { cwd });
        expect(await compare(random, cwd, oids)).toBe(true);
        // The older half.
        rmSync(graph, { force: true });
        box.git(['commit-graph', 'write', '--stdin-commits'], { cwd, input: oldest(oids, SIZE / 2) });
        expect(await compare(random, cwd, oids)).toBe(true);
      }
    }, 300_000);

    it(`with a split chain of layers, some without corrected dates, dates ${kind}`, async () => {
      const random = new Random(20 + kind.length);
      for (let round = 0; round < 2; round++) {
        const { cwd, oids } = history(random, kind);
        for (const [count, version] of [
          [10, 2],
          [22, round + 1],
          [34, 2],
        ] as const) {
          box.git(
            [
              '-c',
              `commitGraph.generationVersion=${version}`,
              'commit-graph',
              'write',
              '--stdin-commits',
              '--split=no-merge',
            ],
            { cwd, input: oldest(oids, count) },
          );
          expect(await compare(random, cwd, oids, 4)).toBe(true);
        }
      }
    }, 300_000);
  }

  it('where the graph does not tell history as it is seen', async () => {
    const random = new Random(77);
    const { cwd, oids } = history(random, 'rising');
    box.git(['commit-graph', 'write', '--reachable'], { cwd });
    expect(await compare(random, cwd, oids)).toBe(true);
    // A commit stands for another.
    const other = box.git(['commit-tree', '-p', oids[1]!, '-m', 'other', `${oids[30]!}^{tree}`], { cwd }).trim();
    box.git(['replace', oids[30]!, other], { cwd });
    expect(await compare(random, cwd, oids)).toBe(false);
    box.git(['replace', '-d', oids[30]!], { cwd });
    expect(await compare(random, cwd, oids, 2)).toBe(true);
    // Grafts: other parents, and none.
    const info = box.path(cwd, '.git/info');
    mkdirSync(info, { recursive: true });
    writeFileSync(join(info, 'grafts'), `${oids[35]!} ${oids[2]!} ${oids[20]!}\n${oids[25]!}\n`);
    expect(await compare(random, cwd, oids)).toBe(false);
    rmSync(join(info, 'grafts'));
    // Shallow commits.
    writeFileSync(box.path(cwd, '.git/shallow'), `${oids[28]!}\n${oids[29]!}\n`);
    expect(await compare(random, cwd, oids)).toBe(false);
  }, 300_000);
});

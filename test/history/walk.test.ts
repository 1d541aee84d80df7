import { afterAll, describe, expect, it } from 'vitest';
import type { Oid } from '../../src/base/oid.js';
import type { CommitGraph } from '../../src/history/commit-graph.js';
import { CommitPool } from '../../src/history/commit-pool.js';
import { BOTTOM, SYMMETRIC_LEFT, UNINTERESTING } from '../../src/history/flags.js';
import type { WalkOptions } from '../../src/history/walk.js';
import { RevisionWalk } from '../../src/history/walk.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import type { Repository } from '../../src/repo/repository.js';
import { openRepository } from '../../src/repo/repository.js';
import { historyStream, randomDates, randomShape } from '../support/history.js';
import { Random } from '../support/random.js';
import { sharedSandbox } from '../support/sandbox.js';

const box = sharedSandbox();
afterAll(() => box.remove());

const SIZE = 60;
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
let made = 0;

/** A repository with a random history and a graph of its older part (all, half, or in layers). */
function history(random: Random, kind: 'rising' | 'equal' | 'skewed', graph: 'all' | 'half' | 'layers') {
  const cwd = `r${made++}`;
  box.git(['init', '-q', cwd]);
  const shape = randomShape(random, SIZE, { reach: 7 });
  const stream = historyStream(shape, { dates: randomDates(random, SIZE, kind), name: 'c' });
  box.git(['fast-import', '--quiet'], { cwd, input: stream });
  const refs = Array.from({ length: SIZE }, (_, i) => `refs/heads/c${i}`);
  const oids = lines(box.git(['rev-parse', ...refs], { cwd })) as Oid<'commit'>[];
  const write = (count: number, ...words: string[]): void => {
    const input = `${oids.slice(0, count).join('\n')}\n`;
    box.git(['commit-graph', 'write', '--stdin-commits', ...words], { cwd, input });
  };
  if (graph === 'layers') for (const count of [15, 30, 45]) write(count, '--split=no-merge');
  else write(graph === 'all' ? SIZE : SIZE / 2);
  return { cwd, oids };
}

interface Tip {
  readonly oid: Oid<'commit'>;
  readonly flags: number;
}

async function run(
  repository: Repository,
  graph: CommitGraph | undefined,
  tips: readonly Tip[],
  options: WalkOptions,
): Promise<{ shown: string[]; count: number | undefined }> {
  const start = async (): Promise<RevisionWalk> => {
    const pool = new CommitPool(repository.objects, { graph });
    const walk = new RevisionWalk(pool, options);
    for (const tip of tips) await walk.add(pool.node(tip.oid), tip.flags);
    await walk.prepare();
    return walk;
  };
  const walk = await start();
  const shown: string[] = [];
  for (let node = await walk.next(); node !== undefined; node = await walk.next()) {
    const side = (node.flags & SYMMETRIC_LEFT) !== 0 ? '<' : '';
    shown.push(`${side}${node.oid} ${node.seconds} ${node.tree} ${node.parents.map(({ oid }) => oid).join(' ')}`);
  }
  return { shown, count: (await start()).quickCount() };
}

function randomOptions(random: Random): WalkOptions {
  const options: { -readonly [K in keyof WalkOptions]: WalkOptions[K] } = {
    order: random.pick(['default', 'default', 'topo', 'date'] as const),
  };
  if (random.oneIn(4)) options.reverse = true;
  if (random.oneIn(4)) options.firstParent = true;
  if (random.oneIn(8)) options.excludeFirstParentOnly = true;
  if (random.oneIn(4)) options.maxCount = random.below(20);
  if (random.oneIn(6)) options.skip = random.below(10);
  if (random.oneIn(5)) options.maxAge = 1_000_000 + random.below(10 * SIZE);
  if (random.oneIn(5)) options.minAge = 1_000_000 + random.below(10 * SIZE);
  if (random.oneIn(8)) options.maxAgeAsFilter = 1_000_000 + random.below(10 * SIZE);
  if (random.oneIn(5)) options.minParents = random.below(3);
  if (random.oneIn(5)) options.maxParents = random.below(3);
  return options;
}

describe('walks on positions of the commit-graph', () => {
  for (const kind of ['rising', 'equal', 'skewed'] as const) {
    it(`answer what walks on objects answer, dates ${kind}`, async () => {
      const random = new Random(100 + kind.length);
      for (const form of ['all', 'half', 'layers'] as const) {
        const { cwd, oids } = history(random, kind, form);
        const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.path(cwd) });
        const graph = repository.commitGraph!;
        let counted = 0;
        for (let i = 0; i < 250; i++) {
          const tips: Tip[] = random.times(1 + random.below(3), () => ({
            oid: random.pick(oids),
            flags: random.oneIn(3) ? SYMMETRIC_LEFT : 0,
          }));
          if (random.oneIn(2)) tips.push({ oid: random.pick(oids), flags: UNINTERESTING | BOTTOM });
          const options = random.oneIn(3) ? {} : randomOptions(random);
          const plain = await run(repository, graph, tips, { ...options, plain: true });
          const onNodes = await run(repository, graph, tips, options);
          const onObjects = await run(repository, undefined, tips, options);
          const said = `${form} ${JSON.stringify(options)} ${JSON.stringify(tips)}`;
          expect(plain.shown, said).toEqual(onNodes.shown);
          expect(plain.shown, said).toEqual(onObjects.shown);
          if (plain.count === undefined) continue;
          counted++;
          expect(plain.count, said).toBe(plain.shown.length);
        }
        expect(counted).toBeGreaterThan(20);
        repository.close();
      }
    }, 300_000);
  }

  /** What `b` (with `both`: and `a`) reaches by no way through the first parents of `a` (with `both`: of the merge bases). */
  function beside(cwd: string, a: string, b: string, both: boolean): string[] {
    const list = (...args: string[]): string[] => box.tryGit(args, { cwd }).stdout.split('\n').filter(Boolean);
    const parents = new Map(
      list('rev-list', '--all', '--parents').map((line) => {
        const [oid, ...above] = line.split(' ');
        return [oid!, above];
      }),
    );
    const excluded = new Set<string>();
    for (const start of both ? list('merge-base', '--all', a, b) : [a]) {
      for (let oid: string | undefined = start; oid !== undefined; oid = parents.get(oid)![0]) excluded.add(oid);
    }
    const found = new Set<string>();
    const stack = both ? [a, b] : [b];
    for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
      if (excluded.has(oid) || found.has(oid)) continue;
      found.add(oid);
      stack.push(...parents.get(oid)!);
    }
    return [...found].sort();
  }

  it('agree with stock git', () => {
    const random = new Random(9);
    const words = [
      [],
      ['--topo-order'],
      ['--date-order'],
      ['--author-date-order'],
      ['--count'],
      ['--count', '--left-right'],
      ['--left-right'],
      ['--reverse', '--topo-order'],
      ['--first-parent'],
      ['--first-parent', '--count'],
      ['--boundary'],
      ['--parents'],
      ['--children'],
      ['--no-merges', '--count'],
      ['--merges', '--timestamp'],
      ['--max-count=5', '--skip=2'],
      ['--exclude-first-parent-only'],
      ['--ancestry-path'],
      ['--objects', '--count'],
      ['--format=%h %an %s %p', '--abbrev=7'],
    ];
    for (const [kind, form] of [
      ['rising', 'half'],
      ['equal', 'layers'],
      ['skewed', 'all'],
    ] as const) {
      const { cwd, oids } = history(random, kind, form);
      for (const options of words) {
        const [a, b] = [random.pick(oids), random.pick(oids)];
        const ancestry = options.includes('--ancestry-path');
        const range = random.pick(ancestry ? [[`${a}..${b}`]] : [[`${a}..${b}`], [`${a}...${b}`], [a, b], ['--all']]);
        const args = ['rev-list', ...options, ...range];
        // Stock git also leaves out other parents of an excluded merge where its first one was met before.
        if (options.includes('--exclude-first-parent-only') && range[0]!.includes('..')) {
          const expected = beside(cwd, a, b, range[0]!.includes('...'));
          expect(box.bough(args, { cwd }).split('\n').filter(Boolean).sort(), args.join(' ')).toEqual(expected);
          continue;
        }
        const theirs = box.tryGit(args, { cwd });
        const ours = box.tryBough(args, { cwd });
        expect({ args, out: ours.stdout, code: ours.code }).toEqual({ args, out: theirs.stdout, code: theirs.code });
      }
    }
  }, 300_000);
});

import { describe, expect, it } from 'vitest';
import type { Oid } from '../../src/base/oid.js';
import { type CommitPositions, MORE_PARENTS } from '../../src/history/commit-pool.js';
import type { CommitNode } from '../../src/history/merge-base.js';
import { Ancestry } from '../../src/history/merge-base.js';
import { Random } from '../support/random.js';
import { inTemporaryDirectory, stock, tryStock } from '../support/stock.js';

type CommitOid = Oid<'commit'>;
type Graph = readonly (readonly number[])[];

/** Parents of each commit by number; every commit comes after its parents. */
function randomGraph(random: Random, size: number): Graph {
  return Array.from({ length: size }, (_, i) => {
    const parents = new Set<number>();
    if (i > 0 && !random.chance(0.05)) {
      for (let n = random.pick([1, 1, 2, 2, 3]); n > 0; n--) parents.add(i - 1 - random.below(Math.min(i, 5)));
    }
    return [...parents];
  });
}

const nameOf = (i: number): CommitOid => String(i).padStart(40, '0') as CommitOid;

function ancestryOf(graph: Graph, seconds: (i: number) => number = (i) => i, counts = { reads: 0 }): Ancestry {
  return new Ancestry({
    commit(oid): CommitNode {
      counts.reads++;
      const i = Number(oid);
      return { parents: graph[i]!.map(nameOf), seconds: seconds(i) };
    },
  });
}

/** A commit-graph in memory: the position of a commit is its number. */
function graphOf(graph: Graph, seconds: (i: number) => number): CommitPositions {
  const column = (n: number) => Int32Array.from(graph, (parents) => parents[n] ?? -1);
  const second = column(1);
  graph.forEach((parents, i) => {
    if (parents.length > 2) second[i] = MORE_PARENTS;
  });
  return {
    count: graph.length,
    oidLength: 20,
    correctedDates: true,
    find: Number,
    oidAt: nameOf,
    copyName: () => expect.unreachable(),
    treeAt: () => expect.unreachable(),
    sameTree: () => false,
    parentsAt: (i) => graph[i]!,
    columns: {
      seconds: Float64Array.from(graph, (_, i) => seconds(i)),
      first: column(0),
      second,
      loaded: new Uint8Array(1).fill(1),
      load: () => {},
    },
    secondsAt: seconds,
    generationAt: (i) => i + 1,
    orderAt: (i) => i + 1,
  };
}

function ancestorsOf(graph: Graph, i: number): Set<number> {
  const seen = new Set<number>();
  const walk = (n: number) => {
    if (seen.has(n)) return;
    seen.add(n);
    for (const parent of graph[n]!) walk(parent);
  };
  walk(i);
  return seen;
}

describe('merge bases', () => {
  it('are the best common ancestors, by brute force', async () => {
    const random = new Random(11);
    for (let round = 0; round < 300; round++) {
      const graph = randomGraph(random, 3 + random.below(14));
      const ancestry = ancestryOf(graph);
      const one = random.below(graph.length);
      const two = random.below(graph.length);
      const theirs = ancestorsOf(graph, two);
      const common = [...ancestorsOf(graph, one)].filter((i) => theirs.has(i));
      const best = common.filter((i) => !common.some((other) => other !== i && ancestorsOf(graph, other).has(i)));
      const found = await ancestry.mergeBases(nameOf(one), [nameOf(two)]);
      expect(found.map(Number)).toEqual(best.sort((a, b) => b - a));
      expect(await ancestry.isAncestor(nameOf(one), nameOf(two))).toBe(theirs.has(one));
    }
  });

  it('a virtual commit stands below its parents', async () => {
    const graph: Graph = [[], [0], [0], [1, 2], [2, 1]];
    const ancestry = ancestryOf(graph);
    expect((await ancestry.mergeBases(nameOf(3), [nameOf(4)])).map(Number)).toEqual([2, 1]);
    const virtual = 'virtual' as CommitOid;
    await ancestry.addVirtual(virtual, [nameOf(1), nameOf(2)]);
    expect((await ancestry.mergeBases(virtual, [nameOf(3)])).map(Number)).toEqual([2, 1]);
  });

  it('are the same over a commit-graph, however many searches were made before', async () => {
    const random = new Random(12);
    for (let round = 0; round < 60; round++) {
      const graph = randomGraph(random, 10 + random.below(40));
      // In some histories several commits have one date: the order of finding counts there.
      const seconds = random.oneIn(3) ? (i: number) => Math.floor(i / 3) : (i: number) => i;
      const plain = ancestryOf(graph, seconds);
      const reader = { commit: () => expect.unreachable('every commit is in the graph') };
      const ancestry = new Ancestry(reader, graphOf(graph, seconds));
      for (let search = 0; search < 60; search++) {
        const one = nameOf(random.below(graph.length));
        const two = nameOf(random.oneIn(2) ? graph.length - 1 - random.below(3) : random.below(graph.length));
        const [a, b] = random.oneIn(2) ? [one, two] : [two, one];
        const theirs = ancestorsOf(graph, Number(b));
        const common = [...ancestorsOf(graph, Number(a))].filter((i) => theirs.has(i));
        const best = common.filter((i) => !common.some((other) => other !== i && ancestorsOf(graph, other).has(i)));
        const found = (await ancestry.mergeBases(a, [b])).map(Number);
        expect([...found].sort((x, y) => x - y)).toEqual(best.sort((x, y) => x - y));
        if (seconds(1) === 1) expect(found).toEqual((await plain.mergeBases(a, [b])).map(Number));
      }
    }
  });

  it('reads each commit once, and nothing below the bases that is not needed', async () => {
    // Two branches of 10 on a trunk of 1000: the search must not walk the trunk.
    const graph = Array.from({ length: 1020 }, (_, i) => (i === 0 ? [] : i === 1010 ? [999] : [i - 1]));
    const counts = { reads: 0 };
    const ancestry = ancestryOf(graph, (i) => i, counts);
    expect((await ancestry.mergeBases(nameOf(1009), [nameOf(1019)])).map(Number)).toEqual([999]);
    expect(counts.reads).toBeLessThanOrEqual(23);
    await ancestry.mergeBases(nameOf(1009), [nameOf(1019)]);
    expect(counts.reads).toBeLessThanOrEqual(23);
  });

  it('stays linear on a ladder of criss-crosses', async () => {
    const rungs = 2000;
    const graph: number[][] = [[], [0], [0]];
    for (let i = 0; i < rungs; i++) graph.push([2 * i + 1, 2 * i + 2], [2 * i + 2, 2 * i + 1]);
    const counts = { reads: 0 };
    const ancestry = ancestryOf(graph, (i) => i, counts);
    const last = graph.length - 1;
    expect((await ancestry.mergeBases(nameOf(last), [nameOf(last - 1)])).map(Number)).toEqual([last - 2, last - 3]);
    expect(counts.reads).toBeLessThan(12);
  });
});

describe('stock git agrees', () => {
  it(
    'on bases, order, octopus, independence and ancestry, equal and skewed dates included',
    () =>
      inTemporaryDirectory(async (cwd) => {
        stock(['init', '-q'], { cwd });
        const random = new Random(5);
        for (let round = 0; round < 12; round++) {
          const graph = randomGraph(random, 16);
          const dates = graph.map((_, i) => 1000 + (round % 3 === 0 ? i : random.below(round % 3 === 1 ? 4 : 20)));
          const oids = importGraph(cwd, graph, dates, round);
          const numbers = new Map(oids.map((oid, i) => [oid, i]));
          const ancestry = new Ancestry({
            commit: (oid) => {
              const i = numbers.get(oid)!;
              return { parents: graph[i]!.map((parent) => oids[parent]!), seconds: dates[i]! };
            },
          });
          const lines = (args: readonly string[]) =>
            tryStock(args, { cwd })
              .stdout.split('\n')
              .filter((line) => line !== '');
          for (let i = 0; i < 8; i++) {
            const heads = Array.from({ length: 2 + random.below(3) }, () => random.pick(oids));
            const [one, ...others] = heads as [CommitOid, ...CommitOid[]];
            expect(await ancestry.mergeBases(one, others)).toEqual(lines(['merge-base', '--all', ...heads]));
            expect(await ancestry.octopusBases(heads)).toEqual(lines(['merge-base', '--octopus', '--all', ...heads]));
            expect(await ancestry.independent(heads)).toEqual(lines(['merge-base', '--independent', ...heads]));
            const { code } = tryStock(['merge-base', '--is-ancestor', heads[0]!, heads[1]!], { cwd });
            expect(await ancestry.isAncestor(heads[0]!, heads[1]!)).toBe(code === 0);
          }
        }
      }),
    300_000,
  );
});

function importGraph(cwd: string, graph: Graph, dates: readonly number[], round: number): CommitOid[] {
  let stream = '';
  graph.forEach((parents, i) => {
    stream += `reset refs/heads/r${round}-${i}\ncommit refs/heads/r${round}-${i}\nmark :${i + 1}\n`;
    stream += `committer C <c@example.com> ${dates[i]} +0000\ndata <<E\nround ${round} commit ${i}\nE\n`;
    parents.forEach((parent, n) => {
      stream += `${n === 0 ? 'from' : 'merge'} :${parent + 1}\n`;
    });
    stream += '\n';
  });
  stock(['fast-import', '--quiet', '--force'], { cwd, input: stream });
  const refs = graph.map((_, i) => `refs/heads/r${round}-${i}`);
  return stock(['rev-parse', ...refs], { cwd })
    .trim()
    .split('\n') as CommitOid[];
}

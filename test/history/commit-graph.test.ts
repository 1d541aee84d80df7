import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HashAlgorithm, Oid } from '../../src/base/oid.js';
import { openCommitGraph, readChain } from '../../src/history/commit-graph.js';
import { bloomKey } from '../../src/history/commit-graph-bloom.js';
import { verifyCommitGraph } from '../../src/history/commit-graph-verify.js';
import type { GraphWriteOptions } from '../../src/history/commit-graph-write.js';
import { writeCommitGraph } from '../../src/history/commit-graph-write.js';
import { ObjectDatabase } from '../../src/objects/database.js';
import { openObjectDirectories, objectSources } from '../../src/packs/object-directory.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { inTemporaryDirectory, stock } from '../support/stock.js';
import { makeSample } from '../packs/sample.js';

const platform = nodePlatform;

function settings(directory: string, algorithm: HashAlgorithm): GraphWriteOptions {
  const objectsDirectory = join(directory, '.git/objects');
  const directories = openObjectDirectories(platform, objectsDirectory, algorithm);
  return {
    platform,
    algorithm,
    objectsDirectory,
    objects: new ObjectDatabase(directories[0]!.loose, objectSources(directories)),
  };
}

/** Merges, an octopus and a name that is not ASCII. */
function branchOut(directory: string): void {
  const git = (...args: string[]): string => stock(args, { cwd: directory });
  for (const name of ['a', 'b', 'c']) {
    git('checkout', '-q', '-b', name, 'HEAD~2');
    mkdirSync(join(directory, `deep-${name}/é`), { recursive: true });
    writeFileSync(join(directory, `deep-${name}/é/${name}ü.txt`), name);
    git('add', '-A');
    git('commit', '-q', '-m', name);
  }
  git('checkout', '-q', 'main');
  git('merge', '-q', '-m', 'octopus', 'a', 'b', 'c');
  git('rm', '-rq', 'dir');
  git('commit', '-q', '-m', 'removed');
}

describe('commit-graph', () => {
  for (const algorithm of ['sha1', 'sha256'] as HashAlgorithm[]) {
    it(`writes stock git's bytes, ${algorithm}, and reads them`, () =>
      inTemporaryDirectory(async (directory) => {
        makeSample(directory, { format: algorithm });
        branchOut(directory);
        const options = settings(directory, algorithm);
        const head = stock(['rev-parse', 'HEAD'], { cwd: directory }).trim() as Oid;
        const file = join(directory, '.git/objects/info/commit-graph');
        expect(await writeCommitGraph([head], { ...options, changedPaths: true })).toBe(true);
        const ours = readFileSync(file);
        stock(['commit-graph', 'verify'], { cwd: directory });
        rmSync(file);
        stock(['commit-graph', 'write', '--stdin-commits', '--changed-paths'], { cwd: directory, input: `${head}\n` });
        expect(Buffer.compare(ours, readFileSync(file))).toBe(0);
        const graph = openCommitGraph(platform.fs, options.objectsDirectory, algorithm)!;
        const log = stock(['log', '--format=%H %T %ct %P'], { cwd: directory }).trim().split('\n');
        expect(graph.count).toBe(log.length);
        for (const line of log) {
          const [oid, tree, seconds, ...parents] = line.split(' ') as [Oid, string, string, ...string[]];
          const at = graph.find(oid);
          expect(graph.oidAt(at)).toBe(oid);
          expect(graph.treeAt(at)).toBe(tree);
          expect(graph.secondsAt(at)).toBe(Number(seconds));
          expect(graph.parentsAt(at).map((parent) => graph.oidAt(parent))).toEqual(parents);
          const changed = stock(
            ['log', '-1', '-m', '--first-parent', '--root', '--name-only', '--format=', '-z', oid],
            { cwd: directory },
          );
          for (const path of changed.split('\0')) {
            if (path !== '') expect(graph.mayHaveChanged(at, [[bloomKey(path, 1)]])).toBe(true);
          }
        }
        const faults: string[] = [];
        const check = { ...options, fault: (message: string) => void faults.push(message) };
        expect(await verifyCommitGraph(graph, graph.layers, check)).toBe(true);
        const broken = Buffer.from(ours);
        broken[ours.length - 60]! ^= 1;
        writeFileSync(file, broken);
        const bad = openCommitGraph(platform.fs, options.objectsDirectory, algorithm)!;
        expect(await verifyCommitGraph(bad, bad.layers, check)).toBe(false);
        expect(faults).toContain('the commit-graph file has incorrect checksum and is likely corrupt');
        // A parent that is no commit of the graph: whoever walks is told, and does not go astray.
        const lost = Buffer.from(ours);
        const at =
          graph.layers[0]!.chunks.get('CDAT')!.start + graph.find(head) * (head.length / 2 + 16) + head.length / 2;
        lost.writeUint32BE(graph.count, at);
        writeFileSync(file, lost);
        const astray = openCommitGraph(platform.fs, options.objectsDirectory, algorithm)!;
        const message = `invalid parent position ${graph.count}`;
        expect(() => astray.parentsAt(astray.find(head))).toThrow(message);
        expect(() => astray.columns.load(astray.find(head))).toThrow(message);
      }));
  }

  it('writes chains as git splits them', () =>
    inTemporaryDirectory(async (directory) => {
      makeSample(directory, { commits: 2 });
      const options = settings(directory, 'sha1');
      const git = (...args: string[]): string => stock(args, { cwd: directory });
      for (let round = 0; round < 12; round++) {
        const commits = 1 + ((round * 5) % 7);
        for (let i = 0; i < commits; i++) git('commit', '-q', '--allow-empty', '-m', `${round}.${i}`);
        const head = git('rev-parse', 'HEAD').trim() as Oid;
        const current = openCommitGraph(platform.fs, options.objectsDirectory, 'sha1');
        await writeCommitGraph([head], { ...options, current, split: 'merge' });
        const ours = readChain(platform.fs, options.objectsDirectory);
        git('commit-graph', 'verify');
        const graph = openCommitGraph(platform.fs, options.objectsDirectory, 'sha1')!;
        expect(graph.count).toBe(Number(git('rev-list', '--count', 'HEAD').trim()));
        expect(ours.length).toBeLessThan(6);
        expect(
          git('log', '--format=%H')
            .trim()
            .split('\n')
            .every((oid) => graph.find(oid as Oid) >= 0),
        ).toBe(true);
      }
    }));
});

import { atTraceEnd, isTracing, traceData } from '../base/trace.js';
import type { BloomKey } from '../history/commit-graph-bloom.js';
import { bloomKey } from '../history/commit-graph-bloom.js';
import type { CommitGraph } from '../history/commit-graph.js';
import type { CommitNode } from '../history/commit-pool.js';
import type { Pathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';

/** What a walk along paths asks of changed-path filters, so that most trees need not be read. */
export interface ChangedPathQuestion {
  /** False: the commit has not changed any of the paths against its first parent. `undefined`: nobody knows. */
  mayHaveChanged(node: CommitNode): boolean | undefined;
  /** The trees showed that a "maybe" was none. */
  falsePositive(): void;
}

/** The part of each item that filters know: its path without the slash, or the directories before its first wildcard. */
function literalPaths(pathspec: Pathspec): string[] | undefined {
  const paths: string[] = [];
  for (const item of pathspec.items) {
    if (item.exclude || item.ignoreCase) return undefined;
    let path = item.match;
    if (item.wildcards) path = path.slice(0, Math.max(0, path.lastIndexOf('/', item.literalLength - 1)));
    path = path.replace(/\/+$/, '');
    if (path === '') return undefined;
    paths.push(path);
  }
  return paths.length === 0 ? undefined : paths;
}

/** A path changes together with all directories above it: each has a key. */
function keysOf(path: string, version: number): BloomKey[] {
  const keys = [bloomKey(path, version)];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    keys.push(bloomKey(path.slice(0, end), version));
  }
  return keys;
}

/** `undefined` where there are no filters, or the paths are such that filters know nothing of them. */
export function changedPathQuestion(repository: Repository, pathspec: Pathspec): ChangedPathQuestion | undefined {
  const graph = repository.commitGraph;
  const settings = graph?.bloomSettings;
  if (graph === undefined || settings === undefined) return undefined;
  const paths = literalPaths(pathspec);
  if (paths === undefined) return undefined;
  return new Question(
    graph,
    paths.map((path) => keysOf(path, settings.version)),
  );
}

class Question implements ChangedPathQuestion {
  readonly #graph: CommitGraph;
  readonly #keys: readonly (readonly BloomKey[])[];
  readonly #counts = { filter_not_present: 0, maybe: 0, definitely_not: 0, false_positive: 0 };

  constructor(graph: CommitGraph, keys: readonly (readonly BloomKey[])[]) {
    this.#graph = graph;
    this.#keys = keys;
    if (isTracing()) atTraceEnd(() => traceData('bloom', 'statistics', this.#counts));
  }

  mayHaveChanged(node: CommitNode): boolean | undefined {
    if (node.graphPosition < 0) return undefined;
    const answer = this.#graph.mayHaveChanged(node.graphPosition, this.#keys);
    if (answer === undefined) this.#counts.filter_not_present++;
    else if (answer) this.#counts.maybe++;
    else this.#counts.definitely_not++;
    return answer;
  }

  falsePositive(): void {
    this.#counts.false_positive++;
  }
}

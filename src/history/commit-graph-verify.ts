import { isPromise } from '../base/awaitable.js';
import { isGitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import { oidFromBytes, rawLength } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import type { ObjectSource } from '../objects/source.js';
import type { Platform } from '../platform/platform.js';
import type { CommitGraph, CommitGraphLayer } from './commit-graph.js';

export interface GraphVerifyOptions {
  readonly platform: Platform;
  readonly algorithm: HashAlgorithm;
  readonly objects: ObjectSource;
  readonly fault: (message: string) => void;
  /** Told how many commits were looked at. */
  readonly looked?: ((done: number) => void) | undefined;
}

/** Holds layers of a commit-graph against the commits themselves. Tells each fault; answers whether there was none. */
export async function verifyCommitGraph(
  graph: CommitGraph,
  layers: readonly CommitGraphLayer[],
  options: GraphVerifyOptions,
): Promise<boolean> {
  let good = true;
  const fault = (message: string): void => {
    good = false;
    options.fault(message);
  };
  // What is below a layer can be wrong too, even where only the topmost is looked at commit by commit.
  for (const layer of graph.layers) verifyChecksum(layer, options, fault);
  let done = 0;
  for (const layer of layers) {
    const before = done;
    await verifyLayer(graph, layer, { ...options, looked: (n) => options.looked?.(before + n) }, fault);
    done += layer.count;
  }
  return good;
}

function verifyChecksum(
  layer: CommitGraphLayer,
  { platform, algorithm }: GraphVerifyOptions,
  fault: (message: string) => void,
): void {
  const length = rawLength(algorithm);
  const bytes = layer.readAll();
  const sum = platform
    .hasher(algorithm)
    .update(bytes.subarray(0, bytes.length - length))
    .digest();
  if (oidFromBytes(sum, 0, length) !== layer.checksum) {
    fault('the commit-graph file has incorrect checksum and is likely corrupt');
  }
}

async function verifyLayer(
  graph: CommitGraph,
  layer: CommitGraphLayer,
  options: GraphVerifyOptions,
  fault: (message: string) => void,
): Promise<void> {
  const { objects } = options;
  let before: Oid | undefined;
  for (let row = 0; row < layer.count; row++) {
    const oid = layer.oidAt(row);
    if (before !== undefined && before >= oid) fault(`commit-graph has incorrect OID order: ${before} then ${oid}`);
    before = oid;
  }
  let zero: Oid | undefined;
  let nonZero: Oid | undefined;
  for (let row = 0; row < layer.count; row++) {
    const oid = layer.oidAt(row);
    options.looked?.(row + 1);
    let found: Awaited<ReturnType<ObjectSource['read']>>;
    try {
      const read = objects.read(oid);
      found = isPromise(read) ? await read : read;
    } catch (error) {
      if (!isGitError(error)) throw error;
    }
    if (found === undefined || found.kind !== 'commit') {
      fault(`failed to parse commit ${oid} from object database for commit-graph`);
      continue;
    }
    const links = parseCommitLinks(found.data);
    const tree = layer.treeAt(row);
    if (tree !== links.tree) fault(`root tree OID for commit ${oid} in commit-graph is ${tree} != ${links.tree}`);
    let level = 0;
    let latest = 0;
    let parents: readonly number[] = [];
    try {
      parents = layer.parentsAt(row);
    } catch (error) {
      if (!isGitError(error)) throw error;
      fault(error.message);
      continue;
    }
    for (let i = 0; i < parents.length; i++) {
      if (i >= links.parents.length) {
        fault(`commit-graph parent list for commit ${oid} is too long`);
        break;
      }
      let parentOid: Oid;
      try {
        parentOid = graph.oidAt(parents[i]!);
      } catch (error) {
        if (!isGitError(error)) throw error;
        fault(error.message);
        continue;
      }
      if (parentOid !== links.parents[i]) {
        fault(`commit-graph parent for ${oid} is ${parentOid} != ${links.parents[i]}`);
      }
      level = Math.max(level, graph.generationAt(parents[i]!));
      latest = Math.max(latest, graph.correctedDateAt(parents[i]!) ?? 0);
    }
    if (parents.length < links.parents.length) fault(`commit-graph parent list for commit ${oid} terminates early`);
    const own = layer.levelAt(row);
    if (own === 0) zero ??= oid;
    else nonZero ??= oid;
    const date = layer.correctedDateAt(row);
    if (date !== undefined) {
      if (parents.length > 0 && date < latest + 1) {
        fault(`commit-graph generation for commit ${oid} is ${date} < ${latest + 1}`);
      }
    } else if (own !== 0 && own < level + 1) {
      fault(`commit-graph generation for commit ${oid} is ${own} < ${level + 1}`);
    }
    const seconds = layer.secondsAt(row);
    if (seconds !== links.seconds) {
      fault(`commit date for commit ${oid} in commit-graph is ${seconds} != ${links.seconds}`);
    }
  }
  if (zero !== undefined && nonZero !== undefined) {
    fault(`commit-graph has both zero and non-zero generations (e.g., commits '${zero}' and '${nonZero}')`);
  }
}

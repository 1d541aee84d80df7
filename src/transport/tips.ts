import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import type { CommitCache } from './commit-cache.js';
import { HiddenRefs } from './hidden-refs.js';
import { servedRefs } from './served-refs.js';
import type { UploadConfig } from './upload-config.js';

/**
 * The first want that the configuration does not allow: refs that are shown always, hidden ones with
 * `allowTipSHA1InWant`, what can be reached with `allowReachableSHA1InWant`. Over http, where refs may have moved
 * between two requests, whatever the shown refs reach is fine.
 */
export async function unreachableWant(
  repository: Repository,
  config: UploadConfig,
  commits: CommitCache,
  wants: readonly Oid[],
  stateless: boolean,
): Promise<Oid | undefined> {
  const missing = new Set(wants);
  const tips: Oid[] = [];
  const all = config.allowTip ? new HiddenRefs([]) : config.hidden;
  for await (const ref of servedRefs(repository, all)) {
    missing.delete(ref.oid);
    tips.push(ref.oid);
    if (missing.size === 0) return undefined;
  }
  if (!config.allowReachable && !stateless) return first(missing);
  const seen = new Set<Oid>();
  const stack: Oid[] = [];
  for (const tip of tips) {
    const commit = await commits.peel(tip);
    if (commit !== undefined) stack.push(commit);
  }
  for (let oid = stack.pop(); oid !== undefined && missing.size > 0; oid = stack.pop()) {
    if (seen.has(oid)) continue;
    seen.add(oid);
    missing.delete(oid);
    for (const parent of (await commits.links(oid))?.parents ?? []) if (!seen.has(parent)) stack.push(parent);
  }
  return first(missing);
}

function first(set: ReadonlySet<Oid>): Oid | undefined {
  for (const oid of set) return oid;
  return undefined;
}

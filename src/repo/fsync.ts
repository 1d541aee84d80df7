import type { Config } from './config.js';
import { parseBool } from './config-values.js';

/** What `core.fsync` can name, and what each stands for. */
const groups: Readonly<Record<string, readonly string[]>> = {
  'loose-object': ['loose-object'],
  pack: ['pack'],
  'pack-metadata': ['pack-metadata'],
  'commit-graph': ['commit-graph'],
  index: ['index'],
  reference: ['reference'],
  objects: ['loose-object', 'pack'],
  'derived-metadata': ['pack-metadata', 'commit-graph'],
  committed: ['loose-object', 'pack', 'reference'],
  added: ['loose-object', 'pack', 'reference', 'index'],
  all: ['loose-object', 'pack', 'pack-metadata', 'commit-graph', 'index', 'reference'],
};

/** Can `core.fsync` name that? */
export const isSyncComponent = (name: string): boolean => name === 'none' || Object.hasOwn(groups, name);

/** Synced unless `core.fsync` says otherwise: all but loose objects, refs and the index. */
const usual: readonly string[] = ['pack', 'pack-metadata', 'commit-graph'];
const known = new WeakMap<Config, ReadonlySet<string>>();

/** The kinds of files that are synced before they count as written. */
export function syncedComponents(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): ReadonlySet<string> {
  let answer = known.get(config);
  if (answer === undefined) {
    answer = read(config, env);
    known.set(config, answer);
  }
  return answer;
}

function read(config: Config, env: Readonly<Record<string, string | undefined>>): ReadonlySet<string> {
  if (parseBool(env['GIT_TEST_FSYNC'] ?? 'true') === false) return new Set();
  const chosen = new Set(usual);
  const spec = config.get('core.fsync');
  if (spec === undefined) {
    // The old switch counts only where the new one says nothing.
    if (config.getBool('core.fsyncobjectfiles') === true) chosen.add('loose-object');
    return chosen;
  }
  for (const part of spec.split(/[, \t\n]+/)) {
    if (part === '') continue;
    if (part === 'none') {
      chosen.clear();
      continue;
    }
    const off = part.startsWith('-');
    const members = groups[off ? part.slice(1) : part];
    // An unknown component is no error: a newer git may know it.
    for (const member of members ?? []) {
      if (off) chosen.delete(member);
      else chosen.add(member);
    }
  }
  return chosen;
}

import type { Oid } from '../base/oid.js';
import type { Ancestry } from '../history/merge-base.js';
import type { HistoryRequest } from '../merge/history.js';
import type { TreeOptions } from '../merge/tree.js';
import type { ObjectStore } from '../objects/source.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from '../repo/revision-short.js';
import { openAncestry } from '../repo/ancestry.js';
import type { DriverOptions } from './merge-drivers.js';
import { MergeDrivers } from './merge-drivers.js';
import type { MergeSettings } from './merge-settings.js';
import { treeOptions } from './merge-settings.js';
import { submoduleMerge } from './submodule-merge.js';

export interface MergeContextOptions extends DriverOptions {
  readonly ancestry?: Ancestry | undefined;
  /** Where the result is written; the repository's own objects unless said. */
  readonly objects?: ObjectStore | undefined;
  readonly sameNormalised?: TreeOptions['sameNormalised'];
  readonly submodule?: TreeOptions['submodule'];
  readonly signal?: AbortSignal | undefined;
}

/** What `mergeCommits` needs, taken from a repository and settings. */
export function historyRequest(
  repository: Repository,
  settings: MergeSettings,
  options: MergeContextOptions = {},
): HistoryRequest {
  const drivers = new MergeDrivers(repository, settings, options);
  return {
    objects: options.objects ?? repository.objects,
    ancestry: options.ancestry ?? openAncestry(repository),
    driverFor: drivers.driverFor,
    abbreviate: (oid: Oid) => abbreviate(repository, oid),
    options: {
      ...treeOptions(settings),
      asks: drivers.asks,
      sameNormalised: options.sameNormalised,
      submodule: options.submodule ?? submoduleMerge(repository),
    },
    signal: options.signal,
  };
}

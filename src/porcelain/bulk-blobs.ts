import type { ObjectStore } from '../objects/source.js';
import { BulkWriter } from '../packs/bulk-writer.js';
import type { Repository } from '../repo/repository.js';

/**
 * From this many new files on, their contents go into one pack instead of a loose file each: a loose object costs a
 * file, a directory entry, a rename and a sync of its own.
 */
const MANY = 1000;

/** Where the contents of `files` new files go. `finish` makes them visible: call it before anything names them. */
export function storeForMany(
  repository: Repository,
  files: number,
): { readonly store: ObjectStore; finish(): void; discard(): void } {
  if (files < MANY) return { store: repository.objects, finish: () => {}, discard: () => {} };
  const { platform, objectFormat, objects, objectsDirectory, packSync, config } = repository;
  const writer = new BulkWriter({
    platform,
    algorithm: objectFormat,
    packDirectory: `${objectsDirectory}/pack`,
    below: objects,
    compression: config.getInt('pack.compression') ?? config.getInt('core.compression'),
    reverse: config.getBool('pack.writereverseindex', true),
    ...packSync,
  });
  return {
    store: writer,
    finish: () => {
      writer.finish();
      objects.refresh();
    },
    discard: () => writer.discard(),
  };
}

import { compareText } from '../base/bytes.js';
import type { HashAlgorithm } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import type { FileSystem } from '../platform/fs.js';

export interface Garbage {
  /** As git words it: `garbage found`, `no corresponding .idx`, … */
  readonly why: string;
  readonly path: string;
}

const companions = ['.idx', '.pack', '.rev', '.keep', '.bitmap', '.promisor', '.mtimes'];

/** Files of an `objects/pack` directory that belong to no pack. */
export function packGarbage(fs: FileSystem, packDirectory: string): Garbage[] {
  const found: Garbage[] = [];
  const groups = new Map<string, string[]>();
  const names = (fs.readDirectory(packDirectory) ?? []).map(({ name }) => name).sort(compareText);
  for (const name of names) {
    if (name === 'multi-pack-index' || /^multi-pack-index-.*\.(?:bitmap|rev)$/.test(name)) continue;
    if (name === 'multi-pack-index.d') continue;
    const extension = companions.find((each) => name.endsWith(each));
    if (extension === undefined) {
      found.push({ why: 'garbage found', path: `${packDirectory}/${name}` });
      continue;
    }
    const base = name.slice(0, -extension.length);
    const group = groups.get(base);
    if (group === undefined) groups.set(base, [extension]);
    else group.push(extension);
  }
  for (const [base, extensions] of groups) {
    const pack = extensions.includes('.pack');
    const index = extensions.includes('.idx');
    if (pack && index) continue;
    const why = pack ? 'no corresponding .idx' : index ? 'no corresponding .pack' : 'no corresponding .idx or .pack';
    for (const extension of extensions) found.push({ why, path: `${packDirectory}/${base}${extension}` });
  }
  return found;
}

/** Files in the directories of loose objects that are none. */
export function looseGarbage(fs: FileSystem, objects: string, algorithm: HashAlgorithm): Garbage[] {
  const found: Garbage[] = [];
  const length = hexLength(algorithm) - 2;
  for (let fan = 0; fan < 256; fan++) {
    const directory = `${objects}/${fan.toString(16).padStart(2, '0')}`;
    for (const { name } of fs.readDirectory(directory) ?? []) {
      if (name.length !== length || !/^[0-9a-f]+$/.test(name)) {
        found.push({ why: 'garbage found', path: `${directory}/${name}` });
      }
    }
  }
  return found;
}

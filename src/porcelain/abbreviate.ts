import type { Oid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';

const lengths = new WeakMap<Repository, Promise<number>>();

/** `core.abbrev`: a number, `no` for whole ids, or by how many objects there are. */
async function configuredLength(repository: Repository): Promise<number> {
  const value = repository.config.get('core.abbrev');
  if (value !== undefined && value !== 'auto') {
    if (/^(?:no|off|false)$/i.test(value)) return 2 * repository.oidLength;
    const number = Number(value);
    if (Number.isInteger(number)) return Math.min(Math.max(4, number), 2 * repository.oidLength);
  }
  let count = 0;
  for (const source of repository.objects.sources) {
    const { objectCount } = source as { objectCount?: number };
    if (objectCount !== undefined) count += objectCount;
  }
  // With n objects a prefix of log2(n)/2 digits more than the birthday bound is unique nearly always.
  const bits = count === 0 ? 0 : Math.floor(Math.log2(count)) + 1;
  return Math.max(7, Math.ceil(bits / 2) + (bits > 0 ? 0 : 0));
}

/** The shortest unique prefix of an id, at least `length` digits (default: `core.abbrev`). */
export async function abbreviate(repository: Repository, oid: Oid, length?: number): Promise<string> {
  let known = lengths.get(repository);
  if (length === undefined && known === undefined) {
    known = configuredLength(repository);
    lengths.set(repository, known);
  }
  const wanted = length ?? (await known!);
  if (wanted >= oid.length) return oid;
  let digits = wanted;
  for (const other of await repository.objects.findPrefix(oid.slice(0, digits))) {
    if (other === oid) continue;
    let same = digits;
    while (same < oid.length && other[same] === oid[same]) same++;
    digits = Math.max(digits, same + 1);
  }
  return oid.slice(0, digits);
}

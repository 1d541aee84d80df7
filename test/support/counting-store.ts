import type { Bytes } from '../../src/base/bytes.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../../src/base/oid.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';

/** Objects in memory that count what is asked of them. */
export class CountingStore extends MemoryObjectStore {
  reads: Oid[] = [];
  writes: ObjectKind[] = [];

  constructor(algorithm: HashAlgorithm = 'sha1') {
    super(algorithm, nodePlatform);
  }

  override read(oid: Oid) {
    this.reads.push(oid);
    return super.read(oid);
  }

  override write<K extends ObjectKind>(kind: K, data: Bytes): Oid<K> {
    this.writes.push(kind);
    return super.write(kind, data);
  }

  reset(): void {
    this.reads = [];
    this.writes = [];
  }
}

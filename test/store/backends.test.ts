import type { HashAlgorithm } from '../../src/base/oid.js';
import { ObjectDatabase } from '../../src/objects/database.js';
import { LooseObjects } from '../../src/objects/loose.js';
import type { ObjectSource } from '../../src/objects/source.js';
import { PackStore } from '../../src/packs/pack-store.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import type { Platform } from '../../src/platform/platform.js';
import { portablePlatform } from '../../src/platform/portable/portable-platform.js';
import { FilesRefStore } from '../../src/refs/files-store.js';
import type { StoreBackend } from '../../src/store/store.js';
import { sandbox } from '../support/sandbox.js';
import { type Backend, storeSuite } from './store-suite.js';

const somebody = { name: 'A U Thor', email: 'author@example.com', seconds: 1112911993, zone: '-0700' };

function handle(platform: Platform, gitDir: string, algorithm: HashAlgorithm, before?: () => void): StoreBackend {
  const loose = new LooseObjects(platform, `${gitDir}/objects`, algorithm);
  const packs: ObjectSource = new PackStore(platform, `${gitDir}/objects/pack`, algorithm);
  const refs = new FilesRefStore(platform, {
    gitDir,
    commonDir: gitDir,
    algorithm,
    bare: true,
    identity: () => 'A U Thor <author@example.com> 1112911993 -0700',
  });
  return {
    objects: new ObjectDatabase(loose, [packs, loose]),
    refs,
    identity: () => {
      before?.();
      return somebody;
    },
  };
}

function inMemory(algorithm: HashAlgorithm): Backend {
  const platform = portablePlatform();
  for (const directory of ['/r/objects/pack', '/r/refs/heads'])
    platform.fs.makeDirectory(directory, { recursive: true });
  platform.fs.writeFile('/r/HEAD', new TextEncoder().encode('ref: refs/heads/main\n'));
  return { backend: handle(platform, '/r', algorithm), again: () => handle(platform, '/r', algorithm) };
}

function onDisk(algorithm: HashAlgorithm, repacking = false): Backend {
  const box = sandbox();
  box.git(['init', '-q', '--bare', '-b', 'main', `--object-format=${algorithm}`, 'r.git']);
  let writes = 0;
  const repack = () => {
    if (repacking && ++writes % 3 === 0) {
      box.git(['-C', 'r.git', 'repack', '-adq']);
      box.git(['-C', 'r.git', 'pack-refs', '--all']);
    }
  };
  const gitDir = box.path('r.git');
  return {
    backend: handle(nodePlatform, gitDir, algorithm, repack),
    again: () => handle(nodePlatform, gitDir, algorithm, repack),
    check: () => box.fsck('r.git'),
  };
}

storeSuite('memory, sha1, portable engine', () => inMemory('sha1'));
storeSuite('memory, sha256, portable engine', () => inMemory('sha256'));
storeSuite('loose files, sha1', () => onDisk('sha1'));
storeSuite('loose files, sha256', () => onDisk('sha256'));
storeSuite('packs and packed refs, repacked by stock git under way', () => onDisk('sha1', true));

/** Every answer comes later, as from an engine elsewhere. */
function later<T extends object>(inner: T): T {
  return new Proxy(inner, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      // These answer at once by their types.
      if (name === 'list' || name === 'hash' || name === 'transaction') return value.bind(target);
      return async (...words: unknown[]) => {
        await new Promise((done) => setImmediate(done));
        return value.apply(target, words);
      };
    },
  });
}

const elsewhere = (one: StoreBackend): StoreBackend => ({ ...one, objects: later(one.objects), refs: later(one.refs) });

storeSuite('an engine whose answers are promises', () => {
  const { backend, again } = inMemory('sha1');
  return { backend: elsewhere(backend), again: () => elsewhere(again()) };
});

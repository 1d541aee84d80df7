// The library, one process per workload: node bough.mjs WORKLOAD ARGUMENTS
import { readFileSync } from 'node:fs';
import { contents, init, open, openStore } from '../../dist/lib/index.js';

const [workload, directory, ...rest] = process.argv.slice(2);
const env = process.env;
const encoder = new TextEncoder();
const info = (i) => ({ message: `put ${i}` });

const workloads = {
  /** One commit each, loose objects and a ref each. */
  async put(count) {
    const repository = await init(directory, { bare: true, env });
    const store = await openStore(repository, contents.bytes, { branch: 'main' });
    for (let i = 0; i < count; i++)
      await store.put(`d${i % 10}/k${i % 100}`, encoder.encode(`value ${i} `.padEnd(100, 'x')), info(i));
    repository.close();
  },
  async putMany(count) {
    const repository = await init(directory, { bare: true, env });
    const store = await openStore(repository, contents.bytes, { branch: 'main' });
    await store.commit(async (tree) => {
      for (let i = 0; i < count; i++)
        tree = await tree.put(`d${i % 100}/e${i % 1000}/v${i}`, encoder.encode(`value ${i}\n`));
      return tree;
    }, info(count));
    repository.close();
  },
  async get(file) {
    const repository = await open(directory, { env });
    const store = await openStore(repository, contents.bytes);
    const tree = await store.tree();
    let bytes = 0;
    for (const path of readFileSync(file, 'utf8').trim().split('\n')) bytes += (await tree.findBytes(path)).length;
    console.log(bytes);
  },
};
await workloads[workload](...rest.map((word) => (/^\d+$/.test(word) ? Number(word) : word)));

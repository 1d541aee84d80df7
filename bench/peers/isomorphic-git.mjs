// The same workloads in isomorphic-git: node isomorphic-git.mjs WORKLOAD ARGUMENTS
import fs from 'node:fs';
import git from 'isomorphic-git';

const [workload, dir, ...rest] = process.argv.slice(2);
const gitdir = fs.existsSync(`${dir}/.git`) ? `${dir}/.git` : dir;
const author = { name: 'A', email: 'a@b', timestamp: 1, timezoneOffset: 0 };
const cache = {};
const base = { fs, gitdir, cache };
const encoder = new TextEncoder();

/** Writes a tree with one path set, reading only the trees on the way. */
async function setPath(tree, steps, oid) {
  const entries =
    tree === undefined ? [] : (await git.readTree({ ...base, oid: tree })).tree.map((entry) => ({ ...entry }));
  const [step, ...more] = steps;
  const old = entries.find((entry) => entry.path === step);
  const entry =
    more.length === 0
      ? { mode: '100644', path: step, oid, type: 'blob' }
      : { mode: '040000', path: step, oid: await setPath(old?.oid, more, oid), type: 'tree' };
  return git.writeTree({ ...base, tree: [...entries.filter(({ path }) => path !== step), entry] });
}

const workloads = {
  async merges(file) {
    let clean = 0;
    for (const line of fs.readFileSync(file, 'utf8').trim().split('\n')) {
      const [ours, theirs] = line.split(' ');
      // Refs are what it merges; a dry run writes objects but moves none.
      await git.writeRef({ ...base, ref: 'refs/heads/ours', value: ours, force: true });
      await git.writeRef({ ...base, ref: 'refs/heads/theirs', value: theirs, force: true });
      try {
        await git.merge({ ...base, ours: 'ours', theirs: 'theirs', dryRun: true, author });
        clean++;
      } catch (error) {
        if (!/Merge/.test(error.code ?? '')) throw error;
      }
    }
    console.log(clean);
  },
  async start() {
    console.log(await git.resolveRef({ ...base, ref: 'HEAD' }));
  },
  async put(count) {
    await git.init({ fs, gitdir: dir, bare: true, defaultBranch: 'main' });
    let tree;
    let parent = [];
    for (let i = 0; i < count; i++) {
      const blob = await git.writeBlob({ ...base, gitdir: dir, blob: encoder.encode(`value ${i} `.padEnd(100, 'x')) });
      tree = await setPath(tree, [`d${i % 10}`, `k${i % 100}`], blob);
      parent = [
        await git.commit({ ...base, gitdir: dir, message: `put ${i}`, tree, parent, author, ref: 'refs/heads/main' }),
      ];
    }
  },
  async putMany(file) {
    const root = new Map();
    for (const line of fs.readFileSync(file, 'utf8').trimEnd().split('\n')) {
      const [path, value] = line.split('\t');
      const steps = path.split('/');
      const name = steps.pop();
      let folder = root;
      for (const step of steps) {
        if (!folder.has(step)) folder.set(step, new Map());
        folder = folder.get(step);
      }
      folder.set(name, await git.writeBlob({ ...base, gitdir: dir, blob: encoder.encode(`${value}\n`) }));
    }
    const write = async (folder) => {
      const tree = [];
      for (const [path, what] of folder)
        tree.push(
          typeof what === 'string'
            ? { mode: '100644', path, oid: what, type: 'blob' }
            : { mode: '040000', path, oid: await write(what), type: 'tree' },
        );
      return git.writeTree({ ...base, gitdir: dir, tree });
    };
    const tree = await write(root);
    await git.commit({ ...base, gitdir: dir, message: 'many', tree, author, ref: 'refs/heads/main' });
  },
  async get(file) {
    const head = await git.resolveRef({ ...base, ref: 'HEAD' });
    let bytes = 0;
    for (const filepath of fs.readFileSync(file, 'utf8').trim().split('\n'))
      bytes += (await git.readBlob({ ...base, oid: head, filepath })).blob.length;
    console.log(bytes);
  },
  async list() {
    console.log((await git.listFiles({ ...base, ref: 'HEAD' })).join('\n'));
  },
  async log() {
    let count = 0;
    for (const { commit } of await git.log({ ...base, ref: 'HEAD' })) if (commit.author.name !== undefined) count++;
    console.log(count);
  },
  async status() {
    const rows = await git.statusMatrix({ fs, dir, cache });
    console.log(rows.filter(([, head, work, stage]) => head !== work || work !== stage).length);
  },
  async add() {
    await git.add({ fs, dir, cache, filepath: '.' });
    await git.commit({ fs, dir, cache, message: 'all', author });
  },
  async checkout() {
    await git.checkout({ fs, dir, cache, ref: 'main', force: true });
  },
  async indexPack(file) {
    await git.indexPack({ fs, dir, gitdir, filepath: file, cache });
  },
};
await workloads[workload](...rest.map((word) => (/^\d+$/.test(word) ? Number(word) : word)));

// The same workloads in es-git (libgit2): node es-git.mjs WORKLOAD ARGUMENTS
import { readFileSync } from 'node:fs';
import { openRepository } from 'es-git';

const [workload, dir, ...rest] = process.argv.slice(2);
const repository = await openRepository(dir);

/** The commits behind HEAD; es-git 0.6 has no iterator over a walk. */
function* commits() {
  const walk = repository.revwalk().pushHead();
  for (let oid = walk.next(); oid !== null && oid !== undefined; oid = walk.next()) yield oid;
}

const workloads = {
  start() {
    console.log(repository.head().target());
  },
  get(file) {
    const tree = repository.getCommit(repository.head().target()).tree();
    let bytes = 0;
    for (const path of readFileSync(file, 'utf8').trim().split('\n'))
      bytes += tree.getPath(path).toObject(repository).peelToBlob().content().length;
    console.log(bytes);
  },
  list() {
    const paths = [];
    repository
      .getCommit(repository.head().target())
      .tree()
      .walk('PreOrder', (entry) => {
        paths.push(entry.name());
        return 0;
      });
    console.log(paths.join('\n'));
  },
  log() {
    let count = 0;
    for (const oid of commits()) if (repository.getCommit(oid).author().name !== undefined) count++;
    console.log(count);
  },
  count() {
    let count = 0;
    for (const _ of commits()) count++;
    console.log(count);
  },
  merges(file) {
    let clean = 0;
    for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
      const [ours, theirs] = line.split(' ').map((oid) => repository.getCommit(oid));
      if (!repository.mergeCommits(ours, theirs).hasConflicts()) clean++;
    }
    console.log(clean);
  },
  status() {
    let count = 0;
    for (const entry of repository.statuses().iter()) if (!entry.status().current) count++;
    console.log(count);
  },
  add() {
    const index = repository.index();
    index.addAll(['*']);
    index.write();
    repository.commit(repository.getTree(index.writeTree()), 'all', { updateRef: 'HEAD', parents: [] });
  },
  checkout() {
    repository.checkoutHead({ force: true });
  },
};
await workloads[workload](...rest.map((word) => (/^\d+$/.test(word) ? Number(word) : word)));

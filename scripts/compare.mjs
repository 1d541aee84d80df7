// node scripts/compare.mjs REPO: read-only commands on a real repository, by stock git and by bough; output and exit
// code must be equal, the times stand beside each other. Nothing is written to the repository.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { prepare } from './prepare.mjs';

const root = resolve(import.meta.dirname, '..');
prepare(root);
const [repository, ...only] = process.argv.slice(2);
if (repository === undefined) {
  console.error('usage: node scripts/compare.mjs REPOSITORY [PATTERN...]');
  process.exit(129);
}
const git = process.env.BOUGH_TEST_GIT ?? 'git';
const commands = [
  ['for-each-ref'],
  [
    'for-each-ref',
    '--sort=-committerdate',
    '--format=%(refname:short) %(objecttype) %(committerdate:iso) %(subject) %(*objectname)',
  ],
  ['show-ref', '-d'],
  ['rev-list', '--all', '--count'],
  ['rev-list', '--all', '--objects'],
  ['rev-list', '--topo-order', '--parents', 'HEAD'],
  ['rev-list', '--merges', '--date-order', '--all', '--count'],
  ['log', '--format=%H %an %ae %at %cn %ct %s'],
  ['log', '--oneline', '--graph', '-20000'],
  ['log', '--pretty=fuller', '--date=iso', '-5000'],
  ['log', '--raw', '-3000', '--format=%H'],
  ['log', '--stat', '-300'],
  ['log', '-p', '-M', '-300'],
  ['log', '--oneline', '--decorate', '--all', '-5000'],
  ['log', '--oneline', '--', 'README.md'],
  ['shortlog', '-sn', 'HEAD'],
  ['cat-file', '--batch-all-objects', '--batch-check'],
  ['cat-file', '--batch-all-objects', '--batch-check=%(objectname) %(objectsize:disk) %(deltabase)'],
  ['cat-file', '--batch-all-objects', '--batch', '--unordered', '--buffer'],
  ['cat-file', '--batch-all-objects', '--batch'],
  ['ls-tree', '-r', '-l', '-t', 'HEAD'],
  ['diff-tree', '-r', '--root', '--stdin', '--raw'],
  ['count-objects', '-v'],
  ['fsck'],
  ['fsck', '--full', '--strict', '--no-progress'],
  ['fsck', '--connectivity-only', '--no-progress'],
];

/** More than this is only hashed as it comes, not kept to show where it differs. */
const KEPT = 1 << 26;
const commits = spawnSync(git, ['rev-list', '-2000', 'HEAD'], { cwd: repository, maxBuffer: 1 << 28 }).stdout;
let different = 0;

function run(argv, words) {
  const start = process.hrtime.bigint();
  const child = spawn(argv[0], [...argv.slice(1), ...words], {
    cwd: repository,
    env: { ...process.env, GIT_PAGER: 'cat', LC_ALL: 'C' },
  });
  const hash = createHash('sha1');
  const kept = [];
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes <= KEPT) kept.push(chunk);
    else kept.length = 0;
  });
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(words.includes('--stdin') ? commits : '');
  return new Promise((done) =>
    child.on('close', (code) => {
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      const text = bytes <= KEPT ? Buffer.concat(kept).toString('latin1') : undefined;
      done({ code, stderr, seconds, bytes, text, digest: hash.digest('hex') });
    }),
  );
}

for (const words of commands) {
  if (only.length > 0 && !only.some((pattern) => words.join(' ').includes(pattern))) continue;
  const theirs = await run([git], words);
  const ours = await run([process.execPath, join(root, 'bin/git')], words);
  const same = ours.digest === theirs.digest && ours.code === theirs.code;
  if (!same) different++;
  console.log(
    `${same ? 'same     ' : 'DIFFERENT'} ${ours.seconds.toFixed(2).padStart(8)} s  git ${theirs.seconds.toFixed(2).padStart(7)} s  ${(ours.seconds / theirs.seconds).toFixed(2).padStart(6)}×  ${(ours.bytes / 1e6).toFixed(1).padStart(7)} MB  ${words.join(' ')}`,
  );
  if (!same) {
    if (ours.code !== theirs.code || ours.stderr !== theirs.stderr)
      console.log(`   exit ${ours.code} and ${theirs.code}; ${ours.stderr.slice(0, 300)}`);
    if (ours.text !== undefined && theirs.text !== undefined) {
      const mine = ours.text.split('\n');
      const other = theirs.text.split('\n');
      const at = other.findIndex((line, i) => line !== mine[i]);
      console.log(`   line ${at + 1}:\n   git   ${other[at]?.slice(0, 200)}\n   bough ${mine[at]?.slice(0, 200)}`);
    }
  }
}
console.log(`${different} different`);
process.exit(different === 0 ? 0 : 1);

// node scripts/compare.mjs REPO: read-only commands on a real repository, by stock git and by bough; output and exit
// code must be equal, the times stand beside each other. Nothing is written to the repository.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
  ['ls-tree', '-r', '-l', '-t', 'HEAD'],
  ['diff-tree', '-r', '--root', '--stdin', '--raw'],
  ['count-objects', '-v'],
  ['fsck', '--no-progress'],
];

function digestOf(file) {
  const hash = createHash('sha1');
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(1 << 20);
  let total = 0;
  for (;;) {
    const length = readSync(descriptor, buffer, 0, buffer.length, null);
    if (length === 0) break;
    hash.update(buffer.subarray(0, length));
    total += length;
  }
  closeSync(descriptor);
  return { digest: hash.digest('hex'), bytes: total };
}

const scratch = mkdtempSync(join(tmpdir(), 'bough-compare-'));
const commits = spawnSync(git, ['rev-list', '-2000', 'HEAD'], { cwd: repository }).stdout;
let different = 0;
function run(argv, words) {
  const out = join(scratch, 'out');
  const descriptor = openSync(out, 'w');
  const start = process.hrtime.bigint();
  const result = spawnSync(argv[0], [...argv.slice(1), ...words], {
    cwd: repository,
    input: words.includes('--stdin') ? commits : '',
    stdio: ['pipe', descriptor, 'pipe'],
    env: { ...process.env, GIT_PAGER: 'cat', LC_ALL: 'C' },
    maxBuffer: 1 << 28,
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  closeSync(descriptor);
  return { code: result.status, stderr: result.stderr.toString(), seconds, file: out, ...digestOf(out) };
}
for (const words of commands) {
  if (only.length > 0 && !only.some((pattern) => words.join(' ').includes(pattern))) continue;
  const theirs = run([git], words);
  const text = theirs.bytes < 1 << 26 ? readFileSync(theirs.file, 'latin1') : undefined;
  const ours = run([process.execPath, join(root, 'bin/git')], words);
  const same = ours.digest === theirs.digest && ours.code === theirs.code;
  if (!same) different++;
  console.log(
    `${same ? 'same     ' : 'DIFFERENT'} ${ours.seconds.toFixed(2).padStart(8)} s  git ${theirs.seconds.toFixed(2).padStart(7)} s  ${(ours.seconds / theirs.seconds).toFixed(2).padStart(6)}×  ${(ours.bytes / 1e6).toFixed(1).padStart(7)} MB  ${words.join(' ')}`,
  );
  if (!same) {
    if (ours.code !== theirs.code || ours.stderr !== theirs.stderr)
      console.log(`   exit ${ours.code} and ${theirs.code}; ${ours.stderr.slice(0, 300)}`);
    if (text !== undefined) {
      const mine = readFileSync(ours.file, 'latin1').split('\n');
      const other = text.split('\n');
      const at = other.findIndex((line, i) => line !== mine[i]);
      console.log(`   line ${at + 1}:\n   git   ${other[at]?.slice(0, 200)}\n   bough ${mine[at]?.slice(0, 200)}`);
    }
  }
}
rmSync(scratch, { recursive: true, force: true });
console.log(`${different} different`);
process.exit(different === 0 ? 0 : 1);

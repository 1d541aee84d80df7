// node scripts/differential.mjs [FACTOR] [FILE...]: the seeded differential tests with FACTOR times their usual number of cases (12).
// Prints the cases and the differences of each kind, and the first differences whole.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const [factor = '12', ...only] = process.argv.slice(2);
const files = [
  'test/objects/differential.test.ts',
  'test/refs/differential.test.ts',
  'test/repo/config.test.ts',
  'test/repo/dates.test.ts',
  'test/repo/revision.test.ts',
  'test/porcelain/fsck.test.ts',
  'test/porcelain/ref-filter.test.ts',
];
const scratch = mkdtempSync(join(tmpdir(), 'bough-differential-'));
const report = join(scratch, 'rows');
const run = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--testTimeout=3600000',
    '--hookTimeout=3600000',
    ...(only.length > 0 ? only : files),
  ],
  {
    cwd: root,
    env: { ...process.env, BOUGH_CASES: factor, BOUGH_CASES_REPORT: report },
    stdio: ['ignore', 'ignore', 'pipe'],
  },
);
const kinds = new Map();
for (const line of existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : []) {
  const row = JSON.parse(line);
  const sum = kinds.get(row.kind) ?? { cases: 0, different: 0, shown: [] };
  sum.cases += row.cases;
  sum.different += row.different;
  sum.shown.push(...row.differences);
  kinds.set(row.kind, sum);
}
rmSync(scratch, { recursive: true, force: true });
let cases = 0;
let different = 0;
for (const [kind, sum] of [...kinds].sort()) {
  console.log(`${String(sum.cases).padStart(7)} cases ${String(sum.different).padStart(5)} different  ${kind}`);
  cases += sum.cases;
  different += sum.different;
}
console.log(`${String(cases).padStart(7)} cases ${String(different).padStart(5)} different`);
for (const [kind, { shown }] of kinds) {
  for (const difference of shown.slice(0, 8)) console.log(kind, JSON.stringify(difference, undefined, 1));
}
if (run.status !== 0 && different === 0) console.log(`the run failed:\n${run.stderr}`);
process.exit(run.status === 0 ? 0 : 1);

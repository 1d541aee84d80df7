// The whole suite: installs and builds what is missing, runs vitest, ends with `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { prepare } from './prepare.mjs';

const root = resolve(import.meta.dirname, '..');
prepare(root);
const scratch = mkdtempSync(join(tmpdir(), 'bough-test-'));
const report = join(scratch, 'report.json');
const result = spawnSync(
  process.execPath,
  [
    resolve(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
let passed = 0;
let failed = 0;
const skipped = [];
if (existsSync(report)) {
  const json = JSON.parse(readFileSync(report, 'utf8'));
  passed = json.numPassedTests;
  failed = json.numFailedTests;
  for (const { name, assertionResults } of json.testResults)
    for (const { status, fullName } of assertionResults)
      if (status !== 'passed' && status !== 'failed') skipped.push(`${relative(root, name)}: ${fullName}`);
}
rmSync(scratch, { recursive: true, force: true });
if (skipped.length > 0) console.log(`skipped, for want of what their names say:\n  ${skipped.join('\n  ')}`);
if (result.status !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exit(result.status ?? 1);

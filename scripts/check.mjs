// Types, lint and format, floors, docstrings, dead code; everything at once, and all faults shown.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const bin = (name) => resolve(root, 'node_modules/.bin', name);
const steps = [
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['lint and format', bin('biome'), ['check', '--max-diagnostics=30', '--diagnostic-level=error', '.']],
  ['floors', process.execPath, ['scripts/check-floors.mjs']],
  ['docs', process.execPath, ['scripts/check-docs.mjs']],
  ['dead code', bin('knip'), ['--no-progress']],
];
const run = ([name, command, args]) =>
  new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => done({ name, code, output }));
    child.on('error', (error) => done({ name, code: 1, output: String(error) }));
  });
const started = Date.now();
const results = await Promise.all(steps.map(run));
for (const { name, code, output } of results) {
  if (code !== 0) console.error(`--- ${name} failed\n${output.trimEnd()}`);
}
const failed = results.filter((result) => result.code !== 0);
console.log(
  `check: ${results.length - failed.length} of ${results.length} passed in ${((Date.now() - started) / 1000).toFixed(1)} s`,
);
process.exit(failed.length === 0 ? 0 : 1);

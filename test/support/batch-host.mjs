// Many commands of bough in one process: a start of Node for each would take longer than what is compared.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../scripts/bundle.mjs';

/** bough's commands as one module, for many runs in one process. */
export const bundleCommands = (folder) => bundle('src/commands/main.ts', join(folder, 'commands'));

/** bough's answers. Byte-exact, as Latin-1 text. */
export function runBatch(folder, commands, cases, env) {
  const [list, results] = [join(folder, 'cases.json'), join(folder, 'results.json')];
  const files = [join(folder, 'stdout'), join(folder, 'stderr')];
  writeFileSync(list, JSON.stringify(cases));
  const descriptors = files.map((file) => openSync(file, 'w'));
  const ran = spawnSync(process.execPath, [join(import.meta.dirname, 'batch-run.mjs'), commands, list, results], {
    env,
    stdio: ['ignore', ...descriptors],
  });
  for (const descriptor of descriptors) closeSync(descriptor);
  const [stdout, stderr] = files.map((file) => readFileSync(file, 'latin1'));
  if (ran.status !== 0) throw new Error(`the batch ended with ${ran.status ?? ran.signal}: ${stderr.slice(-2000)}`);
  return JSON.parse(readFileSync(results, 'utf8')).map((one) => ({
    code: one.code,
    stdout: stdout.slice(...one.stdout),
    stderr: stderr.slice(...one.stderr),
  }));
}

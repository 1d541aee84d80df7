// Compares every merge of a repository with stock git: npm run replay -- REPO [--git=PROGRAM] [--limit=N] [--every=N]
import { build } from 'esbuild';
import { mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'bough-replay-build-'));
try {
  const outfile = join(directory, 'replay.mjs');
  await build({
    entryPoints: [join(root, 'test/replay/replay.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'inline',
    logLevel: 'warning',
    banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
  });
  const words = ['--enable-source-maps', '--max-old-space-size=6000', outfile, ...process.argv.slice(2)];
  const run = spawnSync(process.execPath, words, { stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

// Bundles the command line and the library with esbuild: a small entry, one chunk per command, everything lazy.
import { build } from 'esbuild';
import { rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const quick = process.argv.includes('--quick');
rmSync(resolve(root, 'dist'), { recursive: true, force: true });
const shared = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  outdir: 'dist',
  logLevel: 'warning',
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  chunkNames: 'chunks/[name]-[hash]',
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
};
await build({
  ...shared,
  entryPoints: {
    bough: 'src/commands/main.ts',
    'lib/index': 'src/index.ts',
    'lib/contents': 'src/contents/index.ts',
    'lib/merge': 'src/merge/index.ts',
  },
});
if (!quick) {
  const types = spawnSync(resolve(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.types.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (types.status !== 0) process.exit(types.status ?? 1);
}

// Builds the command line (build-commands.mjs) and the library, ESM bundled with esbuild.
import { build } from 'esbuild';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { buildCommandLine } from './build-commands.mjs';
import { REQUIRE } from './bundle.mjs';
import { buildThread, threadModule, THREAD_SOURCE } from './build-thread.mjs';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const dist = resolve(root, 'dist');
const quick = process.argv.includes('--quick');
rmSync(dist, { recursive: true, force: true });
const shared = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'warning',
  legalComments: 'none',
  chunkNames: 'chunks/[name]-[hash]',
};

async function library(thread) {
  await build({
    ...shared,
    plugins: [
      {
        name: 'thread',
        setup({ onLoad }) {
          onLoad({ filter: new RegExp(`/${THREAD_SOURCE.replaceAll('.', '\\.')}$`) }, () => ({
            contents: threadModule(thread),
            loader: 'ts',
          }));
        },
      },
    ],
    entryPoints: { index: 'src/index.ts', contents: 'src/contents/index.ts', merge: 'src/merge/index.ts' },
    outdir: 'dist/lib',
    minifySyntax: true,
    banner: { js: REQUIRE },
  });
}

mkdirSync(dist, { recursive: true });
/** The screens, with ink and react in them: bundled, they start four times faster. */
async function screens() {
  await build({
    ...shared,
    entryPoints: { browse: 'src/tui/browse.tsx' },
    outdir: 'dist/tui',
    minify: true,
    external: ['react-devtools-core'],
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
    banner: { js: REQUIRE },
  });
}

const thread = await buildThread(root);
writeFileSync(resolve(dist, 'thread.cjs'), thread);
await Promise.all([buildCommandLine(root, thread), library(thread), screens()]);
writeFileSync(resolve(dist, 'package.json'), '{ "type": "module" }\n');
if (!quick) {
  const types = spawnSync(resolve(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.types.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (types.status !== 0) process.exit(types.status ?? 1);
  // Only speed: a build is whole without it.
  await import('./warm.mjs').catch((error) => console.error(`warming up: ${error.message}`));
}

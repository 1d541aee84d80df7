// A part of the sources as modules that Node can import, for scripts and tests that run it in their own process.
import { build } from 'esbuild';
import { basename, join, resolve } from 'node:path';

/** ES modules made of bundled packages ask for `require`. */
export const REQUIRE =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

/** Bundles `entry` (a file below the root) into `folder`; answers the path to import. */
export async function bundle(entry, folder) {
  await build({
    absWorkingDir: resolve(import.meta.dirname, '..'),
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    external: ['react-devtools-core'],
    logLevel: 'error',
    banner: { js: REQUIRE },
  });
  return join(folder, basename(entry).replace(/\.tsx?$/, '.mjs'));
}

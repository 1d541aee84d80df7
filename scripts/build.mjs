// Bundles the command line and the library with esbuild. The command line becomes CommonJS chunks, one per command and
// what they share, because Node starts those fastest (bin/start.js keeps their compiled code); the library is ESM.
import { build, transform } from 'esbuild';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
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

/** Each chunk is the text of a function that bin/start.js calls when the chunk is first required. */
async function commandLine() {
  const result = await build({
    ...shared,
    entryPoints: { bough: 'src/commands/main.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    write: false,
  });
  mkdirSync(resolve(dist, 'chunks'), { recursive: true });
  await Promise.all(
    result.outputFiles.map(async ({ path, text }) => {
      const { code } = await transform(text, {
        format: 'cjs',
        platform: 'node',
        target: 'node20.19',
        minifySyntax: true,
        minifyWhitespace: true,
        supported: { 'dynamic-import': false },
      });
      // Node's own modules need no wrapping that makes them look like ES modules: it copies every property at start.
      const plain = code.replace(/__toESM\((require\("node:[\w/]+"\)),1\)/g, '$1');
      writeFileSync(path, `function(exports,require,module){${plain}}`);
    }),
  );
}

async function library() {
  await build({
    ...shared,
    entryPoints: { index: 'src/index.ts', contents: 'src/contents/index.ts', merge: 'src/merge/index.ts' },
    outdir: 'dist/lib',
    minifySyntax: true,
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
}

await Promise.all([commandLine(), library()]);
writeFileSync(resolve(dist, 'package.json'), '{ "type": "module" }\n');
if (!quick) {
  const types = spawnSync(resolve(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.types.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (types.status !== 0) process.exit(types.status ?? 1);
}

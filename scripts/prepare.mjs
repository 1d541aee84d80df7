// What a fresh clone needs before anything runs: the packages, then the build. Does nothing when both are there.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const newest = (directory) => {
  let time = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) time = Math.max(time, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return time;
};

const run = (root, command, args, why) => {
  console.error(`${why}: ${[command, ...args].join(' ')}`);
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) {
    console.error(`failed (${result.error?.message ?? `exit ${result.status}`})`);
    process.exit(1);
  }
};

/** `types`: the declarations too, which only those who install the package need. */
export function prepare(root, { types = false } = {}) {
  if (!existsSync(join(root, 'node_modules', '.bin', 'esbuild'))) {
    run(
      root,
      'npm',
      [existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install', '--no-audit', '--no-fund'],
      'installing packages',
    );
  }
  const built = join(root, 'dist', 'build-id');
  const declarations = join(root, 'dist', 'types', 'index.d.ts');
  if (
    !existsSync(built) ||
    (types && !existsSync(declarations)) ||
    statSync(built).mtimeMs < newest(join(root, 'src'))
  ) {
    run(root, process.execPath, ['scripts/build.mjs', ...(types ? [] : ['--quick'])], 'building');
  }
}

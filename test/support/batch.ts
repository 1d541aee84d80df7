import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './root.js';
import { stockGit } from './sandbox.js';

export interface BatchCase {
  readonly cwd: string;
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface BatchAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** bough's commands as one module, for many runs in one process. */
export async function bundleCommands(folder: string): Promise<string> {
  const outfile = join(folder, 'commands/main.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['src/commands/main.ts'],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outdir: join(folder, 'commands'),
    outExtension: { '.js': '.mjs' },
    external: ['react-devtools-core'],
    logLevel: 'error',
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
  return outfile;
}

/** bough's answers. Byte-exact, as Latin-1 text. */
export function runBatch(
  folder: string,
  bundle: string,
  cases: readonly BatchCase[],
  env: Readonly<Record<string, string | undefined>>,
): BatchAnswer[] {
  const [list, results] = [join(folder, 'cases.json'), join(folder, 'results.json')];
  const files = [join(folder, 'stdout'), join(folder, 'stderr')] as const;
  writeFileSync(list, JSON.stringify(cases));
  const descriptors = files.map((file) => openSync(file, 'w'));
  const ran = spawnSync(process.execPath, [join(root, 'test/support/batch-run.mjs'), bundle, list, results], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', descriptors[0]!, descriptors[1]!],
  });
  for (const descriptor of descriptors) closeSync(descriptor);
  const [stdout, stderr] = files.map((file) => readFileSync(file, 'latin1')) as [string, string];
  if (ran.status !== 0) throw new Error(`the batch ended with ${ran.status}: ${stderr.slice(-2000)}`);
  const answers = JSON.parse(readFileSync(results, 'utf8')) as {
    code: number;
    stdout: [number, number];
    stderr: [number, number];
  }[];
  return answers.map((one) => ({
    code: one.code,
    stdout: stdout.slice(...one.stdout),
    stderr: stderr.slice(...one.stderr),
  }));
}

/** Stock git's answer to one of them. */
export function stockAnswer(one: BatchCase, env: Readonly<Record<string, string | undefined>>): BatchAnswer {
  const ran = spawnSync(stockGit, one.words, {
    cwd: one.cwd,
    env: { ...env, ...one.env } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
  return { code: ran.status ?? 128, stdout: ran.stdout.toString('latin1'), stderr: ran.stderr.toString('latin1') };
}

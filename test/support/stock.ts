import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder } from './remove.js';

/** The stock git to compare with: `git` on PATH, or what BOUGH_TEST_GIT names. */
const stockProgram = process.env['BOUGH_TEST_GIT'] ?? 'git';

/** Stock git's environment: fixed names, dates and language, no configuration of the user's. */
const stockEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'A U Thor',
  GIT_AUTHOR_EMAIL: 'author@example.com',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_NAME: 'C O Mitter',
  GIT_COMMITTER_EMAIL: 'committer@example.com',
  GIT_COMMITTER_DATE: '1700000000 +0000',
};

export interface StockOptions {
  readonly cwd: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

export interface StockAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs stock git (see `stockProgram`), which must succeed, and answers its standard output. */
export function stock(args: readonly string[], options: StockOptions): string {
  return execFileSync(stockProgram, args, {
    cwd: options.cwd,
    env: { ...stockEnvironment, ...options.env },
    input: options.input ?? '',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'pipe'],
  }).toString('utf8');
}

/** The same, answering bytes. */
export function stockBytes(args: readonly string[], options: StockOptions): Uint8Array {
  return execFileSync(stockProgram, args, {
    cwd: options.cwd,
    env: { ...stockEnvironment, ...options.env },
    input: options.input ?? '',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs stock git, whatever it answers. */
export function tryStock(args: readonly string[], options: StockOptions): StockAnswer {
  const run = spawnSync(stockProgram, args, {
    cwd: options.cwd,
    env: { ...stockEnvironment, ...options.env },
    input: options.input ?? '',
    maxBuffer: 1 << 28,
  });
  return { code: run.status ?? -1, stdout: run.stdout.toString('utf8'), stderr: run.stderr.toString('utf8') };
}

/** Runs `work` in a new directory, which is removed afterwards. */
export async function inTemporaryDirectory<T>(work: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'bough-test-'));
  try {
    return await work(directory);
  } finally {
    removeFolder(directory);
  }
}

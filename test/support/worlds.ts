import { cpSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BatchAnswer, BatchCase } from './batch.js';
import { bundleCommands, runBatch, stockAnswer } from './batch.js';
import { Compared } from './compared.js';
import { fixedEnvironment } from './sandbox.js';
import { current } from './version.js';
import { removeFolder } from './remove.js';

/** Places with files in which many commands are run by both programs and compared. */
export class Worlds {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'bough-worlds-')));
  readonly env = { ...fixedEnvironment(this.directory), GIT_OPTIONAL_LOCKS: '0' };
  #bundle: string | undefined;

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  put(path: string, content: string | Uint8Array): void {
    const file = this.path(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** Stock git, which must succeed. */
  git(world: string, ...words: string[]): string {
    const answer = stockAnswer({ cwd: this.path(world), words }, this.env);
    if (answer.code !== 0) throw new Error(`git ${words.join(' ')} exited ${answer.code}: ${answer.stderr}`);
    return answer.stdout;
  }

  copy(from: string, to: string): void {
    cpSync(this.path(from), this.path(to), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }

  async bough(list: readonly BatchCase[]): Promise<BatchAnswer[]> {
    this.#bundle ??= await bundleCommands(this.path('bundle'));
    return runBatch(this.directory, this.#bundle, list, this.env);
  }

  stock(one: BatchCase): BatchAnswer {
    return stockAnswer(one, this.env);
  }

  /** Runs commands that change nothing in the same place. */
  async compare(kind: string, list: readonly BatchCase[]): Promise<void> {
    const compared = new Compared(kind);
    const ours = await this.bough(list);
    list.forEach((one, i) => {
      const theirs = this.stock(one);
      // Where stock git falls over there is nothing to compare with.
      if (!/^BUG: |internal error/m.test(theirs.stderr)) compared.same(one, seen(ours[i]!), seen(theirs));
    });
    compared.finish();
  }

  remove(): void {
    removeFolder(this.directory);
  }
}

/** What is compared of an answer. Lists of options are in our own words. */
function seen({ code, stdout: raw, stderr }: BatchAnswer): unknown {
  // Of a directory that goes, git tells what is in it as the system lists it.
  const stdout = /^Would re/.test(raw) ? raw.split('\n').sort().join('\n') : raw;
  if (!current) return { code, stdout };
  const usage = stderr.startsWith('usage: ') || stderr.includes('\nusage: ');
  if (usage) return { code, stdout, stderr: stderr.split('\n', 1)[0] };
  // Files of rules may be read, and complained of, in another order and more than once; which directories are opened in
  // vain is nobody's business.
  const lines = stderr.split('\n').filter((line) => !line.startsWith('warning: could not open directory '));
  return { code, stdout, stderr: [...new Set(lines)].sort() };
}

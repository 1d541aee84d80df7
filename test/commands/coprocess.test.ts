import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

const root = join(import.meta.dirname, '../..');

/** Commands that other programs keep running beside them: each request is answered before the next is waited for. */
const requests: readonly { args: readonly string[]; ask: (ids: Ids) => string }[] = [
  { args: ['cat-file', '--batch'], ask: ({ blob }) => `${blob}\n` },
  { args: ['cat-file', '--batch-check'], ask: () => 'HEAD:a\n' },
  { args: ['cat-file', '--batch-command'], ask: ({ blob }) => `info ${blob}\n` },
  { args: ['check-attr', '--stdin', '-a'], ask: () => 'b.x\n' },
  { args: ['check-ignore', '--stdin', '-v', '-n'], ask: () => 'b\n' },
  { args: ['diff-tree', '--stdin', '-p'], ask: ({ commit }) => `${commit}\n` },
  { args: ['diff-tree', '--stdin', '-r'], ask: () => 'EOF\n' },
  { args: ['fast-import', '--quiet'], ask: ({ blob }) => `cat-blob ${blob}\n` },
  { args: ['hash-object', '-w', '--stdin-paths'], ask: () => 'a\n' },
  { args: ['mktree', '--batch'], ask: ({ blob }) => `100644 blob ${blob}\tx\n\n` },
  { args: ['update-ref', '--stdin'], ask: () => 'start\n' },
];

interface Ids {
  readonly commit: string;
  readonly blob: string;
}

test('a command kept running answers each request at once', { timeout: 300_000 }, async () => {
  const box = sandbox();
  box.git(['init', '-q']);
  writeFileSync(box.path('a'), 'one\n');
  writeFileSync(box.path('.gitattributes'), '*.x foo\n');
  box.git(['add', '.']);
  box.git(['commit', '-q', '-m', 'one']);
  writeFileSync(box.path('a'), 'two\n');
  box.git(['commit', '-q', '-a', '-m', 'two']);
  const ids = { commit: box.git(['rev-parse', 'HEAD']).trim(), blob: box.git(['rev-parse', 'HEAD:a']).trim() };
  for (const { args, ask } of requests) {
    const input = ask(ids);
    const child = spawn(process.execPath, [join(root, 'bin/git'), ...args], {
      cwd: box.directory,
      env: box.env as NodeJS.ProcessEnv,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exit = new Promise<number | null>((resolve) => child.on('close', resolve));
    child.stdin.write(input);
    // Input stays open: what comes now was not held back for its end.
    const first = await new Promise<Buffer>((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.on('close', () => reject(new Error(`${args.join(' ')} ended without an answer`)));
    });
    const parts = [first];
    child.stdout.on('data', (data: Buffer) => parts.push(data));
    child.stdin.end();
    const theirs = box.tryGit(args, { input });
    expect([args, await exit]).toEqual([args, theirs.code]);
    if (args[0] !== 'fast-import') expect([args, Buffer.concat(parts).toString()]).toEqual([args, theirs.stdout]);
  }
});

/** Replays every merge commit of a repository and compares the result with stock git's, in one process. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeText } from '../../src/base/bytes.js';
import type { Oid } from '../../src/base/oid.js';

import { text } from '../../src/merge/drivers.js';
import { mergeCommits } from '../../src/merge/history.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { openAncestry } from '../../src/repo/ancestry.js';
import { mergeReport } from '../../src/porcelain/merge-report.js';
import { openRepository } from '../../src/repo/repository.js';

interface Options {
  readonly repository: string;
  readonly git: string;
  readonly limit: number;
  readonly only: string | undefined;
  readonly every: number;
}

function parseArguments(argv: readonly string[]): Options {
  const value = (name: string) => argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const repository = argv.find((word) => !word.startsWith('--'));
  if (repository === undefined) {
    console.error('usage: npm run replay -- REPO [--git=PROGRAM] [--limit=N] [--every=N] [--only=COMMIT]');
    process.exit(129);
  }
  return {
    repository: resolve(repository),
    git: value('git') ?? 'git',
    limit: Number(value('limit') ?? Number.POSITIVE_INFINITY),
    only: value('only'),
    every: Number(value('every') ?? 1),
  };
}

const options = parseArguments(process.argv.slice(2));
const gitDir = existsSync(join(options.repository, '.git')) ? join(options.repository, '.git') : options.repository;
// Stock git writes what it merges: let it write into a scratch area beside the repository.
const scratch = mkdtempSync(join(tmpdir(), 'bough-replay-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_DIR: gitDir,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_OBJECT_DIRECTORY: scratch,
  GIT_ALTERNATE_OBJECT_DIRECTORIES: join(gitDir, 'objects'),
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'core.abbrev',
  GIT_CONFIG_VALUE_0: '12',
  GIT_CONFIG_KEY_1: 'gc.auto',
  GIT_CONFIG_VALUE_1: '0',
};

function listMerges(): { merge: string; parents: [string, string] }[] {
  const args = options.only === undefined ? ['--all'] : ['--no-walk', options.only];
  const listed = spawnSync(options.git, ['rev-list', '--parents', '--min-parents=2', '--max-parents=2', ...args], {
    env: environment,
    maxBuffer: 1 << 30,
  });
  const lines = listed.stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  return lines
    .map((line) => {
      const [merge, one, two] = line.split(' ') as [string, string, string];
      return { merge, parents: [one, two] as [string, string] };
    })
    .filter((_, i) => i % options.every === 0)
    .slice(0, options.limit);
}

/** Answers of `git merge-tree --stdin`, one string per merge, as they come. */
async function* stockAnswers(pairs: readonly [string, string][]): AsyncGenerator<string> {
  const child = spawn(
    options.git,
    ['merge-tree', '--write-tree', '--allow-unrelated-histories', '--messages', '--stdin'],
    { env: environment, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  child.stdin.on('error', () => {});
  child.stdin.end(pairs.map(([one, two]) => `${one} ${two}\n`).join(''));
  const fields: string[] = [];
  let rest = '';
  for await (const chunk of child.stdout.setEncoding('latin1')) {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop()!;
    fields.push(...parts);
    for (let end = answerEnd(fields); end !== undefined; end = answerEnd(fields)) {
      yield fields.splice(0, end).join('\0') + '\0';
    }
  }
}

/** Where the first answer ends in a list of NUL-terminated fields; undefined while it is incomplete. */
function answerEnd(fields: readonly string[]): number | undefined {
  let at = 2;
  while (at < fields.length && fields[at] !== '') at++;
  at++;
  for (;;) {
    if (at >= fields.length) return undefined;
    if (fields[at] === '') return at + 1;
    at += Number(fields[at]) + 3;
  }
}

async function main(): Promise<void> {
  const merges = listMerges();
  const repository = openRepository({
    platform: nodePlatform,
    env: { ...environment, GIT_OBJECT_DIRECTORY: undefined, GIT_ALTERNATE_OBJECT_DIRECTORIES: undefined },
    cwd: options.repository,
  });
  const ancestry = openAncestry(repository);
  const started = Date.now();
  let equal = 0;
  let conflicted = 0;
  let index = 0;
  let ours = 0;
  const different: string[] = [];
  const driver = text();
  const stock = stockAnswers(merges.map(({ parents }) => parents));
  for await (const expected of stock) {
    const { merge, parents } = merges[index++]!;
    const before = process.hrtime.bigint();
    let actual: string;
    try {
      const objects = new MemoryObjectStore(repository.objectFormat, nodePlatform, repository.objects);
      const merged = await mergeCommits(
        { objects, ancestry, driverFor: () => driver, abbreviate: (oid) => oid.slice(0, 12) },
        {
          ours: parents[0] as Oid<'commit'>,
          theirs: parents[1] as Oid<'commit'>,
          labels: { ours: parents[0], theirs: parents[1] },
        },
      );
      if (!merged.clean) conflicted++;
      const report = mergeReport(merged, { nul: true, nameOnly: false, messages: true });
      actual = `${merged.clean ? 1 : 0}\0${report}\0`;
    } catch (error) {
      actual = `error: ${error instanceof Error ? error.stack : String(error)}`;
    }
    ours += Number(process.hrtime.bigint() - before) / 1e6;
    if (Buffer.from(encodeText(actual)).toString('latin1') === expected) equal++;
    else {
      different.push(merge);
      if (options.only !== undefined || different.length <= 10) {
        console.log(`\n--- ${merge} ${parents.join(' ')}\nstock: ${show(expected)}\nbough: ${show(actual)}`);
      }
    }
    if (process.stderr.isTTY && index % 20 === 0) {
      process.stderr.write(`\r${bar(index / merges.length)} ${index} of ${merges.length}, ${different.length} differ`);
    }
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(
    `\n${options.repository}: ${equal} of ${merges.length} merges equal (${conflicted} with conflicts), ` +
      `${(ours / 1000).toFixed(1)} s of bough in ${seconds} s`,
  );
  if (index !== merges.length) console.log(`stock git answered only ${index}`);
  if (different.length > 0) console.log(`different: ${different.join(' ')}`);
  process.exitCode = different.length === 0 && index === merges.length ? 0 : 1;
}

const bar = (part: number): string => `[${'#'.repeat(Math.round(part * 30)).padEnd(30)}]`;
const show = (answer: string): string => (answer.length > 4000 ? digest(answer) : answer.replaceAll('\0', '|'));
const digest = (answer: string): string =>
  `${answer.slice(0, 3000).replaceAll('\0', '|')}… ${createHash('sha1').update(answer).digest('hex')}`;

await main();

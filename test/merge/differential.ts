import type { Oid } from '../../src/base/oid.js';
import { encodeText } from '../../src/base/bytes.js';
import { Ancestry, commitReader } from '../../src/history/merge-base.js';
import { text } from '../../src/merge/drivers.js';
import { mergeCommits } from '../../src/merge/history.js';
import type { TreeOptions } from '../../src/merge/tree.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { mergeReport } from '../../src/porcelain/merge-report.js';
import { openRepository } from '../../src/repo/repository.js';
import { Random } from '../support/random.js';
import { stock, tryStock } from '../support/stock.js';
import { randomHistory } from './random-history.js';

export interface Difference {
  readonly seed: number;
  readonly pair: readonly [string, string];
  readonly expected: string;
  readonly actual: string;
}

export interface DifferentialOptions {
  readonly commits: number;
  readonly pairs: number;
  readonly merge?: TreeOptions;
  /** What of an answer is compared; all of it unless said. */
  readonly project?: (answer: string) => string;
}

/** Merges random pairs of one random history with stock git and with bough, and answers what differs. */
export async function compareRandomMerges(
  cwd: string,
  seed: number,
  options: DifferentialOptions,
): Promise<{ readonly differences: readonly Difference[]; readonly conflicted: number }> {
  const random = new Random(seed);
  const { stream, commits } = randomHistory(random, options.commits);
  stock(['init', '-q', '--bare'], { cwd });
  stock(['config', 'core.abbrev', '12'], { cwd });
  stock(['fast-import', '--quiet', '--force'], { cwd, input: stream });
  const refs = Array.from({ length: commits }, (_, i) => `refs/heads/c${i}`);
  const oids = stock(['rev-parse', ...refs], { cwd })
    .trim()
    .split('\n');
  const pairs = Array.from({ length: options.pairs }, () => [random.pick(oids), random.pick(oids)] as const);
  const answers = stockAnswers(cwd, pairs);
  const repository = openRepository({ platform: nodePlatform, env: {}, cwd });
  const ancestry = new Ancestry(commitReader(repository.objects));
  const driver = text();
  const differences: Difference[] = [];
  const project = options.project ?? ((answer) => answer);
  let conflicted = 0;
  for (const [i, pair] of pairs.entries()) {
    const objects = new MemoryObjectStore(repository.objectFormat, nodePlatform, repository.objects);
    const merged = await mergeCommits(
      {
        objects,
        ancestry,
        driverFor: () => driver,
        abbreviate: (oid) => oid.slice(0, 12),
        ...(options.merge === undefined ? {} : { options: options.merge }),
      },
      {
        ours: pair[0] as Oid<'commit'>,
        theirs: pair[1] as Oid<'commit'>,
        labels: { ours: pair[0], theirs: pair[1] },
      },
    );
    if (!merged.clean) conflicted++;
    const report = mergeReport(merged, { nul: true, nameOnly: false, messages: true });
    const actual = Buffer.from(encodeText(`${merged.clean ? 1 : 0}\0${report}\0`)).toString('utf8');
    const expected = answers[i];
    if (expected !== undefined && project(actual) !== project(expected))
      differences.push({ seed, pair, expected, actual });
  }
  repository.close();
  return { differences, conflicted };
}

/** Stock git's answers, in one process, or one by one where it gives up on a merge (some trip its assertions). */
function stockAnswers(cwd: string, pairs: readonly (readonly [string, string])[]): (string | undefined)[] {
  const args = ['merge-tree', '--write-tree', '--allow-unrelated-histories', '--messages', '--stdin'];
  const all = tryStock(args, { cwd, input: pairs.map(([one, two]) => `${one} ${two}\n`).join('') });
  if (all.code === 0) return splitAnswers(all.stdout);
  return pairs.map(([one, two]) => {
    const answer = tryStock(args, { cwd, input: `${one} ${two}\n` });
    return answer.code === 0 ? splitAnswers(answer.stdout)[0] : undefined;
  });
}

/** Cuts the output of `merge-tree --stdin` into one text per merge. */
function splitAnswers(output: string): string[] {
  const fields = output.split('\0');
  const answers: string[] = [];
  for (let start = 0; start < fields.length - 1; ) {
    let at = start + 2;
    while (fields[at] !== '') at++;
    at++;
    while (fields[at] !== '') at += Number(fields[at]) + 3;
    answers.push(`${fields.slice(start, at + 1).join('\0')}\0`);
    start = at + 1;
  }
  return answers;
}

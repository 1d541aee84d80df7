import { cpSync, readFileSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { removeFolder } from '../support/remove.js';
import { sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

/** A history for `git fast-import`: branches that grow, fork and merge, all from one root. */
function history(random: Random, count: number, prefix: string, from: readonly string[]): string {
  let out = '';
  const tips: string[] = [...from];
  for (let i = 1; i <= count; i++) {
    const parent = tips.length === 0 ? undefined : random.pick(tips);
    const other = tips.length > 1 && random.below(6) === 0 ? random.pick(tips) : undefined;
    const date = `c <c@example.com> ${1_600_000_000 + i * 100 + (prefix === 'own' ? 50 : 0)} +0000`;
    const message = `${prefix} ${i}`;
    out += `commit refs/heads/${prefix}-tmp\nmark :${i}\ncommitter ${date}\ndata ${message.length}\n${message}\n`;
    if (parent !== undefined) out += `from ${parent}\n`;
    if (other !== undefined && other !== parent) out += `merge ${other}\n`;
    out += `M 100644 inline ${prefix}-${i % 7}\ndata ${message.length}\n${message}\n\n`;
    const at = tips.indexOf(parent ?? '');
    if (at >= 0 && random.below(5) > 0) tips[at] = `:${i}`;
    else tips.push(`:${i}`);
    if (tips.length > 6) tips.splice(random.below(tips.length), 1);
  }
  tips.forEach((tip, i) => {
    if (tip.startsWith(':')) out += `reset refs/heads/${prefix}-${i}\nfrom ${tip}\n\n`;
  });
  return out;
}

it('finds out what is missing in no more rounds, and with no more to tell, than stock git', () => {
  const box = sandbox();
  for (const seed of [1, 3]) {
    const random = new Random(seed);
    box.git(['init', '-q', '--bare', `server-${seed}`]);
    const server = { cwd: `server-${seed}` };
    box.git(['fast-import', '--quiet'], { ...server, input: history(random, 120, 'old', []) });
    box.git(['clone', '-q', '--mirror', `server-${seed}`, `base-${seed}`]);
    const tips = (directory: string): string[] =>
      box.git(['for-each-ref', '--format=%(objectname)'], { cwd: directory }).trim().split('\n');
    // Both sides go on, each for itself.
    box.git(['fast-import', '--quiet', '--force'], {
      ...server,
      input: history(random, 60, 'new', tips(`server-${seed}`)),
    });
    box.git(['fast-import', '--quiet', '--force'], {
      cwd: `base-${seed}`,
      input: history(random, 60 + 100 * seed, 'own', tips(`base-${seed}`)),
    });
    for (const algorithm of ['consecutive', 'skipping']) {
      for (const version of [0, 2]) {
        const counts: Record<string, { rounds: number; haves: number }> = {};
        for (const program of ['git', 'bough'] as const) {
          const client = box.path('client');
          cpSync(box.path(`base-${seed}`), client, { recursive: true });
          const trace = box.path('trace');
          rmSync(trace, { force: true });
          box[program](
            [
              '-c',
              `protocol.version=${version}`,
              '-c',
              `fetch.negotiationAlgorithm=${algorithm}`,
              'fetch',
              '-q',
              `file://${box.path(`server-${seed}`)}`,
              '+refs/heads/new-*:refs/heads/got-*',
            ],
            { cwd: 'client', env: { GIT_TRACE_PACKET: trace } },
          );
          const lines = readFileSync(trace, 'utf8')
            .split('\n')
            .filter((line) => /\bfetch> /.test(line));
          counts[program] = {
            rounds: lines.filter((line) => (version === 2 ? /fetch> command=fetch/ : /fetch> (?:0000|done)/).test(line))
              .length,
            haves: lines.filter((line) => line.includes('fetch> have ')).length,
          };
          box.fsck('client');
          removeFolder(client);
        }
        const { git, bough } = counts as { git: { rounds: number; haves: number }; bough: typeof git };
        const what = `seed ${seed}, ${algorithm}, v${version}: ${JSON.stringify(counts)}`;
        expect(bough.haves, what).toBeGreaterThan(0);
        expect(bough.haves, what).toBeLessThanOrEqual(git.haves);
        // Older versions of git may tell more at once.
        const spared = !current && bough.haves < git.haves ? 1 : 0;
        expect(bough.rounds, what).toBeLessThanOrEqual(git.rounds + spared);
      }
    }
  }
}, 240_000);

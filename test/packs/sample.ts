import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../support/random.js';
import { stock } from '../support/stock.js';

/**
 * A repository made by stock git: `commits` commits that change a few of some twenty text files, so that packing finds
 * deltas of deltas, and one tag. Nothing is packed yet.
 */
export function makeSample(
  directory: string,
  options: { format?: string; commits?: number; seed?: number } = {},
): void {
  const random = new Random(options.seed ?? 7);
  mkdirSync(directory, { recursive: true });
  stock(['init', '-q', '-b', 'main', `--object-format=${options.format ?? 'sha1'}`, '.'], { cwd: directory });
  // Newer git packs in the background, at any moment.
  stock(['config', 'maintenance.auto', 'false'], { cwd: directory });
  const line = (): string => `${random.below(1e9).toString(36)} ${'xyzzy '.repeat(random.below(4))}${random.below(50)}`;
  const files = new Map<string, string[]>();
  for (let i = 0; i < 20; i++) {
    files.set(`${i % 3 === 0 ? 'dir/sub/' : ''}file${i}.txt`, Array.from({ length: 3 + random.below(400) }, line));
  }
  mkdirSync(join(directory, 'dir/sub'), { recursive: true });
  for (let commit = 0; commit < (options.commits ?? 12); commit++) {
    for (const [name, lines] of files) {
      if (commit > 0 && !random.chance(0.4)) continue;
      for (let edit = 0; edit < 3; edit++) lines.splice(random.below(lines.length + 1), random.below(3), line());
      writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
    }
    stock(['add', '-A'], { cwd: directory });
    stock(['commit', '-q', '-m', `commit ${commit}`], {
      cwd: directory,
      env: { GIT_AUTHOR_DATE: `${1700000000 + commit} +0000`, GIT_COMMITTER_DATE: `${1700000000 + commit} +0000` },
    });
  }
  stock(['tag', '-a', '-m', 'one tag', 'v1'], { cwd: directory });
}

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { sandbox } from '../support/sandbox.js';

/** A long run has BOUGH_TEST_ROUNDS=20. */
const rounds = Number(process.env['BOUGH_TEST_ROUNDS'] ?? 4);

const collections: readonly (readonly string[])[] = [
  ['repack', '-q'],
  ['repack', '-adq'],
  ['repack', '-Adq'],
  ['repack', '-adfq', '--depth=5', '--window=5'],
  ['repack', '-adbq'],
  ['repack', '-dq', '--geometric=2', '--write-midx'],
  ['repack', '-adq', '--cruft'],
  ['gc', '-q'],
  ['gc', '-q', '--prune=now'],
  ['prune', '--expire=now'],
  ['multi-pack-index', 'write', '--no-progress'],
  ['commit-graph', 'write', '--reachable', '--split', '--no-progress'],
  ['commit-graph', 'write', '--reachable', '--changed-paths', '--no-progress'],
  ['prune-packed', '-q'],
];

describe('both programs in turn', () => {
  it(`lose nothing in ${rounds} rounds of commits and collections`, () => {
    const box = sandbox();
    const random = new Random(2026);
    box.git(['init', '-q', '-b', 'main', '.']);
    box.git(['config', 'maintenance.auto', 'false']);
    const contents = new Map<string, string>();
    const names = ['a.txt', 'b/c.txt', 'b/d/e.txt', 'f.bin', 'g/h.txt'];
    for (let round = 0; round < rounds; round++) {
      for (let commit = 0; commit < 4; commit++) {
        for (const name of names) {
          if (!random.chance(0.5)) continue;
          const lines = (contents.get(name) ?? '').split('\n');
          for (let i = 0; i < 8; i++)
            lines.splice(random.below(lines.length + 1), random.below(3), random.next().toString(36).repeat(4));
          const text = lines.join('\n');
          contents.set(name, text);
          mkdirSync(dirname(join(box.directory, name)), { recursive: true });
          writeFileSync(join(box.directory, name), text);
        }
        box.git(['add', '-A']);
        box.git(['commit', '-q', '--allow-empty', '-m', `${round}.${commit}`]);
        if (random.chance(0.3)) box.git(['tag', '-a', '-m', 'tag', `t${round}.${commit}`]);
        if (random.chance(0.2)) {
          box.git(['commit', '-q', '--amend', '--allow-empty', '-m', `${round}.${commit} again`]);
        }
      }
      const before =
        box.git(['for-each-ref']) + box.git(['rev-list', '--objects', '--all']).split('\n').sort().join('\n');
      for (let step = 0; step < 2; step++) {
        const packs = readdirSync(box.path('.git/objects/pack')).length;
        const words = random.pick(collections);
        const ours = box.tryBough(words);
        const refused = words[0] === 'multi-pack-index' && packs === 0;
        expect([ours.code, ours.stderr.replace(/^warning: .*\n/gm, '')], words.join(' ')).toEqual(
          refused ? [255, 'error: no pack files to index.\n'] : [0, ''],
        );
        box.fsck();
        const theirs = random.pick(collections);
        // An older git does not know every option; what it refuses it does not do.
        box.tryGit(theirs);
        box.fsck();
      }
      expect(
        box.git(['for-each-ref']) + box.git(['rev-list', '--objects', '--all']).split('\n').sort().join('\n'),
      ).toBe(before);
      expect(box.tryGit(['commit-graph', 'verify']).code).toBe(0);
      expect(box.tryGit(['multi-pack-index', 'verify']).code).toBe(0);
      const copy = box.path('copy');
      box.git(['clone', '-q', '--no-local', '.', 'copy']);
      expect(box.git(['rev-parse', 'HEAD'], { cwd: 'copy' })).toBe(box.git(['rev-parse', 'HEAD']));
      rmSync(copy, { recursive: true, force: true });
    }
  }, 600_000);
});

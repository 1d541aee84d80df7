import { expect, test } from 'vitest';
import { sandbox } from '../support/sandbox.js';

test('--stdin-packs=follow goes through packs that are not closed, and no further than closed ones', () => {
  const box = sandbox();
  const cwd = 'r';
  box.git(['init', '-q', '-b', 'main', cwd]);
  for (const name of ['A', 'B', 'C', 'D']) {
    box.run('sh', ['-c', `echo ${name} >${name}.t`], { cwd });
    box.git(['add', `${name}.t`], { cwd });
    box.git(['commit', '-q', '-m', name], { cwd });
    box.git(['tag', name], { cwd });
  }
  const pack = (range: string): string =>
    box.git(['pack-objects', '-q', '--revs', '.git/objects/pack/pack'], { cwd, input: `${range}\n` }).trim();
  const [a, b, c, d] = ['A', 'A..B', 'B..C', 'C..D'].map(pack);
  box.git(['prune-packed', '-q'], { cwd });
  const objects = (...names: (string | undefined)[]): string[] =>
    names
      .flatMap((name) =>
        box
          .git(['show-index'], { cwd, input: box.run('cat', [`.git/objects/pack/pack-${name}.idx`], { cwd }).raw })
          .trim()
          .split('\n')
          .map((line) => line.split(' ')[1]!),
      )
      .sort();
  const chosen = (mode: string, lines: string[]): string[] => {
    const made = box.bough(['pack-objects', '-q', mode, '.git/objects/pack/pack'], { cwd, input: lines.join('') });
    const listed = objects(made.trim());
    box.run('sh', ['-c', `rm -f .git/objects/pack/pack-${made.trim()}.*`], { cwd });
    return listed;
  };
  const named = [`pack-${b}.pack\n`, `^pack-${c}.pack\n`, `pack-${d}.pack\n`];
  expect(chosen('--stdin-packs', named)).toEqual(objects(b, d));
  // What they reach in the pack that nobody named comes along, through the one that is left out.
  expect(chosen('--stdin-packs=follow', named)).toEqual(objects(a, b, d));
  // With an open pack the ones marked with ^ are closed: A's commit and tree are behind B, its file is in D's tree.
  const closed = chosen('--stdin-packs=follow', [`!pack-${c}.pack\n`, `^pack-${b}.pack\n`, `pack-${d}.pack\n`]);
  const file = box.git(['rev-parse', 'A:A.t'], { cwd }).trim();
  expect(closed).toEqual([...objects(d), file].sort());
});

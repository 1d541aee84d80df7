import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** A random history with branches, merges and tags of both kinds. */
function history(box: Sandbox, random: Random, format: string): void {
  box.git(['init', '-q', '-b', 'main', `--object-format=${format}`, 'r']);
  const lines: string[] = [];
  const count = 24;
  for (let i = 1; i <= count; i++) {
    const when = `${1112911993 + i * 60} -0700`;
    const branch = random.pick(['main', 'main', 'topic', 'side']);
    lines.push(`blob\nmark :${1000 + i}\ndata ${String(i).length + 1}\n${i}\n`);
    lines.push(`commit refs/heads/${i === 1 ? 'main' : branch}\nmark :${i}`);
    lines.push(
      `committer C <c@example.com> ${when}\ndata <<E\ncommit ${i}${random.chance(0.2) ? '\n over two lines' : ''}\nE`,
    );
    if (i > 1) lines.push(`from :${i - 1 - random.below(Math.min(i - 1, 3))}`);
    if (i > 6 && random.chance(0.2)) lines.push(`merge :${1 + random.below(4)}`);
    lines.push(`M 100644 :${1000 + i} ${random.pick(['a', 'b', 'd/c', 'd/e'])}\n`);
    if (random.chance(0.15)) lines.push(`tag t${i}\nfrom :${i}\ntagger C <c@example.com> ${when}\ndata 2\nt\n`);
    if (random.chance(0.1)) lines.push(`reset refs/tags/light${i}\nfrom :${i}\n`);
  }
  box.git(['fast-import', '--quiet', '--force'], { cwd: 'r', input: `${lines.join('\n')}\ndone\n` });
}

const header = (bytes: Buffer): string => bytes.subarray(0, bytes.indexOf('\n\n') + 1).toString();

it.each(['sha1', 'sha256'])(
  'bundles of both programs say the same and are read by both (%s)',
  (format) => {
    const box = sandbox();
    const random = new Random(format === 'sha1' ? 31 : 32);
    history(box, random, format);
    const names = box.git(['for-each-ref', '--format=%(refname:short)'], { cwd: 'r' }).trim().split('\n');
    for (let i = 0; i < 12; i++) {
      const words: string[] = [];
      if (random.chance(0.4)) words.push(random.pick(['--all', '--branches', '--tags']));
      // Older ones write a ref as often as it is named.
      else for (const name of names) if (words.length === 0 || random.chance(0.3)) words.push(name);
      if (random.chance(0.3)) words.push(`^${random.pick(['main', 'topic', 'side'])}~${1 + random.below(2)}`);
      if (random.chance(0.2)) words.push(`--since=${1112911993 + random.below(24) * 60}`);
      if (random.chance(0.2)) words.push(`-${1 + random.below(5)}`);
      const what = words.join(' ');
      const stock = box.tryGit(['bundle', 'create', '-q', '../s.bundle', ...words], { cwd: 'r' });
      const ours = box.tryBough(['bundle', 'create', '-q', '../o.bundle', ...words], { cwd: 'r' });
      expect([what, ours.code, ours.stderr]).toEqual([what, stock.code, stock.stderr]);
      if (stock.code !== 0) continue;
      expect([what, header(readFileSync(box.path('o.bundle')))]).toEqual([
        what,
        header(readFileSync(box.path('s.bundle'))),
      ]);
      for (const verb of ['verify', 'list-heads']) {
        const theirs = box.tryGit(['bundle', verb, '../o.bundle'], { cwd: 'r' });
        expect(box.tryBough(['bundle', verb, '../o.bundle'], { cwd: 'r' })).toEqual(theirs);
        expect(theirs.code).toBe(0);
      }
      // A reader who has what is asked for takes either; one who has nothing is told what is missing.
      const [one, other] = ['x', 'y'].map((place) => {
        box.git(['init', '-q', `--object-format=${format}`, place]);
        const run = place === 'x' ? box.tryGit.bind(box) : box.tryBough.bind(box);
        const bundle = place === 'x' ? '../o.bundle' : '../s.bundle';
        const first = run(['fetch', '-q', bundle, 'refs/*:refs/*'], { cwd: place });
        box.git(['fetch', '-q', '../r'], { cwd: place });
        const second = run(['fetch', '-q', bundle, 'refs/*:refs/*'], { cwd: place });
        const refs = box.git(['for-each-ref'], { cwd: place });
        if (second.code === 0) box.fsck(place);
        box.run('rm', ['-rf', place]);
        return { first: [first.code, first.stderr], second: [second.code, second.stderr], refs };
      });
      expect({ what, ...other }).toEqual({ what, ...one });
    }
  },
  300_000,
);

it('takes no tag of the very second that --since or --until name', () => {
  const box = sandbox();
  box.git(['init', '-q', 'r']);
  for (let i = 0; i < 4; i++) {
    const env = { GIT_COMMITTER_DATE: `${1112911993 + i} +0000` };
    box.git(['commit', '-q', '--allow-empty', '-m', `${i}`], { cwd: 'r', env });
    box.git(['tag', '-a', '-m', 'x', `t${i}`], { cwd: 'r', env });
  }
  for (const limit of ['--since', '--until']) {
    const words = ['bundle', 'create', '-q', '../x.bundle', '--all', `${limit}=1112911994`];
    const [theirs, ours] = [box.tryGit, box.tryBough].map((program) => {
      const { code, stderr } = program.call(box, words, { cwd: 'r' });
      return { code, stderr, header: header(readFileSync(box.path('x.bundle'))) };
    });
    expect(ours).toEqual(theirs);
  }
}, 300_000);

it('a bundle that is damaged anywhere is refused, and nothing of it stays', () => {
  const box = sandbox();
  const random = new Random(5);
  history(box, random, 'sha1');
  box.bough(['bundle', 'create', '-q', '../o.bundle', '--all'], { cwd: 'r' });
  const whole = readFileSync(box.path('o.bundle'));
  const packStart = whole.indexOf('\n\n') + 2;
  for (let i = 0; i < 15; i++) {
    const at = packStart + random.below(whole.length - packStart);
    const broken = Buffer.from(random.chance(0.5) ? whole.subarray(0, at) : whole);
    if (broken.length > at) broken[at]! ^= 1 << random.below(8);
    writeFileSync(box.path('broken.bundle'), broken);
    const ran = box.tryBough(['clone', '-q', 'broken.bundle', 'c']);
    expect([at, broken.length, ran.code]).toEqual([at, broken.length, 128]);
    expect(ran.stderr).toMatch(/^(?:error|fatal): ./m);
    expect(box.run('ls', ['c']).code).not.toBe(0);
  }
}, 300_000);

import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { sandbox } from '../support/sandbox.js';

const CASES = Number(process.env['BOUGH_IMPORT_CASES'] ?? 6);
const SEED = Number(process.env['BOUGH_IMPORT_SEED'] ?? 1);

const NAMES = ['a', 'b', 'a.b', 'a-b', 'ab', 'aé', 'c', 'd0', 'z', '00', '"q"', 'two words'];

/** What a branch holds, so that changes name what is there and what is not. */
type Files = Map<string, string>;

const quoted = (path: string): string => `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Some commits with every kind of change, on branches that come from each other, into shallow and wide directories. */
function stream(random: Random, commits: number): string {
  const branches: Files[] = [];
  const lines: string[] = ['blob\nmark :1\ndata 3\none\nblob\nmark :2\ndata 4\ntwo\n'];
  const path = (): string => random.times(random.between(1, 4), () => random.pick(NAMES)).join('/');
  for (let i = 0; i < commits; i++) {
    const number = random.below(3);
    let files = branches[number];
    const at = 1700000000 + i;
    const head = [
      `commit refs/heads/b${number}\nmark :${i + 10}\ncommitter A é <a@b> ${at} +0100\ndata <<E\nnumber ${i}\nE`,
    ];
    if (files === undefined) {
      const other = branches.find((each) => each !== undefined);
      if (other === undefined || random.oneIn(3)) files = new Map();
      else {
        head.push(`from refs/heads/b${branches.indexOf(other)}`);
        files = new Map(other);
      }
    }
    branches[number] = files;
    const there = (): string | undefined => (files!.size === 0 ? undefined : random.pick([...files!.keys()]));
    /** A directory or file that is there. */
    const place = (): string | undefined => there()?.split('/').slice(0, random.between(1, 4)).join('/');
    const remove = (gone: string): void => {
      for (const each of [...files!.keys()]) if (each === gone || each.startsWith(`${gone}/`)) files!.delete(each);
    };
    const put = (to: string, mode: string): void => {
      const steps = to.split('/');
      for (let n = 1; n < steps.length; n++) files!.delete(steps.slice(0, n).join('/'));
      remove(to);
      files!.set(to, mode);
    };
    const changes = random.oneIn(6) ? random.between(20, 80) : random.between(1, 4);
    for (let n = 0; n < changes; n++) {
      const kind = random.below(20);
      if (kind === 0 && random.oneIn(4)) {
        head.push('deleteall');
        files.clear();
      } else if (kind < 4) {
        const gone = random.oneIn(3) ? path() : place();
        if (gone === undefined) continue;
        head.push(`D ${quoted(gone)}`);
        remove(gone);
      } else if (kind < 7) {
        const from = place();
        const to = path();
        // Into itself, or over what it lies in: each program has its own idea of that.
        if (from === undefined || `${to}/`.startsWith(`${from}/`) || `${from}/`.startsWith(`${to}/`)) continue;
        const moved = [...files].filter(([each]) => each === from || each.startsWith(`${from}/`));
        const rename = random.oneIn(2);
        head.push(`${rename ? 'R' : 'C'} ${quoted(from)} ${quoted(to)}`);
        if (rename) remove(from);
        remove(to);
        for (const [each, mode] of moved) put(to + each.slice(from.length), mode);
      } else {
        const to = random.oneIn(2) ? path() : (there() ?? path());
        const mode = random.pick(['100644', '100644', '100644', '100755', '120000']);
        if (random.oneIn(3)) head.push(`M ${mode} :${random.between(1, 2)} ${quoted(to)}`);
        else {
          const body = `${random.below(1000)} ${'text '.repeat(random.below(30))}`;
          head.push(`M ${mode} inline ${quoted(to)}\ndata ${body.length}\n${body}`);
        }
        put(to, mode);
      }
    }
    lines.push(`${head.join('\n')}\n`);
    if (random.oneIn(12)) lines.push('checkpoint\n');
  }
  return lines.join('\n');
}

describe('fast-import of random streams', () => {
  it.each(Array.from({ length: CASES }, (_, i) => SEED * 1000 + i))('seed %i', (seed) => {
    const random = new Random(seed);
    const format = random.oneIn(3) ? 'sha256' : 'sha1';
    const box = sandbox();
    const input = stream(random, 60);
    const answers = ['ours', 'theirs'].map((name) => {
      box.git(['init', '-q', '--bare', `--object-format=${format}`, name]);
      const words = ['fast-import', '--quiet', `--export-marks=marks`];
      const ran = name === 'ours' ? box.tryBough(words, { cwd: name, input }) : box.tryGit(words, { cwd: name, input });
      return [ran.code, ran.stderr.replace(/^fast-import:.*/ms, ''), box.git(['for-each-ref'], { cwd: name })];
    });
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]![0]).toBe(0);
    box.fsck('ours');
  });
});

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BatchCase, bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { Random } from '../support/random.js';
import { Sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

// BOUGH_RANGE_CASES, BOUGH_RANGE_SEED: more of them, by hand.
const count = Number(process.env['BOUGH_RANGE_CASES'] ?? 60);
const seed = Number(process.env['BOUGH_RANGE_SEED'] ?? 1);

const files = ['a.txt', 'dir/b.c', 'wide ä.txt', 'we"ird'];
type Files = Record<string, string[]>;
interface Edit {
  readonly file: string;
  readonly at: number;
  readonly lines: number;
  readonly text: string;
  readonly message: string;
  readonly kind: number;
}

/** Three versions of a series of commits on one base, for `git fast-import`: reordered, changed, dropped, doubled. */
function seriesStream(random: Random): string {
  let out = '';
  let mark = 0;
  let seconds = 1_500_000_000;
  const base: Files = { bin: ['\0bin', 'x'] };
  for (const file of files)
    base[file] = Array.from({ length: 20 }, (_, i) => (i % 7 === 0 ? `int fun${i}(void)` : `\tline ${i} of ${file}`));
  const commit = (branch: string, message: string, tree: Files, touched: readonly string[], from: number): number => {
    seconds += random.below(1000);
    const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
    out += `commit refs/heads/${branch}\nmark :${++mark}\nauthor ${random.oneIn(9) ? 'Jö <j@x>' : 'A U <a@x>'} ${seconds} +0000\n`;
    out += `committer C <c@x> ${seconds} +0000\n${data(message)}${from === 0 ? '' : `from :${from}\n`}`;
    for (const file of touched) {
      const lines = tree[file];
      if (lines === undefined) out += `D ${JSON.stringify(file)}\n`;
      else
        out += `M ${random.oneIn(9) ? '100755' : '100644'} inline ${JSON.stringify(file)}\n${data(`${lines.join('\n')}${random.oneIn(15) ? '' : '\n'}`)}`;
    }
    out += '\n';
    return mark;
  };
  const texts = ['changed', 'x = 1;', 'trailing  ', '\tvoid f(int)', ' space', '   \t'];
  const messages = ['one', 'two\n\nbody\n  indented', 'diff --git a b', 'commit 123', '@@ hunk', 'Notes:', 'fix ä'];
  const root = commit('main', 'base', base, Object.keys(base), 0);
  const edit = (): Edit => ({
    file: random.pick(files),
    at: random.below(20),
    lines: 1 + random.below(4),
    text: random.pick(texts),
    message: `${random.pick(messages)} ${random.below(6)}${random.pick(['', '\n\nbody\n\n\nmore  \n'])}`,
    kind: random.below(12),
  });
  const apply = (tree: Files, one: Edit): [Files, string[]] => {
    const next = { ...tree };
    const lines = next[one.file];
    if (one.kind === 0 && lines !== undefined) {
      next[`${one.file}.moved`] = lines;
      delete next[one.file];
      return [next, [one.file, `${one.file}.moved`]];
    }
    if (one.kind === 1) return [{ ...next, [`new${one.at}`]: ['new file', one.text] }, [`new${one.at}`]];
    if (one.kind === 2) {
      delete next[one.file];
      return [next, [one.file]];
    }
    if (one.kind === 3) return [{ ...next, bin: ['\0bin', `y${one.at}`] }, ['bin']];
    const changed = [...(lines ?? ['again'])];
    changed.splice(one.at, one.lines, ...Array.from({ length: one.lines }, (_, i) => `${one.text} ${one.at}${i}`));
    next[one.file] = changed;
    return [next, [one.file]];
  };
  const edits = Array.from({ length: 3 + random.below(8) }, edit);
  for (const branch of ['v1', 'v2', 'v3']) {
    const list = [...edits];
    for (let n = branch === 'v1' ? 0 : 1 + random.below(4); n > 0 && list.length > 0; n--) {
      const at = random.below(list.length);
      const one = list[at]!;
      if (random.oneIn(5)) list.splice(at, 1);
      else if (random.oneIn(4) && at > 0) list.splice(at - 1, 2, one, list[at - 1]!);
      else if (random.oneIn(3)) list[at] = { ...one, text: 'other' };
      else if (random.oneIn(2)) list[at] = { ...one, message: `changed ${one.message}` };
      else list.splice(at, 0, random.oneIn(2) ? { ...one } : edit());
    }
    let tree = base;
    let from = root;
    for (const one of list) {
      const [next, touched] = apply(tree, one);
      tree = next;
      from = commit(branch, one.message, tree, touched, from);
    }
  }
  return out;
}

function randomWords(random: Random): string[] {
  const settings = ['diff.algorithm=histogram', 'diff.context=1', 'core.quotePath=false', 'diff.noprefix=true'];
  const styles = ['color.diff.newBold=blue', 'diff.colorMoved=zebra', 'color.diff.contextDimmed=red'];
  const options = ['--stat', '-w', '--left-only', '--right-only', '--no-notes', '-U1', '-s', '--notes=commits', '-R'];
  const shown = ['--no-dual-color', '--word-diff', '--color-moved', '--color-words'];
  const words = random.oneIn(6) ? ['-c', random.pick(current ? [...settings, ...styles] : settings)] : [];
  words.push('range-diff', current && random.oneIn(2) ? '--color=always' : '--no-color');
  if (random.oneIn(2)) words.push(`--creation-factor=${random.pick([1, 10, 30, 50, 60, 80, 100])}`);
  if (random.oneIn(3)) words.push(random.pick(current ? [...options, ...shown] : options));
  const [a, b] = [random.pick(['v1', 'v2', 'v3']), random.pick(['v1', 'v2', 'v3'])];
  return [...words, ...random.pick([[`${a}...${b}`], ['main', a, b], [`main..${a}`, `main..${b}`]])];
}

let folder: string;
let box: Sandbox;
let bundle: string;
const repositories: string[] = [];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'bough-range-')));
  box = new Sandbox(folder);
  mkdirSync(join(folder, 'bundle'));
  bundle = await bundleCommands(join(folder, 'bundle'));
  const random = new Random(seed);
  for (let i = 0; i < 4; i++) {
    box.git(['init', '-q', '-b', 'main', `r${i}`]);
    const imported = box.tryGit(['fast-import', '--quiet'], { cwd: `r${i}`, input: seriesStream(random) });
    if (imported.code !== 0) throw new Error(imported.stderr);
    box.git(['notes', 'add', '-m', 'a note\n\nmore', 'v1'], { cwd: `r${i}` });
    box.git(['notes', 'add', '-m', 'another', 'v2'], { cwd: `r${i}` });
    repositories.push(join(folder, `r${i}`));
  }
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(`${count} random range-diffs answer as stock git`, { timeout: 600_000 }, () => {
  const random = new Random(seed);
  const cases: BatchCase[] = Array.from({ length: count }, () => ({
    cwd: random.pick(repositories),
    words: randomWords(random),
  }));
  const answers = runBatch(folder, bundle, cases, box.env);
  const differing: string[] = [];
  for (const [i, one] of cases.entries()) {
    const theirs = stockAnswer(one, box.env);
    const ours = answers[i]!;
    if (ours.code !== theirs.code || ours.stdout !== theirs.stdout || ours.stderr !== theirs.stderr)
      differing.push(`${one.words.join(' ')} (${one.cwd}): ${ours.stderr}`);
  }
  expect(differing).toEqual([]);
});

it('refuses what names no two ranges, in git’s words', () => {
  const cwd = repositories[0]!;
  for (const words of [
    ['main', 'v1'],
    ['main..v1', 'main..nothing'],
    ['nothing...v1'],
    ['main', 'v1', 'v2', 'nothing'],
    ['v1^..', 'v1^{/..}', '--'],
    ['--left-only', '--right-only', 'v1...v2'],
  ]) {
    const theirs = box.tryGit(['range-diff', ...words], { cwd });
    const ours = box.tryBough(['range-diff', ...words], { cwd });
    expect([words, ours.code, ours.stderr.split('\n')[0]]).toEqual([words, theirs.code, theirs.stderr.split('\n')[0]]);
  }
});

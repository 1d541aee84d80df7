import { cpSync, existsSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { BatchCase } from '../support/batch.js';
import { bundleCommands, runBatch } from '../support/batch.js';
import { type OddHistory, oddHistory, oddStream } from '../support/odd-history.js';
import { Random } from '../support/random.js';
import { sharedSandbox, stockGit } from '../support/sandbox.js';
import { current } from '../support/version.js';

/** More by hand: BOUGH_ODD=first-last:steps:size. */
const [range, steps = '4', most = '40'] = (process.env['BOUGH_ODD'] ?? '1-2').split(':') as [string, string?, string?];
const [first, last = first] = range.split('-').map(Number) as [number, number?];
const seeds = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);

const box = sharedSandbox();
afterAll(() => box.remove());
let bundle: string | undefined;

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** A repository under test, the history that it gets bit by bit, and what is true of it. */
class Subject {
  readonly cwd: string;
  /** The same objects, never touched by what is tested. */
  readonly model: string;
  readonly history: OddHistory;
  readonly random: Random;
  readonly hex: number;
  readonly #objects = new Map<string, Set<string>>();
  readonly #gone = new Set<number>();
  grown = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const size = this.random.between(Math.floor(Number(most) / 3), Number(most));
    this.history = oddHistory(this.random, size);
    const format = this.random.oneIn(4) ? 'sha256' : 'sha1';
    this.hex = format === 'sha1' ? 40 : 64;
    this.cwd = `r${seed}`;
    this.model = `m${seed}`;
    for (const at of [this.cwd, this.model]) {
      box.git(['init', '-q', '--bare', `--object-format=${format}`, at]);
      box.git(['config', 'gc.auto', '0'], { cwd: at });
      box.git(['config', 'fastimport.unpackLimit', '0'], { cwd: at });
    }
    if (this.random.oneIn(3)) this.#group();
  }

  /** Bitmaps of several commits together. */
  #group(): void {
    const { random } = this;
    for (const [name, pattern] of [
      ['one', random.pick(['refs/', 'refs/heads/c(.)', 'refs/(tags|heads)/'])],
      ['two', 'refs/'],
    ] as const) {
      const [early, late] = random.pick([
        ['never', 'now'],
        ['now', 'now'],
        ['@1600000100', 'now'],
        ['@1600000010', '@1600000200'],
      ] as const);
      const settings = {
        pattern,
        stableThreshold: early,
        threshold: late,
        maxMerges: random.between(0, 8),
        stableSize: random.between(1, 9),
        decay: random.pick(['0', '1', '2']),
        sampleRate: random.pick(['1', '0.4']),
      };
      for (const [key, value] of Object.entries(settings)) {
        box.git(['config', `bitmapPseudoMerge.${name}.${key}`, `${value}`], { cwd: this.cwd });
      }
      if (random.oneIn(2)) return;
    }
  }

  /** More commits, as a pack or loose; answers whether there were any. */
  grow(count: number): boolean {
    const { random, history, cwd, model, grown } = this;
    const to = Math.min(grown + count, history.shape.length);
    if (to === grown) return false;
    const input = oddStream(random, history, [grown, to], { hex: this.hex, gone: this.#gone });
    const limit = random.oneIn(3) ? '100000' : '0';
    box.git(['-c', `fastimport.unpackLimit=${limit}`, 'fast-import', '--quiet'], { cwd, input });
    box.git(['fast-import', '--quiet'], { cwd: model, input });
    for (const at of [cwd, model]) box.git(['symbolic-ref', 'HEAD', `refs/heads/c${to - 1}`], { cwd: at });
    this.grown = to;
    // A tree with an empty one in it, a tag of a tag, references to a tree and to a blob.
    if (random.oneIn(4)) {
      const at = [cwd, model];
      const both = (args: readonly string[], given?: string): string =>
        at.map((one) => box.git(args, { cwd: one, ...(given === undefined ? {} : { input: given }) }).trim())[0]!;
      const empty = both(['mktree'], '');
      const blob = both(['hash-object', '-w', '--stdin'], `${random.next()}\n`);
      const tree = both(['mktree'], `040000 tree ${empty}\tempty\n100644 blob ${blob}\tfile\n`);
      const commit = both(['commit-tree', tree, '-p', `c${to - 1}`, '-m', 'more']);
      both(['tag', '-f', '-a', '-m', 'one', 'one', commit]);
      both(['tag', '-f', '-a', '-m', 'two', 'two', 'one']);
      both(['update-ref', 'refs/odd/tree', random.pick([tree, empty])]);
      both(['update-ref', 'refs/odd/blob', blob]);
    }
    // Some that nothing reaches.
    if (random.oneIn(2)) {
      const number = random.below(to - 1);
      this.#gone.add(number);
      const gone = `refs/heads/c${number}`;
      box.tryGit(['update-ref', '-d', gone], { cwd });
      box.tryGit(['update-ref', '-d', gone], { cwd: model });
    }
    return true;
  }

  tips(): string[] {
    return lines(box.git(['for-each-ref', '--format=%(objectname)'], { cwd: this.cwd }));
  }

  commits(): string[] {
    return lines(box.git(['rev-list', '--all'], { cwd: this.model }));
  }

  /** Every object that is reached from one. */
  objects(oid: string): Set<string> {
    let known = this.#objects.get(oid);
    if (known === undefined) {
      known = new Set(lines(box.git(['rev-list', '--objects', '--no-object-names', oid], { cwd: this.model })));
      this.#objects.set(oid, known);
    }
    return known;
  }

  packs(): string[] {
    return readdirSync(box.path(this.cwd, 'objects/pack'))
      .filter((name) => name.endsWith('.pack'))
      .sort();
  }

  layers(): string[] {
    const chain = 'objects/pack/multi-pack-index.d/multi-pack-index-chain';
    if (!existsSync(box.path(this.cwd, chain))) return [];
    return lines(box.run('cat', [chain], { cwd: this.cwd }).stdout);
  }

  /** A pack of what some tips reach: its objects may lie elsewhere, too. */
  addPack(): void {
    const { random, cwd } = this;
    const tips = this.tips();
    const input = `${random.pick(tips)}\n${random.pick(tips)}\n${random.oneIn(2) ? `^${random.pick(tips)}\n` : ''}`;
    const made = box.git(['pack-objects', '-q', '--revs', 'objects/pack/pack'], { cwd, input }).trim();
    if (made === '') return;
    // Packs of one second.
    for (const name of this.packs()) {
      if (random.oneIn(2)) utimesSync(box.path(cwd, 'objects/pack', name), 1_700_000_000, 1_700_000_000);
    }
    if (random.oneIn(4)) writeFileSync(box.path(cwd, `objects/pack/pack-${made}.keep`), '');
  }
}

type Step = (subject: Subject) => readonly string[] | undefined;

const flags = (random: Random, words: readonly string[]): string[] => words.filter(() => random.oneIn(3));

const stepsOf: readonly Step[] = [
  ({ random }) => [
    'repack',
    '-q',
    random.pick(['-a', '-A', '-ad', '-Ad', '-d']),
    ...flags(random, ['-f', '-F', '--window=3', '--depth=4', '-n', '-k', '--pack-kept-objects', '-i', '--write-midx']),
  ],
  ({ random }) => [
    'repack',
    '-adbq',
    ...flags(random, ['-f', '--write-midx', '--pack-kept-objects', '--delta-islands']),
  ],
  ({ random }) => [
    'repack',
    '-dq',
    '--cruft',
    ...flags(random, ['--cruft-expiration=now', '--write-midx', '-b', '--max-cruft-size=1k']),
  ],
  ({ random }) => [
    'repack',
    '-dq',
    `--geometric=${random.between(2, 4)}`,
    ...random.pick([[], ['--write-midx'], ['--write-midx', '-b'], ['--write-midx', '-b']]),
    ...flags(random, ['--pack-kept-objects']),
  ],
  ({ random }) =>
    current
      ? ['repack', '-dq', `--geometric=${random.between(2, 3)}`, '--write-midx=incremental', ...flags(random, ['-b'])]
      : undefined,
  (subject) => {
    const { random } = subject;
    const packs = subject.packs();
    if (packs.length === 0) return undefined;
    const preferred = random.oneIn(2) ? [`--preferred-pack=${random.pick(packs)}`] : [];
    return ['multi-pack-index', 'write', ...preferred, ...random.pick([[], ['--bitmap'], ['--bitmap']])];
  },
  ({ random }) => ['multi-pack-index', random.pick(['expire', 'repack'])],
  ({ random }) => ['multi-pack-index', 'repack', `--batch-size=${random.pick([1, 900, 4000, 100_000])}`],
  (subject) => {
    const { random } = subject;
    const layers = subject.layers();
    if (!current || layers.length < 2) return undefined;
    const from = random.below(layers.length - 1);
    const to = random.between(from + 1, layers.length - 1);
    return ['multi-pack-index', 'compact', '--incremental', ...flags(random, ['--bitmap']), layers[from]!, layers[to]!];
  },
  ({ random }) => ['gc', '-q', ...flags(random, ['--prune=now', '--no-cruft', '--keep-largest-pack'])],
  ({ random }) => [
    'commit-graph',
    'write',
    '--reachable',
    ...random.pick([[], ['--split'], ['--split'], ['--split=replace'], ['--split=no-merge']]),
    ...flags(random, ['--changed-paths', '--max-new-filters=7', '--append', '--size-multiple=4', '--max-commits=9']),
  ],
];

const settings: readonly (readonly string[])[] = [
  ['commitGraph.generationVersion', '1', '2'],
  ['commitGraph.changedPathsVersion', '1', '2', '-1'],
  ['pack.writeBitmapLookupTable', 'true', 'false'],
  ['pack.writeBitmapHashCache', 'true', 'false'],
  ['pack.preferBitmapTips', 'refs/heads/c1', 'refs/heads', 'refs/tags'],
  ['pack.island', 'refs/heads/c(.)', 'refs/tags/'],
  ['pack.islandCore', '1'],
  ['repack.useDeltaBaseOffset', 'true', 'false'],
  ['repack.midxSplitFactor', '2', '4'],
  ['repack.midxNewLayerThreshold', '1', '3'],
  ['pack.allowPackReuse', 'true', 'false', ...(current ? ['multi'] : [])],
  ['pack.readReverseIndex', 'true', 'false'],
  ['pack.writeReverseIndex', 'true', 'false'],
  ['core.multiPackIndex', 'true', 'true', 'false'],
  ['pack.packSizeLimit', '1m'],
];

/** What a repository holds, and (but for `anywhere`) in how many packs. */
function held(cwd: string, anywhere: boolean): Record<string, unknown> {
  const listed = box.git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)', '--unordered'], { cwd });
  const counts = box.git(['count-objects', '-v'], { cwd });
  const loose = /^count: .*/m.exec(counts)![0];
  if (anywhere) return { objects: lines(listed).sort(), loose };
  return {
    objects: lines(listed).sort(),
    loose,
    packed: /^in-pack: .*/m.exec(counts)![0],
    packs: /^packs: .*/m.exec(counts)![0],
  };
}

/** The same repository after a step of stock git. */
function twinOf(subject: Subject): string {
  const twin = `${subject.cwd}t`;
  rmSync(box.path(twin), { recursive: true, force: true });
  cpSync(box.path(subject.cwd), box.path(twin), { recursive: true, preserveTimestamps: true });
  return twin;
}

/** Everything that reads what was written, against the model. Answers how many bitmaps there were. */
async function check(subject: Subject, said: string): Promise<number> {
  const { cwd, random } = subject;
  try {
    box.fsck(cwd);
  } catch (error) {
    throw new Error(`${said}: ${error}`);
  }
  for (const words of [
    ['multi-pack-index', 'verify', '--no-progress'],
    ['commit-graph', 'verify', '--no-progress'],
  ]) {
    for (const program of ['tryGit', 'tryBough'] as const) {
      const ran = box[program](words, { cwd });
      const answer = { code: ran.code, told: ran.stdout + ran.stderr };
      expect(answer, `${said}: ${program} ${words[0]}`).toEqual({ code: 0, told: '' });
    }
  }
  const commits = subject.commits();
  const sample = process.env['BOUGH_ODD'] !== undefined ? commits : random.shuffle(commits).slice(0, 12);
  // At the edges of a range more may be listed than need be: all that `wants` reach, at most.
  const asked: { words: string[]; expected: string[] | undefined; wants?: Set<string> }[] = [];
  for (const oid of sample) {
    asked.push({ words: ['rev-list', '--test-bitmap', oid], expected: undefined });
    const listed = ['rev-list', '--objects', '--use-bitmap-index', '--no-object-names'];
    asked.push({ words: [...listed, oid], expected: [...subject.objects(oid)].sort() });
    if (!random.oneIn(4)) continue;
    const [other, out] = [random.pick(commits), random.pick(commits)];
    const without = subject.objects(out);
    const wants = new Set([...subject.objects(oid), ...subject.objects(other)]);
    const expected = [...wants].filter((one) => !without.has(one)).sort();
    asked.push({ words: [...listed, oid, other, `^${out}`], expected, wants });
  }
  bundle ??= await bundleCommands(box.path('bundle'));
  const batch: BatchCase[] = asked.map(({ words }) => ({ cwd: box.path(cwd), words }));
  const ours = runBatch(box.directory, bundle, batch, box.env);
  const theirs = asked.map(({ words }) => box.tryGit(words, { cwd }));
  let tested = 0;
  for (const [program, answers] of [
    ['git', theirs],
    ['bough', ours],
  ] as const) {
    tested += answers.filter(({ code }, i) => asked[i]!.expected === undefined && code === 0).length;
    asked.forEach(({ words, expected, wants }, i) => {
      const what = `${said}: ${program} ${words.join(' ')}`;
      const { code, stdout, stderr } = answers[i]!;
      if (expected === undefined) {
        if (code !== 0) expect(stderr, what).toMatch(/doesn't have an indexed bitmap|failed to load bitmap indexes/);
        return;
      }
      expect(code, `${what}: ${stderr}`).toBe(0);
      const list = lines(stdout).sort();
      if (wants === undefined) expect(list, what).toEqual(expected);
      else {
        const there = new Set(list);
        expect(
          { lacks: expected.filter((oid) => !there.has(oid)), over: list.filter((oid) => !wants.has(oid)) },
          what,
        ).toEqual({
          lacks: [],
          over: [],
        });
      }
    });
  }
  return tested;
}

/** Packs made for others hold what was asked for. */
function checkPacks(subject: Subject, said: string): void {
  const { cwd, random, model } = subject;
  const tips = subject.tips().filter((oid) => subject.objects(oid).size > 0);
  const [want, other, out] = [random.pick(tips), random.pick(tips), random.pick(subject.commits())];
  const filter = random.pick([
    undefined,
    undefined,
    'blob:none',
    'tree:0',
    'tree:2',
    'blob:limit=100',
    'object:type=tree',
  ]);
  const words = [
    'pack-objects',
    '--revs',
    '--stdout',
    '-q',
    ...(filter === undefined ? [] : [`--filter=${filter}`]),
    ...flags(random, ['--thin', '--delta-base-offset', '--no-reuse-delta', '--no-reuse-object', '--delta-islands']),
  ];
  const what = `${said}: ${words.join(' ')} ${want} ${other} --not ${out}`;
  const pack = box.tryBough(words, { cwd, input: `${want}\n${other}\n--not\n${out}\n` });
  expect(pack.code, `${what}\n${pack.stderr}`).toBe(0);
  const target = `${cwd}p`;
  rmSync(box.path(target), { recursive: true, force: true });
  cpSync(box.path(model), box.path(target), { recursive: true });
  const before = new Set(readdirSync(box.path(target, 'objects/pack')));
  const indexed = box.tryGit(['index-pack', '--stdin', '--fix-thin'], { cwd: target, input: pack.raw });
  expect(indexed.code, `${what}\n${indexed.stderr}`).toBe(0);
  const made = readdirSync(box.path(target, 'objects/pack')).find((name) => name.endsWith('.idx') && !before.has(name));
  const read = box.run('cat', [`objects/pack/${made}`], { cwd: target }).raw;
  const format = subject.hex === 40 ? 'sha1' : 'sha256';
  const sent = new Set(
    made === undefined
      ? []
      : lines(box.git(['show-index', `--object-format=${format}`], { cwd: target, input: read })).map(
          (line) => line.split(' ')[1]!,
        ),
  );
  const without = subject.objects(out);
  const all = [...subject.objects(want), ...subject.objects(other)];
  let needed = all.filter((oid) => !without.has(oid));
  if (filter !== undefined) {
    const args = ['rev-list', '--objects', '--no-object-names', `--filter=${filter}`, want, other, `^${out}`];
    const passed = new Set(lines(box.git(args, { cwd: model })));
    needed = needed.filter((oid) => passed.has(oid));
  }
  expect(
    needed.filter((oid) => !sent.has(oid)),
    `${what}: lacks`,
  ).toEqual([]);
  if (filter === undefined && !words.includes('--thin')) {
    const allowed = new Set(all);
    expect(
      [...sent].filter((oid) => !allowed.has(oid)),
      `${what}: holds what nobody asked for`,
    ).toEqual([]);
  }
}

/** Copies by either program out of it, the whole or a part. */
function checkClones(subject: Subject, said: string): void {
  const { cwd, random } = subject;
  const upload = ['-u', `${process.execPath} ${process.cwd()}/bin/git upload-pack`];
  const target = `${cwd}c`;
  for (const [program, options] of [
    ['git', upload],
    ['bough', ['-u', `${stockGit} upload-pack`]],
    ['bough', upload],
  ] as const) {
    rmSync(box.path(target), { recursive: true, force: true });
    const depth = random.oneIn(3) ? [`--depth=${random.between(1, 5)}`, '--no-single-branch'] : [];
    const words = ['clone', '-q', '--mirror', ...options, ...depth, `file://${box.path(cwd)}`, target];
    box[program](words);
    try {
      box.fsck(target);
    } catch (error) {
      throw new Error(`${said}: ${program} ${words.join(' ')}: ${error}`);
    }
    const refs = ['for-each-ref', '--format=%(objectname) %(refname)'];
    expect(box.git(refs, { cwd: target })).toBe(box.git(refs, { cwd }));
    if (depth.length > 0) continue;
    const all = ['rev-list', '--objects', '--no-object-names', '--all'];
    expect(lines(box.git(all, { cwd: target })).sort(), `${said}: ${program} clone`).toEqual(
      lines(box.git(all, { cwd: subject.model })).sort(),
    );
  }
}

describe('histories that chance seldom makes', () => {
  it.each(seeds)(
    'lose nothing, and what is written about them is true: %i',
    async (seed) => {
      const subject = new Subject(seed);
      const { random, cwd, history } = subject;
      const told: string[] = [`seed ${seed}: ${history.kind}, ${history.shape.length} commits, ${subject.hex}`];
      subject.grow(Math.ceil(history.shape.length / 2));
      for (let n = 0; n < Number(steps); n++) {
        if (n > 0 && random.oneIn(2)) subject.grow(random.between(1, 9));
        if (random.oneIn(2)) subject.addPack();
        const [key, ...values] = random.pick(settings);
        if (random.oneIn(2)) {
          const value = random.pick(values);
          box.git(['config', key!, value], { cwd });
          told.push(`config ${key} ${value}`);
        }
        const words = random.pick(stepsOf)(subject);
        if (words === undefined) continue;
        const twin = twinOf(subject);
        const ours = box.tryBough(words, { cwd });
        const theirs = box.tryGit(words, { cwd: twin });
        told.push(words.join(' '));
        const said = told.join('\n');
        const layered = words.includes('--write-midx=incremental');
        // Stock git gives up where an index of another kind is there, too.
        if (current && (theirs.code === 0 || !layered)) {
          // Of a tip that is no commit stock git says so where it makes groups of tips.
          const err = theirs.stderr.replace(/^error: object .* is a (?:tree|blob), not a commit\n/gm, '');
          expect({ code: ours.code, err: ours.stderr }, said).toEqual({ code: theirs.code, err });
          // What packs of layers have in common is packed once more by stock git; a pack that comes out as one that is there
          // is no other one.
          const anywhere = layered || words.slice(0, 2).join(' ') === 'multi-pack-index repack';
          expect(held(cwd, anywhere), said).toEqual(held(twin, anywhere));
        } else if (theirs.code === 0) expect(ours.code, `${said}\n${ours.stderr}`).toBe(0);
        // A graph may be left with commits that are gone, with stock git too; that spoils the rest.
        const stale = box.tryGit(['commit-graph', 'verify', '--no-progress'], { cwd: twin });
        if (stale.code !== 0) {
          const ours = box.tryGit(['commit-graph', 'verify', '--no-progress'], { cwd });
          expect(current ? ours : { code: stale.code }, said).toMatchObject(current ? stale : { code: ours.code });
          for (const at of [cwd, twin]) {
            rmSync(box.path(at, 'objects/info/commit-graph'), { force: true });
            rmSync(box.path(at, 'objects/info/commit-graphs'), { recursive: true, force: true });
          }
        }
        const tested = await check(subject, said);
        if (process.env['BOUGH_ODD'] !== undefined) console.log(seed, n, ours.code, tested, words.join(' '));
        if (random.oneIn(2)) checkPacks(subject, said);
        if (random.oneIn(3)) checkClones(subject, said);
        // They go on with what either of them wrote, unless stock git left an index of packs that are gone.
        const sound = box.tryGit(['multi-pack-index', 'verify', '--no-progress'], { cwd: twin }).code === 0;
        if (theirs.code === 0 && sound && random.oneIn(3)) {
          rmSync(box.path(cwd), { recursive: true, force: true });
          renameSync(box.path(twin), box.path(cwd));
          told.push('(as stock git left it)');
          await check(subject, told.join('\n'));
        }
      }
    },
    600_000,
  );
});

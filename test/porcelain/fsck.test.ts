import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import { type Sandbox, sharedSandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

let box: Sandbox & { remove(): void };
let bundle: string;

beforeAll(async () => {
  box = sharedSandbox();
  bundle = await bundleCommands(box.directory);
});
afterAll(() => box.remove());

interface Made {
  readonly kind: string;
  readonly oid: string;
}

/** A repository whose objects are written here, so that any of them can be left out. */
class Scene {
  readonly directory: string;
  readonly #format: 'sha1' | 'sha256';
  readonly objects: Made[] = [];
  packed = false;

  constructor(directory: string, format: 'sha1' | 'sha256') {
    this.directory = directory;
    this.#format = format;
  }

  write(kind: string, data: Uint8Array): string {
    const raw = Buffer.concat([Buffer.from(`${kind} ${data.length}\0`), data]);
    const oid = createHash(this.#format).update(raw).digest('hex');
    const folder = join(this.directory, 'objects', oid.slice(0, 2));
    mkdirSync(folder, { recursive: true });
    const path = join(folder, oid.slice(2));
    if (!existsSync(path)) {
      writeFileSync(path, deflateSync(raw));
      this.objects.push({ kind, oid });
    }
    return oid;
  }

  tree(entries: readonly { readonly mode: string; readonly name: string; readonly oid: string }[]): string {
    const key = (one: { mode: string; name: string }) => Buffer.from(one.name + (one.mode === '40000' ? '/' : ''));
    const sorted = [...entries].sort((a, b) => Buffer.compare(key(a), key(b)));
    const parts = sorted.map((e) => Buffer.concat([Buffer.from(`${e.mode} ${e.name}\0`), Buffer.from(e.oid, 'hex')]));
    return this.write('tree', Buffer.concat(parts));
  }

  remove(oid: string): void {
    rmSync(join(this.directory, 'objects', oid.slice(0, 2), oid.slice(2)), { force: true });
  }

  ref(name: string, value: string): void {
    const path = join(this.directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `${value}\n`);
  }
}

/** Random history with odd ends, then damage; what was made, for arguments. */
function makeScene(random: Random, name: string): Scene {
  const format = random.oneIn(3) ? 'sha256' : 'sha1';
  const directory = join(process.env['BOUGH_FSCK_KEEP'] ?? box.directory, name);
  box.git(['init', '-q', '--bare', '-b', 'main', `--object-format=${format}`, directory]);
  const scene = new Scene(directory, format);
  const blobs = random.times(random.between(2, 10), () => scene.write('blob', random.bytes(random.between(0, 20))));
  const trees: string[] = [];
  for (let n = random.between(1, 8); n > 0; n--) {
    const entries = new Map<string, { mode: string; name: string; oid: string }>();
    for (let i = random.below(4); i > 0; i--) {
      const file = `f${random.below(5)}`;
      if (trees.length > 0 && random.oneIn(3))
        entries.set(file, { mode: '40000', name: file, oid: random.pick(trees) });
      else
        entries.set(file, { mode: random.pick(['100644', '100755', '120000']), name: file, oid: random.pick(blobs) });
    }
    if (random.oneIn(8)) entries.set('s', { mode: '160000', name: 's', oid: 'ab'.repeat(format === 'sha1' ? 20 : 32) });
    trees.push(scene.tree([...entries.values()]));
  }
  const commits: string[] = [];
  for (let n = random.between(1, 10); n > 0; n--) {
    const parents = new Set(random.times(Math.min(commits.length, random.below(3)), () => random.pick(commits)));
    const lines = [`tree ${random.pick(trees)}`, ...[...parents].map((oid) => `parent ${oid}`)];
    // Now and then one that has something wrong with it.
    const email = random.oneIn(10) ? '' : '<a@x> ';
    const who = `A ${email}${random.oneIn(10) ? '0' : ''}${1112911993 + n} +0000`;
    commits.push(scene.write('commit', Buffer.from(`${lines.join('\n')}\nauthor ${who}\ncommitter ${who}\n\nc${n}\n`)));
  }
  const tags: string[] = [];
  for (let n = random.below(4); n > 0; n--) {
    const [kind, oid] = random.pick([
      ['commit', random.pick(commits)],
      ['tree', random.pick(trees)],
      ['blob', random.pick(blobs)],
      ...tags.map((tag) => ['tag', tag] as const),
    ] as const);
    const text = `object ${oid}\ntype ${kind}\ntag t${n}\ntagger A <a@x> 1112911993 +0000\n\nt${n}\n`;
    tags.push(scene.write('tag', Buffer.from(text)));
  }
  for (let n = random.below(4); n > 0; n--)
    scene.ref(`refs/heads/${random.pick(['main', 'a', 'b'])}`, random.pick(commits));
  for (let n = random.below(3); n > 0; n--) {
    scene.ref(`refs/tags/t${n}`, random.pick([...tags, ...commits, ...(random.oneIn(3) ? [...trees, ...blobs] : [])]));
  }
  if (random.oneIn(4)) scene.ref('HEAD', random.pick(commits));
  if (random.oneIn(3) && existsSync(join(directory, 'refs/heads/main'))) {
    const zero = '0'.repeat(format === 'sha1' ? 40 : 64);
    let last = zero;
    let log = '';
    for (let n = random.between(1, 4); n > 0; n--) {
      const next = random.pick(commits);
      log += `${last} ${next} A <a@x> ${1112911993 - n} +0000\tm\n`;
      last = next;
    }
    mkdirSync(join(directory, 'logs/refs/heads'), { recursive: true });
    writeFileSync(join(directory, 'logs/refs/heads/main'), log);
  }
  if (random.oneIn(3)) box.git(['read-tree', random.pick(trees)], { cwd: directory });
  // Some objects go into a pack, all of it or apart from loose ones; some are lost.
  const lost = scene.objects.filter(() => random.chance(0.15));
  const packed = random.oneIn(2) ? scene.objects.filter((one) => !lost.includes(one) && random.chance(0.7)) : [];
  if (packed.length > 0) {
    scene.packed = true;
    const input = `${packed.map((one) => one.oid).join('\n')}\n`;
    box.git(['pack-objects', '-q', 'objects/pack/pack'], { cwd: directory, input });
    for (const { oid } of packed) if (!random.oneIn(6)) scene.remove(oid);
  }
  for (const { oid } of lost) scene.remove(oid);
  return scene;
}

const flags = ['--full', '--no-full', '--strict', '--unreachable', '--no-dangling', '--dangling', '--root', '--tags'];

/** What was written to lost-found, to be compared too; taken away again. */
function lostFound(directory: string): string {
  const place = join(directory, 'lost-found');
  if (!existsSync(place)) return '';
  let text = '';
  for (const kind of ['commit', 'other']) {
    const folder = join(place, kind);
    for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
      text += `${kind}/${name} ${readFileSync(join(folder, name), 'hex')}\n`;
    }
  }
  rmSync(place, { recursive: true });
  return text;
}

const SPLIT = /^(?!\s)/m;
/** Of objects that clash in git's table of objects the order is not always met where there is a pack or an index. */
const sorted = (text: string): string => text.split(SPLIT).sort().join('');

describe('fsck says what stock git says of a damaged repository', () => {
  it('with random objects lost, loose and packed, both hashes', () => {
    const random = new Random(Number(process.env['BOUGH_FSCK_SEED'] ?? 20260311));
    const compared = new Compared('fsck of damaged repositories');
    const recent = current;
    for (let n = 0; n < cases(12); n++) {
      const scene = makeScene(random, `s${n}`);
      const lists: string[][] = [];
      for (let i = 0; i < 8; i++) {
        const words = ['fsck'];
        if (random.oneIn(2)) words.push('--connectivity-only');
        for (let k = random.below(3); k > 0; k--) words.push(random.pick(flags));
        if (random.oneIn(4)) words.push('--name-objects');
        if (random.oneIn(5)) words.push('--no-reflogs');
        if (random.oneIn(5)) words.push('--cache');
        // The last one, so that what it leaves can be looked at.
        if (i === 7 && random.oneIn(2)) words.push('--lost-found');
        const named = random.oneIn(4) ? random.times(random.between(1, 2), () => random.pick(scene.objects).oid) : [];
        // Older releases have another message and exit code for a named object that is missing.
        if (recent) words.push(...named);
        lists.push(words);
      }
      const commands = lists.map((words) => ({ cwd: scene.directory, words }));
      const theirs = commands.map((one) => stockAnswer(one, box.env));
      const theirFound = lostFound(scene.directory);
      const ours = runBatch(box.directory, bundle, commands, box.env);
      const ourFound = lostFound(scene.directory);
      const plain = recent && !existsSync(join(scene.directory, 'index')) && !scene.packed;
      const shown = (one: { code: number; stdout: string; stderr: string }) => [
        one.code,
        plain ? one.stdout : sorted(one.stdout),
        recent ? one.stderr : '',
      ];
      for (const [i, words] of lists.entries()) {
        const given = [n, words.join(' ')];
        compared.same(given, shown(ours[i]!), shown(theirs[i]!));
      }
      compared.same([n, 'lost-found'], ourFound, theirFound);
      if (process.env['BOUGH_FSCK_KEEP'] === undefined) {
        rmSync(scene.directory, { recursive: true, force: true });
      }
    }
    compared.finish();
  });

  it('nothing is missing among thousands of objects', () => {
    const directory = box.path('thousands');
    box.git(['init', '-q', '--bare', '-b', 'main', directory]);
    let stream = 'commit refs/heads/main\ncommitter A <a@x> 1112911993 +0000\ndata 1\nm\n';
    for (let i = 0; i < 5000; i++) {
      stream += `M 100644 inline d${i % 71}/f${i}\ndata ${String(i).length}\n${i}\n`;
    }
    box.git(['fast-import', '--quiet'], { cwd: directory, input: stream });
    const ours = box.tryBough(['fsck', '--connectivity-only'], { cwd: directory });
    expect([ours.code, ours.stdout, ours.stderr]).toEqual([0, '', '']);
  });
});

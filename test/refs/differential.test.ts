import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NonEmpty } from '../../src/base/awaitable.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../../src/base/oid.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { FilesRefStore } from '../../src/refs/files-store.js';
import type { RefUpdate } from '../../src/refs/store.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import { sandbox, type Sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

/** Every file of the git folder that refs live in, with its content. */
function refState(gitDir: string, folders: boolean): Record<string, string> {
  const state: Record<string, string> = {};
  const walk = (directory: string, base: string): void => {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name);
      if (statSync(path).isDirectory()) {
        // Older releases leave more empty folders behind.
        if (current && folders) state[`${base}${name}/`] = '';
        walk(path, `${base}${name}/`);
      } else state[base + name] = readFileSync(path, 'latin1');
    }
  };
  for (const part of ['refs', 'logs']) if (existsSync(join(gitDir, part))) walk(join(gitDir, part), `${part}/`);
  for (const file of readdirSync(gitDir)) {
    if (/^[A-Z_]+$/.test(file) || file.startsWith('packed-refs')) {
      state[file] = readFileSync(join(gitDir, file), 'latin1');
    }
  }
  return state;
}

interface World {
  readonly box: Sandbox;
  readonly oids: Oid[];
  readonly kinds: Map<string, ObjectKind>;
  readonly peeled: Map<string, Oid>;
}

function makeWorld(algorithm: HashAlgorithm): World {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', `--object-format=${algorithm}`, 'a']);
  const kinds = new Map<string, ObjectKind>();
  const peeled = new Map<string, Oid>();
  const oids: Oid[] = [];
  for (let i = 0; i < 4; i++) {
    box.git(['commit', '-q', '--allow-empty', '-m', `c${i}`], { cwd: 'a' });
    const oid = box.git(['rev-parse', 'HEAD'], { cwd: 'a' }).trim() as Oid;
    kinds.set(oid, 'commit');
    oids.push(oid);
  }
  box.git(['tag', '-a', '-m', 't', 'annotated'], { cwd: 'a' });
  const tag = box.git(['rev-parse', 'annotated'], { cwd: 'a' }).trim() as Oid;
  kinds.set(tag, 'tag');
  peeled.set(tag, oids[3]!);
  oids.push(tag);
  cpSync(box.path('a'), box.path('b'), { recursive: true });
  return { box, oids, kinds, peeled };
}

const names = [
  'refs/heads/main',
  'refs/heads/a',
  'refs/heads/a/b',
  'refs/heads/a/b/c',
  'refs/heads/d/e',
  'refs/heads/d',
  'refs/heads/z',
  'refs/tags/annotated',
  'refs/tags/t1',
  'refs/tags/t1/x',
  'refs/remotes/o/m',
  'refs/notes/commits',
  'refs/other/deep/er/x',
  'refs/bisect/bad',
  'HEAD',
  'ORIG_HEAD',
  'refs/heads/link',
];

const refused = 'refused:';

async function step(random: Random, world: World, store: FilesRefStore): Promise<string> {
  const { box, oids } = world;
  const stock = (args: readonly string[], input?: string) =>
    box.tryGit(args, input === undefined ? { cwd: 'a' } : { cwd: 'a', input });
  const name = random.pick(names);
  const oid = random.pick(oids);
  const roll = random.below(100);
  if (roll < 50) {
    const updates: RefUpdate[] = [];
    let input = '';
    const noDeref = random.oneIn(4);
    for (let n = random.oneIn(3) ? random.between(2, 4) : 1; n > 0; n--) {
      const which = random.pick(names);
      const to = random.pick(oids);
      const current = store.resolve(which);
      const old: Oid | 'absent' | undefined = random.oneIn(2)
        ? undefined
        : random.oneIn(3)
          ? random.pick(oids)
          : (current ?? 'absent');
      // Older releases take a name that leads nowhere for none.
      if (!current && noDeref && old === 'absent' && store.readRaw(which)?.kind === 'symbolic') continue;
      const oldText = old === undefined ? '' : ` ${old === 'absent' ? '0'.repeat(to.length) : old}`;
      if (noDeref) input += 'option no-deref\n';
      const base = { name: which, noDeref, reason: 'why  not\n', ...(old === undefined ? {} : { expect: old }) };
      if (random.oneIn(4)) {
        if (old === 'absent') continue;
        input += `delete ${which}${oldText}\n`;
        updates.push({ ...base, to: 'deleted' });
        // Without HEAD it is no repository any more.
        if (which === 'HEAD' && (noDeref || store.readRaw('HEAD')?.kind !== 'symbolic')) return 'nothing';
      } else if (
        old !== undefined &&
        random.oneIn(6) &&
        // Verifying the current branch makes stock git log a move of HEAD to nothing, and what is verified by another name
        // one of that; bough does not.
        (store.resolveFull(which)?.name ?? which) === which &&
        which !== store.resolveFull('HEAD')?.name
      ) {
        input += `verify ${which}${oldText}\n`;
        updates.push({ ...base, to: 'verify' });
      } else {
        input += `update ${which} ${to}${oldText}\n`;
        updates.push({ ...base, to });
      }
    }
    if (updates.length === 0) return 'nothing';
    const reflog = random.oneIn(8);
    const ran = stock(['update-ref', ...(reflog ? ['--create-reflog'] : []), '-m', 'why  not\n', '--stdin'], input);
    const list = (reflog ? updates.map((update) => ({ ...update, createReflog: true })) : updates) as unknown;
    const result = await store.update(list as NonEmpty<RefUpdate>);
    expect(result.ok, `${input}${ran.stderr}${result.ok ? '' : result.message}`).toBe(ran.code === 0);
    // Exact words are those of the current release.
    if (!result.ok && current && !/^multiple/.test(result.message))
      expect(ran.stderr, input).toContain(result.message.split('\n')[0]!.replaceAll(box.path('b'), '').slice(0, 60));
    return result.ok ? input : `${refused} ${input}`;
  }
  if (roll < 60) {
    const target = random.pick(names.filter((other) => other.startsWith('refs/heads/')));
    const symbolic = random.pick(['HEAD', 'refs/heads/link', 'refs/heads/d/e']);
    // Older releases log other moves of HEAD where it names a branch that names another.
    const head = store.readRaw('HEAD');
    const chained =
      symbolic === 'HEAD'
        ? store.readRaw(target)?.kind === 'symbolic'
        : head?.kind === 'symbolic' && head.target === symbolic;
    if (!current && chained) return 'nothing';
    const ran = stock(['symbolic-ref', '-m', 'sym', symbolic, target]);
    const result = await store.update([{ name: symbolic, to: { symbolic: target }, noDeref: true, reason: 'sym' }]);
    expect(result.ok, `symbolic-ref ${symbolic} ${target} ${ran.stderr}`).toBe(ran.code === 0);
    return `symbolic-ref ${symbolic} ${target}`;
  }
  if (roll < 70) {
    const mode = random.below(3);
    stock(mode === 0 ? ['pack-refs'] : mode === 1 ? ['pack-refs', '--all'] : ['pack-refs', '--all', '--no-prune']);
    await store.packRefs(mode === 0 ? {} : mode === 1 ? { all: true } : { all: true, prune: false });
    return `pack-refs ${mode}`;
  }
  if (roll < 80) {
    const from = random.pick(names.filter((other) => /^refs\/heads\/[adz]/.test(other)));
    const to = random.pick(names.filter((other) => /^refs\/heads\/[adz]/.test(other)));
    // The branch that HEAD names, through others too, is the command's to move.
    const head = store.resolveFull('HEAD')?.name;
    const named = store.readRaw('HEAD');
    const spared = [head, named?.kind === 'symbolic' ? named.target : undefined];
    if (from === to || spared.includes(from) || spared.includes(to)) return 'nothing';
    const ran = stock(['branch', '-M', from.slice(11), to.slice(11)]);
    const reason = `Branch: renamed ${from} to ${to}`;
    const result = await store.renameRef(from, to, reason);
    expect(result.ok, `rename ${from} ${to} ${ran.stderr} ${result.ok ? '' : result.message}`).toBe(ran.code === 0);
    return `rename ${from} ${to}`;
  }
  if (roll < 90) {
    const entries = store.reflog(name);
    // The command does not find the log of a ref that leads nowhere.
    if (entries === undefined || entries.length === 0 || store.resolve(name) === undefined) return 'nothing';
    const at = random.below(entries.length);
    const flags = [...(random.oneIn(2) ? ['--rewrite'] : []), ...(random.oneIn(2) ? ['--updateref'] : [])];
    stock(['reflog', 'delete', ...flags, `${name}@{${at}}`]);
    let index = entries.length - 1;
    await store.reflogExpire(name, {
      drop: () => index-- === at,
      rewrite: flags.includes('--rewrite'),
      updateRef: flags.includes('--updateref'),
    });
    return `reflog delete ${flags.join(' ')} ${name}@{${at}}`;
  }
  const ran = stock(['update-ref', '--no-deref', name, oid]);
  const result = await store.update([{ name, to: oid, noDeref: true }]);
  expect(result.ok, `set ${name} ${oid} ${ran.stderr}`).toBe(ran.code === 0);
  return `set ${name} ${oid}`;
}

describe('random ref operations leave the files that stock git leaves', () => {
  const seeds = cases(3);
  for (const algorithm of ['sha1', 'sha256'] as const) {
    for (let seed = 1; seed <= seeds; seed++) {
      it(`${algorithm}, seed ${seed}`, async () => {
        const world = makeWorld(algorithm);
        const { box } = world;
        const store = new FilesRefStore(nodePlatform, {
          gitDir: box.path('b/.git'),
          commonDir: box.path('b/.git'),
          algorithm,
          identity: () => 'C O Mitter <committer@example.com> 1112911993 -0700',
          objectKind: (oid) => world.kinds.get(oid),
          peel: (oid) => world.peeled.get(oid),
        });
        const random = new Random(seed * 7919);
        const compared = new Compared(`refs and reflogs, ${algorithm}`);
        const done: string[] = [];
        for (let i = 0; i < 40; i++) {
          done.push(await step(random, world, store));
          // Which folders were made for what was then refused is nobody's business.
          const folders = !done.some((words) => words.startsWith(refused));
          const ours = refState(box.path('b/.git'), folders);
          const theirs = refState(box.path('a/.git'), folders);
          // What follows a difference would differ for it.
          if (!compared.same(done.slice(-4), ours, theirs)) break;
        }
        compared.finish();
      });
    }
  }
});

import { describe, expect, test } from 'vitest';
import { decodeText, encodeText } from '../../src/base/bytes.js';
import { set } from '../../src/contents/collections.js';
import { type Contents, driver } from '../../src/contents/contents.js';
import { counter } from '../../src/contents/counter.js';
import { text } from '../../src/contents/text.js';
import { open, workTree } from '../../src/index.js';
import { clean } from '../../src/merge/hook.js';
import { ort, ours, type Strategy } from '../../src/merge/strategy.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { openRepository } from '../../src/repo/repository.js';
import { openStore, type Store } from '../../src/store/store.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

const info = (message: string) => ({ message });

async function bare<V>(contents: Contents<V>): Promise<{ box: Sandbox; main: Store<V> }> {
  const box = sandbox();
  box.git(['init', '-q', '--bare', '-b', 'main', 'r']);
  const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.path('r') });
  return { box, main: await openStore(repository, contents, { branch: 'main' }) };
}

/** A type of the test's own: the larger of two numbers. */
const largest: Contents<number> = {
  name: 'largest',
  encode: (value) => encodeText(`${value}\n`),
  decode: (bytes) => Number(decodeText(bytes)),
  merge: (sides) => clean(Math.max(sides.ours ?? 0, sides.theirs ?? 0)),
};

/** Branches `main`, `a` and `b` from one base, each with the value `change` makes. */
async function three<V>(contents: Contents<V>, base: V, change: (branch: string) => V) {
  const made = await bare(contents);
  await made.main.put('v', base, info('base'));
  for (const name of ['a', 'b']) await (await made.main.clone(name)).put('v', change(name), info(name));
  await made.main.put('v', change('main'), info('ours'));
  return made;
}

describe('several branches at once', () => {
  test('equal changes add up for a counter, and only there', async () => {
    const { box, main } = await three(counter, 10, () => 12);
    expect((await main.merge(['a', 'b'], info('octopus'))).status).toBe('merged');
    expect(await main.get('v')).toBe(16);
    expect((await main.head())!.parents.length).toBe(3);
    expect((await main.merge(['a', 'b'], info('again'))).status).toBe('up-to-date');
    box.fsck('r');
    const plain = await three(text, '10\n', () => '12\n');
    await plain.main.merge(['a', 'b'], info('octopus'));
    expect(await plain.main.get('v')).toBe('12\n');
  });

  test('sets unite, a type of one’s own decides', async () => {
    const sets = await three(set, new Set(['x']), (branch) => new Set(['x', branch]));
    await sets.main.merge(['a', 'b'], info('octopus'));
    expect([...(await sets.main.get('v'))].sort()).toEqual(['a', 'b', 'main', 'x']);
    const own = await three(largest, 1, (branch) => ({ main: 5, a: 9, b: 7 })[branch]!);
    await own.main.merge(['a', 'b'], info('octopus'));
    expect(await own.main.get('v')).toBe(9);
  });

  test('heads that others contain are left out, conflicts of all heads are collected', async () => {
    const { main } = await three(text, '1\n', (branch) => `${branch}\n`);
    await (await main.on('a').clone('more')).put('w', 'x\n', info('more'));
    const outcome = await main.merge(['a', 'more', 'a', 'b'], info('octopus'));
    if (outcome.status !== 'conflicted') throw new Error(outcome.status);
    expect([outcome.theirs, ...outcome.others]).toEqual([
      (await main.on('more').head())!.oid,
      (await main.on('b').head())!.oid,
    ]);
    expect(outcome.conflicts.map(({ path }) => path)).toEqual(['v']);
  });

  test('a conflict of the first head can still be settled by its sides', async () => {
    const { main } = await bare(text);
    await main.put('v', 'base\n', info('base'));
    await (await main.clone('a')).put('v', 'of a\n', info('a'));
    await (await main.clone('b')).put('other', 'of b\n', info('b'));
    await main.put('v', 'ours\n', info('ours'));
    const outcome = await main.merge(['a', 'b'], info('octopus'));
    if (outcome.status !== 'conflicted') throw new Error(outcome.status);
    expect(outcome.unmerged.map(({ path }) => path)).toEqual(['v']);
    const kept = await main.keepMerge(outcome, 'octopus');
    for (const [side, value] of [
      ['theirs', 'of a\n'],
      ['ours', 'ours\n'],
      ['base', 'base\n'],
    ] as const) {
      const outcomes = await main.merge(['a', 'b'], info('octopus'));
      if (outcomes.status !== 'conflicted') throw new Error(outcomes.status);
      const settled = await (await main.keepMerge(outcomes, side)).settle('v', side);
      expect(await settled.tree().get('v')).toBe(value);
      expect(await settled.tree().get('other')).toBe('of b\n');
    }
    expect(kept.heads.length).toBe(3);
  });
});

describe('conflicts in a bare repository', () => {
  test('are kept with the branch, settled one by one by other processes, and committed at the end', async () => {
    const { box, main } = await bare(text);
    const put = (store: typeof main, word: string) =>
      store.commit(async (tree) => {
        for (const path of ['a', 'b', 'd/c', 'e']) tree = await tree.put(path, `${word}\n`);
        return tree;
      }, info(word));
    await put(main, 'base');
    await put(await main.clone('side'), 'theirs');
    await put(main, 'ours');
    const outcome = await main.merge('side', info('merge'));
    if (outcome.status !== 'conflicted') throw new Error(outcome.status);
    await main.keepMerge(outcome, 'merged by hand');
    box.git(['gc', '-q', '--prune=now'], { cwd: 'r' });
    const again = async () =>
      (await openStore(openRepository({ platform: nodePlatform, env: box.env, cwd: box.path('r') }), text))
        .unfinishedMerge()
        .then((merge) => merge!);
    let merge = await again();
    expect(merge.conflicts.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      'a contents',
      'b contents',
      'd/c contents',
      'e contents',
    ]);
    expect(await merge.tree().get('a')).toBe('<<<<<<< main\nours\n=======\ntheirs\n>>>>>>> side\n');
    await merge.settle('a', 'theirs');
    await expect(merge.settle('b', 'ours')).rejects.toMatchObject({ code: 'REF_CHANGED' });
    merge = await (await again()).settleValue('d/c', 'both\n');
    await expect(merge.finish()).rejects.toMatchObject({ code: 'USAGE' });
    merge = await (await merge.settle('b', 'delete')).settle('e', 'base');
    await expect(merge.settle('a', 'ours')).rejects.toMatchObject({ code: 'PATH_MISSING' });
    expect((await merge.finish()).status).toBe('written');
    expect(box.git(['log', '-1', '--format=%s %P', 'main'], { cwd: 'r' }).trim()).toBe(
      `merged by hand ${outcome.ours} ${outcome.theirs}`,
    );
    expect(await Promise.all(['a', 'd/c', 'e'].map((path) => main.get(path)))).toEqual([
      'theirs\n',
      'both\n',
      'base\n',
    ]);
    expect(await main.find('b')).toBeUndefined();
    expect(await main.unfinishedMerge()).toBeUndefined();
    box.fsck('r');
  });

  test('a ref of that name that is something else is told as damaged', async () => {
    const { box, main } = await three(text, '1\n', (branch) => `${branch}\n`);
    const head = box.git(['rev-parse', 'main'], { cwd: 'r' }).trim();
    const tree = box.git(['rev-parse', 'main^{tree}'], { cwd: 'r' }).trim();
    const kept = (header: string): string => {
      const who = 'a <a@x> 1 +0000';
      const text = `tree ${tree}\nparent ${head}\nauthor ${who}\ncommitter ${who}\n${header}\nm\n`;
      return box.git(['hash-object', '-w', '-t', 'commit', '--stdin'], { cwd: 'r', input: text }).trim();
    };
    for (const header of [
      '',
      'bough-conflicts {\n',
      'bough-conflicts 1\n',
      'bough-conflicts {"conflicts":[{"path":"../x"}],"unmerged":[]}\n',
    ]) {
      box.git(['update-ref', 'refs/bough/merge/main', kept(header)], { cwd: 'r' });
      await expect(main.unfinishedMerge()).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
    }
  });

  test('a branch that moved in between is not overwritten', async () => {
    const { main } = await three(text, '1\n', (branch) => `${branch}\n`);
    const outcome = await main.merge('a', info('merge'));
    if (outcome.status !== 'conflicted') throw new Error(outcome.status);
    const merge = await (await main.keepMerge(outcome, 'm')).settle('v', 'ours');
    await main.put('new', 'x\n', info('moved'));
    await expect(merge.finish()).rejects.toMatchObject({ code: 'REF_CHANGED' });
    await merge.drop();
    expect(await main.unfinishedMerge()).toBeUndefined();
  });
});

describe('bough merge', () => {
  function repository(...init: string[]): {
    box: Sandbox;
    bough: (...words: string[]) => ReturnType<Sandbox['values']>;
  } {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main', ...init, 'r']);
    return { box, bough: (...words) => box.values(words, { cwd: 'r' }) };
  }

  test('values of a bare repository, by a type or by the branch’s attributes, one or several branches', () => {
    const { box, bough } = repository('--bare');
    // Equal commits of the same second are one; those of a counter never are.
    const put = (branch: string, path: string, value: string) =>
      bough('put', '-q', ...(path.endsWith('.count') ? ['--type', 'counter'] : []), '-b', branch, path, value);
    put('main', 'n', '10');
    put('main', '.gitattributes', '*.count merge=counter\n*.tags merge=set');
    put('main', 'x.count', '10');
    put('main', 'x.tags', 'base');
    put('main', 'plain', '10');
    for (const branch of ['a', 'b']) box.git(['branch', branch, 'main'], { cwd: 'r' });
    for (const branch of ['main', 'a', 'b']) {
      for (const path of ['x.count', 'n', 'plain']) put(branch, path, '12');
      put(branch, 'x.tags', `base\n${branch}`);
    }
    const merged = bough('merge', '-m', 'both', 'a', 'b');
    expect(merged).toMatchObject({ code: 0, stderr: '' });
    expect(merged.stdout).toMatch(/^Merge made by the 'ort' strategy\.\n\[main [0-9a-f]{7}\]\n$/);
    const get = (path: string) => bough('get', path).stdout;
    expect([get('n'), get('plain'), get('x.count'), get('x.tags')]).toEqual([
      '12\n',
      '12\n',
      '16\n',
      'a\nb\nbase\nmain\n',
    ]);
    expect(box.git(['rev-list', '--parents', '-1', 'main'], { cwd: 'r' }).trim().split(' ').length).toBe(4);
    expect(bough('merge', 'a').stdout).toBe('Already up to date.\n');
    // Another branch, all its values of one type.
    put('a', 'n', '20');
    put('b', 'n', '20');
    expect(bough('merge', '--branch', 'a', '--type', 'counter', 'b').code).toBe(1);
    expect(bough('resolve', '--branch', 'a').stdout).toBe('x.tags\tvalue\n');
    expect(bough('merge', '--branch', 'a', '--abort').code).toBe(0);
    expect(box.tryGit(['for-each-ref', 'refs/bough'], { cwd: 'r' }).stdout).toBe('');
    box.fsck('r');
  });

  test('10 to 12 twice is 14 for a counter', () => {
    const { box, bough } = repository('--bare');
    bough('put', '--type', 'counter', 'n', '10');
    box.git(['branch', 'side', 'main'], { cwd: 'r' });
    bough('put', '--type', 'counter', 'n', '12');
    bough('put', '--type', 'counter', '-b', 'side', 'n', '12');
    expect(bough('merge', '--type', 'counter', 'side').code).toBe(0);
    expect(bough('get', 'n').stdout).toBe('14\n');
    expect(box.git(['log', '-1', '--format=%s'], { cwd: 'r' })).toBe("Merge branch 'side' into main\n");
  });

  test('conflicts: listed, settled one by one, finished or given up', () => {
    const { box, bough } = repository('--bare');
    const put = (branch: string, path: string, value: string) => bough('put', '-q', '-b', branch, path, value);
    for (const path of ['a', 'b', 'c']) put('main', path, 'base');
    box.git(['branch', 'side', 'main'], { cwd: 'r' });
    for (const branch of ['main', 'side']) for (const path of ['a', 'b', 'c']) put(branch, path, branch);
    const merged = bough('merge', 'side');
    expect(merged.code).toBe(1);
    expect(merged.stdout).toContain('CONFLICT (content): Merge conflict in a\n');
    expect(bough('resolve')).toMatchObject({ code: 1, stdout: 'a\tcontents\nb\tcontents\nc\tcontents\n' });
    expect(bough('merge', 'side')).toMatchObject({ code: 128 });
    expect(bough('merge', '--continue')).toMatchObject({ code: 128, stdout: '' });
    expect(bough('resolve', '--theirs', 'a').stdout).toBe('settled a, 2 left\n');
    expect(bough('resolve', 'b', 'by hand').stdout).toBe('settled b, 1 left\n');
    expect(bough('resolve', '--delete', 'c').stdout).toBe('settled c, 0 left\n');
    expect(bough('resolve', '--ours', 'a')).toMatchObject({ code: 128 });
    expect(bough('merge', '--continue').code).toBe(0);
    expect(bough('list').stdout).toBe('a\nb\n');
    expect(bough('get', 'a').stdout + bough('get', 'b').stdout).toBe('side\nby hand\n');
    expect(bough('merge', '--continue')).toMatchObject({ code: 128 });
    box.fsck('r');
  });

  test('git itself still wants a work tree', () => {
    const { box } = repository('--bare');
    expect(box.tryBough(['merge', 'side'], { cwd: 'r' })).toMatchObject({
      code: 128,
      stderr: 'fatal: this operation must be run in a work tree\n',
    });
  });

  test('a merge in a work tree is settled the same way', () => {
    const { box, bough } = repository();
    for (const path of ['a', 'b']) bough('put', '-q', path, 'base');
    box.git(['branch', 'side'], { cwd: 'r' });
    for (const branch of ['main', 'side'])
      for (const path of ['a', 'b']) bough('put', '-q', '-b', branch, path, branch);
    expect(bough('merge', 'side').code).toBe(1);
    expect(bough('resolve').stdout).toBe('a\nb\n');
    expect(bough('resolve', '--theirs', 'a').stdout).toBe('settled a, 1 left\n');
    expect(bough('resolve', 'b', 'both').stdout).toBe('settled b, 0 left\n');
    expect(bough('merge', '--continue').code).toBe(0);
    expect(box.git(['status', '--porcelain'], { cwd: 'r' })).toBe('');
    expect(box.git(['grep', '', 'HEAD'], { cwd: 'r' })).toBe('HEAD:a:side\nHEAD:b:both\n');
  });

  test('an octopus in a work tree adds counters up too', () => {
    const { box, bough } = repository();
    bough('put', '-q', '.gitattributes', 'n merge=counter');
    bough('put', '-q', 'n', '10');
    bough('put', '-q', 'plain', '10');
    for (const branch of ['a', 'b']) box.git(['branch', branch], { cwd: 'r' });
    for (const branch of ['main', 'a', 'b']) {
      bough('put', '-q', '--type', 'counter', '-b', branch, 'n', branch === 'b' ? '15' : '12');
      bough('put', '-q', '-b', branch, 'plain', '12');
    }
    const merged = bough('merge', 'a', 'b');
    expect(merged.stdout).toContain("Merge made by the 'octopus' strategy.");
    expect(box.git(['grep', '', 'HEAD', '--', 'n', 'plain'], { cwd: 'r' })).toBe('HEAD:n:19\nHEAD:plain:12\n');
    expect(box.git(['status', '--porcelain'], { cwd: 'r' })).toBe('');
    box.fsck('r');
  });
});

describe('functions passed to open()', () => {
  async function workTreeRepository(options: Parameters<typeof open>[1]) {
    const box = sandbox();
    const git = (...args: string[]) => box.git(args, { cwd: 'r' });
    box.git(['init', '-q', '-b', 'main', 'r']);
    const commit = (branch: string, n: string, plain: string) => {
      box.run(
        'sh',
        ['-c', `printf '${n}\\n' >n; printf '${plain}\\n' >plain; printf 'n merge=own\\n' >.gitattributes`],
        {
          cwd: 'r',
        },
      );
      git('add', '.');
      git('commit', '-q', '-m', branch);
    };
    commit('base', '1', '0');
    git('checkout', '-q', '-b', 'side');
    commit('side', '9', '0');
    git('checkout', '-q', 'main');
    commit('main', '5', '0');
    return { box, git, repository: await open(box.path('r'), { env: box.env, ...options }) };
  }

  test('a driver merges the paths whose attributes name it', async () => {
    const { box, git, repository } = await workTreeRepository({ drivers: { own: driver(largest) } });
    const answer = await workTree.merge(repository, ['side']);
    expect(answer).toMatchObject({ status: 'merged', conflicts: [] });
    expect(answer.said).toContain("Merge made by the 'ort' strategy.");
    expect(git('show', 'HEAD:n')).toBe('9\n');
    expect(git('status', '--porcelain')).toBe('');
    box.fsck('r');
  });

  test('a strategy merges histories, in the work tree and in a store', async () => {
    const told: string[] = [];
    const swapped: Strategy = (request) => {
      told.push(`${request.labels.ours} ${request.labels.theirs}`);
      return ort({
        ...request,
        driverFor:
          () =>
          async ({ theirs }) =>
            clean(theirs),
      });
    };
    const { git, repository } = await workTreeRepository({ strategies: { swapped } });
    const answer = await workTree.merge(repository, ['side'], { strategies: ['swapped'] });
    expect(answer.said).toContain("Merge made by the 'swapped' strategy.");
    expect(git('show', 'HEAD:n')).toBe('9\n');
    expect(told).toEqual(['HEAD side']);

    const { main } = await three(text, '1\n', (branch) => `${branch}\n`);
    expect((await main.merge('a', { ...info('m'), strategy: swapped })).status).toBe('merged');
    expect(await main.get('v')).toBe('a\n');
    expect((await main.merge('b', { ...info('m'), strategy: ours })).status).toBe('merged');
    expect(await main.get('v')).toBe('a\n');
  });

  test('without them conflicts are listed, settled and finished, or given up', async () => {
    const { box, git, repository } = await workTreeRepository({});
    const before = git('rev-parse', 'HEAD');
    let answer = await workTree.merge(repository, ['side']);
    expect(answer).toMatchObject({ status: 'conflicted', code: 1 });
    expect(answer.conflicts.map(({ path }) => path)).toEqual(['n']);
    await workTree.abort(repository);
    expect(git('rev-parse', 'HEAD') + git('status', '--porcelain')).toBe(before);
    answer = await workTree.merge(repository, ['side']);
    expect(workTree.conflicts(repository)).toEqual(answer.conflicts);
    await expect(workTree.finish(repository)).rejects.toMatchObject({ code: 'USAGE' });
    expect(await workTree.settle(repository, 'n', { content: encodeText('7\n') })).toEqual([]);
    const commit = await workTree.finish(repository);
    expect(git('log', '-1', '--format=%H %s')).toBe(`${commit} Merge branch 'side'\n`);
    expect(git('show', 'HEAD:n') + git('status', '--porcelain')).toBe('7\n');
    expect(git('rev-parse', 'HEAD^2')).toBe(git('rev-parse', 'side'));
    box.fsck('r');
  });
});

// What is measured. A workload gets a folder of its own and answers, for each program, how to run it; `reset` brings
// the folder back before each run. `full`: left out of the quick subset. Answers that can be compared are.
import { spawnSync } from 'node:child_process';
import { dulwich, jgit } from './peers/find.mjs';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const here = import.meta.dirname;
const root = resolve(here, '..');
const node = process.execPath;
const bin = join(root, 'bin/git');

export const bough = (...words) => [node, bin, ...words];
const library = (...words) => [node, join(here, 'peers/bough.mjs'), ...words];
const isomorphic = (...words) => [node, join(here, 'peers/isomorphic-git.mjs'), ...words];
const esGit = (...words) => [node, join(here, 'peers/es-git.mjs'), ...words];

/** Peers that are no npm packages; what is missing is told once. */
export const others = { JGit: jgit(), dulwich: dulwich() };
/** A run in each of the peers named, as far as they are there; "how" gives each one's words and the rest. */
function peers(names, how) {
  const runs = {};
  for (const name of names) {
    const peer = others[name];
    if (peer.run === undefined) continue;
    const { words, ...rest } = how(name);
    runs[name] = { argv: peer.run(...words), ...rest };
  }
  return runs;
}

export const environment = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@b',
  GIT_COMMITTER_DATE: '1700000000 +0000',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  LC_ALL: 'C',
  TZ: 'UTC',
};

export function git(cwd, words, input) {
  const result = spawnSync('git', words, { cwd, input, env: { ...process.env, ...environment }, maxBuffer: 1 << 30 });
  if (result.status !== 0) throw new Error(`git ${words.join(' ')}: ${result.stderr}`);
  return result.stdout.toString();
}

const empty = (directory) => {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  mkdirSync(directory, { recursive: true });
};
const count = (printed) =>
  String(
    Number(
      printed
        .toString()
        .trim()
        .split('\n')
        .filter((line) => line !== '').length,
    ),
  );

/** A repository of `files` small files in folders of 50, committed and clean. */
function filesRepository(directory, files) {
  empty(directory);
  git(directory, ['init', '-q', '-b', 'main']);
  for (let i = 0; i < files; i++) {
    const folder = join(directory, `d${Math.floor(i / 50) % 100}`, `e${Math.floor(i / 5000)}`);
    if (i % 50 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${i}.txt`), `file ${i}\n${'line\n'.repeat(i % 40)}`);
  }
}

export const workloads = [
  {
    name: 'start',
    title: 'start-up: rev-parse HEAD',
    aim: '1.15 × `node -e 0`',
    limit: 1.15,
    against: 'node -e 0',
    repeat: 15,
    prepare: ({ repository }) => ({
      bough: { argv: bough('-C', repository, 'rev-parse', 'HEAD') },
      git: { argv: ['git', '-C', repository, 'rev-parse', 'HEAD'] },
      'node -e 0': { argv: [node, '-e', '0'], answer: () => '' },
      'isomorphic-git': { argv: isomorphic('start', repository) },
      'es-git': { argv: esGit('start', repository) },
      ...peers(['JGit', 'dulwich'], () => ({ words: ['start', repository] })),
    }),
  },
  {
    name: 'put',
    title: 'put: 2,000 commits of one value, loose objects and a ref each',
    aim: '0.9 × fast-import',
    limit: 0.9,
    prepare({ directory }) {
      const stream = join(directory, 'stream');
      let text = '';
      for (let i = 0; i < 2000; i++) {
        const value = `value ${i} `.padEnd(100, 'x');
        text += `commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 8\nput ${String(i).padStart(4)}\n`;
        text += `M 100644 inline d${i % 10}/k${i % 100}\ndata ${value.length}\n${value}\n`;
      }
      writeFileSync(stream, text);
      const target = join(directory, 'r');
      const fresh = () => empty(target);
      return {
        bough: {
          argv: library('put', target, '2000'),
          reset: fresh,
          answer: () => git(target, ['rev-parse', 'main^{tree}']),
        },
        git: {
          argv: ['git', 'fast-import', '--quiet'],
          input: stream,
          cwd: target,
          reset() {
            fresh();
            git(target, ['init', '-q', '--bare', '-b', 'main']);
          },
          answer: () => git(target, ['rev-parse', 'main^{tree}']),
        },
        'isomorphic-git': {
          argv: isomorphic('put', target, '2000'),
          reset: fresh,
          answer: () => git(target, ['rev-parse', 'main^{tree}']),
        },
        ...peers(['JGit'], () => ({
          words: ['put', target, '2000'],
          reset: fresh,
          answer: () => git(target, ['rev-parse', 'main^{tree}']),
        })),
      };
    },
  },
  {
    name: 'put-many',
    title: 'put: 100,000 values in one commit',
    aim: '1.0 × fast-import',
    limit: 1.0,
    prepare({ directory }) {
      const target = join(directory, 'r');
      const values = join(directory, 'values');
      const stream = join(directory, 'stream');
      let text = 'commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 4\nmany\n';
      let lines = '';
      for (let i = 0; i < 100_000; i++) {
        const path = `d${i % 100}/e${i % 1000}/v${i}`;
        text += `M 100644 inline ${path}\ndata <<E\nvalue ${i}\nE\n`;
        lines += `${path}\tvalue ${i}\n`;
      }
      writeFileSync(stream, text);
      writeFileSync(values, lines);
      const fresh = () => {
        empty(target);
        git(target, ['init', '-q', '--bare', '-b', 'main']);
      };
      const answer = () => git(target, ['rev-parse', 'main^{tree}']);
      return {
        bough: { argv: bough('put', '--stdin', '-q'), cwd: target, input: values, reset: fresh, answer },
        git: { argv: ['git', 'fast-import', '--quiet'], cwd: target, input: stream, reset: fresh, answer },
        'isomorphic-git': { argv: isomorphic('putMany', target, values), reset: fresh, answer },
      };
    },
  },
  {
    name: 'import',
    title: 'bulk: 10,000 commits into one pack (fast-import)',
    aim: '0.3 ×',
    limit: 0.3,
    prepare({ directory }) {
      const target = join(directory, 'r');
      const stream = join(directory, 'stream');
      let text = '';
      for (let i = 0; i < 10_000; i++) {
        const value = `value ${i} `.padEnd(100, 'x');
        text += `commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 8\nput ${String(i).padStart(4)}\n`;
        text += `M 100644 inline d${i % 10}/k${i % 100}\ndata ${value.length}\n${value}\n`;
      }
      writeFileSync(stream, text);
      const reset = () => {
        empty(target);
        git(target, ['init', '-q', '--bare', '-b', 'main']);
      };
      const answer = () => git(target, ['rev-parse', 'main']);
      return {
        bough: { argv: bough('fast-import', '--quiet'), cwd: target, input: stream, reset, answer },
        git: { argv: ['git', 'fast-import', '--quiet'], cwd: target, input: stream, reset, answer },
      };
    },
  },
  {
    name: 'get',
    title: 'get: 100,000 values at random by path, from a pack',
    aim: '1.0 × cat-file --batch',
    limit: 1.0,
    prepare({ directory, repository }) {
      const paths = git(repository, ['ls-tree', '-r', '--format=%(objecttype) %(path)', 'HEAD'])
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('blob '))
        .map((line) => line.slice(5));
      let seed = 1;
      const picked = Array.from({ length: 100_000 }, () => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return paths[seed % paths.length];
      });
      writeFileSync(join(directory, 'paths'), picked.map((path) => `${path}\n`).join(''));
      writeFileSync(join(directory, 'revs'), picked.map((path) => `HEAD:${path}\n`).join(''));
      const total = (printed) => {
        // The sizes in the headers of `cat-file --batch`, added up.
        let at = 0;
        let sum = 0;
        while (at < printed.length) {
          const end = printed.indexOf(10, at);
          const size = Number(printed.subarray(at, end).toString().split(' ')[2]);
          sum += size;
          at = end + size + 2;
        }
        return `${sum}\n`;
      };
      return {
        bough: { argv: library('get', repository, join(directory, 'paths')) },
        'bough cat-file': {
          argv: bough('-C', repository, 'cat-file', '--batch', '--buffer'),
          input: join(directory, 'revs'),
          answer: total,
        },
        git: {
          argv: ['git', '-C', repository, 'cat-file', '--batch', '--buffer'],
          input: join(directory, 'revs'),
          answer: total,
        },
        'es-git': { argv: esGit('get', repository, join(directory, 'paths')) },
        ...peers(['JGit', 'dulwich'], () => ({ words: ['get', repository, join(directory, 'paths')] })),
      };
    },
  },
  {
    name: 'list',
    title: 'list: every value of a branch, with its path',
    aim: 'none',
    prepare: ({ repository }) => ({
      bough: { argv: bough('-C', repository, 'list', '-r', '-z', '--at', 'HEAD') },
      git: { argv: ['git', '-C', repository, 'ls-tree', '-r', '-z', '--name-only', 'HEAD'] },
      'isomorphic-git': { argv: isomorphic('list', repository), incomparable: true },
      'es-git': { argv: esGit('list', repository), incomparable: true },
    }),
  },
  {
    name: 'log',
    title: 'log: author and message of every commit',
    aim: '1.5 ×',
    limit: 1.5,
    prepare: ({ repository }) => ({
      bough: { argv: bough('-C', repository, 'log', '--format=%H%n%an%n%B') },
      git: { argv: ['git', '-C', repository, 'log', '--format=%H%n%an%n%B'] },
      'isomorphic-git': { argv: isomorphic('log', repository), answer: undefined, incomparable: true },
      'es-git': { argv: esGit('log', repository), incomparable: true },
      ...peers(['JGit', 'dulwich'], () => ({ words: ['log', repository], incomparable: true })),
    }),
  },
  {
    name: 'count',
    title: 'count every commit, commit-graph written',
    aim: '2 ×',
    limit: 2,
    prepare({ repository }) {
      git(repository, ['commit-graph', 'write', '--reachable']);
      return {
        bough: { argv: bough('-C', repository, 'rev-list', '--count', 'HEAD') },
        git: { argv: ['git', '-C', repository, 'rev-list', '--count', 'HEAD'] },
        'es-git': { argv: esGit('count', repository) },
        ...peers(['JGit', 'dulwich'], () => ({ words: ['count', repository] })),
      };
    },
  },
  {
    name: 'index-pack',
    title: 'index-pack of the whole repository',
    aim: '0.9 ×, 300 MB at most',
    limit: 0.9,
    full: true,
    prepare({ directory, repository }) {
      const folder = git(repository, ['rev-parse', '--git-path', 'objects/pack']).trim();
      const packs = resolve(repository, folder);
      const name = readdirSync(packs).filter((file) => file.endsWith('.pack'))[0];
      const pack = join(directory, 'x.pack');
      cpSync(join(packs, name), pack);
      const index = join(directory, 'x.idx');
      const bare = join(directory, 'bare');
      const freshBare = () => {
        empty(bare);
        git(bare, ['init', '-q', '--bare', '.']);
      };
      const reset = () => rmSync(index, { force: true });
      return {
        bough: { argv: bough('index-pack', '-o', index, pack), reset },
        git: { argv: ['git', 'index-pack', '-o', index, pack], reset },
        ...peers(['JGit'], () => ({ words: ['index-pack', bare, pack], incomparable: true, reset: freshBare })),
      };
    },
  },
  {
    name: 'clone',
    title: 'clone with checkout over a local transport',
    aim: '1.2 ×',
    limit: 1.2,
    full: true,
    prepare({ directory, repository }) {
      const target = join(directory, 'c');
      const reset = () => rmSync(target, { recursive: true, force: true });
      const answer = () => git(target, ['rev-parse', 'HEAD']) + git(target, ['status', '--porcelain']);
      const url = `file://${resolve(repository)}`;
      return {
        bough: { argv: bough('clone', '-q', url, target), reset, answer },
        git: { argv: ['git', 'clone', '-q', url, target], reset, answer },
        ...peers(['JGit'], () => ({ words: ['clone', url, target], reset, answer })),
      };
    },
  },
  ...[5_000, 50_000].map((files) => ({
    name: `status-${files / 1000}k`,
    title: `status, ${files.toLocaleString('en')} clean files`,
    aim: '2.5 ×',
    limit: 2.5,
    full: files > 5_000,
    prepare({ directory }) {
      const target = join(directory, 'r');
      filesRepository(target, files);
      git(target, ['add', '-A']);
      git(target, ['commit', '-q', '-m', 'all']);
      spawnSync('sleep', ['1.1']);
      git(target, ['update-index', '-q', '--refresh']);
      return {
        bough: { argv: bough('-C', target, 'status', '--porcelain'), answer: count },
        git: { argv: ['git', '-C', target, 'status', '--porcelain'], answer: count },
        'isomorphic-git': { argv: isomorphic('status', target), answer: (printed) => printed.toString().trim() },
        'es-git': { argv: esGit('status', target), answer: (printed) => printed.toString().trim() },
        ...peers(['JGit', 'dulwich'], () => ({
          words: ['status', target],
          answer: (printed) => printed.toString().trim(),
        })),
      };
    },
  })),
  {
    name: 'diff-far',
    title: 'name-status between commits far apart',
    aim: '2 ×',
    limit: 2,
    prepare({ repository }) {
      const commits = git(repository, ['rev-list', '--first-parent', 'HEAD']).trim().split('\n');
      const far = commits[Math.floor(commits.length / 2)];
      return {
        bough: { argv: bough('-C', repository, 'diff-tree', '-r', '--name-status', far, 'HEAD') },
        git: { argv: ['git', '-C', repository, 'diff-tree', '-r', '--name-status', far, 'HEAD'] },
        ...peers(['JGit', 'dulwich'], () => ({ words: ['diff', repository, far, 'HEAD'], incomparable: true })),
      };
    },
  },
  {
    name: 'log-raw',
    title: 'log --raw over 5,000 commits',
    aim: '2.5 ×',
    limit: 2.5,
    prepare: ({ repository }) => ({
      bough: { argv: bough('-C', repository, 'log', '--raw', '--no-renames', '-5000', '--format=%H') },
      git: { argv: ['git', '-C', repository, 'log', '--raw', '--no-renames', '-5000', '--format=%H'] },
      ...peers(['JGit'], () => ({ words: ['raw', repository, '5000'], incomparable: true })),
    }),
  },
  {
    name: 'merges',
    title: '200 real merges in one process',
    aim: '1.2 × merge-tree --stdin',
    limit: 1.2,
    prepare({ directory, repository }) {
      const merges = git(repository, ['rev-list', '--merges', '--max-parents=2', '-200', '--parents', 'HEAD'])
        .trim()
        .split('\n')
        .map((line) => line.split(' ').slice(1).join(' '));
      const input = join(directory, 'merges');
      writeFileSync(input, merges.map((line) => `${line}\n`).join(''));
      return {
        bough: { argv: bough('-C', repository, 'merge-tree', '--write-tree', '--stdin'), input },
        git: { argv: ['git', '-C', repository, 'merge-tree', '--write-tree', '--stdin'], input },
        'isomorphic-git': { argv: isomorphic('merges', repository, input), incomparable: true },
        'es-git': { argv: esGit('merges', repository, input), incomparable: true },
      };
    },
  },
  {
    name: 'merge-one',
    title: 'one real merge, a process of its own',
    aim: 'none',
    prepare({ directory, repository }) {
      const [ours, theirs] = git(repository, ['rev-list', '--merges', '--max-parents=2', '-1', '--parents', 'HEAD'])
        .trim()
        .split(' ')
        .slice(1);
      const input = join(directory, 'merge');
      writeFileSync(input, `${ours} ${theirs}\n`);
      return {
        bough: { argv: bough('-C', repository, 'merge-tree', '--write-tree', ours, theirs) },
        git: { argv: ['git', '-C', repository, 'merge-tree', '--write-tree', ours, theirs] },
        'isomorphic-git': { argv: isomorphic('merges', repository, input), incomparable: true },
        'es-git': { argv: esGit('merges', repository, input), incomparable: true },
      };
    },
  },
  {
    name: 'checkout',
    title: 'checkout of 5,000 files into an empty folder',
    aim: '1.2 ×',
    limit: 1.2,
    prepare({ directory }) {
      const target = join(directory, 'r');
      filesRepository(target, 5000);
      git(target, ['add', '-A']);
      git(target, ['commit', '-q', '-m', 'all']);
      git(target, ['repack', '-adq']);
      const reset = () => {
        for (const name of readdirSync(target)) if (name !== '.git') rmSync(join(target, name), { recursive: true });
        rmSync(join(target, '.git/index'), { force: true });
      };
      const answer = () => git(target, ['status', '--porcelain']);
      return {
        bough: { argv: bough('-C', target, 'reset', '-q', '--hard'), reset, answer },
        git: { argv: ['git', '-C', target, 'reset', '-q', '--hard'], reset, answer },
        'isomorphic-git': { argv: isomorphic('checkout', target), reset, answer },
        'es-git': { argv: esGit('checkout', target), reset, answer },
        ...peers(['JGit', 'dulwich'], () => ({ words: ['checkout', target], reset, answer })),
      };
    },
  },
  {
    name: 'add',
    title: 'add -A of 10,000 files',
    aim: '0.5 ×',
    limit: 0.5,
    prepare({ directory }) {
      const target = join(directory, 'r');
      filesRepository(target, 10_000);
      const reset = () => {
        rmSync(join(target, '.git'), { recursive: true, force: true, maxRetries: 5 });
        git(target, ['init', '-q', '-b', 'main']);
      };
      const answer = () => git(target, ['write-tree']);
      return {
        bough: { argv: bough('-C', target, 'add', '-A'), reset, answer },
        git: { argv: ['git', '-C', target, 'add', '-A'], reset, answer },
        'isomorphic-git': { argv: isomorphic('add', target), reset, answer },
        'es-git': { argv: esGit('add', target), reset, answer },
        ...peers(['JGit'], () => ({ words: ['add', target], reset, answer })),
      };
    },
  },
  {
    name: 'repack',
    title: 'repack of 20,000 loose objects',
    aim: '1.1 ×, pack 1.1 ×',
    limit: 1.1,
    full: true,
    prepare({ directory }) {
      const from = join(directory, 'from');
      empty(from);
      git(from, ['init', '-q', '--bare', '-b', 'main']);
      let text = '';
      for (let i = 0; i < 5000; i++) {
        text += `commit refs/heads/main\ncommitter A <a@b> ${1700000000 + i} +0000\ndata 1\nx\nM 100644 inline d${i % 10}/f${i % 200}\ndata <<E\n${`line of ${i % 200}\n`.repeat(30)}${i}\nE\n`;
      }
      git(from, ['fast-import', '--quiet'], text);
      const loose = join(directory, 'loose');
      empty(loose);
      git(loose, ['init', '-q', '--bare', '-b', 'main']);
      const packs = join(from, 'objects/pack');
      for (const file of readdirSync(packs).filter((name) => name.endsWith('.pack'))) {
        spawnSync('sh', ['-c', `git -C '${loose}' unpack-objects -q < '${join(packs, file)}'`], {
          env: { ...process.env, ...environment },
        });
      }
      git(loose, ['update-ref', 'refs/heads/main', git(from, ['rev-parse', 'main']).trim()]);
      const target = join(directory, 'r');
      const reset = () => {
        rmSync(target, { recursive: true, force: true });
        cpSync(loose, target, { recursive: true });
      };
      const answer = () =>
        git(target, ['count-objects', '-v'])
          .split('\n')
          .filter((line) => /^(?:count|in-pack|packs):/.test(line))
          .join('\n');
      /** Bytes of the packs. */
      const size = () =>
        readdirSync(join(target, 'objects/pack'))
          .filter((name) => name.endsWith('.pack'))
          .reduce((sum, name) => sum + statSync(join(target, 'objects/pack', name)).size, 0);
      return {
        bough: { argv: bough('-C', target, 'repack', '-adq'), reset, answer, size },
        git: { argv: ['git', '-C', target, 'repack', '-adq'], reset, answer, size },
        ...peers(['JGit'], () => ({ words: ['repack', target], reset, incomparable: true, size })),
      };
    },
  },
];

/** A repository to measure on when none is named: 3,000 commits with branches and merges, made by stock git. */
export function generatedRepository(directory) {
  if (existsSync(join(directory, '.git'))) return directory;
  empty(directory);
  git(directory, ['init', '-q', '-b', 'main']);
  let text = '';
  let mark = 0;
  const commit = (branch, from, more, file, content) => {
    mark++;
    text += `commit refs/heads/${branch}\nmark :${mark}\ncommitter A <a@b> ${1600000000 + mark * 60} +0000\ndata <<E\nchange ${mark}\n\nbody of ${mark}\nE\n`;
    if (from !== undefined) text += `from :${from}\n`;
    for (const parent of more) text += `merge :${parent}\n`;
    text += `M 100644 inline ${file}\ndata <<E\n${content}\nE\n`;
    return mark;
  };
  const body = (seed) =>
    Array.from({ length: 40 }, (_, line) => `line ${line} of ${(seed * 7919 + line * 31) % 97}`).join('\n');
  let main = commit('main', undefined, [], 'README', 'start');
  for (let i = 0; i < 1000; i++) {
    main = commit('main', main, [], `src/d${i % 20}/f${i % 211}.c`, body(i));
    let side = main;
    side = commit('side', side, [], `lib/l${i % 17}/g${i % 307}.c`, body(i + 5));
    main = commit('main', main, [], `doc/d${i % 13}.txt`, body(i + 9));
    if (i % 2 === 0) main = commit('main', main, [side], `lib/l${i % 17}/g${i % 307}.c`, body(i + 5));
  }
  git(directory, ['fast-import', '--quiet', '--force'], text);
  git(directory, ['reset', '-q', '--hard', 'main']);
  git(directory, ['repack', '-adq']);
  return directory;
}

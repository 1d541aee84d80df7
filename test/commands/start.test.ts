import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { root } from '../support/root.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** A folder with a copy of the program in `copy` that has kept nothing yet. */
function withProgram(): Sandbox {
  const box = sandbox();
  mkdirSync(box.path('copy'));
  for (const folder of ['bin', 'dist']) {
    cpSync(join(root, folder), box.path('copy', folder), {
      recursive: true,
      filter: (file) => !/dist\/(?:cache|types|lib)$/.test(file),
    });
  }
  return box;
}

test('what earlier runs kept never makes a later run wrong: cold, warm, many at once, damaged', async () => {
  const box = withProgram();
  const program = box.path('copy/bin/git');
  const run = (...words: string[]) => box.run(process.execPath, [program, ...words], { cwd: 'r' });
  expect(box.run(process.execPath, [program, 'init', '-q', '-b', 'main', 'r']).code).toBe(0);
  const head = box.bough(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'r' });
  expect(head).toBe('');
  const script = `for i in 1 2 3 4; do for w in '-1' '-1 -p' '-1 --graph --stat' '-Sx' '--oneline'; do '${process.execPath}' '${program}' log $w >/dev/null || echo failed & done; wait; done`;
  expect(box.run('/bin/sh', ['-c', script], { cwd: 'r' })).toMatchObject({ stdout: '', stderr: '' });
  for (let i = 0; i < 3; i++) expect(run('log', '--format=%s')).toMatchObject({ code: 0, stdout: 'one\n', stderr: '' });
  const cache = box.path('copy/dist/cache');
  const kept = readdirSync(cache);
  expect(kept).toContainEqual(expect.stringMatching(/^log-/));
  for (const name of kept) writeFileSync(join(cache, name), 'damaged');
  for (let i = 0; i < 3; i++) expect(run('log', '--format=%s')).toMatchObject({ code: 0, stdout: 'one\n', stderr: '' });
});

test('both programs are the same text; what one of them kept serves the other, and a build is never mixed with another', () => {
  expect(readFileSync(join(root, 'bin/git'), 'utf8')).toBe(readFileSync(join(root, 'bin/bough.js'), 'utf8'));
  const box = withProgram();
  const run = (program: string, ...words: string[]) =>
    box.run(process.execPath, [box.path('copy/bin', program), ...words]);
  const cache = box.path('copy/dist/cache');
  for (const program of ['git', 'bough.js', 'git', 'bough.js']) {
    expect(run(program, 'version')).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(cache)).toHaveLength(1);
  }
  const [file] = readdirSync(cache).map((name) => join(cache, name));
  const kept = readFileSync(file!);
  expect(kept.toString('latin1', 0, 16)).toBe(readFileSync(box.path('copy/dist/build-id'), 'latin1'));
  expect(Number(kept.toString('latin1', 16, 32))).toBeGreaterThan(0);
  // Of an older build, and without its code: it is thrown away.
  const text = kept.subarray(32 + Number(kept.toString('latin1', 16, 32)));
  const older = Buffer.concat([Buffer.from('0'.repeat(32)), text]);
  writeFileSync(file!, older);
  expect(run('git', 'version')).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(cache)).toEqual([]);
  // A folder that cannot be written to: the user's own is taken.
  rmSync(cache, { recursive: true });
  writeFileSync(cache, 'no folder');
  for (let i = 0; i < 3; i++) expect(run('git', 'version')).toMatchObject({ code: 0, stderr: '' });
  const own = readdirSync(join(box.directory, '.cache/bough/code'));
  expect(own).toEqual([expect.stringMatching(/^version-.*-[0-9a-f]{16}$/)]);
});

test('each module by itself loads, and offers all it promises', () => {
  const base = join(root, 'dist/command-line');
  const files = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.cjs'));
  expect(files.length).toBeGreaterThan(500);
  const require = createRequire(import.meta.url);
  for (const file of files) {
    const loaded = new Map<string, { exports: Record<string, unknown> }>();
    const load = (request: string): unknown => {
      if (request.startsWith('node:')) return require(request);
      let module = loaded.get(request);
      if (module === undefined) {
        module = { exports: {} };
        loaded.set(request, module);
        const source = readFileSync(join(base, request), 'latin1');
        const bindings = (target: object, all: Record<string, () => unknown>) => {
          for (const name in all) Object.defineProperty(target, name, { get: all[name]!, enumerable: true });
        };
        new Script(`(${source})`).runInThisContext()(module.exports, load, module, bindings);
      }
      return module.exports;
    };
    const offered = load(file) as Record<string, unknown>;
    if (file.startsWith('packages/')) continue;
    const missing = Object.keys(offered).filter((name) => offered[name] === undefined);
    expect({ file, missing }).toEqual({ file, missing: [] });
  }
});

test('kept code is made under the flags that it is taken back with, also where nothing was optimized', () => {
  const box = withProgram();
  box.git(['init', '-q', '-b', 'main', 'r']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'r' });
  const cache = box.path('copy/dist/cache');
  // Says whether V8 took it.
  writeFileSync(
    box.path('told.cjs'),
    `const vm = require('node:vm');
const { Script } = vm;
vm.Script = class extends Script {
  constructor(text, options) {
    super(text, options);
    if (options?.cachedData !== undefined) process._rawDebug(this.cachedDataRejected ? 'rejected' : 'taken');
  }
};
`,
  );
  for (const line of ['ls-tree HEAD', 'log -p', 'status', 'rev-list HEAD', 'version']) {
    const words = [box.path('copy/bin/git'), ...line.split(' ')];
    for (let i = 0; i < 3; i++) expect(box.run(process.execPath, words, { cwd: 'r' }).code).toBe(0);
    const last = box.run(process.execPath, ['-r', box.path('told.cjs'), ...words], { cwd: 'r' });
    expect(last, line).toMatchObject({ code: 0, stderr: 'taken\n' });
  }
  expect(readdirSync(cache)).toHaveLength(5);
});

test('everyday commands load none of the modules of Node that cost milliseconds', () => {
  const box = sandbox();
  writeFileSync(
    box.path('told.cjs'),
    `const before = new Set(process.moduleLoadList);
const end = process.reallyExit;
process.reallyExit = function (code) {
  const loaded = process.moduleLoadList.filter((name) => !before.has(name));
  require('node:fs').writeFileSync(${JSON.stringify(box.path('loaded'))}, loaded.join());
  return end.call(process, code);
};
`,
  );
  box.git(['init', '-q', '-b', 'main', 'r']);
  writeFileSync(box.path('r/file'), 'one\n');
  const heavy = /^NativeModule (?:perf_hooks|net|http|child_process|worker_threads)$/;
  for (const line of ['add -A', 'commit -q -m one', 'status', 'reset -q --hard', 'checkout -q -b other', 'log -p']) {
    const ran = box.run(process.execPath, ['-r', box.path('told.cjs'), join(root, 'bin/git'), ...line.split(' ')], {
      cwd: 'r',
    });
    expect(ran, line).toMatchObject({ code: 0, stderr: '' });
    const loaded = readFileSync(box.path('loaded'), 'utf8').split(',');
    // Something is loaded always: the list is one.
    expect(loaded, line).toContain('NativeModule vm');
    expect(
      loaded.filter((name) => heavy.test(name)),
      line,
    ).toEqual([]);
  }
});

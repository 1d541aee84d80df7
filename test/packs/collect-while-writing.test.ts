import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Random } from '../support/random.js';
import { root } from '../support/root.js';
import { sandbox, stockGit } from '../support/sandbox.js';

const PUTS = Number(process.env['BOUGH_TEST_PUTS'] ?? 60);

const library = `
import { contents, open, openStore } from ${JSON.stringify(join(root, 'dist/lib/index.js'))};
const repository = await open('.', { env: process.env });
const store = await openStore(repository, contents.bytes, { branch: 'library' });
for (let i = 0; i < ${PUTS}; i++) {
  await store.put('dir/' + (i % 7), new TextEncoder().encode('library ' + i), { message: 'put ' + i });
  await new Promise((done) => setTimeout(done, 20));
}
repository.close();
`;

// Stock git makes a directory and then a file in it; where a collection removes the empty directory in between, it says so
// (mktree ends well nevertheless).
const shell = `
set -e
again() {
  input=$(cat)
  while :; do
    status=0
    id=$(echo "$input" | "$GIT" "$@" 2>said) || status=$?
    if grep -q 'unable to create temporary file' said; then continue; fi
    cat said >&2
    echo "$id"
    return $status
  done
}
parent=
for i in $(seq ${PUTS}); do
  blob=$(echo "stock $i" | again hash-object -w --stdin)
  tree=$(printf '100644 blob %s\\tfile%s\\n' $blob $((i % 5)) | again mktree)
  commit=$(echo "commit $i" | again commit-tree \${parent:+-p} $parent $tree)
  "$GIT" update-ref refs/heads/stock $commit $parent
  parent=$commit
done
`;

/** What may run at any time beside writers: nothing here throws away what is younger than the grace period. */
const collections = [
  ['repack', '-q'],
  ['repack', '-adq'],
  ['repack', '-Adq'],
  ['repack', '-dq', '--geometric=2'],
  ['repack', '-dq', '--geometric=2', '--write-midx', '--write-bitmap-index'],
  ['repack', '--cruft', '-dq'],
  ['gc', '-q'],
  ['gc', '-q', '--auto'],
  ['prune-packed', '-q'],
  ['pack-refs', '--all'],
  ['commit-graph', 'write', '--reachable', '--split', '--changed-paths'],
  ['multi-pack-index', 'write'],
  ['multi-pack-index', 'expire'],
  ['maintenance', 'run', '--quiet', '--task=loose-objects', '--task=incremental-repack'],
];

test('collections by both programs while others write lose nothing', async () => {
  const box = sandbox();
  const cwd = 'r';
  box.git(['init', '-q', '--bare', '-b', 'library', cwd]);
  box.git(['config', 'gc.auto', '20'], { cwd });
  box.git(['config', 'gc.autoDetach', 'false'], { cwd });
  box.git(['config', 'maintenance.autoDetach', 'false'], { cwd });
  let writing = 0;
  const start = (command: string, args: string[]): Promise<unknown> => {
    writing++;
    const child = spawn(command, args, {
      cwd: box.path(cwd),
      env: { ...box.env, GIT: stockGit } as NodeJS.ProcessEnv,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new Promise((resolve) =>
      child.on('close', (code) => {
        writing--;
        resolve(code);
      }),
    );
  };
  const writers = [start(process.execPath, ['--input-type=module', '-e', library]), start('sh', ['-c', shell])];
  const random = new Random(20);
  let done = 0;
  const failed: string[] = [];
  while (writing > 0) {
    const words = random.pick(collections);
    const program = random.below(3) === 0 ? stockGit : join(root, 'bin/git');
    const child = spawn(program, words, { cwd: box.path(cwd), env: box.env as NodeJS.ProcessEnv, stdio: 'pipe' });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    const code = await new Promise((resolve) => child.on('close', resolve));
    // Two that lock the same file at once: one of them gives way.
    if (code !== 0 && !/\.lock|is already running|no pack files to index/.test(said)) {
      failed.push(`${program} ${words.join(' ')}: ${code}: ${said}`);
    }
    done++;
  }
  expect(await Promise.all(writers)).toEqual([0, 0]);
  expect(failed).toEqual([]);
  expect(done).toBeGreaterThan(3);
  for (const branch of ['library', 'stock']) {
    expect(box.git(['rev-list', '--count', branch], { cwd })).toBe(`${PUTS}\n`);
  }
  expect(box.git(['show', `library:dir/${(PUTS - 1) % 7}`], { cwd })).toBe(`library ${PUTS - 1}`);
  box.git(['fsck', '--full', '--strict', '--no-dangling'], { cwd });
  box.git(['clone', '-q', '--no-local', '--mirror', cwd, 'copy']);
  box.fsck('copy');
}, 300_000);

import { expect, test } from 'vitest';
import { table } from '../../src/commands/table.js';
import { bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

const verbs: Readonly<Record<string, string>> = {
  bundle: 'create verify list-heads unbundle',
  'commit-graph': 'verify write',
  config: 'list get set unset rename-section remove-section edit',
  hook: 'run list',
  maintenance: 'run start stop register unregister',
  'multi-pack-index': 'repack write verify expire',
  notes: 'list add copy append edit show merge remove prune',
  reflog: 'exists delete expire',
  remote: 'add rename remove set-head set-branches get-url set-url show prune update',
  stash: 'apply clear drop pop branch store push save',
  worktree: 'add prune list lock unlock move remove repair',
};

/** Words that only git offers, each with its reason. */
const missing = new Set([
  'read-tree --super-prefix=', // a word between git's own programs
  'send-pack --force-with-lease', // `push` has it, and does not start this program
  'send-pack --no-force-with-lease',
  'send-pack --force-if-includes',
  'send-pack --no-force-if-includes',
  'pull --no-ipv4', // taken there, and refused by the fetch
  'pull --no-ipv6',
  // The same options, which completion shows in another way: without `=`, or under a second name.
  ...['remote add --mirror=', 'merge --file', 'pull --jobs', 'pack-objects --cruft-expiration', 'grep --name-only'],
  ...['push --exec=', 'send-pack --exec=', 'fetch --auto-gc'],
  ...['pack-objects --exclude-promisor-objects-best-effort', 'pack-objects --no-exclude-promisor-objects-best-effort'],
]);

/** Words that only bough offers: its own, and the other side of those above. */
const own = new Set([
  ...['merge --branch=', 'merge --type=', 'merge --no-branch', 'merge --no-type'],
  ...[
    'remote add --mirror',
    'merge --file=',
    'pull --jobs=',
    'pack-objects --cruft-expiration=',
    'ls-remote --no-exec',
  ],
  ...['worktree move --force', 'worktree move --no-force', 'worktree move --'],
]);

test('the words that complete a command are those that stock git has', async () => {
  const box = sandbox();
  box.git(['init', '-q', '.']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'one']);
  const bundle = await bundleCommands(box.directory);
  const stock = new Set(box.git(['--list-cmds=builtins']).split('\n'));
  const commands = Object.keys(table)
    .filter((name) => stock.has(name) && name !== 'unpack-file')
    .flatMap((name) => [[name], ...(verbs[name]?.split(' ').map((verb) => [name, verb]) ?? [])]);
  const cases = commands.map((words) => ({ cwd: box.directory, words: [...words, '--git-completion-helper'] }));
  const answers = runBatch(box.directory, bundle, cases, box.env);
  const differing: string[] = [];
  let compared = 0;
  for (const [i, words] of commands.entries()) {
    const theirs = stockAnswer(cases[i]!, box.env);
    if (theirs.code !== 0 || theirs.stderr !== '' || theirs.stdout === '\n') continue;
    const ours = answers[i]!;
    compared++;
    const [a, b] = [theirs, ours].map(({ stdout }) => new Set(stdout.split(/\s+/)));
    const name = words.join(' ');
    // An older git may offer what has gone since, and does not know what has come.
    if (ours.code !== 0) differing.push(`${name}: ${ours.stderr.slice(0, 80)}`);
    if (!current) continue;
    for (const word of a!)
      if (!b!.has(word) && !missing.has(`${name} ${word}`)) differing.push(`${name} lacks ${word}`);
    for (const word of b!) if (!a!.has(word) && !own.has(`${name} ${word}`)) differing.push(`${name} has ${word}`);
  }
  expect(differing).toEqual([]);
  expect(compared).toBeGreaterThan(90);
}, 300_000);

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** A long-running filter that swaps letters' case and notes its start, each request and its end. */
const filter = `
const { appendFileSync } = require('node:fs');
const log = (line) => appendFileSync(process.env.FILTER_LOG, line + '\\n');
const packet = (data) => Buffer.concat([Buffer.from((data.length + 4).toString(16).padStart(4, '0')), Buffer.from(data)]);
const send = (...lines) => process.stdout.write(Buffer.concat([...lines.map((one) => packet(one + '\\n')), Buffer.from('0000')]));
const swap = (text) => text.replace(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
async function* packets() {
  let held = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      if (held.length < 4) break;
      const length = parseInt(held.subarray(0, 4), 16);
      if (length === 0) { held = held.subarray(4); yield undefined; continue; }
      if (held.length < length) break;
      yield held.subarray(4, length);
      held = held.subarray(length);
    }
  }
}
(async () => {
  log('start');
  const all = packets();
  const group = async () => {
    const parts = [];
    for (;;) {
      const { value, done } = await all.next();
      if (done) return undefined;
      if (value === undefined) return parts;
      parts.push(value);
    }
  };
  await group();
  send('git-filter-server', 'version=2');
  await group();
  send('capability=clean', 'capability=smudge', ...(process.argv.includes('delay') ? ['capability=delay'] : []));
  const delayed = new Map();
  for (;;) {
    const head = await group();
    if (head === undefined) break;
    const said = head.map((one) => one.toString().trim());
    if (said[0] === 'command=list_available_blobs') {
      const ready = [...delayed.keys()].filter((path) => !path.includes('never') && !delayed.get(path).given);
      log('list ' + ready.sort().join(' '));
      send(...ready.map((path) => 'pathname=' + path), ...(ready.length > 0 && process.argv.includes('lie') ? ['pathname=stranger'] : []));
      send('status=success');
      continue;
    }
    const path = said.find((one) => one.startsWith('pathname=')).slice(9);
    let data = Buffer.concat(await group()).toString();
    log(said.filter((one) => /^(command|pathname|ref|treeish|can-delay)=/.test(one)).join(' ') + ' ' + data.length);
    if (said.includes('can-delay=1') && path.includes('delay')) {
      delayed.set(path, { data });
      send('status=delayed');
      continue;
    }
    const held = delayed.get(path);
    if (held !== undefined) { held.given = true; data = held.data; }
    if (data.includes('refuse')) { send('status=error'); continue; }
    send('status=success');
    for (let at = 0; at < data.length; at += 60000) process.stdout.write(packet(swap(data.slice(at, at + 60000))));
    process.stdout.write('0000');
    send();
  }
  log('end');
})();
`;

const steps: readonly (readonly [string, ...string[]])[] = [
  ['add', '.'],
  ['commit', '-q', '-m', 'one'],
  ['checkout', '-q', '-b', 'side'],
  ['write', 'b.txt', 'from the Side\n'],
  ['add', 'b.txt'],
  ['commit', '-q', '-m', 'side'],
  ['switch', '-q', 'main'],
  ['write', 'c.txt', 'on Main\n'],
  ['add', 'c.txt'],
  ['commit', '-q', '-m', 'main'],
  ['merge', '-q', '--no-edit', 'side'],
  ['write', 'a.txt', 'Changed\n'],
  ['stash', '-q'],
  ['stash', 'pop', '-q'],
  ['restore', 'a.txt'],
  ['rm', '-q', 'a.txt'],
  ['reset', '-q', '--hard', 'HEAD'],
  ['cherry-pick', '--no-commit', 'side'],
  ['mv', 'c.txt', 'd.txt'],
  ['revert', '--no-commit', 'HEAD'],
  ['reset', '-q', '--hard', 'HEAD~1'],
  ['read-tree', '-m', '-u', 'side'],
  ['checkout-index', '-f', '-a'],
  ['clean', '-q', '-f'],
  ['diff', '--stat', 'main'],
  ['status', '--short'],
  ['write', 'a.txt', 'refuse this\n'],
  ['add', 'a.txt'],
  ['status', '--short'],
];

/** Commands of which every file they write is asked for once, whatever the clock says. */
const asked = ['checkout', 'switch', 'merge', 'checkout-index'];

function walk(box: Sandbox, run: 'tryGit' | 'tryBough'): unknown[] {
  box.env['FILTER_LOG'] = box.path('log');
  writeFileSync(box.path('filter.cjs'), filter);
  box.git(['init', '-q', '-b', 'main', 'work']);
  box.git(['config', 'filter.swap.process', `'${process.execPath}' '${box.path('filter.cjs')}'`], { cwd: 'work' });
  box.git(['config', 'filter.swap.required', 'true'], { cwd: 'work' });
  writeFileSync(box.path('work/.gitattributes'), '*.txt filter=swap\n');
  writeFileSync(box.path('work/a.txt'), 'Hello\n');
  writeFileSync(box.path('work/long.txt'), 'Many Letters\n'.repeat(20_000));
  return steps.map(([command, ...args]) => {
    writeFileSync(box.path('log'), '');
    if (command === 'write') {
      writeFileSync(box.path('work', args[0]!), args[1]!);
      return command;
    }
    const ran = box[run]([command, ...args], { cwd: 'work' });
    const log = readFileSync(box.path('log'), 'utf8').split('\n');
    return {
      command: [command, ...args],
      code: ran.code,
      stdout: ran.stdout,
      stderr: ran.stderr,
      // How often files just written are read again depends on the clock, so only that each program ended counts.
      left: log.filter((line) => line === 'start').length - log.filter((line) => line === 'end').length,
      asked: asked.includes(command) ? log.filter((line) => line.startsWith('command=smudge')).sort() : [],
      tree: box.git(['ls-files', '-s'], { cwd: 'work' }),
      status: box.git(['-c', 'filter.swap.required=false', 'status', '--porcelain'], { cwd: 'work' }),
    };
  });
}

test('a long-running filter is started once a command and ended with it', () => {
  const theirs = walk(sandbox(), 'tryGit');
  const ours = walk(sandbox(), 'tryBough');
  expect(ours).toEqual(theirs);
}, 240_000);

test('a program that is no such filter does not keep the command', () => {
  const answers = (['tryGit', 'tryBough'] as const).map((run) => {
    const box = sandbox();
    box.git(['init', '-q', '-b', 'main']);
    // It greets wrongly and stays until its input ends.
    box.git(['config', 'filter.swap.process', "printf '0008oops'; cat >/dev/null"]);
    writeFileSync(box.path('.gitattributes'), '*.txt filter=swap\n');
    writeFileSync(box.path('a.txt'), 'Hello\n');
    const ran = box[run](['add', 'a.txt']);
    return { code: ran.code, files: box.git(['ls-files', '-s']) };
  });
  expect(answers[1]).toEqual(answers[0]);
});

test.each([
  ['', ['delay-a.txt', 'delay-b.txt', 'plain.txt', 'sub/delay-c.txt']],
  ['', ['delay-a.txt', 'never-delay.txt']],
  ['lie', ['delay-a.txt', 'delay-b.txt']],
])('a filter may put files off: %j %j', (how, files) => {
  const answers = (['tryGit', 'tryBough'] as const).map((run) => {
    const box = sandbox();
    box.env['FILTER_LOG'] = box.path('log');
    writeFileSync(box.path('filter.cjs'), filter);
    box.git([
      'config',
      '--global',
      'filter.swap.process',
      `'${process.execPath}' '${box.path('filter.cjs')}' delay ${how}`,
    ]);
    box.git(['config', '--global', 'filter.swap.required', 'true']);
    box.git(['init', '-q', '-b', 'main', 'work']);
    mkdirSync(box.path('work/sub'));
    writeFileSync(box.path('work/.gitattributes'), '*.txt filter=swap\n');
    for (const file of files) writeFileSync(box.path('work', file), `In ${file}\n`);
    box.git(['add', '.'], { cwd: 'work' });
    box.git(['commit', '-q', '-m', 'one'], { cwd: 'work' });
    writeFileSync(box.path('log'), '');
    const seen: unknown[] = [];
    const look = (args: readonly string[], cwd: string, inside = cwd): void => {
      const ran = box[run](args, { cwd });
      const log = readFileSync(box.path('log'), 'utf8')
        .split('\n')
        .filter((line) => !line.startsWith('command=clean'));
      const texts = files.map((file) => box.run('cat', [box.path(inside, file)]).stdout);
      seen.push({ args, code: ran.code, stderr: ran.stderr.replaceAll(box.directory, ''), log, texts });
      writeFileSync(box.path('log'), '');
    };
    look(['clone', '-q', 'work', 'copy'], '.', 'copy');
    for (const file of files) rmSync(box.path('work', file), { force: true });
    look(['checkout', '.'], 'work');
    for (const file of files) rmSync(box.path('work', file), { force: true });
    look(['checkout', '-q', '-f', '--detach', 'HEAD'], 'work');
    return seen;
  });
  expect(answers[1]).toEqual(answers[0]);
});

import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  chmodSync,
  unlinkSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { type BatchAnswer, bundleCommands, fellOver, runBatch, stockAnswer } from '../support/batch.js';
import { Random } from '../support/random.js';
import { sandbox, type Sandbox } from '../support/sandbox.js';

/** More by hand: BOUGH_DAMAGE=seed:rounds. */
const [seed, rounds] = (process.env['BOUGH_DAMAGE'] ?? '7:25').split(':').map(Number) as [number, number];

/** Commands that only look. */
const commands: readonly (readonly string[])[] = [
  ['status', '--porcelain=v2', '--branch'],
  ['status'],
  ['log', '--oneline', '--graph', '--all'],
  ['log', '-p', '--stat', '-3'],
  ['log', '-g', '--format=%gd %gs'],
  ['show', 'HEAD'],
  ['diff'],
  ['diff', 'HEAD~2'],
  ['diff', '--cached'],
  ['ls-files', '-s', '--debug'],
  ['ls-tree', '-r', 'HEAD'],
  ['rev-parse', 'HEAD', 'main~3', '@{1}'],
  ['rev-list', '--objects', '--all'],
  ['rev-list', '--count', '--use-bitmap-index', '--objects', 'HEAD'],
  ['merge-base', 'main', 'side'],
  ['for-each-ref'],
  ['show-ref', '--head', '-d'],
  ['branch', '-avv'],
  ['tag', '-n'],
  ['describe', '--always', '--all'],
  ['cat-file', '--batch-all-objects', '--batch-check'],
  ['cat-file', '-p', 'HEAD:dir/b'],
  ['blame', 'dir/b'],
  ['grep', 'line'],
  ['config', '--list'],
  ['reflog', 'show', '--all'],
  ['stash', 'list'],
  ['symbolic-ref', 'HEAD'],
  ['count-objects', '-v'],
  ['fsck', '--full'],
  ['verify-pack', '-v', '.git/objects/pack/pack.idx'],
  ['commit-graph', 'verify'],
  ['multi-pack-index', 'verify'],
  ['name-rev', '--all'],
  ['shortlog', '-s', 'HEAD'],
  ['notes', 'list'],
  ['check-attr', '-a', 'a'],
  ['check-ignore', '-v', 'x.o'],
  ['remote', '-v'],
  ['ls-remote', '.'],
];

/** A repository with one of every file that the commands above read. */
function template(box: Sandbox): string {
  const cwd = 'template';
  const git = (...args: string[]) => box.git(args, { cwd });
  const write = (path: string, text: string) => writeFileSync(box.path(cwd, path), text);
  box.git(['init', '-q', '-b', 'main', cwd]);
  mkdirSync(box.path(cwd, 'dir'));
  const lines = Array.from({ length: 60 }, (_, i) => `line ${i}\n`);
  for (let i = 0; i < 12; i++) {
    write('a', `line ${i}\n`);
    lines[i] = `line ${i} of commit ${i}\n`;
    write('dir/b', lines.join(''));
    git('add', '.');
    git('commit', '-q', '-m', `commit ${i}`);
    if (i === 6) git('branch', 'side');
    if (i === 4) git('tag', '-a', '-m', 'a tag', 'v1');
  }
  git('notes', 'add', '-m', 'a note', 'HEAD~1');
  git('remote', 'add', 'origin', '.');
  git('fetch', '-q', 'origin');
  git('config', 'branch.main.remote', 'origin');
  git('config', 'branch.main.merge', 'refs/heads/main');
  git('pack-refs', '--all');
  git('repack', '-adq', '--write-bitmap-index');
  git('checkout', '-q', 'side');
  write('c', 'loose\n');
  git('add', 'c');
  git('commit', '-q', '-m', 'loose');
  git('checkout', '-q', 'main');
  git('multi-pack-index', 'write');
  git('commit-graph', 'write', '--reachable', '--changed-paths');
  write('a', 'stashed\n');
  git('stash', '-q');
  write('a', 'changed\n');
  write('.gitattributes', 'a text\n*.bin binary\n');
  write('.git/info/exclude', '*.o\n');
  write('x.o', '');
  git('update-index', '--untracked-cache');
  git('status');
  return box.path(cwd);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/hooks'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => path.startsWith('.git/') && !/description|COMMIT_EDITMSG/.test(path))
    .sort();
}

/** Some way to spoil a file; says which. */
function spoil(path: string, random: Random): string {
  const content = readFileSync(path);
  const text = content.length > 0 && content.every((byte) => byte < 128);
  chmodSync(path, 0o644);
  const put = (bytes: Uint8Array | string) => {
    // A new file: the old one is a hard link.
    unlinkSync(path);
    writeFileSync(path, bytes);
  };
  const at = random.below(content.length + 1);
  switch (random.below(text ? 9 : 7)) {
    case 0:
      put('');
      return 'emptied';
    case 1:
      put(content.subarray(0, at));
      return `cut at ${at} of ${content.length}`;
    case 2: {
      const bytes = random.bytes(random.between(1, 8));
      const out = Buffer.concat([content.subarray(0, at), bytes, content.subarray(at + bytes.length)]);
      put(out);
      return `${bytes.length} bytes at ${at} of ${content.length}`;
    }
    case 3: {
      const out = Buffer.from(content);
      const first = Math.min(at, Math.min(out.length - 1, 64));
      if (first >= 0) out[first]! ^= 1 << random.below(8);
      put(out);
      return `a bit at ${first} of ${content.length}`;
    }
    case 4:
      put(Buffer.concat([content.subarray(0, at), new Uint8Array(content.length - at)]));
      return `zeros from ${at} of ${content.length}`;
    case 5:
      put(random.bytes(random.between(1, 200)));
      return 'garbage';
    case 6:
      unlinkSync(path);
      if (random.chance(0.5)) {
        mkdirSync(path);
        return 'a directory';
      }
      return 'removed';
    case 7:
      put(Buffer.concat([content.subarray(0, at), Buffer.from('\n\x00\n'), content.subarray(at)]));
      return `NUL at ${at}`;
    default: {
      const words = content.toString('latin1').split(/(?<=[ \n])/);
      const which = random.below(words.length);
      words[which] = random.pick([
        '',
        '\n',
        'ref: refs/heads/../x\n',
        '-1 ',
        '[x',
        '"',
        'refs/heads/main',
        '99999999999999999999 ',
        '\u00ff',
      ]);
      put(Buffer.from(words.join(''), 'latin1'));
      return `word ${which} is ${JSON.stringify(words[which])}`;
    }
  }
}

test(`no damage below .git makes a command that only looks fall over or hang (${rounds} spoilt files)`, async () => {
  const box = sandbox();
  const original = template(box);
  const files = filesBelow(original);
  const bundle = await bundleCommands(box.directory);
  const random = new Random(seed);
  const pack = readdirSync(join(original, '.git/objects/pack')).find((name) => name.endsWith('.idx'))!;
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const file = files[round % files.length]!;
    const copy = box.path(`r${round}`);
    box.run('cp', ['-al', original, copy]);
    unlinkSync(join(copy, '.git/index'));
    box.run('cp', ['-p', join(original, '.git/index'), join(copy, '.git/index')]);
    const how = spoil(join(copy, file), random);
    const cases = commands.map((words) => ({ cwd: copy, words: words.map((w) => w.replace('pack.idx', pack)) }));
    let answers: BatchAnswer[];
    try {
      answers = runBatch(box.directory, bundle, cases, { ...box.env, GIT_OPTIONAL_LOCKS: '0' });
    } catch (error) {
      wrong.push(`${file}: ${how}: ${String(error).slice(0, 300)}`);
      continue;
    }
    for (const [i, { code, stderr }] of answers.entries()) {
      const where = `round ${round}: ${file}: ${how}: git ${commands[i]!.join(' ')}`;
      if (fellOver(stderr)) wrong.push(`${where}: ${stderr.slice(0, 400)}`);
      else if (process.env['BOUGH_DAMAGE_LOG'] !== undefined) {
        const stock = stockAnswer(cases[i]!, { ...box.env, GIT_OPTIONAL_LOCKS: '0' });
        if (stock.code !== code || stock.stderr !== stderr)
          appendFileSync(
            process.env['BOUGH_DAMAGE_LOG'],
            `${stock.code !== code ? 'CODE' : 'TEXT'} ${where}\n  git ${stock.code}: ${JSON.stringify(stock.stderr.slice(0, 300))}\n  us  ${code}: ${JSON.stringify(stderr.slice(0, 300))}\n`,
          );
      }
    }
    rmSync(copy, { recursive: true, force: true });
  }
  expect(wrong).toEqual([]);
}, 600_000);

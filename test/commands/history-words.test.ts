import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { sharedSandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

// Words of the commands that tell history, beside stock git: what they print, what they refuse and how they end.

const box = sharedSandbox();
let bundle: string;

/** Two lines of history that meet, a tag, names that are wider in bytes than on the screen. */
beforeAll(async () => {
  bundle = await bundleCommands(box.directory);
  box.git(['init', '-q', '-b', 'main', 'r']);
  let seconds = 1_600_000_000;
  const cwd = 'r';
  const commit = (message: string, name = 'A U Thor'): void => {
    seconds += 86_400;
    const date = `${seconds} +0100`;
    box.git(['commit', '-q', '-a', '-m', message], {
      cwd,
      env: { GIT_AUTHOR_NAME: name, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    });
  };
  const write = (name: string, lines: readonly string[]): void => {
    writeFileSync(box.path(`r/${name}`), lines.map((line) => `${line}\n`).join(''));
    box.git(['add', name], { cwd });
  };
  write('f', ['one', 'two', 'three']);
  commit('first');
  write('f', ['one', 'two', 'three', 'four']);
  commit('second', 'Jörg');
  box.git(['checkout', '-q', '-b', 'side'], { cwd });
  for (const n of [1, 2]) {
    write('g', [`side ${n}`]);
    commit(`side ${n}`);
  }
  box.git(['checkout', '-q', 'main'], { cwd });
  write('f', ['one', 'TWO', 'three', 'four']);
  commit('third');
  seconds += 86_400;
  box.git(['merge', '-q', '--no-ff', '-m', 'merge', 'side'], {
    cwd,
    env: { GIT_AUTHOR_DATE: `${seconds} +0100`, GIT_COMMITTER_DATE: `${seconds} +0100` },
  });
  box.git(['tag', '-a', '-m', 't1', 't1'], { cwd });
  write('f', ['zero', 'one', 'TWO', 'three', 'four']);
  commit('fourth', 'Jörg');
  write('f', ['zero', 'one', 'TWO', 'three', 'FOUR']);
  commit('fifth');
});

afterAll(() => box.remove());

function compare(lines: readonly string[]): void {
  const cwd = box.path('r');
  const cases = lines.map((line) => ({ cwd, words: line.split(' ') }));
  const answers = runBatch(box.directory, bundle, cases, box.env);
  const wrong: unknown[] = [];
  for (const [i, ours] of answers.entries()) {
    const theirs = stockAnswer(cases[i]!, box.env);
    // The options that follow a usage line are the commands' own.
    const told = (text: string): string => text.replace(/^(usage: [^\n]*\n)[\s\S]*/m, '$1');
    const a = { code: ours.code, out: told(ours.stdout), err: told(ours.stderr) };
    const b = { code: theirs.code, out: told(theirs.stdout), err: told(theirs.stderr) };
    if (JSON.stringify(a) !== JSON.stringify(b)) wrong.push({ line: lines[i], ours: a, theirs: b });
  }
  expect(wrong).toEqual([]);
}

it('rev-list --bisect counts, is quiet, draws, limits and lists objects', () => {
  const lines: string[] = [];
  for (const bisect of ['--bisect', '--bisect-all']) {
    for (const more of ['--count', '--quiet', '--graph', '-n 0', '-n 2', '--skip=1', '--reverse', '--objects']) {
      lines.push(`rev-list ${bisect} ${more} HEAD`, `rev-list ${bisect} ${more} HEAD ^side`);
    }
    for (const more of ['--oneline', '--parents', '--left-right', '--timestamp', '--no-merges', '--abbrev-commit'])
      lines.push(`rev-list ${bisect} ${more} HEAD`);
    lines.push(`rev-list ${bisect} --count HEAD..HEAD`, `rev-list --bisect-vars ${bisect} -n 2 HEAD`);
  }
  compare(lines);
});

it('rev-list draws the graph of what it counts and tells edges even so', () => {
  compare([
    'rev-list --count --graph HEAD',
    'rev-list --count --graph --left-right HEAD...side',
    'rev-list --quiet --graph HEAD',
    'rev-list --objects-edge --count t1..HEAD',
    'rev-list --objects-edge --count --boundary t1..HEAD',
    'rev-list --objects-edge --quiet t1..HEAD',
    'rev-list --objects-edge --boundary t1..HEAD',
    'rev-list --objects-edge-aggressive --count t1..HEAD',
  ]);
});

it('reflogs leave out what a tag reaches, and refuse excluded commits', () => {
  compare([
    'rev-list -g t1..HEAD',
    'rev-list -g HEAD ^t1',
    'log -g --oneline t1..HEAD',
    'rev-list -g side..main',
    'rev-list -g side...main',
    'log -g ^side HEAD',
  ]);
});

it.skipIf(!current)('rev-list -z refuses what does not go with it (needs git 2.55)', () => {
  compare(
    [
      ...['--left-right', '--cherry-mark', '--cherry', '--graph', '--timestamp', '--oneline', '--header', '--bisect'],
      ...['--bisect-all', '--disk-usage', '--use-bitmap-index', '--objects-edge', '--count', '--parents', '--boundary'],
      ...['--children --boundary', '--objects --boundary'],
    ].map((words) => `rev-list -z ${words} HEAD...side`),
  );
});

it('--exclude-hidden knows namespaces, and what does not go with it', () => {
  box.git(['update-ref', 'refs/namespaces/n/refs/kept/a', 'main~1'], { cwd: 'r' });
  box.git(['update-ref', 'refs/kept/b', 'side~1'], { cwd: 'r' });
  const lines: string[] = [];
  for (const kind of ['rev-list --no-walk', 'rev-parse --symbolic', 'log --oneline --no-walk']) {
    lines.push(`${kind} --exclude-hidden=fetch --branches`, `${kind} --exclude-hidden=fetch --tags=x`);
    for (const rule of ['refs/kept', '^refs/kept', 'refs/namespaces/n', '^refs/namespaces/n/', 'refs/heads', '!refs']) {
      lines.push(`-c transfer.hideRefs=${rule} ${kind} --exclude-hidden=receive --all`);
      lines.push(`--namespace=n -c uploadpack.hideRefs=${rule} ${kind} --exclude-hidden=uploadpack --glob=refs/*`);
    }
    lines.push(`-c fetch.hideRefs=refs/kept -c transfer.hideRefs=!refs/kept ${kind} --exclude-hidden=fetch --all`);
  }
  compare(current ? lines : lines.filter((line) => !line.includes('hidden=fetch')));
});

it.skipIf(!current)('log -L: pickaxe, filters, the reverse (needs git 2.55)', () => {
  compare(
    [
      ...['-S TWO', '-S nothing', '-G two', '-s -G two', '-s --diff-filter=M', '-s --diff-filter=A', '-R -2'],
      ...['-S three --graph', '--find-object=HEAD:f', '--full-diff', '--stat'],
    ].map((words) => `log -L 1,3:f --oneline ${words}`),
  );
});

it('shortlog refuses what it does not know, sorts and limits, walks reflogs', () => {
  compare([
    ...['--numbered=x', '--no-email=x', '--committer=x', '--format', '--no-date', '--min-parents 3', '--glob-x'].map(
      (words) => `shortlog ${words} HEAD`,
    ),
    ...['-n2', '-sn3', '-sne', '-g', '-g t1..', '-g side..', '--simplify-by-decoration', '--summary -c'].map(
      (words) => `shortlog ${words} HEAD`,
    ),
  ]);
});

it('describe: lengths and candidates', () => {
  compare(
    ['--abbrev=-1', '--abbrev=', '--abbrev', '--no-abbrev', '--abbrev=2', '--abbrev=x', '--no-candidates'].flatMap(
      (words) => [`describe ${words}`, `describe ${words} t1`],
    ),
  );
});

it('colours of grep and of decorations: bad ones, which counts, what they paint', () => {
  compare([
    ...(current ? ['branch=blue', 'HEAD=red', 'tag=no-colour', 'tag', 'tag=', 'nothing=blue'] : ['tag=no-colour']).map(
      (setting) => `-c color.decorate.${setting} log --color --oneline --decorate -3`,
    ),
    '-c color.decorate.tag=no-colour log --oneline -1',
    '-c color.decorate.tag=no-colour rev-list -1 HEAD',
    ...['filename=no-colour', 'filename', 'nothing=blue', 'match=no-colour'].map((s) => `-c color.grep.${s} grep t`),
    ...['match', 'matchSelected', 'matchContext', 'selected', 'context', 'filename', 'separator', 'lineNumber'].map(
      (slot) => `-c color.grep.${slot}=blue grep --color -n -C1 T`,
    ),
    '-c color.grep.matchSelected=green -c color.grep.match=blue grep --color T',
    '-c color.grep.match=blue -c color.grep.matchSelected=green grep --color T',
  ]);
});

it('blame and annotate: widths, dates, lengths and flags', () => {
  compare([
    ...['', '-e ', '--date=relative ', '--date=raw ', '-l ', '-b t1.. '].map((words) => `annotate ${words}f`),
    ...['-c ', '-c -e ', '-c --date=short ', '--date=short ', '--abbrev=38 t1.. -- ', '--abbrev=39 t1.. -- '].map(
      (words) => `blame ${words}f`,
    ),
    ...['--abbrev=40', '-l', '--no-abbrev', '--abbrev=-3'].flatMap((words) => [
      `blame ${words} f`,
      `blame ${words} t1.. -- f`,
    ]),
    '-c core.abbrev=40 blame t1.. -- f',
    '-c core.abbrev=no blame t1.. -- f',
    ...['--no-porcelain', '-p --no-porcelain', '--line-porcelain --no-line-porcelain', '-p --no-line-porcelain'].map(
      (words) => `blame ${words} f`,
    ),
    'blame --incremental --no-incremental f',
    'blame --root=x f',
    'blame --progress --porcelain f',
    'blame --first-parent=x f',
    'blame -S nowhere f',
    'blame -L abc f',
    'annotate -L 2,3:f f',
    'blame -L :x:y f',
    'blame -L :o:y f',
  ]);
});

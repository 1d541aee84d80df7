// The repositories that the walk over git's options goes through: clones of real ones and a generated one, each with
// changes in index and work tree, notes, tags and files that options name.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';

function runner(git, environment, cwd) {
  return (...words) => {
    const ran = spawnSync(git, words, { cwd, env: environment, encoding: 'utf8', maxBuffer: 1 << 28 });
    if (ran.status !== 0) throw new Error(`git ${words.join(' ')} (${cwd}): ${ran.stderr}`);
    return ran.stdout.trim();
  };
}

/** Files that options name, in the repository's own folder; answers the places that command lines name. */
function furnish(path, run, picked) {
  const at = (name) => join(path, '.git', name);
  const head = run('rev-parse', 'HEAD');
  const older = picked.older;
  fs.writeFileSync(at('order'), '*.md\n*.py\n*.c\n');
  fs.writeFileSync(at('names'), 'def\nimport\n');
  fs.writeFileSync(at('revs'), `# a comment\n${picked.changing}\n\n`);
  fs.writeFileSync(at('grafts'), `${head} ${run('rev-parse', 'HEAD~5')}\n`);
  fs.writeFileSync(at('mailmap'), 'Mapped Name <mapped@example.com> <author@example.com>\n');
  return {
    ...picked,
    older,
    order: at('order'),
    names: at('names'),
    revs: at('revs'),
    grafts: at('grafts'),
    mailmap: at('mailmap'),
  };
}

/** Changes of every kind in index and work tree. */
function dirty(path, run, files) {
  const edit = (file, change) => {
    const text = fs.readFileSync(join(path, file), 'latin1');
    fs.writeFileSync(join(path, file), change(text), 'latin1');
  };
  edit(files[0], (text) => text.replace('\n', '\nan added line  \n\tand another\n'));
  edit(files[1], (text) => text.split('\n').slice(3).join('\n'));
  run('add', files[1]);
  edit(files[1], (text) => `${text}after the index\n`);
  fs.rmSync(join(path, files[2]));
  run('mv', files[3], `${files[3]}.moved`);
  fs.chmodSync(join(path, files[4]), 0o755);
  fs.writeFileSync(join(path, 'untracked.txt'), 'def untracked\nimport it\n');
  fs.writeFileSync(join(path, 'intended.txt'), 'def intended\n');
  run('add', '-N', 'intended.txt');
  // All times are old: nothing has to be looked at because it may have changed in the same second.
  const old = new Date(1_600_000_000_000);
  for (const file of run('ls-files').split('\n')) {
    if (!file.startsWith('"') && fs.existsSync(join(path, file))) fs.utimesSync(join(path, file), old, old);
  }
  run('update-index', '-q', '--refresh', '--really-refresh', '--unmerged', '--ignore-missing');
}

/** A clone of a real repository. `source` is only read. */
export function makeWalked(path, source, git, environment) {
  fs.mkdirSync(dirname(path), { recursive: true });
  runner(git, environment, dirname(path))('clone', '-q', '--shared', source, path);
  const run = runner(git, environment, path);
  const merge = run('rev-list', '-1', '--min-parents=2', 'HEAD~10');
  const older = run('rev-list', '-1', '--no-merges', '--skip=40', '--first-parent', 'HEAD');
  const newer = run('rev-list', '-1', '--no-merges', '--skip=12', '--first-parent', 'HEAD');
  const files = run('ls-files', '*.py', '*.c', '*.md', '*.rst')
    .split('\n')
    .filter((file) => !file.startsWith('"'));
  const file = files.find((one) => /(?:app\.py|server\.c)$/.test(one)) ?? files[0];
  const changing = run('rev-list', '-1', '--no-merges', 'HEAD~5', '--', file);
  run('notes', 'add', '-m', 'a note\n\nof two lines', 'HEAD~1');
  run('notes', '--ref=other', 'add', '-m', 'another', 'HEAD');
  const tag = run('for-each-ref', '--count=1', '--sort=-taggerdate', '--format=%(refname:short)', 'refs/tags');
  const spare = files.filter(
    (one) => one !== file && fs.lstatSync(join(path, one)).isFile() && fs.statSync(join(path, one)).size > 200,
  );
  dirty(path, run, spare.slice(0, 5));
  const changed = run('diff', '--name-only', older, newer).split('\n')[1] ?? 'README.md';
  const picked = {
    merge,
    older,
    newer,
    file,
    changing,
    tag,
    changed,
    dir: dirname(file) === '.' ? 'src' : dirname(file),
  };
  return { path, places: furnish(path, run, picked) };
}

/** A small history with merges, renames, copies, rewrites, odd names, encodings, trailers, tags and notes. */
export function makeGenerated(path, git, environment) {
  fs.mkdirSync(path, { recursive: true });
  const run = runner(git, environment, path);
  run('init', '-q', '-b', 'main');
  let stream = '';
  let mark = 0;
  let seconds = 1_500_000_000;
  const contents = new Map();
  const size = (text) => Buffer.byteLength(text, 'latin1');
  const utf8 = (text) => Buffer.from(text, 'utf8').toString('latin1');
  const commit = (branch, message, changes, from, merged, latin) => {
    mark++;
    seconds += 86_413;
    const text = latin ? message : utf8(message);
    const author = latin
      ? 'J\xf6rg <joerg@example.com>'
      : mark % 3 === 0
        ? utf8('Zoë Ä <zoe@example.com>')
        : 'A U Thor <author@example.com>';
    stream += `commit refs/heads/${branch}\nmark :${mark}\nauthor ${author} ${seconds - 500} -0700\n`;
    stream += `committer C O Mitter <committer@example.com> ${seconds} +0200\n${latin ? 'encoding ISO-8859-1\n' : ''}`;
    stream += `data ${size(text)}\n${text}\n`;
    if (from !== undefined) stream += `from :${from}\n`;
    if (merged !== undefined) stream += `merge :${merged}\n`;
    for (const [file, lines] of Object.entries(changes)) {
      const name = utf8(JSON.stringify(file));
      if (lines === null) stream += `D ${name}\n`;
      else if (typeof lines === 'string') stream += `R ${utf8(JSON.stringify(lines))} ${name}\n`;
      else {
        const data = utf8(lines.join('\n') + (file.endsWith('.bare') ? '' : '\n'));
        contents.set(file, lines);
        stream += `M ${file.endsWith('.sh') ? '100755' : file === 'link' ? '120000' : '100644'} inline ${name}\ndata ${size(data)}\n${data}\n`;
      }
    }
    stream += '\n';
    return mark;
  };
  const code = (name, n) =>
    Array.from({ length: n }, (_, i) =>
      i % 8 === 0 ? `def ${name}_${i}(self):` : i % 8 === 7 ? '' : `\timport ${name} # ${i}${i % 5 === 0 ? '  ' : ''}`,
    );
  let a = commit('main', 'Begin\n\nThe first commit.\n', {
    'README.md': ['# A project', '', 'def: it has text', 'import nothing'],
    'src/main.py': code('main', 40),
    'src/deep/er/low.c': ['#include <x.h>', '', 'int main(void)', '{', '\treturn self();', '}'],
    'docs/übung.md': ['def ä', 'self import'],
    'docs/a b.md': ['def with a blank'],
    'run.sh': ['#!/bin/sh', 'echo self'],
    'end.bare': ['no newline'],
    link: ['README.md'],
    bin: ['\0\u0001def', 'import'],
    'src/copy.py': code('copy', 30),
    'src/other.py': code('other', 30),
    'src/fifth.py': code('fifth', 20),
  });
  const first = a;
  for (let i = 0; i < 22; i++) {
    const lines = [...contents.get('src/main.py')];
    lines.splice((i * 7) % lines.length, i % 3, `\tx = ${i}`, `def added_${i}(self): # import`);
    const changes = { 'src/main.py': lines };
    if (i === 3) changes['src/new name.py'] = 'src/copy.py';
    if (i === 5) changes['src/rewritten.py'] = code('rewritten', 30);
    if (i === 7) changes['src/rewritten.py'] = Array.from({ length: 30 }, (_, n) => `wholly other ${n * n}`);
    if (i === 9) changes['docs/übung.md'] = ['def ä', 'changed  ', 'self import'];
    if (i === 11) changes['end.bare'] = ['no newline', 'still none'];
    if (i === 13) changes.bin = ['\0\u0002def', 'import more'];
    if (i === 15) changes['run.sh'] = null;
    if (i === 17) changes['src/main.copy.py'] = lines;
    if (i === 19) changes['README.md'] = ['# A project', 'def:    it has text', '', '', 'import nothing', 'moved here'];
    const trailers =
      i % 4 === 1
        ? '\n\nBody of it.\n\nSigned-off-by: A U Thor <author@example.com>\nReviewed-by: Zoë\n  folded\n'
        : '';
    const latin = i === 12;
    a = commit(
      'main',
      latin ? 'F\xfcr Latin-1\n\nk\xf6rper\n' : `fix: step ${i}${trailers || '\n'}`,
      changes,
      a,
      undefined,
      latin,
    );
    if (i === 4 || i === 10 || i === 16) {
      const side = commit(
        `side${i}`,
        `Side ${i}\n\n\twith a tab\n`,
        { [`src/side${i}.py`]: code(`side${i}`, 12) },
        i === 10 ? first : a - 1,
      );
      const merged = { 'src/side-merge.py': [`import ${i}`] };
      if (i === 16) merged['src/main.py'] = [...lines.slice(0, 5), '\tevil = True', ...lines.slice(5)];
      a = commit('main', `Merge branch 'side${i}'\n`, merged, a, side);
    }
    if (i === 8 || i === 18)
      stream += `tag v${i / 2}.0\nfrom :${a}\ntagger T <t@example.com> ${seconds} +0000\ndata 10\nversion ${i % 10}\n\n`;
    if (i === 14) stream += `reset refs/tags/light\nfrom :${a}\n\nreset refs/remotes/origin/main\nfrom :${a}\n\n`;
  }
  const ran = spawnSync(git, ['fast-import', '--quiet'], {
    cwd: path,
    env: environment,
    input: Buffer.from(stream, 'latin1'),
  });
  if (ran.status !== 0) throw new Error(ran.stderr.toString());
  run('reset', '-q', '--hard');
  run('notes', 'add', '-m', 'a note\n\nof two lines', 'HEAD~1');
  run('notes', '--ref=other', 'add', '-m', 'another', 'HEAD');
  fs.writeFileSync(join(path, '.mailmap'), 'Zoe Mapped <zoe@mapped.example.com> <zoe@example.com>\n');
  dirty(path, run, ['README.md', 'src/main.py', 'src/other.py', 'src/fifth.py', 'docs/a b.md']);
  const places = {
    merge: run('rev-list', '-1', '--min-parents=2', 'HEAD'),
    older: run('rev-parse', 'HEAD~14'),
    newer: run('rev-parse', 'HEAD~2'),
    file: 'src/main.py',
    changing: run('rev-parse', 'HEAD~3'),
    tag: 'v9.0',
    changed: 'src/main.py',
    dir: 'src',
  };
  return { path, places: furnish(path, run, places) };
}

// The main job on real .git directories, step by step, in a temporary folder that is removed at the end.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { prepare } from './prepare.mjs';

const root = resolve(import.meta.dirname, '..');
prepare(root);
const { default: chalk } = await import('chalk');
const { contents, open, openStore, init } = await import(join(root, 'dist/lib/index.js'));

const keep = process.argv.includes('--keep');
const scratch = mkdtempSync(join(tmpdir(), 'bough-tour-'));
const env = {
  PATH: process.env.PATH,
  HOME: scratch,
  LC_ALL: 'C',
  TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_MERGE_AUTOEDIT: 'no',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};
let failures = 0;
let step = 0;

const title = (text) => console.log(`\n${chalk.bold.cyan(`${++step}. ${text}`)}`);
const say = (text) => console.log(chalk.dim(text.replace(/^/gm, '   ')));

/** Runs one command line, shows it and what it says; anything but the exit code expected is a failure of the tour. */
function run(program, words, options = {}) {
  const { cwd = scratch, input, expect = 0, show = true, who = {} } = options;
  const shown = words.map((word) => (/^[\w@%+=:,./~^-]+$/.test(word) ? word : `'${word}'`)).join(' ');
  const at = cwd === scratch ? '' : chalk.dim(`${cwd.slice(scratch.length + 1)} `);
  if (show)
    console.log(
      `   ${at}${chalk.green(`$ ${program === 'git' ? 'git' : 'bough'} ${shown}`)}${input === undefined ? '' : chalk.dim(' < …')}`,
    );
  const [command, args] =
    program === 'git' ? ['git', words] : [process.execPath, [join(root, 'bin/bough.js'), ...words]];
  const result = spawnSync(command, args, {
    cwd,
    env: { ...env, ...who },
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (show)
    for (const line of `${result.stdout}${result.stderr}`.split('\n').filter((text) => text !== ''))
      console.log(`     ${line}`);
  if (result.status !== expect) {
    failures++;
    console.log(chalk.red(`     exit ${result.status}, expected ${expect}: ${result.stderr || result.error}`));
  }
  return result.stdout;
}
const bough = (words, options) => run('bough', words, options);
const stock = spawnSync('git', ['--version'], { encoding: 'utf8' });
const hasGit = stock.status === 0;
const git = (words, options) => {
  if (hasGit) return run('git', words, options);
  return '';
};
function check(what, fine) {
  if (!fine) failures++;
  console.log(`   ${fine ? chalk.green('✓') : chalk.red('✗')} ${what}`);
}

console.log(chalk.bold('bough: git in TypeScript whose merges understand values'));
say(`Everything below happens in ${scratch}${keep ? '' : ', which is removed at the end'}.`);
say(
  hasGit
    ? `Stock git is here (${stock.stdout.trim()}) and checks what bough writes.`
    : 'There is no git on this machine: the checks by stock git are left out.',
);

title('Values go onto a branch of a real .git directory, and come back');
bough(['init', '-q', '-b', 'main', 'team']);
const team = join(scratch, 'team');
bough(['put', 'settings/theme', 'dark'], { cwd: team });
bough(['put', 'settings/limits', '{"users": 10, "projects": 3}', '--type', 'json'], { cwd: team });
bough(['put', 'visits', '10', '--type', 'counter'], { cwd: team });
check('get gives the value back', bough(['get', 'settings/theme'], { cwd: team }) === 'dark\n');
bough(['list', '-r', '-l'], { cwd: team });
say('A value that is not there is no output and exit 1, not an error.');
bough(['get', 'settings/color'], { cwd: team, expect: 1 });

title('Many values in one commit, and a transaction');
bough(['put', '--stdin', '-m', 'import users'], {
  cwd: team,
  input: Array.from({ length: 1000 }, (_, i) => `users/${i % 10}/u${i}\tname ${i}\n`).join(''),
});
bough(['transact', '-m', 'rename'], {
  cwd: team,
  input: 'test users/1/u1 name 1\nput users/1/u1 renamed\nremove users/2/u2\nget users/1/u1\n',
});
say('A test that fails writes nothing:');
bough(['transact'], { cwd: team, input: 'test users/1/u1 name 1\nput users/1/u1 again\n', expect: 1 });

title('It is git: history, tags, a clean work tree');
bough(['log', '--oneline'], { cwd: team });
bough(['tag', '-a', 'v1', '-m', 'first version'], { cwd: team });
bough(['for-each-ref'], { cwd: team });
if (hasGit) {
  check('stock git fsck finds nothing', git(['fsck', '--full', '--strict'], { cwd: team, show: false }).trim() === '');
  check('stock git status is clean', git(['status', '--porcelain'], { cwd: team, show: false }) === '');
  git(['log', '--stat', '--oneline', '-2'], { cwd: team });
}

title('Two branches, merged by the type of each value');
writeFileSync(join(team, '.gitattributes'), 'visits merge=counter\n*.json merge=json\nsettings/limits merge=json\n');
bough(['add', '.gitattributes'], { cwd: team });
bough(['commit', '-q', '-m', 'how values merge'], { cwd: team });
bough(['branch', 'other'], { cwd: team });
bough(['put', 'visits', '12', '--type', 'counter'], { cwd: team });
bough(['put', 'settings/limits', '{"users": 20, "projects": 3}'], { cwd: team });
bough(['put', '--branch', 'other', 'visits', '12', '--type', 'counter'], { cwd: team });
bough(['put', '--branch', 'other', 'settings/limits', '{"users": 10, "projects": 5}'], { cwd: team });
say('Both sides counted two visits: 10 → 12. As lines that is one and the same change; as a counter it is 14.');
bough(['merge', '-m', 'merge other', 'other'], { cwd: team });
check('the counter adds both changes up', bough(['get', 'visits'], { cwd: team }) === '14\n');
const limits = JSON.parse(bough(['get', 'settings/limits'], { cwd: team }));
check('the JSON document merged by key', limits.users === 20 && limits.projects === 5);

title('Two machines: clone, push, pull, and a typed merge on the way');
bough(['clone', '-q', '--bare', 'team', 'hub.git']);
bough(['clone', '-q', 'hub.git', 'laptop']);
bough(['clone', '-q', 'hub.git', 'desktop']);
const laptop = join(scratch, 'laptop');
const desktop = join(scratch, 'desktop');
bough(['put', 'visits', '15', '--type', 'counter'], { cwd: laptop });
bough(['put', 'visits', '19', '--type', 'counter'], { cwd: desktop });
bough(['push', '-q'], { cwd: laptop });
bough(['push', '-q'], { cwd: desktop, expect: 1 });
bough(['pull', '-q', '--no-rebase'], { cwd: desktop });
check('one visit here, five there: 20', bough(['get', 'visits'], { cwd: desktop }) === '20\n');
bough(['push', '-q'], { cwd: desktop });
bough(['pull', '-q', '--ff-only'], { cwd: laptop });
check('both machines agree', bough(['get', 'visits'], { cwd: laptop }) === '20\n');
if (hasGit) {
  for (const name of ['team', 'hub.git', 'laptop', 'desktop'])
    check(
      `stock git fsck finds nothing in ${name}`,
      git(['fsck', '--full', '--strict'], { cwd: join(scratch, name), show: false }).trim() === '',
    );
  git(['log', '--graph', '--oneline', '-4'], { cwd: laptop });
  git(['clone', '-q', 'hub.git', 'by-git']);
  check('stock git clones the hub, values and all', readFileSync(join(scratch, 'by-git/visits'), 'utf8') === '20\n');
}

title('A real repository that bough did not make: its own history');
if (existsSync(join(root, '.git'))) {
  bough(['clone', '-q', root, 'copy']);
  const copy = join(scratch, 'copy');
  if (existsSync(copy)) {
    bough(['put', '--branch', 'notes/values', 'reviewed', 'yes'], { cwd: copy });
    bough(['get', '--branch', 'notes/values', 'reviewed'], { cwd: copy });
    bough(['tag', 'toured'], { cwd: copy });
    bough(['log', '--oneline', '-3'], { cwd: copy });
    if (hasGit) {
      check(
        'stock git reads the same log',
        git(['log', '--oneline'], { cwd: copy, show: false }) ===
          bough(['log', '--oneline'], { cwd: copy, show: false }),
      );
      check(
        'stock git fsck finds nothing',
        git(['fsck', '--full'], { cwd: copy, show: false })
          .split('\n')
          .every((line) => line === '' || line.startsWith('dangling')),
      );
    }
  }
} else say('(this copy of bough has no .git directory: left out)');

title('The same from TypeScript');
const library = await init(join(scratch, 'library'), { env });
const hits = await openStore(library, contents.counter, { branch: 'stats' });
await hits.put('pages/home', 10, { message: 'start' });
const mine = await hits.clone('mine');
await mine.put('pages/home', 12, { message: 'mine' });
await hits.put('pages/home', 12, { message: 'ours' });
const outcome = await hits.merge('mine', { message: 'merge' });
console.log(`   ${chalk.green('store.merge')} → ${outcome.status}, pages/home = ${await hits.get('pages/home')}`);
check('10→12 on both sides is 14', (await hits.get('pages/home')) === 14);
library.close();
void open;

if (!keep) rmSync(scratch, { recursive: true, force: true });
console.log(
  failures === 0
    ? chalk.bold.green('\nEverything above went as said.')
    : chalk.bold.red(`\n${failures} steps did not go as said.`),
);
process.exit(failures === 0 ? 0 : 1);

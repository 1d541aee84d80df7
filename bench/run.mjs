// npm run bench -- [--full] [--only NAME,NAME] [--repeat N] [--repo PATH] [--out FOLDER]
// Runs each workload side by side, A B A B, in one run; compares the answers; prints a table of medians and ratios to
// stock git, and with --out writes it as text, JSON and a chart. Without --repo a repository is made.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare } from '../scripts/prepare.mjs';
import { chart } from './chart.mjs';
import { measure, median } from './measure.mjs';
import { environment, generatedRepository, git, workloads } from './workloads.mjs';

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    repeat: { type: 'string' },
    repo: { type: 'string' },
    out: { type: 'string' },
  },
});
const here = import.meta.dirname;
prepare(resolve(here, '..'));
if (!existsSync(join(here, 'node_modules/isomorphic-git'))) {
  console.error('installing what bough is measured against');
  spawnSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--silent'], {
    cwd: here,
    stdio: ['ignore', 2, 2],
  });
}
const scratch = mkdtempSync(join(tmpdir(), 'bough-bench-'));
let repository;
if (options.repo === undefined) repository = generatedRepository(join(scratch, 'generated'));
else {
  // A copy: nothing is written to the repository that was named.
  repository = join(scratch, 'repository');
  git(scratch, ['clone', '-q', resolve(options.repo), repository]);
}
const facts = {
  cpu: `${cpus().length} × ${cpus()[0].model.trim()}`,
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  node: process.version,
  git: spawnSync('git', ['version']).stdout.toString().trim(),
  repository: options.repo === undefined ? 'generated' : resolve(options.repo).split('/').slice(-2).join('/'),
  commits: Number(git(repository, ['rev-list', '--count', 'HEAD'])),
  date: new Date().toISOString().slice(0, 10),
};
const chosen = options.only?.split(',');
const results = [];
for (const workload of workloads) {
  if (chosen !== undefined ? !chosen.includes(workload.name) : workload.full === true && !options.full) continue;
  const directory = join(scratch, workload.name);
  mkdirSync(directory, { recursive: true });
  process.stderr.write(`${workload.title} …\n`);
  const rows = new Map();
  try {
    const runs = Object.entries(await workload.prepare({ directory, repository }));
    const repeat = options.repeat === undefined ? (workload.repeat ?? 3) : Number(options.repeat);
    for (let round = -1; round < repeat; round++) {
      for (const [name, run] of runs) {
        const row = rows.get(name) ?? {
          name,
          wall: [],
          cpu: [],
          memory: [],
          incomparable: run.incomparable === true || name === 'node -e 0',
        };
        rows.set(name, row);
        if (row.failed !== undefined) continue;
        try {
          run.reset?.();
          const one = measure({ ...run, env: { ...environment, NODE_EXTRA_CA_CERTS: undefined, ...run.env } });
          row.digest = one.digest;
          if (round < 0) continue; // a warm-up
          for (const figure of ['wall', 'cpu', 'memory']) row[figure].push(one[figure]);
        } catch (error) {
          row.failed = error.message.split('\n').slice(0, 3).join(' ');
        }
      }
    }
  } catch (error) {
    rows.set('git', { name: 'git', wall: [], cpu: [], memory: [], failed: error.message.slice(0, 200) });
  }
  const base = rows.get('git');
  const programs = [...rows.values()].map((row) => ({
    name: row.name,
    ...(row.failed === undefined
      ? {
          wall: median(row.wall),
          cpu: median(row.cpu),
          memory: median(row.memory),
          ratio: median(row.wall.map((wall, i) => wall / base.wall[i])),
          cpuRatio: median(row.cpu) / median(base.cpu),
        }
      : { failed: row.failed }),
    same: row.incomparable ? undefined : row.failed === undefined && row.digest === base.digest,
  }));
  results.push({ name: workload.name, title: workload.title, aim: workload.aim, programs });
  rmSync(directory, { recursive: true, force: true });
}
rmSync(scratch, { recursive: true, force: true });

const seconds = (value) =>
  value === undefined || Number.isNaN(value)
    ? '–'
    : value < 1
      ? `${(value * 1000).toFixed(0)} ms`
      : `${value.toFixed(2)} s`;
let text = `${facts.cpu}, ${facts.memory}; Node ${facts.node}; ${facts.git}; repository: ${facts.repository}, ${facts.commits} commits; ${facts.date}\n`;
text += 'medians of whole processes; × is the ratio of wall times to stock git, pair by pair\n';
for (const { title, aim, programs } of results) {
  text += `\n${title}   (aim: ${aim})\n`;
  for (const program of programs) {
    if (program.failed !== undefined) text += `  ${program.name.padEnd(16)} failed: ${program.failed}\n`;
    else {
      text += `  ${program.name.padEnd(16)} ${seconds(program.wall).padStart(9)} wall ${seconds(program.cpu).padStart(9)} cpu ${`${program.memory.toFixed(0)} MB`.padStart(8)} ${`${program.ratio.toFixed(2)}×`.padStart(8)}`;
      text += `${program.same === false ? '   ANSWER DIFFERS' : ''}\n`;
    }
  }
}
console.log(text);
if (options.out !== undefined) {
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'bench.txt'), text);
  writeFileSync(join(options.out, 'bench.json'), `${JSON.stringify({ facts, results }, null, 2)}\n`);
  writeFileSync(join(options.out, 'bench.svg'), chart(facts, results));
}
process.exit(
  results.some(({ programs }) => programs.some(({ name, same }) => name.startsWith('bough') && same === false)) ? 1 : 0,
);

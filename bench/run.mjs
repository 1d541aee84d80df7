// npm run bench -- [--full] [--only NAME,NAME] [--repeat N] [--repo PATH] [--out FOLDER]
// Runs each workload side by side, A B A B, in one run; compares the answers; prints a table of medians and ratios to
// stock git, and with --out writes it as text, JSON and a chart; with --only, what --out holds of other workloads stays.
// Without --repo a repository is made.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare } from '../scripts/prepare.mjs';
import { chart } from './chart.mjs';
import { measure, median } from './measure.mjs';
import { report, together } from './report.mjs';
import { environment, generatedRepository, git, others, workloads } from './workloads.mjs';

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
for (const [name, { missing, version }] of Object.entries(others)) {
  if (missing === undefined) facts[name] = version;
  else process.stderr.write(`SKIPPED: ${name}: ${missing}\n`);
}
for (const name of ['isomorphic-git', 'es-git']) {
  const file = join(here, 'node_modules', name, 'package.json');
  if (existsSync(file)) facts[name] = JSON.parse(readFileSync(file, 'utf8')).version;
  else process.stderr.write(`SKIPPED: ${name}: not installed\n`);
}
const skipped = Object.entries(others)
  .filter(([, { missing }]) => missing !== undefined)
  .map(([name, { missing }]) => `${name}: ${missing}`);
/** Peers that take longer than this, in seconds, are stopped; nobody waits for them. */
const PEER_LIMIT = 45;
/** What takes the git this long needs no warming up: the first round counts. */
const LONG = 4;
const own = (name) => name.startsWith('bough') || name === 'git' || name === 'node -e 0';
/** What Node costs by itself: aims of short work are net of it. */
const starts = Array.from({ length: 9 }, () =>
  measure({ argv: [process.execPath, '-e', '0'], env: { NODE_EXTRA_CA_CERTS: undefined } }),
);
const nodeStart = median(starts.map(({ wall }) => wall));
const nodeStartCpu = median(starts.map(({ cpu }) => cpu));
facts.nodeStart = nodeStart;
facts.nodeStartCpu = nodeStartCpu;
const chosen = options.only?.split(',');
const results = [];
for (const workload of workloads) {
  if (chosen !== undefined ? !chosen.includes(workload.name) : workload.full === true && !options.full) continue;
  const directory = join(scratch, workload.name);
  mkdirSync(directory, { recursive: true });
  process.stderr.write(`${workload.title} …\n`);
  const before = loadavg()[0];
  const rows = new Map();
  try {
    const runs = Object.entries(await workload.prepare({ directory, repository }));
    // Work of milliseconds is measured often, whatever was asked for.
    const repeat =
      options.repeat === undefined ? (workload.repeat ?? 3) : Math.max(Number(options.repeat), workload.repeat ?? 0);
    let rounds = repeat;
    for (let round = -2; round < rounds; round++) {
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
        // A peer that takes so long is measured once.
        if (!own(name) && row.wall.length > 0 && row.wall[0] > 8) continue;
        try {
          run.reset?.();
          const limit = own(name) ? undefined : PEER_LIMIT;
          const one = measure({ ...run, limit, env: { ...environment, NODE_EXTRA_CA_CERTS: undefined, ...run.env } });
          row.digest = one.digest;
          if (run.size !== undefined) row.size = run.size();
          if (round < 0 && !own(name) && one.wall > 8) {
            for (const figure of ['wall', 'cpu', 'memory']) row[figure].push(one[figure]);
            continue;
          }
          if (round < 0) row.first ??= one;
          else for (const figure of ['wall', 'cpu', 'memory']) row[figure].push(one[figure]);
        } catch (error) {
          row.failed = error.message.split('\n').slice(0, 3).join(' ');
        }
      }
      // Two rounds are a warm-up (bough keeps a command's code in its first and compiles it in its second), unless the
      // work is long.
      if (round === -2 && (rows.get('git')?.first?.wall ?? 0) > LONG) {
        for (const row of rows.values()) {
          if (row.first === undefined || row.failed !== undefined) continue;
          for (const figure of ['wall', 'cpu', 'memory']) row[figure].push(row.first[figure]);
        }
        rounds = Math.max(0, repeat - 1);
        round = -1;
      }
    }
  } catch (error) {
    rows.set('git', { name: 'git', wall: [], cpu: [], memory: [], failed: error.message.slice(0, 200) });
  }
  const base = rows.get('git');
  const against = rows.get(workload.against ?? 'git') ?? base;
  const wallOf = (row) => median(row.wall);
  const cpuOf = (row) => median(row.cpu);
  const load = (before + loadavg()[0]) / 2;
  const programs = [...rows.values()].map((row) => {
    if (row.failed !== undefined || base.wall.length === 0)
      return { name: row.name, failed: row.failed ?? 'git failed', same: row.incomparable ? undefined : false };
    const ratio = median(row.wall.map((wall, i) => wall / base.wall[Math.min(i, base.wall.length - 1)]));
    const wall = wallOf(row);
    // The aims of short work are net of what Node takes to start; that of starting is a ratio to it.
    const net =
      workload.against !== undefined
        ? wall / wallOf(against)
        : wallOf(base) < 0.3
          ? Math.max(0, wall - nodeStart) / wallOf(base)
          : ratio;
    const netCpu =
      workload.against !== undefined
        ? cpuOf(row) / cpuOf(against)
        : wallOf(base) < 0.3
          ? Math.max(0, cpuOf(row) - nodeStartCpu) / cpuOf(base)
          : cpuOf(row) / cpuOf(base);
    return {
      name: row.name,
      wall,
      cpu: median(row.cpu),
      memory: median(row.memory),
      ratio,
      cpuRatio: median(row.cpu) / median(base.cpu),
      ...(row.name.startsWith('bough') && workload.limit !== undefined
        ? { measured: net, met: net <= workload.limit, measuredCpu: netCpu }
        : {}),
      ...(row.size === undefined ? {} : { size: row.size, sizeRatio: row.size / base.size }),
      same: row.incomparable ? undefined : row.digest === base.digest,
    };
  });
  const { name, title, aim, limit } = workload;
  results.push({ name, title, aim, limit, load, programs });
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });

if (skipped.length > 0) facts.skipped = skipped;
let all = { facts, results };
const kept = options.out === undefined ? undefined : join(options.out, 'bench.json');
if (kept !== undefined && chosen !== undefined && existsSync(kept)) {
  all = together(JSON.parse(readFileSync(kept, 'utf8')), all);
}
const text = report(all);
console.log(text);
if (kept !== undefined) {
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'bench.txt'), text);
  writeFileSync(kept, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(join(options.out, 'bench.svg'), chart(facts, all.results));
}
process.exit(
  results.some(({ programs }) => programs.some(({ name, same }) => name.startsWith('bough') && same === false)) ? 1 : 0,
);

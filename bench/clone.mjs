// Clones of one large repository, each program from each server: wall time, processor time and peak memory of client and
// server, beside stock git and isomorphic-git.
// usage: node bench/clone.mjs [--repo=PATH] [--git=PROGRAM] [--bough=FOLDER] [--limit=SECONDS] [--only=TEXT] [--transports=file,http]
// Default: git's own repository where it is at hand, else this project's. What takes longer than the limit is ended and said.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { watchServers } from './served-by.mjs';
import { cleanUp, env, option, programs, root, scratch, startServer } from '../test/transport/lab.mjs';

const repository = resolve(option('repo', root));
const limit = Number(option('limit', '300'));
const only = option('only', '');
const transports = option('transports', 'file,http').split(',');
const rows = [];

/** Runs one command under GNU time; answers seconds, processor seconds and megabytes, or why not. */
async function timed(argv, more = {}) {
  const report = join(scratch, 'time');
  const started = process.hrtime.bigint();
  const child = spawn('/usr/bin/time', ['-f', '%U %S %M', '-o', report, ...argv], {
    cwd: scratch,
    env: { ...env, ...more.env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const server = watchServers(child.pid);
  let said = '';
  child.stderr.on('data', (chunk) => (said = (said + chunk).slice(-400)));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill(-child.pid, 'SIGKILL');
  }, limit * 1000);
  const code = await new Promise((done) => child.on('close', done));
  clearTimeout(timer);
  const served = server();
  const wall = Number(process.hrtime.bigint() - started) / 1e9;
  if (late) return { wall, note: `ended after ${limit} s` };
  if (code !== 0) return { wall, note: `failed: ${said.trim().split('\n').pop()}` };
  const [user, system, peak] = readFileSync(report, 'utf8').trim().split('\n').pop().split(' ').map(Number);
  return { wall, cpu: user + system, memory: peak / 1024, served };
}

/** Each clone must hold the history that was there. */
function check(folder) {
  const count = (where) =>
    spawnSync(programs.stock.git, ['rev-list', '--count', 'HEAD'], { cwd: where, env }).stdout.toString().trim();
  const status = spawnSync(programs.stock.git, ['status', '--porcelain'], { cwd: folder, env }).stdout.toString();
  return count(folder) === count(repository) && status === '' ? '' : 'NOT THE SAME';
}

async function trial(name, argv, more) {
  if (!name.includes(only)) return;
  const folder = join(scratch, 'clone');
  const result = await timed([...argv, folder], more);
  const right = result.note ?? check(folder);
  rmSync(folder, { recursive: true, force: true });
  rows.push({ name, ...result });
  const number = (value, digits) => (value === undefined ? '-' : value.toFixed(digits)).padStart(8);
  console.log(
    `${name.padEnd(40)} ${number(result.wall, 1)} s ${number(result.cpu, 1)} s ${number(result.memory, 0)} MB ${number(result.served?.cpu, 1)} s ${number(result.served?.memory, 0)} MB  ${right}`,
  );
}

mkdirSync(join(scratch, 'served'));
console.log(
  `${''.padEnd(40)} ${'wall'.padStart(10)} ${'client cpu'.padStart(10)} ${'memory'.padStart(11)} ${'server cpu'.padStart(10)} ${'memory'.padStart(11)}`,
);
for (const transport of transports) {
  for (const server of Object.values(programs)) {
    // The web server and the file transport both look below one folder.
    const folder = join(scratch, 'served', `${transport}-${server.name}`);
    mkdirSync(folder);
    spawnSync('ln', ['-s', repository, join(folder, 'r.git')]);
    const place = await startServer(transport, server, folder);
    for (const client of [programs.stock, programs.bough]) {
      await trial(`${client.name} from ${server.name} over ${transport}`, [
        client.git,
        'clone',
        '-q',
        ...place.cloneArgs,
        place.url('r.git'),
      ]);
    }
    if (transport === 'http' && server.name === 'stock') {
      const module = join(option('modules', join(root, 'bench/node_modules')), 'isomorphic-git');
      if (existsSync(module)) {
        const script = join(scratch, 'isomorphic.mjs');
        writeFileSync(
          script,
          `import fs from 'node:fs';
import git from '${module}/index.cjs';
import http from '${module}/http/node/index.cjs';
await git.clone({ fs, http, dir: process.argv[3], url: process.argv[2] });
`,
        );
        await trial('isomorphic-git from stock over http', [process.execPath, script, place.url('r.git')]);
      } else console.log(`isomorphic-git is not at hand (${module})`);
    }
    place.stop();
  }
}
cleanUp();
const wall = (name) => rows.find((row) => row.name === name)?.wall;
for (const transport of transports) {
  const base = wall(`stock from stock over ${transport}`);
  if (base === undefined) continue;
  const ratio = (name) => `${name}: ${((wall(name) ?? Number.NaN) / base).toFixed(2)}`;
  console.log(
    `${transport}, against stock from stock: ${['bough from stock', 'stock from bough', 'bough from bough'].map((pair) => ratio(`${pair} over ${transport}`)).join(', ')}`,
  );
}
process.exit(0);

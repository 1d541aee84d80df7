// Many clients (bough and stock git, http and git://) clone, fetch and push at once against one `bough serve`, beside
// clients that break off, send garbage or do not read. Afterwards every acknowledged push must be accounted for.
// usage: npm run soak -- [--seconds=60 | --rounds=N] [--clients=20] [--pushes=3] [--seed=1] [--repo=PATH] [--git=PROGRAM] [--bough=FOLDER]
// Prints the server's memory while it runs; exit code 1 where something is lost or memory grows.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { check, cleanUp, env, fsck, lines, makeSeed, must, option, programs, run, scratch } from './lab.mjs';

const rounds = option('rounds', undefined);
const seconds = rounds === undefined ? Number(option('seconds', '60')) : Number.POSITIVE_INFINITY;
// How often each client pushes to its own branch and to the shared one, each round.
const pushes = Number(option('pushes', '3'));
const clients = Number(option('clients', '20'));
let state = Number(option('seed', '1')) >>> 0;
/** Small numbers, the same for the same seed. */
const below = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
};

const place = path.join(scratch, 'soak');
fs.mkdirSync(place);
const seed = await makeSeed();
const hub = path.join(place, 'hub.git');
fs.renameSync(seed, hub);
const base = Number((await must(programs.stock, ['rev-list', '--count', 'main'], hub)).trim());

const server = spawn(
  programs.bough.git,
  ['serve', '--write', '--http=127.0.0.1:0', '--git=127.0.0.1:0', '--idle-timeout=20', place],
  { env, stdio: ['ignore', 'pipe', 'pipe'] },
);
let printed = '';
let complaints = 0;
server.stderr.on('data', (chunk) => (complaints += lines(String(chunk)).length));
let ended = false;
server.on('exit', () => (ended = true));
await new Promise((resolve) => {
  server.stdout.on('data', (chunk) => {
    printed += chunk;
    if (lines(printed).length === 2) resolve();
  });
});
const [http, git] = lines(printed).map((line) => `${line.replace('listening on ', '')}hub.git`);

/** Resident memory of the server in MB, once a second. The shell that starts it execs it: the id is its own. */
const memory = [];
const sample = () => {
  try {
    const status = fs.readFileSync(`/proc/${server.pid}/status`, 'utf8');
    memory.push(Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024));
  } catch {
    // No /proc here, or no server any more.
  }
};
const sampler = setInterval(sample, 1000);

const until = Date.now() + seconds * 1000;
const tally = { clones: 0, fetches: 0, pushes: 0, rejected: 0, broken: 0 };
const faults = [];
/** Acknowledged: on the shared branch, and the last of each branch of one's own. */
const shared = [];
const own = new Map();

async function commit(work, parent, text) {
  const tree = (await must(programs.stock, ['rev-parse', `${parent}^{tree}`], work)).trim();
  return (await must(programs.stock, ['commit-tree', '-p', parent, '-m', text, tree], work)).trim();
}

async function client(number) {
  const program = number % 2 === 0 ? programs.stock : programs.bough;
  const url = number % 4 < 2 ? http : git;
  const name = `${program.name} ${number}`;
  let serial = 0;
  for (let round = 0; rounds === undefined ? Date.now() < until : round < Number(rounds); round++) {
    const work = path.join(place, `client-${number}-${round}`);
    await must(program, ['clone', '-q', '--bare', ...(below(3) === 0 ? ['--depth=3'] : []), url, work], place);
    tally.clones++;
    for (let i = 0; i < pushes; i++) {
      const branch = `refs/heads/client-${number}`;
      const mine = await commit(work, 'main', `${name}: own ${serial++}`);
      await must(program, ['push', '-q', '--force', url, `${mine}:${branch}`], work);
      own.set(branch, mine);
      tally.pushes++;
      // Everybody wants to be next on the shared branch.
      for (let attempt = 0; attempt < 3; attempt++) {
        await must(program, ['fetch', '-q', url, '+refs/heads/main:refs/heads/main'], work);
        tally.fetches++;
        const next = await commit(work, 'main', `${name}: shared ${serial++}`);
        const pushed = await run(program, ['push', '-q', url, `${next}:refs/heads/main`], work);
        if (pushed.code === 0) {
          shared.push(next);
          tally.pushes++;
          break;
        }
        if (!/rejected|failed to push|cannot lock|failed to update/.test(pushed.err)) throw new Error(pushed.err);
        tally.rejected++;
      }
      if (below(6) === 0) await breakOff(program, url, work);
    }
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** A push of some weight, ended somewhere on its way: it may arrive whole or not at all. */
async function breakOff(program, url, work) {
  const ref = `refs/heads/broken-${tally.broken++}`;
  const big = (
    await must(programs.stock, ['commit-tree', '-m', 'broken', (await treeOfNoise(work)).trim()], work)
  ).trim();
  const child = spawn(program.git, ['push', '-q', url, `${big}:${ref}`], { cwd: work, env, stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), 20 + below(300));
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
}

async function treeOfNoise(work) {
  const file = path.join(place, `noise-${tally.broken}-${below(1 << 30)}`);
  fs.writeFileSync(file, Buffer.from(Array.from({ length: 200_000 }, () => below(256))));
  const blob = (await must(programs.stock, ['hash-object', '-w', file], work)).trim();
  fs.rmSync(file);
  return new Promise((resolve) => {
    const child = spawn(programs.stock.git, ['mktree'], { cwd: work, env, stdio: ['pipe', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.on('close', () => resolve(out));
    child.stdin.end(`100644 blob ${blob}\tnoise\n`);
  });
}

/** Peers that are up to no good, until the others are done. */
const hostile = new Set();
let finished = false;
function nuisance() {
  if (finished) return;
  // All share one address, and a server takes only so many from one: some room is left for the others.
  if (hostile.size >= 15) {
    setTimeout(nuisance, 200);
    return;
  }
  const url = new URL(below(2) === 0 ? http : git);
  const socket = net.connect(Number(url.port), url.hostname);
  hostile.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => hostile.delete(socket));
  const kind = below(4);
  if (kind === 0) socket.write(Buffer.from(Array.from({ length: 500 }, () => below(256))));
  else if (kind === 1) socket.write('003agit-upload-pack /hub.git\0host=localhost\0\0version=2\0');
  else if (kind === 2) {
    // Asks for everything, takes nothing.
    socket.write('GET /hub.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.pause();
  } else socket.write('POST /hub.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n00');
  if (below(2) === 0) setTimeout(() => socket.destroy(), below(500));
  setTimeout(nuisance, 200);
}
nuisance();

await Promise.all(
  Array.from({ length: clients }, async (_none, number) => {
    try {
      await client(number);
    } catch (error) {
      faults.push(`client ${number}: ${error.message}`);
    }
  }),
);
finished = true;
for (const socket of hostile) socket.destroy();
await new Promise((resolve) => setTimeout(resolve, 500));
sample();
clearInterval(sampler);

try {
  check(!ended, 'the server ended');
  check(faults.length === 0, faults.join('\n'));
  const refs = new Map(
    lines(await must(programs.stock, ['for-each-ref', '--format=%(refname) %(objectname)'], hub)).map((line) =>
      line.split(' '),
    ),
  );
  for (const [branch, oid] of own)
    check(refs.get(branch) === oid, `${branch} is ${refs.get(branch)}, pushed was ${oid}`);
  const onMain = new Set(lines(await must(programs.stock, ['rev-list', 'main'], hub)));
  const lost = shared.filter((oid) => !onMain.has(oid));
  check(lost.length === 0, `${lost.length} acknowledged commits are not on main`);
  check(onMain.size === base + shared.length, `main has ${onMain.size} commits, not ${base} + ${shared.length}`);
  for (const name of refs.keys()) {
    check(/^refs\/(?:heads\/(?:main|older|client-\d+|broken-\d+)|tags\/)/.test(name), `where does ${name} come from?`);
  }
  await fsck(hub);
  const left = fs
    .readdirSync(path.join(hub, 'objects'), { recursive: true })
    .filter((name) => /incoming|tmp_|\.lock$/.test(name));
  check(left.length === 0, `left behind: ${left.join(' ')}`);
  const third = Math.floor(memory.length / 3);
  if (third >= 5) {
    const [early, late] = [memory.slice(third, 2 * third), memory.slice(2 * third)].map((part) => Math.max(...part));
    check(late <= early * 1.25 + 10, `memory grew from ${early} to ${late} MB`);
  }
  console.log('ok     nothing lost, every ref accounted for');
} catch (error) {
  faults.push(error.message);
  console.log(`FAILED ${error.message}`);
}
server.kill();
console.log(
  `${clients} clients: ${tally.clones} clones, ${tally.fetches} fetches, ${tally.pushes} pushes taken, ` +
    `${tally.rejected} refused as not the newest, ${tally.broken} broken off; ${complaints} complaints of the server`,
);
console.log(`memory of the server in MB, each second: ${memory.join(' ')}`);
cleanUp();
process.exit(faults.length === 0 ? 0 : 1);

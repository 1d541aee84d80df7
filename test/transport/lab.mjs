// Where exchanges are tried out on loopback: programs (bough, stock git), a seed repository cut from a real one, servers of
// every transport, and the operations of a cell. Used by the scripts beside it; no part of `npm test`.
// options: [--repo=PATH] [--git=PROGRAM] [--bough=FOLDER]
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');
export const option = (name, usual) =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? usual;
const built = path.resolve(option('bough', root));
const stock = option('git', 'git');
const source = path.resolve(option('repo', root));
export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'bough-matrix-'));
const home = path.join(scratch, 'home');
fs.mkdirSync(home);
fs.writeFileSync(
  path.join(home, '.gitconfig'),
  '[user]\n\tname = M\n\temail = m@example.com\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n',
);
export const env = {
  ...process.env,
  HOME: home,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
  TZ: 'UTC',
};
for (const name of ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_CONFIG_GLOBAL', 'NODE_EXTRA_CA_CERTS']) delete env[name];

/** A folder with `git`, `git-upload-pack` and `git-receive-pack` of one program. */
function programFolder(name, command) {
  const folder = path.join(scratch, 'bin', name);
  fs.mkdirSync(folder, { recursive: true });
  const put = (file, body) => fs.writeFileSync(path.join(folder, file), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  put('git', `exec ${command} "$@"`);
  put('git-upload-pack', `exec ${command} upload-pack "$@"`);
  put('git-receive-pack', `exec ${command} receive-pack "$@"`);
  return folder;
}
const stockPath = spawnSync('sh', ['-c', `command -v ${stock}`], { encoding: 'utf8' }).stdout.trim();
export const programs = {
  bough: { name: 'bough', folder: programFolder('bough', `'${process.execPath}' '${built}/bin/git'`) },
  stock: { name: 'stock', folder: programFolder('stock', `'${stockPath}'`) },
};
for (const program of Object.values(programs)) program.git = path.join(program.folder, 'git');

let date = 1_700_000_000;
export function run(program, args, cwd, more = {}) {
  date += 60;
  // Asynchronous on purpose: some of the servers live in this process.
  return new Promise((resolve) => {
    const child = spawn(program.git, args, {
      cwd,
      env: { ...env, GIT_AUTHOR_DATE: `${date} +0000`, GIT_COMMITTER_DATE: `${date} +0000`, ...more.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out = [];
    const err = [];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.on('close', (code) =>
      resolve({ code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }),
    );
    child.on('error', (error) => resolve({ code: 127, out: '', err: String(error) }));
  });
}
export async function must(program, args, cwd, more) {
  const result = await run(program, args, cwd, more);
  if (result.code !== 0) throw new Error(`${program.name} ${args.join(' ')}: exit ${result.code}\n${result.err}`);
  return result.out;
}
export const lines = (text) => text.split('\n').filter((line) => line !== '');

/** A bare repository with the history of the real one, some branches and tags. */
export async function makeSeed() {
  const seed = path.join(scratch, 'seed.git');
  await must(programs.stock, ['clone', '-q', '--bare', '--no-local', `file://${source}`, seed], scratch);
  const head = (await must(programs.stock, ['rev-parse', 'HEAD'], seed)).trim();
  const history = lines(await must(programs.stock, ['rev-list', '--first-parent', '-10', 'HEAD'], seed));
  for (const line of lines(await must(programs.stock, ['for-each-ref', '--format=%(refname)'], seed))) {
    await must(programs.stock, ['update-ref', '-d', line], seed);
  }
  await must(programs.stock, ['update-ref', 'refs/heads/main', head], seed);
  await must(programs.stock, ['symbolic-ref', 'HEAD', 'refs/heads/main'], seed);
  const older = history[Math.min(5, history.length - 1)];
  await must(programs.stock, ['update-ref', 'refs/heads/older', older], seed);
  await must(programs.stock, ['tag', '-a', '-m', 'first', 'v1', older], seed);
  await must(programs.stock, ['tag', 'light', history[Math.min(2, history.length - 1)]], seed);
  return seed;
}

export function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
export async function waitForPort(port) {
  for (let i = 0; i < 200; i++) {
    const there = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on ${port}`);
}

/** The smallest web server that runs `git http-backend`. */
export function cgiServer(program, folder, port) {
  const server = http.createServer((ask, answer) => {
    const url = new URL(ask.url, 'http://localhost');
    const child = spawn(program.git, ['http-backend'], {
      env: {
        ...env,
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: ask.method,
        CONTENT_TYPE: ask.headers['content-type'] ?? '',
        CONTENT_LENGTH: ask.headers['content-length'] ?? '',
        HTTP_CONTENT_ENCODING: ask.headers['content-encoding'] ?? '',
        REMOTE_ADDR: '127.0.0.1',
        REMOTE_USER: 'm',
        SERVER_PROTOCOL: 'HTTP/1.1',
        ...(ask.headers['git-protocol'] === undefined ? {} : { GIT_PROTOCOL: ask.headers['git-protocol'] }),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    ask.pipe(child.stdin);
    child.stdin.on('error', () => {});
    let head = Buffer.alloc(0);
    let started = false;
    child.stdout.on('data', (chunk) => {
      if (started) {
        answer.write(chunk);
        return;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      started = true;
      let status = 200;
      for (const line of head.subarray(0, end).toString().split('\r\n')) {
        const colon = line.indexOf(':');
        if (line.slice(0, colon) === 'Status') status = Number.parseInt(line.slice(colon + 1), 10);
        else answer.setHeader(line.slice(0, colon), line.slice(colon + 1).trim());
      }
      answer.writeHead(status);
      answer.write(head.subarray(end + 4));
    });
    child.stdout.on('end', () => answer.end());
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(() => server.close())));
}

/** Starts what a transport needs; answers the URL of a repository, settings for the client and how to stop. */
export async function startServer(transport, program, folder, withSshd = false) {
  switch (transport) {
    case 'file':
      return {
        url: (name) => `file://${folder}/${name}`,
        config: [
          '-c',
          `remote.origin.uploadpack=${program.folder}/git-upload-pack`,
          '-c',
          `remote.origin.receivepack=${program.folder}/git-receive-pack`,
        ],
        cloneArgs: ['-u', `${program.folder}/git-upload-pack`],
        env: {},
        stop() {},
      };
    case 'git': {
      const port = await freePort();
      const child = spawn(
        program.git,
        [
          'daemon',
          '--listen=127.0.0.1',
          `--port=${port}`,
          '--reuseaddr',
          '--export-all',
          '--enable=receive-pack',
          `--base-path=${folder}`,
        ],
        { env, stdio: 'ignore', detached: true },
      );
      await waitForPort(port);
      return {
        url: (name) => `git://127.0.0.1:${port}/${name}`,
        config: [],
        cloneArgs: [],
        env: {},
        stop: () => process.kill(-child.pid, 'SIGTERM'),
      };
    }
    case 'ssh': {
      if (withSshd) return realSshd(program, folder);
      // A stand-in with ssh's command line: the last word is what a real one would run on the other side.
      const script = path.join(scratch, `ssh-${program.name}`);
      fs.writeFileSync(script, `#!/bin/sh\nfor last; do :; done\nPATH='${program.folder}':$PATH exec sh -c "$last"\n`, {
        mode: 0o755,
      });
      return {
        url: (name) => `ssh://localhost${folder}/${name}`,
        config: [],
        cloneArgs: [],
        env: { GIT_SSH_COMMAND: script, GIT_SSH_VARIANT: 'ssh' },
        stop() {},
      };
    }
    default: {
      const port = await freePort();
      const stop = await cgiServer(program, folder, port);
      return { url: (name) => `http://127.0.0.1:${port}/${name}`, config: [], cloneArgs: [], env: {}, stop };
    }
  }
}

/** A real sshd on loopback, with keys made for the occasion. */
export async function realSshd(program, folder) {
  const place = path.join(scratch, `sshd-${program.name}`);
  if (!fs.existsSync(place)) {
    fs.mkdirSync(place, { mode: 0o700 });
    for (const key of ['host', 'user'])
      spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(place, key)]);
    fs.copyFileSync(path.join(place, 'user.pub'), path.join(place, 'authorized'));
    fs.chmodSync(path.join(place, 'authorized'), 0o600);
  }
  const port = await freePort();
  fs.writeFileSync(
    path.join(place, 'config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${place}/host`,
      `AuthorizedKeysFile ${place}/authorized`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'AcceptEnv GIT_PROTOCOL',
      `SetEnv PATH=${program.folder}:${process.env.PATH} HOME=${home} GIT_CONFIG_NOSYSTEM=1`,
      `PidFile ${place}/pid`,
    ].join('\n'),
  );
  // Started by root it wants this folder, which only a service manager makes.
  if (process.getuid() === 0) fs.mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', path.join(place, 'config')], { stdio: 'ignore' });
  await waitForPort(port);
  const ssh = `ssh -i ${place}/user -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -F /dev/null`;
  return {
    url: (name) => `ssh://${os.userInfo().username}@127.0.0.1:${port}${folder}/${name}`,
    config: [],
    cloneArgs: [],
    env: { GIT_SSH_COMMAND: ssh },
    stop: () => child.kill(),
  };
}

export const check = (condition, message) => {
  if (!condition) throw new Error(message);
};
export const refsOf = async (folder, prefix) =>
  lines(await must(programs.stock, ['for-each-ref', '--format=%(objectname) %(refname)', prefix], folder));
const strip = (rows, prefix) =>
  rows.map((row) => row.replace(` ${prefix}`, ' ')).filter((row) => !row.endsWith(' HEAD'));
export async function fsck(folder) {
  const result = await run(programs.stock, ['fsck', '--no-dangling', '--no-progress'], folder);
  check(result.code === 0, `fsck of ${folder}: ${result.out}${result.err}`);
}
export async function sameBranches(client, server) {
  const theirs = strip(await refsOf(server, 'refs/heads/'), 'refs/heads/');
  const ours = strip(await refsOf(client, 'refs/remotes/origin/'), 'refs/remotes/origin/');
  check(theirs.join('\n') === ours.join('\n'), `branches differ:\n${theirs.join('\n')}\n--\n${ours.join('\n')}`);
}
export async function sameTags(client, server) {
  const theirs = await refsOf(server, 'refs/tags/');
  const ours = await refsOf(client, 'refs/tags/');
  check(theirs.join('\n') === ours.join('\n'), `tags differ:\n${theirs.join('\n')}\n--\n${ours.join('\n')}`);
}

/** New commits on the server, made through a work tree of its own by stock git. */
export async function grow(world, branch, count, tag) {
  const work = path.join(world.folder, 'author');
  if (!fs.existsSync(work)) await must(programs.stock, ['clone', '-q', world.server, work], world.folder);
  await must(programs.stock, ['fetch', '-q', 'origin'], work);
  await must(programs.stock, ['checkout', '-q', '-B', branch, `origin/${branch}`], work);
  for (let i = 0; i < count; i++) {
    world.counter++;
    fs.writeFileSync(path.join(work, `grown-${world.counter}`), `${world.counter}\n`.repeat(50));
    await must(programs.stock, ['add', '.'], work);
    await must(programs.stock, ['commit', '-qm', `grown ${world.counter}`], work);
  }
  if (tag !== undefined) await must(programs.stock, ['tag', '-a', '-m', tag, tag], work);
  await must(programs.stock, ['push', '-q', 'origin', branch, ...(tag === undefined ? [] : [tag])], work);
}

export const operations = {
  async clone(world) {
    await world.client(['clone', '-q', ...world.cloneArgs, world.url, 'c'], world.folder);
    world.work = path.join(world.folder, 'c');
    await sameBranches(world.work, world.server);
    await sameTags(world.work, world.server);
    await fsck(world.work);
    check((await must(programs.stock, ['status', '--porcelain'], world.work)) === '', 'the work tree is not clean');
  },
  async 'incremental fetch'(world) {
    await grow(world, 'main', 3);
    await world.client(['fetch', '-q', 'origin'], world.work);
    await sameBranches(world.work, world.server);
    await fsck(world.work);
  },
  async 'tag following'(world) {
    await grow(world, 'main', 1, `t-${world.counter}`);
    await world.client(['fetch', '-q', 'origin'], world.work);
    await sameTags(world.work, world.server);
    await sameBranches(world.work, world.server);
    await fsck(world.work);
  },
  async shallow(world) {
    await world.client(['clone', '-q', '--depth=2', ...world.cloneArgs, world.url, 's'], world.folder);
    const shallow = path.join(world.folder, 's');
    const depth = lines(await must(programs.stock, ['rev-list', '--first-parent', 'HEAD'], shallow)).length;
    check(depth === 2, `a clone of depth 2 has ${depth} commits`);
    await fsck(shallow);
  },
  async deepen(world) {
    const shallow = path.join(world.folder, 's');
    await world.client(['fetch', '-q', '--deepen=2', 'origin'], shallow);
    const depth = lines(await must(programs.stock, ['rev-list', '--first-parent', 'HEAD'], shallow)).length;
    check(depth === 4, `after --deepen=2 there are ${depth} commits`);
    await fsck(shallow);
    await world.client(['fetch', '-q', '--unshallow', 'origin'], shallow);
    check(!fs.existsSync(path.join(shallow, '.git/shallow')), 'still shallow');
    const all = (await must(programs.stock, ['rev-list', '--count', 'HEAD'], shallow)).trim();
    const theirs = (await must(programs.stock, ['rev-list', '--count', 'main'], world.server)).trim();
    check(all === theirs, `${all} commits of ${theirs} after --unshallow`);
    await fsck(shallow);
  },
  async push(world) {
    await must(programs.stock, ['checkout', '-q', '-B', 'topic', 'origin/main'], world.work);
    fs.writeFileSync(path.join(world.work, 'pushed'), `pushed ${world.counter}\n`);
    await must(programs.stock, ['add', '.'], world.work);
    await must(programs.stock, ['commit', '-qm', 'pushed'], world.work);
    await world.client(['push', '-q', 'origin', 'topic'], world.work);
    await sameBranches(world.work, world.server);
    await fsck(world.server);
  },
  async 'forced push with lease'(world) {
    await must(programs.stock, ['commit', '-q', '--amend', '-m', 'amended'], world.work);
    const plain = await world.try(['push', '-q', 'origin', 'topic'], world.work);
    check(plain.code !== 0, 'a push that is no fast-forward was taken');
    const stale = await world.try(['push', '-q', '--force-with-lease=topic:HEAD', 'origin', 'topic'], world.work);
    check(stale.code !== 0, 'a push with a stale lease was taken');
    await world.client(['push', '-q', '--force-with-lease', 'origin', 'topic'], world.work);
    await sameBranches(world.work, world.server);
    await fsck(world.server);
  },
  async 'atomic push'(world) {
    const before = (await refsOf(world.server, 'refs/')).join('\n');
    await must(programs.stock, ['branch', '-f', 'good', 'HEAD'], world.work);
    const bad = await world.try(
      ['push', '-q', '--atomic', 'origin', 'good', '+HEAD:refs/heads/topic/below'],
      world.work,
    );
    check(bad.code !== 0, 'an atomic push with a ref that cannot be was taken');
    check((await refsOf(world.server, 'refs/')).join('\n') === before, 'a failed atomic push changed refs');
    await world.client(['push', '-q', '--atomic', 'origin', 'good', 'HEAD:refs/heads/better'], world.work);
    await sameBranches(world.work, world.server);
    await fsck(world.server);
  },
  async delete(world) {
    await world.client(['push', '-q', 'origin', ':good', ':better'], world.work);
    const names = (await refsOf(world.server, 'refs/heads/')).join('\n');
    check(!names.includes('/good') && !names.includes('/better'), 'a deleted branch is still there');
    await sameBranches(world.work, world.server);
    await fsck(world.server);
  },
};

/** What the operations of one cell share. `base`: a folder of its own. */
export function makeWorld(folder, repository, place, client, version) {
  const words = (args) => [...(args[0] === 'clone' ? [] : place.config), '-c', `protocol.version=${version}`, ...args];
  return {
    folder,
    server: repository,
    url: place.url('r.git'),
    cloneArgs: place.cloneArgs,
    counter: 0,
    work: undefined,
    try: (args, cwd) => run(client, words(args), cwd, { env: place.env }),
    client: (args, cwd) => must(client, words(args), cwd, { env: place.env }),
  };
}

/** Every operation by one client against one server; answers how many were tried and how many failed. */
export async function tryAll(name, { client, server, transport, version, seed, sshd }) {
  const folder = fs.mkdtempSync(path.join(scratch, 'cell-'));
  const repository = path.join(folder, 'r.git');
  fs.cpSync(seed, repository, { recursive: true });
  const place = await startServer(transport, server, folder, sshd);
  const world = makeWorld(folder, repository, place, client, version);
  let failed = 0;
  for (const [operation, perform] of Object.entries(operations)) {
    if (!(await report(`${name}: ${operation}`, () => perform(world)))) failed++;
  }
  place.stop();
  fs.rmSync(folder, { recursive: true, force: true });
  return { tried: Object.keys(operations).length, failed };
}

/** Prints one line for a trial; `false` where it failed. */
export async function report(name, trial) {
  try {
    await trial();
    console.log(`ok     ${name}`);
    return true;
  } catch (error) {
    console.log(
      `FAILED ${name}\n       ${String(error.message ?? error)
        .trimEnd()
        .replaceAll('\n', '\n       ')}`,
    );
    return false;
  }
}

export const cleanUp = () => fs.rmSync(scratch, { recursive: true, force: true });

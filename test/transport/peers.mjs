// Other programs on the other side: isomorphic-git and libgit2 (es-git) as clients of `bough serve`; `git http-backend`
// behind a web server, a real sshd and stock `git daemon` as servers for bough, and the sshd with bough behind it.
// usage: npm run peers -- [--modules=FOLDER] [--repo=PATH] [--git=PROGRAM] [--bough=FOLDER] [--only=TEXT]
// Modules are taken from FOLDER or bench/node_modules (npm install --prefix bench); what is missing is skipped, loudly.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import {
  check,
  cleanUp,
  env,
  fsck,
  lines,
  makeSeed,
  must,
  option,
  programs,
  refsOf,
  report,
  root,
  scratch,
  tryAll,
} from './lab.mjs';

const only = option('only', '');
const modules = option('modules', path.join(root, 'bench/node_modules'));
const load = createRequire(path.join(path.resolve(modules), 'x.js'));
const skipped = [];
let tried = 0;
let failures = 0;
const trial = async (name, perform) => {
  if (!name.includes(only)) return;
  tried++;
  if (!(await report(name, perform))) failures++;
};
const skip = (name, why) => {
  skipped.push(name);
  console.log(`SKIPPED ${name}: ${why}`);
};

/** `bough serve` over a folder, open for writing; answers its addresses. */
async function serve(folder) {
  const child = spawn(
    programs.bough.git,
    ['serve', '--write', '--http=127.0.0.1:0', '--git=127.0.0.1:0', '--idle-timeout=60', folder],
    { env, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      printed += chunk;
      if (lines(printed).length === 2) resolve();
    });
    child.on('exit', () => reject(new Error('bough serve ended')));
  });
  const [http, git] = lines(printed).map((line) => line.replace('listening on ', ''));
  return { http, git, stop: () => child.kill() };
}

/** A second author's commit on the server's branch, straight into its repository. */
async function grow(repository, text) {
  const tree = (await must(programs.stock, ['rev-parse', 'main^{tree}'], repository)).trim();
  const oid = (await must(programs.stock, ['commit-tree', '-p', 'main', '-m', text, tree], repository)).trim();
  await must(programs.stock, ['update-ref', 'refs/heads/main', oid], repository);
  await must(programs.stock, ['tag', '-f', '-a', '-m', text, text.replaceAll(' ', '-'), oid], repository);
}

async function sameRefs(client, server, ours, theirs) {
  const cut = (rows, prefix) =>
    rows
      .map((row) => row.replace(prefix, ''))
      .filter((row) => !row.endsWith(' HEAD'))
      .join('\n');
  const here = cut(await refsOf(client, ours), ours);
  const there = cut(await refsOf(server, theirs), theirs);
  check(here === there, `refs differ:\n${here}\n--\n${there}`);
}

const identity = { name: 'M', email: 'm@example.com', timestamp: 1_700_000_000, timezoneOffset: 0 };

async function isomorphicClient(seed) {
  let git;
  let http;
  try {
    git = load('isomorphic-git');
    http = load('isomorphic-git/http/node');
  } catch (error) {
    skip('isomorphic-git', `${error.message.split('\n')[0]} (npm install --prefix bench)`);
    return;
  }
  const name = `isomorphic-git ${git.version()}`;
  const folder = fs.mkdtempSync(path.join(scratch, 'iso-'));
  const server = path.join(folder, 'r.git');
  fs.cpSync(seed, server, { recursive: true });
  const place = await serve(folder);
  const url = `${place.http}r.git`;
  const dir = path.join(folder, 'c');
  const common = { fs, http, dir, remote: 'origin' };
  await trial(`${name}, http: clone`, async () => {
    await git.clone({ ...common, url, ref: 'main' });
    await sameRefs(dir, server, 'refs/remotes/origin/', 'refs/heads/');
    await fsck(dir);
    check((await must(programs.stock, ['status', '--porcelain'], dir)) === '', 'the work tree is not clean');
  });
  await trial(`${name}, http: shallow clone`, async () => {
    const shallow = path.join(folder, 's');
    await git.clone({ fs, http, dir: shallow, url, ref: 'main', depth: 1, singleBranch: true });
    check((await must(programs.stock, ['rev-list', '--count', 'HEAD'], shallow)).trim() === '1', 'not one commit');
    await fsck(shallow);
  });
  await trial(`${name}, http: fetch`, async () => {
    await grow(server, 'fetched by isomorphic');
    await git.fetch({ ...common, tags: true });
    await sameRefs(dir, server, 'refs/remotes/origin/', 'refs/heads/');
    await sameRefs(dir, server, 'refs/tags/', 'refs/tags/');
    await fsck(dir);
  });
  await trial(`${name}, http: push`, async () => {
    fs.writeFileSync(path.join(dir, 'pushed'), 'pushed\n');
    await git.add({ fs, dir, filepath: 'pushed' });
    await git.branch({ fs, dir, ref: 'topic', checkout: false, object: 'main' });
    await git.commit({ fs, dir, message: 'pushed', author: identity, ref: 'refs/heads/topic', parent: ['main'] });
    const answer = await git.push({ ...common, ref: 'topic', remoteRef: 'refs/heads/topic' });
    check(answer.ok === true, JSON.stringify(answer));
    await sameRefs(dir, server, 'refs/heads/topic', 'refs/heads/topic');
    await fsck(server);
  });
  await trial(`${name}, http: push that is no fast-forward is refused by the server, forced it is taken`, async () => {
    await must(programs.stock, ['config', 'receive.denyNonFastForwards', 'true'], server);
    const older = (await must(programs.stock, ['rev-parse', 'topic~2'], server)).trim();
    await git.writeRef({ fs, dir, ref: 'refs/heads/topic', value: older, force: true });
    const push = () => git.push({ ...common, ref: 'topic', remoteRef: 'refs/heads/topic', force: true });
    const refused = await push().then(
      (answer) => !answer.ok || Object.values(answer.refs).some((ref) => !ref.ok),
      () => true,
    );
    check(refused, 'it was taken');
    await must(programs.stock, ['config', 'receive.denyNonFastForwards', 'false'], server);
    await push();
    await sameRefs(dir, server, 'refs/heads/topic', 'refs/heads/topic');
  });
  await trial(`${name}, http: delete`, async () => {
    await git.push({ ...common, ref: 'topic', remoteRef: 'refs/heads/topic', delete: true });
    check((await refsOf(server, 'refs/heads/topic')).length === 0, 'still there');
    await fsck(server);
  });
  place.stop();
}

async function libgit2Client(seed) {
  let git;
  let version;
  try {
    git = load('es-git');
    version = load('es-git/package.json').version;
  } catch (error) {
    skip('es-git', `${error.message.split('\n')[0]} (a binary for this C library: es-git 0.6.0 takes older ones)`);
    return;
  }
  for (const transport of ['http', 'git']) {
    const name = `es-git ${version} (libgit2), ${transport}`;
    const folder = fs.mkdtempSync(path.join(scratch, 'es-'));
    const server = path.join(folder, 'r.git');
    fs.cpSync(seed, server, { recursive: true });
    const place = await serve(folder);
    const url = `${place[transport]}r.git`;
    const dir = path.join(folder, 'c');
    let repository;
    await trial(`${name}: clone`, async () => {
      repository = await git.cloneRepository(url, dir);
      await sameRefs(dir, server, 'refs/remotes/origin/', 'refs/heads/');
      await sameRefs(dir, server, 'refs/tags/', 'refs/tags/');
      await fsck(dir);
      check((await must(programs.stock, ['status', '--porcelain'], dir)) === '', 'the work tree is not clean');
    });
    await trial(`${name}: shallow clone`, async () => {
      const shallow = path.join(folder, 's');
      await git.cloneRepository(url, shallow, { fetch: { depth: 1 } });
      check((await must(programs.stock, ['rev-list', '--count', 'HEAD'], shallow)).trim() === '1', 'not one commit');
      await fsck(shallow);
    });
    await trial(`${name}: fetch`, async () => {
      await grow(server, 'fetched by libgit2');
      await repository.getRemote('origin').fetch([]);
      await sameRefs(dir, server, 'refs/remotes/origin/', 'refs/heads/');
      await sameRefs(dir, server, 'refs/tags/', 'refs/tags/');
      await fsck(dir);
    });
    await trial(`${name}: push`, async () => {
      await must(programs.stock, ['commit', '-q', '--allow-empty', '-m', 'pushed'], dir);
      await must(programs.stock, ['branch', 'topic'], dir);
      await repository.getRemote('origin').push(['refs/heads/topic:refs/heads/topic']);
      await sameRefs(dir, server, 'refs/heads/topic', 'refs/heads/topic');
      await fsck(server);
    });
    await trial(`${name}: delete`, async () => {
      await repository.getRemote('origin').push([':refs/heads/topic']);
      check((await refsOf(server, 'refs/heads/topic')).length === 0, 'still there');
      await fsck(server);
    });
    place.stop();
  }
}

const seed = await makeSeed();
await isomorphicClient(seed);
await libgit2Client(seed);
const hasSshd = fs.existsSync('/usr/sbin/sshd') && spawnSync('ssh', ['-V']).error === undefined;
const { bough, stock } = programs;
for (const [what, client, server, transport] of [
  ['git http-backend behind a web server', bough, stock, 'http'],
  ['stock git daemon', bough, stock, 'git'],
  ['sshd with stock git', bough, stock, 'ssh'],
  ['sshd with bough', bough, bough, 'ssh'],
  ['sshd with bough', stock, bough, 'ssh'],
]) {
  const name = `${what}, ${client.name} as client`;
  if (!name.includes(only)) continue;
  if (transport === 'ssh' && !hasSshd) {
    skip(name, 'no sshd here');
    continue;
  }
  for (const version of [0, 2]) {
    const result = await tryAll(`${name}, v${version}`, { client, server, transport, version, seed, sshd: true });
    tried += result.tried;
    failures += result.failed;
  }
}
cleanUp();
console.log(
  `${tried - failures} of ${tried} trials passed${skipped.length > 0 ? `; SKIPPED: ${skipped.join(', ')}` : ''}`,
);
process.exit(failures === 0 ? 0 : 1);

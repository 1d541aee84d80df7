import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, init, nodePlatform, openRemote, openStore } from '../../src/index.js';
import type { Bytes } from '../../src/base/bytes.js';
import type { Oid } from '../../src/base/oid.js';
import { checkConnected } from '../../src/history/reachable.js';
import type { Repository } from '../../src/repo/repository.js';
import type { Duplex } from '../../src/transport/byte-stream.js';
import type { LocalServer } from '../../src/transport/connection.js';
import { localServer } from '../../src/transport/local-server.js';
import { Random } from '../support/random.js';

const env = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

/** What may happen to the bytes of one direction. Answers what goes through; `undefined` ends the connection. */
type Meddle = (chunk: Bytes, from: number) => Bytes | undefined;
const clean: Meddle = (chunk) => chunk;

/** Our own server, its two directions meddled with. `seen` gets how many bytes each direction carried. */
function meddled(
  place: string,
  toServer: Meddle,
  toClient: Meddle,
  seen?: { toServer: number; toClient: number },
): LocalServer {
  const real = localServer({ platform: nodePlatform, env, cwd: place, agent: 'test' });
  return async (service, path, duplex, options) => {
    let out = 0;
    let cut = false;
    const input = (async function* (): AsyncGenerator<Bytes> {
      let from = 0;
      for await (const chunk of duplex.input) {
        const through = toServer(chunk, from);
        from += chunk.length;
        if (seen !== undefined) seen.toServer = from;
        if (through === undefined) return;
        if (through.length > 0) yield through;
        if (through.length < chunk.length) return;
      }
    })();
    const wrapped: Duplex = {
      input,
      async write(data) {
        if (cut) throw Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
        const through = toClient(data, out);
        out += data.length;
        if (seen !== undefined) seen.toClient = out;
        if (through !== undefined && through.length > 0) await duplex.write(through);
        if (through === undefined || through.length < data.length) {
          cut = true;
          await duplex.end();
        }
      },
      end: () => duplex.end(),
      close: () => duplex.close(),
    };
    await real(service, path, wrapped, options);
  };
}

const cutAt =
  (limit: number): Meddle =>
  (chunk, from) =>
    from >= limit ? undefined : from + chunk.length > limit ? chunk.subarray(0, limit - from) : chunk;

function flipAt(position: number, mask: number): Meddle {
  return (chunk, from) => {
    if (position < from || position >= from + chunk.length) return chunk;
    const changed = chunk.slice();
    changed[position - from]! ^= mask;
    return changed;
  };
}

async function refsOf(repository: Repository): Promise<string[]> {
  const found: string[] = [];
  for await (const ref of repository.refs.list('refs/')) found.push(`${ref.oid} ${ref.name}`);
  return found;
}

/** Everything that a ref leads to is there, and nothing half-made is left. */
async function isSound(repository: Repository): Promise<void> {
  const tips: Oid[] = [];
  for await (const ref of repository.refs.list('refs/')) tips.push(ref.oid);
  if (tips.length > 0) expect(await checkConnected(repository.objects, { tips, complete: [] })).toBeUndefined();
  const left = readdirSync(repository.objectsDirectory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /tmp_|incoming|\.lock$/.test(name),
  );
  expect(left).toEqual([]);
}

describe('connections that break', () => {
  let place: string;
  let hub: string;
  let expected: string[];

  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'bough-cut-'));
    hub = join(place, 'hub.git');
    const repository = await init(hub, { bare: true, env });
    const store = await openStore(repository, contents.json(), { branch: 'main' });
    const random = new Random(7);
    for (let i = 0; i < 4; i++) {
      await store.put(
        `values/${i}`,
        random.times(200, () => random.below(1000)),
        { message: `value ${i}` },
      );
    }
    expected = (await refsOf(repository)).map((line) => line.replace('refs/heads/', 'refs/remotes/origin/'));
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  let serial = 0;
  const fresh = () => init(join(place, `client-${serial++}`), { env });
  const remoteOf = (server: LocalServer) =>
    openRemote(hub, { platform: nodePlatform, cwd: place, localServer: server });

  it('a fetch cut anywhere leaves nothing, says so, and works when tried again', async () => {
    const seen = { toServer: 0, toClient: 0 };
    await remoteOf(meddled(place, clean, clean, seen)).fetch(await fresh());
    expect(seen.toClient).toBeGreaterThan(1000);
    const client = await fresh();
    const cuts = new Set([0, 1, 3, 4, 5, seen.toClient - 1, seen.toClient - 4, seen.toClient - 5, seen.toClient - 24]);
    for (let at = 16; at < seen.toClient; at += 61) cuts.add(at);
    for (const at of [...cuts].sort((a, b) => a - b)) {
      const failure = await remoteOf(meddled(place, clean, cutAt(at)))
        .fetch(client)
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      // The very last mark may be missing without harm; nothing else may.
      if (failure === undefined) expect(at).toBeGreaterThanOrEqual(seen.toClient - 5);
      else {
        expect((failure as { code: string }).code).toMatch(/^(?:TRANSPORT|PROTOCOL|OBJECT_CORRUPT)$/);
        expect((failure as Error).message.length).toBeGreaterThan(5);
        expect(await refsOf(client)).toEqual([]);
      }
      await isSound(client);
      if (failure === undefined) break;
    }
    await remoteOf(meddled(place, clean, clean)).fetch(client);
    expect(await refsOf(client)).toEqual(expected);
    await isSound(client);
  }, 60_000);

  it('garbage in a fetch is either harmless or refused', async () => {
    const seen = { toServer: 0, toClient: 0 };
    await remoteOf(meddled(place, clean, clean, seen)).fetch(await fresh());
    const random = new Random(11);
    for (let i = 0; i < 120; i++) {
      const client = await fresh();
      const flip = flipAt(random.below(seen.toClient), 1 << random.below(8));
      const done = await remoteOf(meddled(place, clean, flip))
        .fetch(client)
        .then(
          () => true,
          () => false,
        );
      const refs = await refsOf(client);
      // A name may be garbled on its way, an object never.
      if (!done) expect(refs).toEqual([]);
      for (const line of refs) expect(expected.map((each) => each.split(' ')[0])).toContain(line.split(' ')[0]);
      await isSound(client);
    }
  }, 120_000);

  it('a push cut anywhere changes nothing on the other side, and works when tried again', async () => {
    const own = await fresh();
    const store = await openStore(own, contents.json(), { branch: 'topic' });
    for (let i = 0; i < 3; i++) await store.put(`pushed/${i}`, { i, text: 'x'.repeat(300) }, { message: `p${i}` });
    const head = (await store.head())!.oid;
    const push = async (target: string, server: LocalServer) =>
      openRemote(target, { platform: nodePlatform, cwd: place, localServer: server }).push(own, [
        { name: 'refs/heads/topic', to: head },
      ]);
    const seen = { toServer: 0, toClient: 0 };
    const trial = await init(join(place, 'trial.git'), { bare: true, env });
    expect(await push(trial.gitDir, meddled(place, clean, clean, seen))).toMatchObject([{ status: 'ok' }]);
    const target = await init(join(place, 'target.git'), { bare: true, env });
    const cuts = new Set([0, 1, 4, 5, seen.toServer - 1, seen.toServer - 20, seen.toServer - 21]);
    for (let at = 9; at < seen.toServer; at += 47) cuts.add(at);
    for (const at of [...cuts].sort((a, b) => a - b)) {
      const outcome = await push(target.gitDir, meddled(place, cutAt(at), clean)).then(
        ([result]) => result!.status,
        () => 'failed',
      );
      expect(outcome).not.toBe('ok');
      expect(await refsOf(target)).toEqual([]);
      await isSound(target);
    }
    expect(await push(target.gitDir, meddled(place, clean, clean))).toMatchObject([{ status: 'ok' }]);
    expect(await refsOf(target)).toEqual([`${head} refs/heads/topic`]);
    await isSound(target);
  }, 60_000);
});

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
  hangUp?: Promise<void>,
): LocalServer {
  const real = localServer({ platform: nodePlatform, env, cwd: place, agent: 'test' });
  return async (service, path, duplex, options) => {
    let out = 0;
    let cut = false;
    const input = (async function* (): AsyncGenerator<Bytes> {
      let from = 0;
      const chunks = duplex.input[Symbol.asyncIterator]();
      const ended = hangUp?.then(() => ({ done: true as const, value: undefined }));
      for (;;) {
        const next = chunks.next();
        const { done, value: chunk } = await (ended === undefined ? next : Promise.race([next, ended]));
        if (done === true) return;
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
    void hangUp?.then(() => duplex.end());
    // The server is heard out whatever happens: what it leaves is looked at next.
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
  /** At once: hundreds of them would take longer to remove at the end than a hook may. */
  const discard = (repository: Repository): void => {
    repository.close();
    rmSync(repository.workTree ?? repository.gitDir, { recursive: true, force: true });
  };
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
  }, 300_000);

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
      discard(client);
    }
  }, 300_000);

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
  }, 300_000);

  /** Where packets begin and end, up to a pack that follows without packets around it. */
  function boundaries(stream: Bytes): number[] {
    const found = [0];
    for (let at = 0; at + 4 <= stream.length; ) {
      const text = String.fromCharCode(...stream.subarray(at, at + 4));
      if (text === 'PACK') {
        found.push(at + 12, stream.length - 20);
        break;
      }
      expect(text).toMatch(/^[0-9a-f]{4}$/);
      at += Math.max(Number.parseInt(text, 16), 4);
      found.push(at);
    }
    return found;
  }

  /** Keeps what goes through. */
  function recorder(): { readonly meddle: Meddle; bytes(): Bytes } {
    const chunks: Bytes[] = [];
    return {
      meddle(chunk) {
        chunks.push(chunk.slice());
        return chunk;
      },
      bytes: () => new Uint8Array(Buffer.concat(chunks)),
    };
  }

  const speaking = (version: number) => ({
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'protocol.version',
    GIT_CONFIG_VALUE_0: String(version),
  });

  interface Trial {
    /** Runs the exchange; throws where it fails. */
    go(server: LocalServer): Promise<unknown>;
    /** After every try: nothing wrong is to be seen. */
    look(worked: boolean): Promise<void>;
    /** After garbage: a name may have changed on its way, an object never. */
    sound(): Promise<void>;
    end(): void;
  }

  function fetchTrial(version: number): () => Promise<Trial> {
    return async () => {
      const client = await fresh();
      return {
        go: (server) =>
          openRemote(hub, { platform: nodePlatform, cwd: place, localServer: server, env: speaking(version) }).fetch(
            client,
          ),
        async look(worked) {
          expect(await refsOf(client)).toEqual(worked ? expected : []);
          await isSound(client);
        },
        async sound() {
          const oids = expected.map((each) => each.split(' ')[0]);
          for (const line of await refsOf(client)) expect(oids).toContain(line.split(' ')[0]);
          await isSound(client);
        },
        end: () => discard(client),
      };
    };
  }

  let pushing: { own: Repository; head: Oid } | undefined;
  function pushTrial(version: number): () => Promise<Trial> {
    return async () => {
      if (pushing === undefined) {
        const own = await fresh();
        const store = await openStore(own, contents.json(), { branch: 'topic' });
        for (let i = 0; i < 3; i++) await store.put(`pushed/${i}`, { i, text: 'y'.repeat(300) }, { message: `p${i}` });
        pushing = { own, head: (await store.head())!.oid };
      }
      const { own, head } = pushing;
      const target = await init(join(place, `target-${serial++}.git`), { bare: true, env });
      return {
        async go(server) {
          const remote = openRemote(target.gitDir, {
            platform: nodePlatform,
            cwd: place,
            localServer: server,
            env: speaking(version),
          });
          const [outcome] = await remote.push(own, [{ name: 'refs/heads/topic', to: head }]);
          if (outcome!.status === 'rejected') throw Object.assign(new Error(outcome!.why), { code: 'REFUSED' });
        },
        async look(worked) {
          const refs = await refsOf(target);
          // The answer may be lost on its way after everything was done; half of it is never done.
          if (worked || refs.length > 0) expect(refs).toEqual([`${head} refs/heads/topic`]);
          await isSound(target);
        },
        async sound() {
          for (const line of await refsOf(target)) expect(line.split(' ')[0]).toBe(head);
          await isSound(target);
        },
        end: () => discard(target),
      };
    };
  }

  for (const version of [0, 2]) {
    for (const [what, make] of [
      ['fetch', fetchTrial(version)],
      ['push', pushTrial(version)],
    ] as const) {
      for (const direction of ['to the server', 'to the client'] as const) {
        const apply = (meddle: Meddle): LocalServer =>
          direction === 'to the server' ? meddled(place, meddle, clean) : meddled(place, clean, meddle);

        it(`v${version} ${what}, cut at every packet boundary ${direction}`, async () => {
          const record = recorder();
          const whole = await make();
          await whole.go(apply(record.meddle));
          await whole.look(true);
          whole.end();
          const stream = record.bytes();
          const cuts = new Set<number>();
          for (const at of boundaries(stream)) for (const near of [at, at + 2, at + 5]) cuts.add(near);
          let failed = 0;
          let trial = await make();
          for (const at of [...cuts].sort((a, b) => a - b)) {
            if (at >= stream.length) continue;
            const error = await trial.go(apply(cutAt(at))).then(
              () => undefined,
              (reason: unknown) => reason,
            );
            if (error !== undefined) {
              failed++;
              const { code, message } = error as { code: string; message: string };
              expect(`${at}: ${code}`).toMatch(/: (?:TRANSPORT|PROTOCOL|OBJECT_CORRUPT|REFUSED)$/);
              expect(message.length).toBeGreaterThan(5);
              expect(message).not.toMatch(/undefined|\[object|TypeError|not a function/);
            }
            await trial.look(error === undefined);
            // Tried again over a sound connection, in the same repository.
            await trial.go(apply(clean));
            await trial.look(true);
            trial.end();
            trial = await make();
          }
          trial.end();
          // Nearly every cut must hurt: at the very end all is said.
          expect(failed).toBeGreaterThan(cuts.size / 2);
        }, 300_000);

        it(`v${version} ${what}, garbage ${direction}`, async () => {
          const record = recorder();
          const whole = await make();
          await whole.go(apply(record.meddle));
          whole.end();
          const { length } = record.bytes();
          const random = new Random(version * 10 + what.length + direction.length);
          for (let i = 0; i < 60; i++) {
            const at = random.below(length);
            const kind = random.below(3);
            const noise = Uint8Array.from({ length: 1 + random.below(30) }, () => random.below(256));
            let put = false;
            const meddle: Meddle =
              kind === 0
                ? flipAt(at, 1 << random.below(8))
                : (chunk, from) => {
                    // In between, or in place of what was there.
                    if (put || at < from || at >= from + chunk.length) return chunk;
                    put = true;
                    const rest = chunk.subarray(at - from + (kind === 1 ? 0 : noise.length));
                    return new Uint8Array(Buffer.concat([chunk.subarray(0, at - from), noise, rest]));
                  };
            const trial = await make();
            // Where a length grew both sides wait for the other; somebody hangs up then.
            let hangUp = (): void => {};
            const hungUp = new Promise<void>((resolve) => (hangUp = resolve));
            const timer = setTimeout(hangUp, 1000);
            await trial
              .go(
                direction === 'to the server'
                  ? meddled(place, meddle, clean, undefined, hungUp)
                  : meddled(place, clean, meddle, undefined, hungUp),
              )
              .catch(() => {});
            clearTimeout(timer);
            await trial.sound();
            trial.end();
          }
        }, 600_000);
      }
    }
  }
});

import { breathing } from './breathing.js';
import { breath, heed } from '../base/breath.js';
import { throughput } from '../base/throughput.js';
import { type Bytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { traceData } from '../base/trace.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { visitEdges } from '../history/edge-tree.js';
import { createFilter, parseFilterSpec } from '../history/object-filter.js';
import { visitReachable } from '../history/reachable.js';
import { parseTag } from '../objects/tag.js';
import { nameHash } from '../packs/name-hash.js';
import { PackBuilder } from '../packs/pack-builder.js';
import { packReuse, visitByBitmaps } from '../repo/bitmap-index.js';
import type { Repository } from '../repo/repository.js';
import type { BandWriter } from './server-io.js';

/** What a pack is to hold. */
export interface PackRequest {
  readonly wants: readonly Oid[];
  /** What the receiver has, with all behind it. */
  readonly haves: readonly Oid[];
  /** Commits to be taken as roots. */
  readonly shallow: ReadonlySet<Oid> | undefined;
  readonly filter: string | undefined;
  /** Annotated tags to add where what they lead to is in the pack. */
  readonly tags: readonly { readonly oid: Oid; readonly peeled: Oid }[];
  /** Deltas may build on what the receiver has. */
  readonly thin: boolean;
  /** A push shows the writing too. */
  readonly showWriting?: boolean;
  /** Deltas may name their base by distance. */
  readonly offsets: boolean;
}

export interface SendPackOptions {
  readonly quiet: boolean;
  readonly keepAlive: number;
  /** `uploadpack.packObjectsHook`: a program that makes the pack in our place. */
  readonly hook?: string | undefined;
  /** The operator's standard error. */
  readonly errors?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes the pack and sends it, telling about progress where the client wants to know. */
export async function sendPackTo(
  repository: Repository,
  request: PackRequest,
  bands: BandWriter,
  options: SendPackOptions,
): Promise<void> {
  try {
    const pack =
      options.hook === undefined
        ? makePack(repository, request, options.quiet ? undefined : (text) => bands.progress(text), options.signal, {
            seconds: options.keepAlive,
            tell: () => bands.keepAlive(),
          })
        : hookedPack(repository, request, bands, options.hook, options.quiet);
    for await (const chunk of pack) {
      await breath(options.signal);
      await bands.data(chunk);
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPIPE' && options.signal?.aborted !== true) {
      const broken = error instanceof GitError;
      if (broken) {
        // The reason is for both, that it ended the operator's.
        const why = `fatal: ${error.message}\n`;
        if (bands.limit > 0) await bands.progress(why).catch(() => {});
        else options.errors?.(why);
        options.errors?.('error: git upload-pack: git-pack-objects died with error.\n');
      }
      await bands.error('aborting due to possible repository corruption on the remote side.').catch(() => {});
      if (broken) {
        throw new GitError(
          'TRANSPORT',
          'git upload-pack: aborting due to possible repository corruption on the remote side.',
          { cause: error },
        );
      }
    }
    throw error;
  }
}

/** Has the pack made by a program, which is told what git's own pack-objects would be told. */
async function* hookedPack(
  repository: Repository,
  request: PackRequest,
  bands: BandWriter,
  hook: string,
  quiet: boolean,
): AsyncGenerator<Bytes> {
  const { processes } = repository.platform;
  if (processes === undefined) throw new GitError('UNSUPPORTED', 'no programs can be run here');
  const words = [
    'git',
    'pack-objects',
    '--revs',
    ...(request.thin ? ['--thin'] : []),
    '--stdout',
    ...(quiet ? [] : ['--progress']),
    ...(request.offsets ? ['--delta-base-offset'] : []),
    ...(request.tags.length > 0 ? ['--include-tag'] : []),
    ...(request.filter === undefined ? [] : [`--filter=${request.filter}`]),
  ];
  const child = processes.open(processes.shell(hook, words), {
    cwd: repository.gitDir,
    env: { ...repository.env, GIT_DIR: repository.gitDir },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const lines = [
    ...[...(request.shallow ?? [])].map((oid) => `--shallow ${oid}`),
    ...request.wants,
    '--not',
    ...request.haves,
    '',
  ];
  await child.write(encodeText(`${lines.join('\n')}\n`)).catch(() => {});
  child.end();
  const relay = (async () => {
    for await (const chunk of child.stderr) await bands.progress(chunk);
  })();
  yield* child.stdout;
  await relay;
  const code = await child.exit;
  if (code !== 0) throw new GitError('TRANSPORT', 'git upload-pack: git-pack-objects died with error.');
}

/** Commits at the edge that are looked into for bases of deltas; as many as a delta's search looks at. */
const EDGES = 10;

/** Gathers the objects that answer a request. */
async function gather(
  repository: Repository,
  request: PackRequest,
  builder: PackBuilder,
  each: () => void,
): Promise<void> {
  const grafts =
    request.shallow === undefined
      ? undefined
      : new Map([...request.shallow].map((oid) => [oid as string, [] as Oid[]]));
  const filter =
    request.filter === undefined
      ? undefined
      : await createFilter(parseFilterSpec(request.filter), { objects: repository.objects });
  const add = (oid: Oid, kind: ObjectKind, hash: number): void => {
    builder.add(oid, hash, { kind });
    each();
  };
  // Bitmaps know no edges, which thin packs build on.
  const usable =
    request.shallow === undefined &&
    !(request.thin && request.haves.length > 0) &&
    repository.config.getBool('pack.usebitmaps', true);
  const spec = request.filter === undefined ? undefined : parseFilterSpec(request.filter);
  const found =
    usable &&
    (await visitByBitmaps(
      repository,
      request.wants,
      request.haves,
      spec,
      add,
      packReuse(repository, (part) => {
        builder.copyFrom(part);
        for (let i = 0; i < part.count; i++) each();
      }),
    ));
  const edges: Oid[] = [];
  const paths = new Set<string>();
  if (!found)
    await visitReachable(
      breathing(repository.objects, repository.platform.now),
      {
        wants: request.wants,
        haves: request.haves,
        grafts,
        filter,
        edges: request.thin && request.shallow !== undefined ? 'all' : 'parents',
        ...(request.thin ? { onEdge: (oid: Oid) => void edges.push(oid) } : {}),
      },
      (oid, kind, path) => {
        add(oid, kind, path === '' ? 0 : nameHash(path));
        if (edges.length > 0 && (kind === 'tree' || kind === 'blob')) paths.add(path);
      },
    );
  // What the receiver has under the same names makes good bases.
  if (edges.length > 0) {
    await visitEdges(repository.objects, edges.slice(0, EDGES), paths, (oid, path) =>
      builder.addEdge(oid, path === '' ? 0 : nameHash(path)),
    );
  }
  for (const tag of request.tags) {
    if (!builder.has(tag.peeled) || builder.has(tag.oid)) continue;
    // A tag of a tag brings the tags between along.
    for (let at: Oid = tag.oid; at !== tag.peeled; ) {
      if (builder.add(at, 0, { kind: 'tag' })) each();
      const object = await repository.objects.read(at);
      if (object?.kind !== 'tag') break;
      at = parseTag(object.data).target;
    }
  }
}

/** The bytes of a pack that answers a request. `progress` gets lines as git's pack-objects prints them. */
export async function* makePack(
  repository: Repository,
  request: PackRequest,
  progress: ((text: string) => Promise<void>) | undefined,
  signal?: AbortSignal,
  alive?: { readonly seconds: number; readonly tell: () => Promise<void> },
): AsyncGenerator<Bytes> {
  const { platform, objectFormat, config } = repository;
  let said: Promise<void> = Promise.resolve();
  // A client may be gone long before the work for it ends; nobody waits for these words until then.
  let gone: unknown;
  const speak = (tell: () => Promise<void>): void => {
    said = said.then(tell).catch((error: unknown) => {
      gone ??= error;
    });
  };
  const check = (): void => {
    if (gone !== undefined) throw gone;
    heed(signal);
  };
  let written = 0;
  let heard = platform.now();
  /** A client that sees no progress hears now and then that we are still there. */
  const stir = (count: number): void => {
    if (alive === undefined || alive.seconds <= 0 || (count & 255) !== 0) return;
    const now = platform.now();
    // A second early: some clients wait just as long and no longer.
    if (now - heard < alive.seconds * 1000 - (alive.seconds > 1 ? 1000 : 0)) return;
    heard = now;
    speak(() => alive.tell());
  };
  const meter = progress === undefined ? undefined : new Meter(platform.now, (text) => speak(() => progress(text)));
  const stores = repository.objectDirectories.map((directory) => directory.packs);
  const builder = new PackBuilder({
    platform,
    algorithm: objectFormat,
    source: repository.objects,
    packStores: stores,
    directories: repository.objectDirectories.map(({ path }) => path),
    threads: config.getInt('pack.threads'),
    window: config.getInt('pack.window'),
    depth: config.getInt('pack.depth'),
    compression: config.getInt('pack.compression') ?? config.getInt('core.compression'),
    offsetDeltas: request.offsets,
    withoutIndex: true,
    signal,
    progress: (phase, done, total) => {
      if (phase === 'write') written = done;
      if (phase === 'compress') meter?.update('Compressing objects', done, total);
      stir(done);
    },
  });
  let found = 0;
  await gather(repository, request, builder, () => {
    meter?.update('Enumerating objects', ++found);
    stir(found);
    if ((found & 255) === 0) check();
  });
  const count = builder.count;
  meter?.done('Enumerating objects', count);
  meter?.done('Counting objects', count, count);
  await builder.prepare();
  meter?.finish('Compressing objects');
  await said;
  check();
  const started = platform.now();
  let sent = 0;
  for await (const chunk of builder.chunks()) {
    sent += chunk.length;
    yield chunk;
    if (request.showWriting === true)
      meter?.update('Writing objects', written, count, throughput(sent, platform.now() - started));
  }
  if (request.showWriting === true)
    meter?.done('Writing objects', count, count, throughput(sent, platform.now() - started));
  const { total, deltas, reused, reusedDeltas, verbatim, verbatimPacks } = builder.statistics;
  traceData('pack-objects', 'write_pack_file/wrote', total);
  meter?.say(
    `Total ${total} (delta ${deltas}), reused ${reused} (delta ${reusedDeltas}), pack-reused ${verbatim} (from ${verbatimPacks})\n`,
  );
  await said;
  check();
}

/** Progress lines: the first, the last, and some between, not more often than a few a second. */
class Meter {
  readonly #now: () => number;
  readonly #out: (text: string) => void;
  #last = 0;
  #title = '';
  #total = 0;

  constructor(now: () => number, out: (text: string) => void) {
    this.#now = now;
    this.#out = out;
  }

  #line(title: string, done: number, total: number | undefined): string {
    if (total === undefined) return `${title}: ${done}`;
    return `${title}: ${String(total === 0 ? 100 : Math.floor((done * 100) / total)).padStart(3)}% (${done}/${total})`;
  }

  update(title: string, done: number, total?: number, rate = ''): void {
    this.#title = title;
    this.#total = total ?? 0;
    if (rate === '' && (done & 255) !== 0) return;
    const now = this.#now();
    if (now - this.#last < 250) return;
    this.#last = now;
    this.#out(`${this.#line(title, done, total)}${rate}\r`);
  }

  done(title: string, done: number, total?: number, rate = ''): void {
    this.#out(`${this.#line(title, done, total)}${rate}, done.\n`);
  }

  /** Ends a phase that may not have happened. */
  finish(title: string): void {
    if (this.#title === title && this.#total > 0) this.done(title, this.#total, this.#total);
  }

  say(text: string): void {
    this.#out(text);
  }
}

import type { Bytes } from '../base/bytes.js';
import { concatBytes, encodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import { traceData } from '../base/trace.js';
import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import { checkConnected } from '../history/reachable.js';
import { LinkCheck } from '../packs/link-check.js';
import { IncomingFsck, incomingRules } from '../repo/incoming-fsck.js';
import { checkAliasedUpdates } from './aliased-updates.js';
import { alternateRefs } from './alternate-refs.js';
import { CommitCache } from './commit-cache.js';
import { checkedOutFinder } from './checked-out.js';
import { runHook } from './hook-run.js';
import type { Incoming } from './incoming.js';
import { releasePack, storeIncoming } from './incoming.js';
import type { Packet, PacketReader } from './pkt-line.js';
import { bandPackets, isData, MAX_PACKET, packet, packetText, type PacketWriter } from './pkt-line.js';
import { isForProcReceive, procReceiveRules, reportedChanges, runProcReceive } from './proc-receive.js';
import type { CertificateVerdict, NonceJudgement, PushCertificate } from './push-certificate.js';
import { judgeNonce, makeNonce } from './push-certificate.js';
import { Quarantine } from './quarantine.js';
import type { ReceiveCommand, ReceiveRequest } from './receive-command.js';
import { hookInput, isDeletion, readCommands } from './receive-command.js';
import type { ReceiveConfig } from './receive-config.js';
import { readReceiveConfig } from './receive-config.js';
import type { CheckedOut, UpdateSurroundings } from './receive-update.js';
import { applyCommands } from './receive-update.js';
import { servedNamespace, servedRefs } from './served-refs.js';
import type { ServerIo, ServiceOptions } from './server-io.js';
import { BandWriter, serverReader, serverWriter } from './server-io.js';
import { INFINITE_DEPTH, readShallow, writeShallow } from './shallow.js';
import type { Repository } from '../repo/repository.js';

/** What a push may need of the program around it. */
export interface ReceiveHelp {
  /** `receive.denyCurrentBranch=updateInstead` needs somebody who can change work trees. Answers why not, if so. */
  readonly updateWorkTree?:
    | ((
        repository: Repository,
        oid: Oid,
        place: CheckedOut,
        say: (text: string) => Promise<void>,
      ) => Promise<string | undefined>)
    | undefined;
  /** Looks at the signature of a push certificate. */
  readonly verifyCertificate?:
    | ((repository: Repository, payload: string, signature: string) => CertificateVerdict)
    | undefined;
  /** Run after the refs moved, told where to print (`receive.autogc`, `receive.updateServerInfo`). */
  readonly updateServerInfo?: ((repository: Repository) => Promise<void>) | undefined;
  readonly autoGc?:
    | ((repository: Repository, say: (text: string | Bytes) => Promise<void>) => Promise<void>)
    | undefined;
}

export interface ReceiveOptions extends ServiceOptions, ReceiveHelp {
  /** Packs must hold all that their deltas build on. */
  readonly rejectThin?: boolean | undefined;
  /** `--skip-connectivity-check`. */
  readonly skipConnectivity?: boolean | undefined;
}

/**
 * Takes a push: objects into a quarantine, checks, hooks, refs (git receive-pack). What a pusher may not do is told to
 * the pusher, ref by ref; only a broken conversation throws.
 */
export async function receivePush(repository: Repository, io: ServerIo, options: ReceiveOptions): Promise<void> {
  const config = readReceiveConfig(repository.config);
  traceData('transfer', 'negotiated-version', String(options.version));
  const nonceAt = (seconds: number): string =>
    makeNonce(repository.platform, repository.objectFormat, config.certNonceSeed ?? '', repository.gitDir, seconds);
  const nonce = config.certNonceSeed === undefined ? undefined : nonceAt(Math.floor(repository.platform.now() / 1000));
  const fsck = incomingRules(repository, 'receive', (message) => io.errors(`warning: ${message}\n`));
  const reader = serverReader(io);
  const writer = serverWriter(io);
  if (options.advertiseOnly === true || options.stateless !== true) {
    if (options.version === 1) writer.write('version 1\n');
    await advertise(repository, config, writer, options, nonce);
    await writer.send();
  }
  if (options.advertiseOnly === true) return;
  const request = await readCommands(reader, repository.objectFormat);
  const client = request.capabilities.get('session-id');
  if (client !== undefined) traceData('transfer', 'client-sid', client);
  if (request.commands.length === 0) return;
  const judgement =
    request.certificate &&
    judgeNonce(nonce, request.certificate.nonce, {
      at: nonceAt,
      stateless: options.stateless === true,
      slop: config.certNonceSlop,
    });
  await new Push(repository, config, fsck, request, reader, writer, io, options, judgement).run();
}

async function advertise(
  repository: Repository,
  config: ReceiveConfig,
  writer: PacketWriter,
  options: ServiceOptions,
  nonce: string | undefined,
): Promise<void> {
  const capabilities = [
    'report-status report-status-v2 delete-refs side-band-64k quiet',
    ...(config.advertiseAtomic ? ['atomic'] : []),
    ...(config.preferOffsets ? ['ofs-delta'] : []),
    ...(nonce === undefined ? [] : [`push-cert=${nonce}`]),
    ...(config.advertisePushOptions ? ['push-options'] : []),
    ...(config.advertiseSessionId && options.sessionId !== undefined ? [`session-id=${options.sessionId}`] : []),
    `object-format=${repository.objectFormat}`,
    `agent=${options.agent}`,
  ].join(' ');
  let first = true;
  const line = (oid: Oid, name: string): void => {
    writer.write(first ? `${oid} ${name}\0${capabilities}\n` : `${oid} ${name}\n`);
    first = false;
  };
  const seen = new Set<Oid>();
  const namespace = servedNamespace(repository);
  for await (const ref of repository.refs.list('refs/')) {
    if (!ref.name.startsWith(namespace)) {
      // Refs of other namespaces: their objects are here, their names are nobody's business.
      if (!seen.has(ref.oid)) {
        seen.add(ref.oid);
        line(ref.oid, '.have');
      }
      continue;
    }
    const name = ref.name.slice(namespace.length);
    if (config.hidden.isHidden(name, ref.name)) continue;
    seen.add(ref.oid);
    line(ref.oid, name);
    await writer.sendSome();
  }
  for (const oid of await alternateRefs(repository)) {
    if (seen.has(oid)) continue;
    seen.add(oid);
    line(oid, '.have');
  }
  if (first) line(zeroOid(repository.objectFormat), 'capabilities^{}');
  for (const oid of readShallow(repository)) writer.write(`shallow ${oid}\n`);
  writer.flush();
}

/** One push under way. */
class Push {
  readonly #repository: Repository;
  readonly #config: ReceiveConfig;
  readonly #fsck: ReturnType<typeof incomingRules>;
  readonly #request: ReceiveRequest;
  readonly #reader: PacketReader;
  readonly #writer: PacketWriter;
  readonly #bands: BandWriter;
  readonly #io: ServerIo;
  readonly #options: ReceiveOptions;
  readonly #nonce: NonceJudgement | undefined;
  #certified: Promise<Readonly<Record<string, string>>> | undefined;
  #pushOptions: readonly string[] | undefined;
  #quarantine: Quarantine | undefined;
  #incoming: Incoming | undefined;

  constructor(
    repository: Repository,
    config: ReceiveConfig,
    fsck: ReturnType<typeof incomingRules>,
    request: ReceiveRequest,
    reader: PacketReader,
    writer: PacketWriter,
    io: ServerIo,
    options: ReceiveOptions,
    nonce: NonceJudgement | undefined,
  ) {
    this.#nonce = nonce;
    this.#repository = repository;
    this.#config = config;
    this.#fsck = fsck;
    this.#request = request;
    this.#reader = reader;
    this.#writer = writer;
    this.#io = io;
    this.#options = options;
    this.#bands = new BandWriter(writer, request.capabilities.has('side-band-64k') ? MAX_PACKET : 0);
  }

  #has(capability: string): boolean {
    return this.#request.capabilities.has(capability);
  }

  /** To the pusher where there is a side band, else to the operator. */
  readonly #say = async (text: string | Bytes): Promise<void> => {
    if (this.#bands.limit > 0) await this.#bands.progress(text);
    else this.#io.errors(typeof text === 'string' ? text : new TextDecoder().decode(text));
  };

  async run(): Promise<void> {
    const { commands } = this.#request;
    if (this.#has('push-options') && this.#config.advertisePushOptions) await this.#readPushOptions();
    this.#checkCertifiedOptions();
    let unpackFault: string | undefined;
    try {
      if (commands.some((command) => !isDeletion(command))) unpackFault = await this.#unpack();
      if (unpackFault === undefined) await this.#execute();
      else for (const command of commands) command.error ??= 'unpacker error';
      await this.#report(unpackFault);
      await this.#afterwards();
    } finally {
      this.#quarantine?.discard();
      if (this.#incoming !== undefined) releasePack(this.#repository, this.#incoming);
    }
    if (this.#bands.limit > 0) await this.#writer.flush().send();
  }

  async #readPushOptions(): Promise<void> {
    const found: string[] = [];
    for (let item: Packet = await this.#reader.read(); isData(item); item = await this.#reader.read()) {
      if (found.length >= 65536) throw new GitError('LIMIT', 'too many push options');
      found.push(packetText(item));
    }
    this.#pushOptions = found;
  }

  /** What was signed and what was asked for must be the same. */
  #checkCertifiedOptions(): void {
    const { certificate, commands } = this.#request;
    if (certificate === undefined) return;
    const asked = this.#pushOptions ?? [];
    const same =
      asked.length === certificate.pushOptions.length &&
      asked.every((option, i) => option === certificate.pushOptions[i]);
    if (!same) for (const command of commands) command.error = 'inconsistent push options';
  }

  /** What a hook around the whole push is told of its certificate: kept and looked at only where there is such a hook. */
  async #certificateEnvironment(hook: string): Promise<Readonly<Record<string, string>>> {
    const { certificate } = this.#request;
    if (certificate === undefined || !this.#repository.hooks.exists(hook)) return {};
    this.#certified ??= this.#keepCertificate(certificate);
    return this.#certified;
  }

  /** The certificate becomes a blob. */
  async #keepCertificate(certificate: PushCertificate): Promise<Readonly<Record<string, string>>> {
    const repository = this.#repository;
    const oid = await repository.objects.write('blob', encodeText(certificate.text));
    const { signer, key, status } = this.#options.verifyCertificate?.(
      repository,
      certificate.payload,
      certificate.signature,
    ) ?? { signer: undefined, key: undefined, status: 'N' };
    const nonce = this.#nonce;
    return {
      GIT_PUSH_CERT: oid,
      GIT_PUSH_CERT_SIGNER: signer ?? '',
      GIT_PUSH_CERT_KEY: key ?? '',
      GIT_PUSH_CERT_STATUS: status,
      ...(nonce?.nonce === undefined
        ? {}
        : { GIT_PUSH_CERT_NONCE: nonce.nonce, GIT_PUSH_CERT_NONCE_STATUS: nonce.status }),
      ...(nonce?.slop === undefined ? {} : { GIT_PUSH_CERT_NONCE_SLOP: String(nonce.slop) }),
    };
  }

  /** Takes the pack into the quarantine; why not, where that fails. */
  async #unpack(): Promise<string | undefined> {
    this.#quarantine = new Quarantine(this.#repository);
    let program = 'index-pack';
    const said: string[] = [];
    try {
      const incoming = await storeIncoming(this.#quarantine.view(), this.#reader.bytes.rest(), {
        unpackLimit: this.#config.unpackLimit,
        keep: `receive-pack ${this.#repository.platform.pid} on ${this.#repository.platform.hostName}`,
        maxInputSize: this.#config.maxInputSize,
        announced: (count) => {
          if (count < this.#config.unpackLimit) program = 'unpack-objects';
        },
        rejectThin: this.#options.rejectThin,
        fsck: this.#incomingFsck(said),
        signal: this.#io.signal,
      });
      if (said.length > 0) await this.#say(said.join(''));
      // The file moves with the pack.
      this.#incoming =
        incoming.pack === undefined
          ? incoming
          : {
              ...incoming,
              pack: this.#repository.objectsDirectory + incoming.pack.slice(this.#quarantine.path.length),
            };
      return undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!isGitError(error) && (error as { code?: string }).code === undefined) throw error;
      await this.#say(`${said.join('')}fatal: ${message}\n`);
      return `${program} abnormal exit`;
    }
  }

  /** What looks at the objects, where they are to be looked at; `said` takes what it finds. */
  #incomingFsck(said: string[]): IncomingFsck | undefined {
    if (!this.#fsck.wanted) return undefined;
    const boundary = new Set([...readShallow(this.#repository), ...this.#request.shallow]);
    return new IncomingFsck({
      algorithm: this.#repository.objectFormat,
      rules: this.#fsck.rules(),
      links: new LinkCheck(this.#quarantine!.view().objects, false, (oid) => boundary.has(oid)),
      tell: (line) => said.push(`${line}\n`),
    });
  }

  async #execute(): Promise<void> {
    const { commands } = this.#request;
    await this.#checkShallow();
    await this.#checkConnected();
    const namespace = servedNamespace(this.#repository);
    for (const command of commands) {
      if (command.error === undefined && this.#config.hidden.isHidden(command.name, namespace + command.name)) {
        command.error = isDeletion(command) ? 'deny deleting a hidden ref' : 'deny updating a hidden ref';
      }
    }
    const rules = procReceiveRules(this.#repository.config);
    for (const command of commands) {
      if (command.error === undefined && isForProcReceive(command, rules)) command.procReceive = 'scheduled';
    }
    const live = commands.filter((command) => command.error === undefined);
    if (live.length > 0) {
      const code = await this.#hook('pre-receive', [], live, {
        ...(await this.#certificateEnvironment('pre-receive')),
        ...this.#quarantine?.environment(),
      });
      if (code !== undefined && code !== 0) {
        for (const command of commands) command.error ??= 'pre-receive hook declined';
        return;
      }
    }
    // Nothing is taken where nothing is to change.
    if (live.length === 0) return;
    this.#quarantine?.migrate();
    await this.#recordShallow();
    await checkAliasedUpdates(this.#repository, commands, this.#say);
    await this.#procReceive();
    await applyCommands(commands, this.#has('atomic'), await this.#surroundings());
  }

  /** Changes that are the proc-receive hook's. */
  async #procReceive(): Promise<void> {
    const { commands } = this.#request;
    if (!commands.some((command) => command.procReceive === 'scheduled' && command.error === undefined)) return;
    const atomic = this.#has('atomic');
    const done = await runProcReceive(this.#repository, {
      commands,
      atomic,
      pushOptions: this.#pushOptions,
      env: this.#pushOptionEnvironment(),
      say: this.#say,
    });
    if (done) return;
    for (const command of commands) {
      if (command.procReceive === 'returned' || (command.procReceive === undefined && !atomic)) continue;
      command.error ??= 'fail to run proc-receive hook';
    }
  }

  async #surroundings(): Promise<UpdateSurroundings> {
    const repository = this.#repository;
    const find = checkedOutFinder(repository);
    const head = await repository.refs.resolveFull('HEAD');
    return {
      repository,
      config: this.#config,
      say: this.#say,
      checkedOut: (ref) => {
        const place = find(ref);
        return place?.bare === true ? undefined : place;
      },
      head: head?.symbolic === true ? head.name : undefined,
      hook: async (command) => {
        const code = await this.#hook('update', [command.name, command.old, command.new]);
        return code === undefined || code === 0;
      },
      updateWorkTree: async (oid, place) => {
        if (this.#options.updateWorkTree === undefined) return 'Could not update working tree to new HEAD';
        return this.#options.updateWorkTree(repository, oid, place, this.#say);
      },
    };
  }

  /** New boundaries of a shallow pusher's history: refused unless `receive.shallowUpdate`, or already complete here. */
  readonly #newShallow = new Set<Oid>();

  async #checkShallow(): Promise<void> {
    const theirs = this.#request.shallow;
    if (theirs.length === 0) return;
    const own = readShallow(this.#repository);
    const view = this.#quarantine?.view() ?? this.#repository;
    const known = this.#repository.objects;
    const { reachableOf } = await import('./shallow.js');
    const { CommitCache } = await import('./commit-cache.js');
    const had = new Set<Oid>();
    for (const oid of theirs) {
      if (own.has(oid)) continue;
      if (await known.has(oid)) had.add(oid);
      if (await view.objects.has(oid)) this.#newShallow.add(oid);
    }
    if (had.size > 0) {
      // What our refs reach past is no boundary for us.
      const tips: Oid[] = [];
      for await (const ref of servedRefs(this.#repository, this.#config.hidden)) tips.push(ref.oid);
      for (const oid of await reachableOf(new CommitCache(known, own), tips, had)) this.#newShallow.delete(oid);
    }
    if (this.#newShallow.size === 0 || this.#config.shallowUpdate) return;
    for (const command of this.#request.commands) {
      if (!isDeletion(command) && (await this.#touchesBoundary(command.new)))
        command.error = 'shallow update not allowed';
    }
  }

  async #touchesBoundary(tip: Oid): Promise<boolean> {
    const view = this.#quarantine?.view() ?? this.#repository;
    const { boundaryByDepth } = await import('./shallow.js');
    const { CommitCache } = await import('./commit-cache.js');
    const { shallow } = await boundaryByDepth(new CommitCache(view.objects), [tip], INFINITE_DEPTH, this.#newShallow);
    return shallow.some((oid) => this.#newShallow.has(oid));
  }

  async #recordShallow(): Promise<void> {
    if (this.#newShallow.size === 0 || !this.#config.shallowUpdate) return;
    const all = readShallow(this.#repository);
    for (const oid of this.#newShallow) all.add(oid);
    writeShallow(this.#repository, all);
  }

  /** Everything new must be here in full. */
  async #checkConnected(): Promise<void> {
    if (this.#options.skipConnectivity === true) return;
    const view = this.#quarantine?.view() ?? this.#repository;
    const tips = this.#request.commands.filter((command) => command.error === undefined && !isDeletion(command));
    if (tips.length === 0) return;
    const complete: Oid[] = [];
    for await (const ref of servedRefs(this.#repository, this.#config.hidden)) complete.push(ref.oid);
    complete.push(...(await alternateRefs(this.#repository)));
    const grafts = new Map<string, readonly Oid[]>();
    for (const oid of readShallow(this.#repository)) grafts.set(oid, []);
    for (const oid of this.#newShallow) grafts.set(oid, []);
    const check = (oids: readonly Oid[]) => checkConnected(view.objects, { tips: oids, complete, grafts });
    const missing = await check(tips.map((command) => command.new));
    if (missing === undefined) return;
    // Somebody is to blame; the others may go on.
    let told = false;
    for (const command of tips) {
      if ((await check([command.new])) === undefined) continue;
      const words = await this.#missingWords(view, command.new, missing);
      // The operator hears of it too, once.
      if (!told) this.#io.errors(words);
      told = true;
      await this.#say(words);
      command.error = 'missing necessary objects';
    }
  }

  /** What is missing, and which commit asks for it. */
  async #missingWords(view: Repository, tip: Oid, missing: Oid): Promise<string> {
    const commits = new CommitCache(view.objects, readShallow(view));
    const start = await commits.peel(tip);
    const stack = start === undefined ? [] : [start];
    const seen = new Set<Oid>(stack);
    for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
      for (const parent of (await commits.raw(oid))?.parents ?? []) {
        if (parent === missing) {
          return `error: Could not read ${missing}\nfatal: Failed to traverse parents of commit ${oid}\n`;
        }
        if (seen.has(parent)) continue;
        seen.add(parent);
        stack.push(parent);
      }
    }
    return `error: Could not read ${missing}\n`;
  }

  async #hook(
    name: string,
    args: readonly string[],
    commands?: readonly Pick<ReceiveCommand, 'old' | 'new' | 'name'>[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<number | undefined> {
    return runHook(this.#repository, name, args, {
      input: commands === undefined ? undefined : encodeText(hookInput(commands)),
      env: { ...this.#pushOptionEnvironment(), ...env, GIT_DIR: '.' },
      output: this.#say,
    });
  }

  #pushOptionEnvironment(): Record<string, string> {
    const env: Record<string, string> = {};
    if (this.#pushOptions === undefined) return env;
    env['GIT_PUSH_OPTION_COUNT'] = String(this.#pushOptions.length);
    this.#pushOptions.forEach((option, i) => {
      env[`GIT_PUSH_OPTION_${i}`] = option;
    });
    return env;
  }

  async #report(unpackFault: string | undefined): Promise<void> {
    if (!this.#has('report-status') && !this.#has('report-status-v2')) return;
    const lines: Bytes[] = [packet(`unpack ${unpackFault ?? 'ok'}\n`)];
    for (const command of this.#request.commands) {
      if (command.error !== undefined) {
        lines.push(packet(`ng ${command.name} ${command.error}\n`));
        continue;
      }
      const reports = this.#has('report-status-v2') && command.reports?.length ? command.reports : [{}];
      for (const report of reports) {
        lines.push(packet(`ok ${command.name}\n`));
        if (report.refname !== undefined) lines.push(packet(`option refname ${report.refname}\n`));
        if (report.oldOid !== undefined) lines.push(packet(`option old-oid ${report.oldOid}\n`));
        if (report.newOid !== undefined) lines.push(packet(`option new-oid ${report.newOid}\n`));
        if (report.forcedUpdate === true) lines.push(packet('option forced-update\n'));
      }
    }
    lines.push(encodeText('0000'));
    const bytes = concatBytes(lines);
    await this.#writer.raw(this.#bands.limit > 0 ? bandPackets(1, bytes) : bytes).send();
  }

  async #afterwards(): Promise<void> {
    const done = this.#request.commands.filter(
      (command) => command.error === undefined && command.didNotExist !== true,
    );
    if (done.length > 0) {
      const certified = await this.#certificateEnvironment('post-receive');
      await this.#hook('post-receive', [], done.flatMap(reportedChanges), certified);
      await this.#hook(
        'post-update',
        done.map((command) => command.name),
      );
    }
    if (this.#config.autoGc && done.length > 0) await this.#options.autoGc?.(this.#repository, this.#say);
    if (this.#config.updateServerInfo) await this.#options.updateServerInfo?.(this.#repository);
  }
}

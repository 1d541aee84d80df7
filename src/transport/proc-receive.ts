import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import type { Config } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import { ByteReader } from './byte-stream.js';
import { isData, PacketReader, packetText, PacketWriter } from './pkt-line.js';
import type { ReceiveCommand } from './receive-command.js';
import { isCreation, isDeletion } from './receive-command.js';

interface Rule {
  readonly prefix: string;
  readonly create: boolean;
  readonly modify: boolean;
  readonly delete: boolean;
  readonly negative: boolean;
}

/** `receive.procReceiveRefs`: which refs a hook takes care of. */
export function procReceiveRules(config: Config): Rule[] {
  return config.getAll('receive.procreceiverefs').map((value) => {
    const match = /^([adm!]*):(.*)$/s.exec(value);
    const letters = match?.[1] ?? '';
    const all = !/[adm]/.test(letters);
    return {
      prefix: (match === null ? value : match[2]!).replace(/\/+$/, ''),
      create: all || letters.includes('a'),
      modify: all || letters.includes('m'),
      delete: all || letters.includes('d'),
      negative: letters.includes('!'),
    };
  });
}

/** Is this change the hook's? */
export function isForProcReceive(command: ReceiveCommand, rules: readonly Rule[]): boolean {
  for (const rule of rules) {
    if (isCreation(command) ? !rule.create : isDeletion(command) ? !rule.delete : !rule.modify) continue;
    const below = command.name.startsWith(rule.prefix) && /^(?:\/|$)/.test(command.name.slice(rule.prefix.length));
    if (below !== rule.negative) return true;
  }
  return false;
}

export interface ProcReceiveRun {
  readonly commands: readonly ReceiveCommand[];
  readonly atomic: boolean;
  readonly pushOptions: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Tells the pusher. */
  readonly say: (text: string | Bytes) => Promise<void>;
}

/** A fault in the conversation with the hook, told the pusher. */
class Fault extends Error {}

/** Gives the scheduled commands to the proc-receive hook and notes what it says. `false`: it did not do its part. */
export async function runProcReceive(repository: Repository, run: ProcReceiveRun): Promise<boolean> {
  const file = repository.hooks.find('proc-receive');
  const { processes } = repository.platform;
  if (file === undefined || processes === undefined) {
    await run.say('error: cannot find hook "proc-receive"\n');
    return false;
  }
  const child = processes.open([file], {
    cwd: repository.gitDir,
    env: { ...repository.hooks.environment(), ...run.env, GIT_DIR: '.' },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const relay = (async () => {
    for await (const chunk of child.stderr) await run.say(chunk);
  })();
  const faults: string[] = [];
  const reader = new PacketReader(new ByteReader(child.stdout));
  try {
    await converse(
      reader,
      new PacketWriter({ write: (data) => child.write(data), end: async () => child.end() }),
      run,
      faults,
    );
  } catch (error) {
    if (!(error instanceof Fault) && !(error instanceof GitError)) throw error;
    faults.push(error.message);
  }
  child.end();
  // A stream that nobody reads never ends.
  for await (const rest of reader.bytes.rest()) void rest;
  await relay;
  const code = await child.exit;
  // What the hook printed comes before what is wrong with it.
  for (const fault of faults) await run.say(`error: ${fault}\n`);
  return code === 0 && faults.length === 0;
}

async function converse(
  reader: PacketReader,
  writer: PacketWriter,
  run: ProcReceiveRun,
  faults: string[],
): Promise<void> {
  const attempt = async (what: string, action: () => Promise<unknown>): Promise<void> => {
    try {
      await action();
    } catch {
      throw new Fault(what);
    }
  };
  const words = [run.pushOptions === undefined ? '' : 'push-options', run.atomic ? 'atomic' : ''].filter(
    (word) => word !== '',
  );
  let features: string[] = [];
  await attempt('fail to negotiate version with proc-receive hook', async () => {
    await writer
      .write(`version=1${words.length > 0 ? `\0${words.join(' ')}` : ''}\n`)
      .flush()
      .send();
  });
  let version = 0;
  for (;;) {
    const item = await reader.read().catch(() => 'eof' as const);
    if (item === 'eof') throw new Fault('fail to negotiate version with proc-receive hook');
    if (!isData(item)) break;
    const [line, more] = packetText(item).split('\0');
    const match = /^version=(\d+)$/.exec(line!);
    if (match === null) continue;
    version = Number(match[1]);
    features = (more ?? '').split(' ');
  }
  if (version > 1) throw new Fault(`proc-receive version "${version}" is not supported`);
  const scheduled = run.commands.filter(
    (command) => command.procReceive === 'scheduled' && command.error === undefined,
  );
  await attempt('fail to write commands to proc-receive hook', async () => {
    for (const command of scheduled) writer.write(`${command.old} ${command.new} ${command.name}`);
    await writer.flush().send();
  });
  if (run.pushOptions !== undefined && features.includes('push-options')) {
    await attempt('fail to write push-options to proc-receive hook', async () => {
      for (const option of run.pushOptions!) writer.write(option);
      await writer.flush().send();
    });
  }
  await readReport(reader, run.commands, faults);
  for (const command of scheduled) {
    if (command.procReceive === 'scheduled' && command.error === undefined) {
      command.error = 'proc-receive failed to report status';
      command.procReceive = 'returned';
    }
  }
}

async function readReport(reader: PacketReader, commands: readonly ReceiveCommand[], faults: string[]): Promise<void> {
  const byName = new Map(commands.map((command) => [command.name, command]));
  let current: ReceiveCommand | undefined;
  /** A new `ok` begins a new report only once something is said about it. */
  let fresh = false;
  for (;;) {
    const item = await reader.read();
    if (item === 'eof') throw new Fault('fail to read report from proc-receive hook');
    if (!isData(item)) return;
    const line = packetText(item);
    const space = line.indexOf(' ');
    if (space < 0) {
      faults.push(`proc-receive reported incomplete status line: "${line}"`);
      continue;
    }
    const head = line.slice(0, space);
    const rest = line.slice(space + 1);
    if (head === 'option') {
      if (current === undefined) {
        if (!faults.some((fault) => fault.includes('without a matching')))
          faults.push('proc-receive reported "option" without a matching "ok/ng" directive');
        continue;
      }
      const split = rest.indexOf(' ');
      const key = split < 0 ? rest : rest.slice(0, split);
      const value = split < 0 ? '' : rest.slice(split + 1);
      if (key === 'fall-through') {
        current.procReceive = undefined;
        continue;
      }
      current.reports ??= [];
      if (fresh) current.reports.push({});
      fresh = false;
      const report = current.reports[current.reports.length - 1]!;
      if (key === 'refname') report.refname = value;
      else if (key === 'old-oid' && isOid(value)) report.oldOid = value as Oid;
      else if (key === 'new-oid' && isOid(value)) report.newOid = value as Oid;
      else if (key === 'forced-update') report.forcedUpdate = true;
      continue;
    }
    const split = rest.indexOf(' ');
    const name = split < 0 ? rest : rest.slice(0, split);
    const message = split < 0 ? undefined : rest.slice(split + 1);
    current = undefined;
    if (head !== 'ok' && head !== 'ng') {
      faults.push(`proc-receive reported bad status "${head}" on ref "${name}"`);
      continue;
    }
    const command = byName.get(name);
    if (command === undefined) {
      faults.push(`proc-receive reported status on unknown ref: ${name}`);
      continue;
    }
    if (command.procReceive === undefined) {
      faults.push(`proc-receive reported status on unexpected ref: ${name}`);
      continue;
    }
    current = command;
    fresh = true;
    command.procReceive = 'returned';
    if (head === 'ng') {
      command.error = message === undefined || message === '' ? 'failed' : message;
      current = undefined;
    }
  }
}

/** What changed in the end, by the hook's account: as lines for `post-receive`. */
export function reportedChanges(command: ReceiveCommand): { old: Oid; new: Oid; name: string }[] {
  if (command.reports === undefined || command.reports.length === 0) return [command];
  return command.reports.map((report) => ({
    name: report.refname ?? command.name,
    old: report.oldOid ?? command.old,
    new: report.newOid ?? command.new,
  }));
}

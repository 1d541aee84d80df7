import { readFileSync } from 'node:fs';
import * as net from 'node:net';
import { GitError } from '../base/errors.js';
import { encodeText } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';
import { Connections } from '../server/connections.js';
import { type ExportOptions, openExported } from '../server/export-paths.js';
import { type GitRequest, serveGitSocket } from '../server/git-service.js';
import { startDetached } from './background.js';
import { type CommandContext, defineCommand, renderText } from './command.js';
import type { OptionEvent } from './options.js';
import { receiveServices } from './receive-services.js';
import { agent } from './service-io.js';

interface ServiceSwitch {
  enabled: boolean;
  overridable: boolean;
}

/** A number as git's daemon takes it; `undefined` where none is given. */
function wholeNumber(text: string | null | undefined, name: string, what: string, form: RegExp): number | undefined {
  if (text === undefined || text === null) return undefined;
  if (!form.test(text)) throw new GitError('USAGE', `invalid ${name} '${text}', expecting ${what}`);
  return Number(text);
}

export const command = defineCommand({
  name: 'daemon',
  summary: 'Serve repositories over the git protocol',
  usage: [
    'daemon [--verbose] [--syslog] [--export-all]\n' +
      '           [--timeout=<n>] [--init-timeout=<n>] [--max-connections=<n>]\n' +
      '           [--strict-paths] [--base-path=<path>] [--base-path-relaxed]\n' +
      '           [--user-path | --user-path=<path>]\n' +
      '           [--interpolated-path=<path>]\n' +
      '           [--reuseaddr] [--pid-file=<file>]\n' +
      '           [--(enable|disable|allow-override|forbid-override)=<service>]\n' +
      '           [--access-hook=<path>]\n' +
      '           [--inetd | [--listen=<host_or_ipaddr>] [--port=<n>]\n' +
      '                      [--detach] [--user=<user> [--group=<group>]]]\n' +
      '           [--log-destination=(stderr|syslog|none)]\n' +
      '           [<directory>...]',
  ],
  options: {
    verbose: { type: 'flag', help: 'log details about connections' },
    syslog: { type: 'flag', help: 'log to syslog' },
    'log-destination': { type: 'string', value: 'destination', help: 'where to log' },
    'export-all': { type: 'flag', help: 'serve repositories without git-daemon-export-ok too' },
    timeout: { type: 'string', value: 'n', help: 'seconds of silence before a client is dropped' },
    'init-timeout': { type: 'string', value: 'n', help: 'seconds to wait for the first request' },
    'max-connections': { type: 'string', value: 'n', help: 'clients served at once (0: no limit)' },
    'strict-paths': { type: 'flag', help: 'match paths exactly' },
    'base-path': { type: 'string', value: 'path', help: 'where requested paths begin' },
    'base-path-relaxed': { type: 'flag', help: 'try paths without the base path too' },
    'interpolated-path': { type: 'string', value: 'path', help: 'build paths from host, port and directory' },
    'user-path': { type: 'optional', value: 'path', implied: '', help: 'allow ~user paths' },
    reuseaddr: { type: 'flag', help: 'bind to an address in use' },
    detach: { type: 'flag', help: 'become a daemon' },
    'pid-file': { type: 'string', value: 'file', help: 'save the process id there' },
    user: { type: 'string', value: 'user', help: 'change to that user' },
    group: { type: 'string', value: 'group', help: 'change to that group' },
    enable: { type: 'list', value: 'service', help: 'switch a service on' },
    disable: { type: 'list', value: 'service', help: 'switch a service off' },
    'allow-override': { type: 'list', value: 'service', help: 'let repositories decide' },
    'forbid-override': { type: 'list', value: 'service', help: 'do not let repositories decide' },
    'informative-errors': { type: 'flag', help: 'tell clients more about errors' },
    'access-hook': { type: 'string', value: 'path', help: 'program that decides about each request' },
    inetd: { type: 'flag', help: 'serve one client on standard input and output' },
    listen: { type: 'list', value: 'host', help: 'address to listen on' },
    port: { type: 'number', value: 'n', help: 'port to listen on' },
  },
  async *run(context, { values, rest, events }): AsyncGenerator<{ text: string }, number> {
    const seconds = (name: 'timeout' | 'init-timeout'): number =>
      wholeNumber(values[name], name, 'a non-negative integer', /^\d+$/) ?? 0;
    const firstMilliseconds = seconds('init-timeout') * 1000;
    const idle = seconds('timeout') * 1000;
    const maximum = wholeNumber(values['max-connections'], 'max-connections', 'an integer', /^-?\d+$/) ?? 32;
    const port = values.port ?? 9418;
    if (values.syslog === true || values['log-destination'] === 'syslog') {
      throw new GitError('UNSUPPORTED', 'there is no way to the system log from here', {
        hint: "use '--log-destination=stderr', and what starts the daemon can pass it on",
      });
    }
    if (values.group != null && values.user == null) throw new GitError('USAGE', '--group supplied without --user');
    if (values.inetd === true && (values.detach === true || values.user != null)) {
      throw new GitError('USAGE', '--detach, --user and --group are incompatible with --inetd');
    }
    if (values.detach === true) {
      return startDetached(context, ['daemon', ...context.argv.filter((word) => word !== '--detach')]) ? 0 : 1;
    }
    const log = (text: string): void => {
      if (values['log-destination'] !== 'none') context.printError(`[${context.platform.pid}] ${text}\n`);
    };
    const verbose = (text: string): void => {
      if (values.verbose === true) log(text);
    };
    const services = switches(events);
    const exported: ExportOptions = {
      platform: context.platform,
      env: context.env,
      basePath: values['base-path'] ?? undefined,
      basePathRelaxed: values['base-path-relaxed'],
      interpolatedPath: values['interpolated-path'] ?? undefined,
      userPath: values['user-path'] ?? undefined,
      strict: values['strict-paths'] === true,
      exportAll: values['export-all'] === true,
      allowed: rest,
      log,
    };
    if (exported.strict && rest.length === 0)
      throw new GitError('USAGE', "option --strict-paths requires '<directory>' arguments");
    if (exported.basePath !== undefined && context.platform.fs.stat(exported.basePath)?.kind !== 'directory') {
      throw new GitError('USAGE', `base-path '${exported.basePath}' does not exist or is not a directory`);
    }
    const informative = values['informative-errors'] === true;
    const open = async (request: GitRequest, peer: { address: string; port: number }): Promise<Repository> => {
      const refuse = (message: string): never => {
        throw new GitError(
          'TRANSPORT',
          informative ? `${message}: ${request.path}` : `access denied or repository not exported: ${request.path}`,
        );
      };
      log(`Request ${request.service} for '${request.path}'`);
      const service = services.get(request.service);
      if (service === undefined) {
        log(`'${request.service}': service not found`);
        return refuse('service not enabled');
      }
      if (!service.enabled && !service.overridable) {
        log(`'${request.service}': service not enabled.`);
        return refuse('service not enabled');
      }
      const repository = openExported(request.path, request.host, port, exported);
      if (repository === undefined) return refuse('no such repository');
      const key =
        request.service === 'upload-archive' ? 'daemon.uploadarch' : `daemon.${request.service.replace('-', '')}`;
      const enabled = service.overridable ? (repository.config.getBool(key) ?? service.enabled) : service.enabled;
      if (!enabled) {
        log(`'${request.service}': service not enabled for '${repository.gitDir}'`);
        repository.close();
        return refuse('service not enabled');
      }
      const hook = values['access-hook'];
      if (hook != null) {
        const name = (request.host ?? '').replace(/:\d+$/, '');
        const { code, stdout } = await context.platform.processes!.run(
          [hook, request.service, repository.gitDir, name, name, peer.address, String(port)],
          { env: context.env, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
        );
        if (code !== 0) {
          repository.close();
          const said = new TextDecoder().decode(stdout).split('\n')[0]!.trim();
          throw new GitError('TRANSPORT', said === '' ? 'service rejected' : said);
        }
      }
      return repository;
    };
    const serve = (socket: net.Socket): Promise<void> => {
      const peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
      verbose(`Connection from ${peer.address}:${peer.port}`);
      return serveGitSocket(socket, {
        agent: agent(context),
        firstMilliseconds,
        open: (request) => {
          if (request.host !== undefined) verbose(`Extended attribute "host": ${request.host}`);
          for (const word of request.extra) verbose(`Extended attribute "protocol": ${word}`);
          return open(request, peer);
        },
        log,
        errors: (text) => context.printError(text),
        receive: receiveServices,
        signal: context.signal,
      });
    };
    if (values.inetd === true) {
      const { serveStandardStreams } = await import('../server/inetd.js');
      await serveStandardStreams(context.env, (socket) => serve(socket));
      return 0;
    }
    await listen(context, values.listen ?? [], port, {
      serve,
      log,
      pidFile: values['pid-file'] ?? undefined,
      user: values.user == null ? undefined : { name: values.user, group: values.group ?? groupOf(values.user) },
      maximum,
      idle,
    });
    return 0;
    // biome-ignore lint/correctness/noUnreachable: a generator that yields nothing
    yield { text: '' };
  },
  render: renderText,
});

function switches(events: readonly OptionEvent[]): Map<string, ServiceSwitch> {
  const services = new Map<string, ServiceSwitch>([
    ['upload-archive', { enabled: false, overridable: true }],
    ['upload-pack', { enabled: true, overridable: true }],
    ['receive-pack', { enabled: false, overridable: true }],
  ]);
  for (const { key, value } of events) {
    if (!['enable', 'disable', 'allow-override', 'forbid-override'].includes(key) || value === null) continue;
    const service = services.get(value);
    if (service === undefined) throw new GitError('USAGE', `No such service ${value}`);
    if (key === 'enable') service.enabled = true;
    else if (key === 'disable') service.enabled = false;
    else service.overridable = key === 'allow-override';
  }
  return services;
}

interface Listening {
  readonly serve: (socket: net.Socket) => Promise<void>;
  readonly log: (text: string) => void;
  readonly pidFile: string | undefined;
  /** Who serves from then on. */
  readonly user: { readonly name: string; readonly group: string | number } | undefined;
  readonly maximum: number;
  readonly idle: number;
}

/** Listens until the process is told to stop. */
async function listen(
  context: CommandContext,
  hosts: readonly string[],
  port: number,
  options: Listening,
): Promise<void> {
  const connections = new Connections({ total: options.maximum, perAddress: 0, idleMilliseconds: options.idle });
  const servers: net.Server[] = [];
  for (const host of hosts.length === 0 ? [undefined] : hosts) {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      if (connections.admit(socket)) void options.serve(socket);
      else {
        options.log('dropping connection: too many children');
        socket.destroy();
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(host === undefined ? {} : { host }) }, () => resolve());
    }).catch((error: unknown) => {
      throw new GitError('TRANSPORT', `unable to allocate any listen sockets on port ${port}`, { cause: error });
    });
    servers.push(server);
  }
  if (options.pidFile !== undefined)
    context.platform.fs.writeFile(options.pidFile, encodeText(`${context.platform.pid}\n`));
  if (options.user !== undefined) becomeUser(options.user.name, options.user.group);
  options.log('Ready to rumble');
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      for (const server of servers) server.close();
      connections.closeAll();
      resolve();
    };
    context.signal.addEventListener('abort', stop, { once: true });
  });
  // Who started it sees that it was ended.
  context.signal.throwIfAborted();
}

/** Gives up what this process may do for what that user may. */
function becomeUser(user: string, group: string | number): void {
  try {
    // Not in the types of Node 20.
    (process as unknown as { initgroups(user: string, group: string | number): void }).initgroups(user, group);
    process.setgid!(group);
    process.setuid!(user);
  } catch (error) {
    throw new GitError('USAGE', 'cannot drop privileges', { cause: error });
  }
}

/** The main group of a user, as the user database has it. */
function groupOf(user: string): number {
  const line = /^[^:]*:[^:]*:[^:]*:(\d+):/;
  for (const row of readFileSync('/etc/passwd', 'latin1').split('\n')) {
    const match = row.startsWith(`${user}:`) ? line.exec(row) : null;
    if (match !== null) return Number(match[1]);
  }
  throw new GitError('USAGE', `user not found - ${user}`);
}

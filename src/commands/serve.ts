import * as net from 'node:net';
import * as path from 'node:path';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { Connections } from '../server/connections.js';
import { openExported } from '../server/export-paths.js';
import { serveGitSocket } from '../server/git-service.js';
import { type Authorize, createHttpServer } from '../server/http-server.js';
import { hashPassword, PasswordFile } from '../server/passwords.js';
import { enterRepository } from '../transport/enter-repository.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';
import { receiveServices } from './receive-services.js';
import { agent } from './service-io.js';

interface Result {
  readonly kind: 'listening' | 'hash';
  readonly url: string;
}

export const command = defineCommand({
  name: 'serve',
  summary: 'Serve repositories over http and git:// from one process',
  usage: [
    'serve [--http=<host:port>] [--git=<host:port>] [--write] [--private]\n' +
      '          [--passwords=<file> | --auth-hook=<program>] [<directory>]',
    'serve --hash-password <user>',
  ],
  options: {
    http: { type: 'string', value: 'host:port', help: 'where to listen for http, 127.0.0.1:8417 unless said' },
    git: { type: 'string', value: 'host:port', help: 'where to listen for git://, 127.0.0.1:9418 unless said' },
    write: { type: 'flag', help: 'let clients push (http: known users only, where there is a way to know them)' },
    private: { type: 'flag', help: 'ask for a password to read too' },
    passwords: { type: 'string', value: 'file', help: 'names and password hashes, one a line' },
    'auth-hook': {
      type: 'string',
      value: 'program',
      help: 'asked "<user> <path> read|write", the password on its standard input',
    },
    'max-connections': { type: 'number', value: 'n', help: 'clients served at once, 128 unless said' },
    'max-per-address': { type: 'number', value: 'n', help: 'clients of one address, 64 unless said' },
    'idle-timeout': {
      type: 'number',
      value: 'seconds',
      help: 'silence after which a client is dropped, 120 unless said',
    },
    'max-push': { type: 'number', value: 'bytes', help: 'size of one push, 2g unless said; 0: any' },
    'hash-password': { type: 'flag', help: 'read a password and print a line for the file of passwords' },
    verbose: { type: 'flag', short: 'v', help: 'tell about each request' },
    'pid-file': { type: 'string', value: 'file', help: 'save the process id there' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, number> {
    if (values['hash-password'] === true) {
      if (rest.length !== 1 || rest[0]!.includes(':')) throw new UsageError();
      const line = context.io.stdin.readUntil();
      if (line === undefined) throw new GitError('USAGE', 'no password on standard input');
      yield { kind: 'hash', url: `${rest[0]}:${hashPassword(decodeText(line))}` };
      return 0;
    }
    if (rest.length > 1) throw new UsageError();
    const root = path.resolve(context.cwd, rest[0] ?? '.');
    if (context.platform.fs.stat(root)?.kind !== 'directory')
      throw new GitError('PATH_MISSING', `'${rest[0]}' is not a directory`);
    const write = values.write === true;
    const log = (text: string): void => {
      if (values.verbose === true) context.printError(`${text}\n`);
    };
    const connections = new Connections({
      total: values['max-connections'] ?? 128,
      perAddress: values['max-per-address'] ?? 64,
      idleMilliseconds: (values['idle-timeout'] ?? 120) * 1000,
    });
    const receive = receiveServices;
    const single = isRepository(context, root);
    const stops: (() => void)[] = [];
    if (values.http !== null) {
      const server = createHttpServer({
        root: single ? path.dirname(root) : root,
        service: {
          platform: context.platform,
          env: serverEnvironment(context),
          agent: agent(context),
          exportAll: true,
          receivePack: write,
          errors: (text) => context.printError(text),
          receive,
          // No symbolic link leads out of the directory.
          open: (directory, env) => {
            const repository = enterRepository(context.platform, env, '/', directory, false);
            const real = context.platform.fs.realPath(repository.gitDir) ?? repository.gitDir;
            const top = context.platform.fs.realPath(root) ?? root;
            if (real === top || real.startsWith(`${top.replace(/\/+$/, '')}/`)) return repository;
            repository.close();
            throw new GitError('NOT_A_REPOSITORY', 'outside of what is served');
          },
        },
        authorize: authorizer(context, values, write),
        maxBody: values['max-push'] ?? 2 << 30,
        headerMilliseconds: 10_000,
        watch: (socket, due) => connections.watch(socket, due),
        log,
      });
      connections.attach(server);
      const { host, port } = place(values.http ?? '127.0.0.1:8417', 8417);
      const actual = await start(server, host, port);
      stops.push(() => server.close());
      yield { kind: 'listening', url: `http://${host}:${actual}/${single ? path.basename(root) : ''}` };
    }
    if (values.git !== null && values.private !== true) {
      const { host, port } = place(values.git ?? '127.0.0.1:9418', 9418);
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        if (!connections.admit(socket)) {
          socket.destroy();
          return;
        }
        void serveGitSocket(socket, {
          agent: agent(context),
          firstMilliseconds: 10_000,
          watch: (peer, due) => connections.watch(peer, due),
          log,
          errors: (text) => context.printError(text),
          receive,
          signal: context.signal,
          open: async (request) => {
            log(`${socket.remoteAddress} git://${request.path} ${request.service}`);
            // The git protocol knows no users: writing needs to be open to all.
            const open =
              request.service === 'upload-pack' || (write && request.service === 'receive-pack' && !knowsUsers(values));
            if (!open) throw new GitError('TRANSPORT', `service not enabled: ${request.path}`);
            const repository = openExported(request.path, request.host, port, {
              platform: context.platform,
              env: serverEnvironment(context),
              basePath: single ? path.dirname(root) : root,
              strict: false,
              exportAll: true,
              allowed: [context.platform.fs.realPath(root) ?? root],
              log,
            });
            if (repository === undefined) throw new GitError('TRANSPORT', `no such repository: ${request.path}`);
            return repository;
          },
        });
      });
      const actual = await start(server, host, port);
      stops.push(() => server.close());
      yield { kind: 'listening', url: `git://${host}:${actual}/${single ? path.basename(root) : ''}` };
    }
    if (stops.length === 0)
      throw new GitError('USAGE', 'nothing to serve: both --no-http and --no-git, or --no-http with --private');
    context.io.stdout.flush();
    if (values['pid-file'] != null)
      context.platform.fs.writeFile(values['pid-file'], encodeText(`${context.platform.pid}\n`));
    await new Promise<void>((resolve) => {
      const stop = (): void => {
        for (const each of stops) each();
        connections.closeAll();
        resolve();
      };
      process.once('SIGTERM', stop);
      process.once('SIGINT', stop);
      context.signal.addEventListener('abort', stop, { once: true });
    });
    return 0;
  },
  render: (result: Result) => (result.kind === 'hash' ? `${result.url}\n` : `listening on ${result.url}\n`),
});

interface AuthValues {
  readonly passwords?: string | null;
  readonly 'auth-hook'?: string | null;
  readonly private?: boolean;
}

const knowsUsers = (values: AuthValues): boolean => values.passwords != null || values['auth-hook'] != null;

function isRepository(context: CommandContext, root: string): boolean {
  const { fs } = context.platform;
  return (
    fs.stat(`${root}/.git`) !== undefined ||
    (fs.stat(`${root}/HEAD`) !== undefined && fs.stat(`${root}/objects`) !== undefined)
  );
}

/** The repositories served are not the one this process may stand in. */
function serverEnvironment(context: CommandContext): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(context.env))
    if (!name.startsWith('GIT_') || name.startsWith('GIT_CONFIG_')) env[name] = value;
  return env;
}

function place(text: string, usual: number): { host: string; port: number } {
  const match = /^(?:(.*):)?(\d+)$/.exec(text);
  if (match === null) return { host: text, port: usual };
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

async function start(server: net.Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve());
  }).catch((error: unknown) => {
    throw new GitError(
      'TRANSPORT',
      `cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function authorizer(context: CommandContext, values: AuthValues, write: boolean): Authorize {
  const file = values.passwords;
  let passwords: PasswordFile | undefined;
  if (file != null) {
    const bytes = context.platform.fs.readFile(path.resolve(context.cwd, file));
    if (bytes === undefined) throw new GitError('PATH_MISSING', `cannot read '${file}'`);
    passwords = new PasswordFile(decodeText(bytes));
  }
  const hook = values['auth-hook'];
  return async ({ user, password, path: asked, writing }) => {
    if (writing && !write) return 'deny';
    const needed = values.private === true || (writing && knowsUsers(values));
    if (!needed) return 'allow';
    if (user === undefined || password === undefined) return 'ask';
    if (passwords !== undefined) return passwords.check(user, password, context.platform.now()) ? 'allow' : 'ask';
    if (hook != null) {
      const { code } = await context.platform.processes!.run([hook, user, asked, writing ? 'write' : 'read'], {
        env: context.env,
        input: encodeText(password),
        stdout: 'ignore',
        stderr: 'inherit',
      });
      return code === 0 ? 'allow' : 'ask';
    }
    return 'deny';
  };
}

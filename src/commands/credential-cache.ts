import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { GitError } from '../base/errors.js';
import { askCacheDaemon } from '../server/credential-cache.js';
import { type CommandContext, defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'credential-cache',
  summary: 'A credential helper that keeps passwords in memory for a while',
  usage: ['credential-cache [<options>] <action>'],
  options: {
    timeout: { type: 'number', value: 'n', help: 'number of seconds to cache credentials' },
    socket: { type: 'string', value: 'path', help: 'path of cache-daemon socket' },
  },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly text: string }, number> {
    const [action] = rest;
    if (rest.length !== 1) throw new UsageError();
    const socket = values.socket ?? defaultSocket(context);
    if (socket === undefined) throw new GitError('CONFIG', 'unable to find a suitable socket path; use --socket');
    const known = ['exit', 'get', 'erase', 'store'].includes(action!);
    if (!known) return 0;
    const body = action === 'exit' ? '' : [...context.io.stdin.lines()].map((line) => `${line}\n`).join('');
    const request = `action=${action}\ntimeout=${values.timeout ?? 900}\n${body}`;
    let answer = await askCacheDaemon(socket, request);
    if (answer === undefined && action === 'store') {
      await startDaemon(socket);
      answer = await askCacheDaemon(socket, request);
    }
    if (answer !== undefined && answer !== '') yield { text: answer };
    return 0;
  },
  render: renderText,
});

function defaultSocket(context: CommandContext): string | undefined {
  const { HOME, XDG_CACHE_HOME } = context.env;
  if (HOME !== undefined && context.platform.fs.stat(`${HOME}/.git-credential-cache`)?.kind === 'directory') {
    return `${HOME}/.git-credential-cache/socket`;
  }
  if (XDG_CACHE_HOME !== undefined && XDG_CACHE_HOME !== '') return `${XDG_CACHE_HOME}/git/credential/socket`;
  return HOME === undefined ? undefined : `${HOME}/.cache/git/credential/socket`;
}

/** Starts the daemon on its own and waits until it listens. */
async function startDaemon(socket: string): Promise<void> {
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const child = spawn(process.execPath, [process.argv[1]!, 'credential-cache--daemon', socket], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const started = await new Promise<boolean>((resolve) => {
    child.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString() === 'ok\n'));
    child.once('close', () => resolve(false));
    child.once('error', () => resolve(false));
  });
  child.stdout!.destroy();
  child.unref();
  if (!started) throw new GitError('TRANSPORT', 'unable to read result code from cache daemon');
}

import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { GitError } from '../base/errors.js';
import type { Credential } from '../transport/credentials.js';
import { parseCredential } from '../transport/credential-format.js';

interface Entry {
  readonly credential: Credential;
  readonly until: number;
}

/** Keeps credentials in memory behind a socket that only its owner may open, until the last has run out. */
export async function runCacheDaemon(socketPath: string, ready: () => void): Promise<void> {
  fs.mkdirSync(path.dirname(socketPath), { recursive: true, mode: 0o700 });
  if ((fs.statSync(path.dirname(socketPath)).mode & 0o077) !== 0) {
    throw new GitError(
      'USAGE',
      `The permissions on your socket directory are too loose; other\nusers may be able to read your cached credentials. Consider running:\n\n\tchmod 0700 ${path.dirname(socketPath)}`,
    );
  }
  let entries: Entry[] = [];
  let timer: NodeJS.Timeout | undefined;
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end(answer(Buffer.concat(chunks).toString('utf8'))));
  });
  const stop = (): void => {
    server.close();
    fs.rmSync(socketPath, { force: true });
  };
  const schedule = (): void => {
    clearTimeout(timer);
    const now = Date.now();
    entries = entries.filter((entry) => entry.until > now);
    // Wait a little for the first entry, and after the last one.
    const next = entries.length === 0 ? 30_000 : Math.min(...entries.map((entry) => entry.until - now));
    timer = setTimeout(
      () => {
        entries = entries.filter((entry) => entry.until > Date.now());
        if (entries.length === 0) stop();
        else schedule();
      },
      Math.min(next + 10, 2 ** 31 - 1),
    );
  };
  const answer = (text: string): string => {
    const lines = text.split('\n');
    const action = /^action=(.*)$/.exec(lines[0] ?? '')?.[1];
    const timeout = Number(/^timeout=(\d+)$/.exec(lines[1] ?? '')?.[1] ?? '900');
    if (action === 'exit') {
      setImmediate(stop);
      return '';
    }
    const asked = parseCredential(lines.slice(2));
    const now = Date.now();
    if (action === 'get') {
      const found = entries.find((entry) => entry.until > now && matches(entry.credential, asked, false));
      if (found === undefined) return '';
      const { username, password, password_expiry_utc, oauth_refresh_token, authtype, credential } = found.credential;
      const put = (key: string, value: string | undefined) => (value === undefined ? '' : `${key}=${value}\n`);
      const typed = authtype !== undefined && (asked.capabilities ?? []).includes('authtype');
      return (
        'capability[]=authtype\n' +
        put('username', username) +
        put('password', password) +
        (typed ? put('authtype', authtype) + put('credential', credential) : '') +
        put('password_expiry_utc', password_expiry_utc) +
        put('oauth_refresh_token', oauth_refresh_token)
      );
    }
    if (action === 'store' || action === 'erase') {
      entries = entries.filter((entry) => !matches(entry.credential, asked, action === 'erase'));
      if (
        action === 'store' &&
        asked.ephemeral !== true &&
        ((asked.username !== undefined && asked.password !== undefined) || asked.credential !== undefined)
      ) {
        entries.push({ credential: asked, until: now + timeout * 1000 });
      }
    }
    schedule();
    return '';
  };
  fs.rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  schedule();
  ready();
  await new Promise<void>((resolve) => server.once('close', () => resolve()));
  clearTimeout(timer);
}

function matches(entry: Credential, asked: Credential, withPassword: boolean): boolean {
  const same = (key: 'protocol' | 'host' | 'path' | 'username' | 'password') =>
    asked[key] === undefined || asked[key] === entry[key];
  return same('protocol') && same('host') && same('path') && same('username') && (!withPassword || same('password'));
}

/** Sends one request; `undefined` where nobody listens. */
export function askCacheDaemon(socketPath: string, text: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = net.createConnection(socketPath);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else if (error.code === 'ECONNRESET') resolve('');
      else reject(error);
    });
    socket.on('connect', () => socket.end(text));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}

import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { LockFile } from '../platform/lock.js';
import type { Credential } from '../transport/credentials.js';
import { credentialFromUrl, parseCredential } from '../transport/credential-format.js';
import { type CommandContext, defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'credential-store',
  summary: 'A credential helper that keeps passwords in a file',
  usage: ['credential-store [<options>] <action>'],
  options: { file: { type: 'string', value: 'path', help: 'fetch and store credentials in <path>' } },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly text: string }, number> {
    if (rest.length !== 1) throw new UsageError();
    const files = values.file != null ? [values.file] : defaultFiles(context);
    if (files.length === 0) throw new GitError('CONFIG', 'unable to set up default path; use --file');
    const asked = parseCredential(context.io.stdin.lines());
    if (rest[0] === 'get') {
      for (const file of files) {
        const found = readEntries(context, file).find((entry) => matches(entry.credential, asked, false));
        if (found === undefined) continue;
        yield { text: `username=${found.credential.username}\npassword=${found.credential.password}\n` };
        return 0;
      }
    } else if (rest[0] === 'erase') {
      if (
        asked.protocol === undefined &&
        asked.host === undefined &&
        asked.path === undefined &&
        asked.username === undefined
      )
        return 0;
      for (const file of files) rewrite(context, file, asked, true, undefined);
    } else if (rest[0] === 'store') {
      const { protocol, host, path, username, password } = asked;
      if (
        protocol === undefined ||
        (host === undefined && path === undefined) ||
        username === undefined ||
        password === undefined
      )
        return 0;
      const line = `${protocol}://${quote(username)}:${quote(password)}@${host === undefined ? '' : quote(host)}${path === undefined ? '' : `/${quote(path, '/')}`}`;
      // An existing file is used; the first one is made otherwise.
      const target = files.find((file) => context.platform.fs.stat(file) !== undefined) ?? files[0]!;
      rewrite(context, target, asked, false, line);
    }
    return 0;
  },
  render: renderText,
});

function defaultFiles(context: CommandContext): string[] {
  const { HOME, XDG_CONFIG_HOME } = context.env;
  const files: string[] = [];
  if (HOME !== undefined) files.push(`${HOME}/.git-credentials`);
  if (XDG_CONFIG_HOME !== undefined && XDG_CONFIG_HOME !== '') files.push(`${XDG_CONFIG_HOME}/git/credentials`);
  else if (HOME !== undefined) files.push(`${HOME}/.config/git/credentials`);
  return files;
}

const quote = (text: string, keep = ''): string =>
  [...encodeText(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(char) || keep.includes(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');

function readEntries(context: CommandContext, file: string): { line: string; credential: Credential }[] {
  const bytes = context.platform.fs.readFile(file);
  if (bytes === undefined) return [];
  const entries: { line: string; credential: Credential }[] = [];
  for (const line of decodeText(bytes).split('\n')) {
    let credential: Credential;
    try {
      credential = credentialFromUrl(line);
    } catch {
      continue;
    }
    if (credential.username !== undefined && credential.password !== undefined) entries.push({ line, credential });
  }
  return entries;
}

function matches(entry: Credential, asked: Credential, withPassword: boolean): boolean {
  const same = (key: 'protocol' | 'host' | 'path' | 'username' | 'password') =>
    asked[key] === undefined || asked[key] === entry[key];
  return same('protocol') && same('host') && same('path') && same('username') && (!withPassword || same('password'));
}

/** Writes the file anew without what matches, `added` in front. */
function rewrite(
  context: CommandContext,
  file: string,
  asked: Credential,
  erasing: boolean,
  added: string | undefined,
): void {
  const { fs } = context.platform;
  const bytes = fs.readFile(file);
  if (bytes === undefined && added === undefined) return;
  const kept = (bytes === undefined ? [] : decodeText(bytes).split('\n'))
    .filter((line) => line !== '')
    .filter((line) => {
      let credential: Credential;
      try {
        credential = credentialFromUrl(line);
      } catch {
        return true;
      }
      return !matches(credential, asked, erasing);
    });
  fs.makeDirectory(file.slice(0, Math.max(1, file.lastIndexOf('/'))), { recursive: true });
  const lock = LockFile.tryAcquire(fs, file, 0o600);
  if (lock === undefined) throw new GitError('LOCKED', `unable to get credential storage lock in 1000 ms: File exists`);
  try {
    lock.write(encodeText([...(added === undefined ? [] : [added]), ...kept].map((line) => `${line}\n`).join('')));
    lock.commit();
  } finally {
    lock.rollback();
  }
}

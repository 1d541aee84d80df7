import { GitError } from '../base/errors.js';
import type { Credential } from './credentials.js';
import { urlDecode } from './url.js';

const single = [
  'protocol',
  'host',
  'path',
  'username',
  'password',
  'oauth_refresh_token',
  'password_expiry_utc',
  'authtype',
  'credential',
] as const;

/** Reads `key=value` lines up to an empty one into a credential. Unknown keys are passed over. */
export function parseCredential(lines: Iterable<string>, into: Credential = {}): Credential & { quit?: boolean } {
  const found: Credential & { quit?: boolean } = { ...into };
  const list = (old: readonly string[] | undefined, value: string): readonly string[] =>
    value === '' ? [] : [...(old ?? []), value];
  for (const line of lines) {
    if (line === '') break;
    const equals = line.indexOf('=');
    if (equals < 0) throw new GitError('USAGE', 'unable to read credential from stdin', { data: { line } });
    const key = line.slice(0, equals);
    const value = line.slice(equals + 1);
    if ((single as readonly string[]).includes(key)) found[key as (typeof single)[number]] = value;
    else if (key === 'url') Object.assign(found, credentialFromUrl(value));
    else if (key === 'wwwauth[]') Object.assign(found, { wwwauth: list(found.wwwauth, value) });
    else if (key === 'state[]') found.state = list(found.state, value);
    else if (key === 'capability[]') found.capabilities = list(found.capabilities, value);
    else if (key === 'ephemeral') found.ephemeral = value !== '0' && value !== 'false';
    else if (key === 'continue') found.continued = value !== '0' && value !== 'false';
    else if (key === 'quit') found.quit = value !== '0' && value !== 'false';
  }
  return found;
}

/** The lines for a helper. A value with a newline or a NUL could forge others, so it is refused. */
export function formatCredential(credential: Credential, options: { readonly protectProtocol?: boolean } = {}): string {
  let out = '';
  const put = (key: string, value: string | undefined): void => {
    if (value === undefined) return;
    if (value.includes('\n')) throw new GitError('USAGE', `credential value for ${key} contains newline`);
    if (options.protectProtocol !== false && value.includes('\r')) {
      throw new GitError(
        'USAGE',
        `credential value for ${key} contains carriage return\nIf this is intended, set \`credential.protectProtocol=false\``,
      );
    }
    if (value.includes('\0')) throw new GitError('USAGE', `credential value for ${key} contains NUL`);
    out += `${key}=${value}\n`;
  };
  for (const capability of credential.capabilities ?? []) put('capability[]', capability);
  if (credential.authtype !== undefined) put('authtype', credential.authtype);
  if (credential.credential !== undefined) put('credential', credential.credential);
  if (credential.ephemeral === true) put('ephemeral', '1');
  put('protocol', credential.protocol);
  put('host', credential.host);
  put('path', credential.path);
  put('username', credential.username);
  put('password', credential.password);
  put('oauth_refresh_token', credential.oauth_refresh_token);
  put('password_expiry_utc', credential.password_expiry_utc);
  for (const header of credential.wwwauth ?? []) put('wwwauth[]', header);
  for (const state of credential.state ?? []) put('state[]', state);
  if (credential.continued === true) put('continue', '1');
  return out;
}

/** The question a URL asks, with the user and password it names. */
export function credentialFromUrl(url: string): Credential {
  if (/[\n\r\0]/.test(decodeAll(url))) throw new GitError('USAGE', 'url contains a newline in its parts');
  const match = /^([^:/?#]+):\/\/(?:([^/?#@]*)@)?([^/?#]*)(?:[/?#]?(.*))?$/s.exec(url);
  if (match === null) throw new GitError('USAGE', `url has no scheme: ${url}`);
  const [, protocol, user, host, path] = match;
  const credential: Credential = { protocol: protocol!, host: urlDecode(host!) };
  if (user !== undefined) {
    const colon = user.indexOf(':');
    credential.username = urlDecode(colon < 0 ? user : user.slice(0, colon));
    if (colon >= 0) credential.password = urlDecode(user.slice(colon + 1));
  }
  const trimmed = urlDecode((path ?? '').replace(/^\/+|\/+$/g, ''));
  if (trimmed !== '') credential.path = trimmed;
  return credential;
}

function decodeAll(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** How a credential is named in prompts and errors; never with the password. */
export function describeCredential(credential: Credential, withUser: boolean): string {
  const user = withUser && credential.username !== undefined ? `${encodeURIComponent(credential.username)}@` : '';
  const path = credential.path === undefined ? '' : `/${credential.path}`;
  return `${credential.protocol ?? ''}://${user}${credential.host ?? ''}${path}`;
}

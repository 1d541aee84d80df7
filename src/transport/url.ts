import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';

/** Where a repository is and how to get there. `helper` is for `git-remote-<name>` programs. */
export type RemoteAddress =
  | { readonly kind: 'local'; readonly path: string; readonly scheme: 'file' }
  | { readonly kind: 'git'; readonly host: string; readonly port: string | undefined; readonly path: string }
  | {
      readonly kind: 'ssh';
      /** `user@host`, as it goes to ssh. */
      readonly host: string;
      readonly port: string | undefined;
      readonly path: string;
    }
  | { readonly kind: 'http'; readonly url: string; readonly scheme: 'http' | 'https' | 'ftp' | 'ftps' }
  | { readonly kind: 'helper'; readonly name: string; readonly address: string };

const schemeAtStart = /^([A-Za-z0-9][A-Za-z0-9+.-]*):\/\//;

/** True where text without a scheme means a path and not `host:path`. */
function isLocalPath(text: string): boolean {
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  return colon < 0 || (slash >= 0 && slash < colon);
}

const looksLikeOption = (text: string): boolean => text.startsWith('-');

/** Undoes %XX in the parts of a URL. */
export function urlDecode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = encodeText(text);
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 37) {
      const pair = String.fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0);
      if (/^[0-9a-fA-F]{2}$/.test(pair)) {
        const value = Number.parseInt(pair, 16);
        if (value !== 0) {
          out.push(value);
          i += 2;
          continue;
        }
      }
    }
    out.push(bytes[i]!);
  }
  return decodeText(Uint8Array.from(out));
}

/**
 * Takes a repository's URL apart: `file://`, `git://`, `ssh://`, `http(s)://`, `host:path`, `name::address`, or a path.
 * Hosts, ports and paths that a program could take for an option are refused.
 */
export function parseRemoteUrl(text: string): RemoteAddress {
  const helper = /^([A-Za-z0-9][A-Za-z0-9+.-]*)::/.exec(text);
  if (helper !== null) return { kind: 'helper', name: helper[1]!, address: text.slice(helper[0].length) };
  const scheme = schemeAtStart.exec(text);
  if (scheme === null) return isLocalPath(text) ? local(text) : scpLike(text);
  const name = scheme[1]!.toLowerCase();
  const rest = text.slice(scheme[0].length);
  switch (name) {
    case 'file':
      // A host in between says nothing.
      return local(urlDecode(rest.includes('/') ? rest.slice(rest.indexOf('/')) : rest));
    case 'http':
    case 'https':
    case 'ftp':
    case 'ftps':
      return { kind: 'http', url: text, scheme: name };
    case 'git':
    case 'ssh':
    case 'git+ssh':
    case 'ssh+git':
      return withHost(name === 'git' ? 'git' : 'ssh', urlDecode(rest), text);
    default:
      return { kind: 'helper', name: scheme[1]!, address: text };
  }
}

function local(path: string): RemoteAddress {
  return { kind: 'local', path, scheme: 'file' };
}

function withHost(kind: 'git' | 'ssh', rest: string, url: string): RemoteAddress {
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const after = slash < 0 ? '' : rest.slice(slash);
  const { host, port } = splitAuthority(authority, kind);
  if (!after.startsWith('/')) throw strangeUrl(url);
  // ssh://host/~user/x and git://host/~user/x mean ~user/x on the other side.
  const path = after.startsWith('/~') ? after.slice(1) : after;
  return checked(kind, host, port, path);
}

/** `user@[::1]:22`, `[user@::1]:22`, `::1`, `host:22` as user and host, and port. */
function splitAuthority(authority: string, kind: 'git' | 'ssh'): { host: string; port: string | undefined } {
  const bracketed = /^([^[\]]*@)?\[([^\]]*)\](?::(\d*))?$/.exec(authority);
  if (bracketed !== null) {
    const host = (bracketed[1] ?? '') + bracketed[2]!;
    if (bracketed[3] !== undefined && bracketed[3] !== '') return { host, port: bracketed[3] };
    // [user@host:22]: an old way to give a port.
    const inside = kind === 'ssh' ? /^([^:]*):(\d{1,5})$/.exec(host) : null;
    return inside === null ? { host, port: undefined } : { host: inside[1]!, port: inside[2] };
  }
  const at = authority.lastIndexOf('@');
  const name = authority.slice(at + 1);
  const colon = name.indexOf(':');
  // More colons than one: an address without brackets, which can have no port.
  if (colon < 0 || name.indexOf(':', colon + 1) >= 0)
    return { host: authority.replace(/([^:]):$/, '$1'), port: undefined };
  const port = name.slice(colon + 1);
  return { host: authority.slice(0, at + 1) + name.slice(0, colon), port: port === '' ? undefined : port };
}

const strangeUrl = (url: string) =>
  new GitError('USAGE', `no path specified; see 'git help pull' for valid url syntax`, { data: { url } });

function scpLike(text: string): RemoteAddress {
  let host: string;
  let path: string;
  let port: string | undefined;
  const at = text.indexOf('@');
  const open = text.startsWith('[') ? 0 : at >= 0 && text[at + 1] === '[' ? at + 1 : -1;
  const close = open < 0 ? -1 : text.indexOf(']', open);
  if (open >= 0 && close > open) {
    const user = text.slice(0, open);
    const inside = text.slice(open + 1, close);
    const after = text.slice(close + 1);
    if (!after.startsWith(':')) throw strangeUrl(text);
    path = after.slice(1);
    // [host:port]:path is an old way to give a port; [::1]:path is an address.
    const colons = inside.split(':').length - 1;
    if (colons === 1) {
      host = user + inside.slice(0, inside.indexOf(':'));
      port = inside.slice(inside.indexOf(':') + 1);
    } else host = user + inside;
    const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(inside);
    if (bracketed !== null) {
      host = user + bracketed[1]!;
      port = bracketed[2];
    }
  } else {
    const colon = text.indexOf(':');
    host = text.slice(0, colon);
    path = text.slice(colon + 1);
  }
  if (path.startsWith('/~')) path = path.slice(1);
  return checked('ssh', host, port, path);
}

function checked(kind: 'git' | 'ssh', host: string, port: string | undefined, path: string): RemoteAddress {
  const blocked = (what: string, value: string) =>
    new GitError('USAGE', `strange ${what} '${value}' blocked`, { data: { [what]: value } });
  if (looksLikeOption(host)) throw blocked('hostname', host);
  if (port !== undefined && looksLikeOption(port)) throw blocked('port', port);
  if (looksLikeOption(path)) throw blocked('pathname', path);
  if (kind === 'git' && /[\n\0]/.test(host + path)) {
    throw new GitError('USAGE', 'newline is forbidden in git:// hosts and repo paths');
  }
  return { kind, host, port, path };
}

/** One `url.<base>.insteadOf` or `pushInsteadOf`. */
export interface UrlRewrite {
  readonly base: string;
  readonly prefix: string;
}

/** The URL with the longest matching prefix replaced; `undefined` where no rule matches. */
export function rewriteUrl(url: string, rules: readonly UrlRewrite[]): string | undefined {
  let best: UrlRewrite | undefined;
  for (const rule of rules) {
    if (url.startsWith(rule.prefix) && (best === undefined || rule.prefix.length > best.prefix.length)) best = rule;
  }
  return best === undefined ? undefined : best.base + url.slice(best.prefix.length);
}

/** The URL for messages and logs: without the password, or without both user and password. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/@]*)@/i, (_all, scheme: string, user: string) =>
    user.includes(':') ? `${scheme}${user.slice(0, user.indexOf(':'))}:<redacted>@` : `${scheme}${user}@`,
  );
}

/** The URL without any user and password, as FETCH_HEAD and messages of fetch show it. */
export function anonymizeUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}

/** A URL as the summary lines of fetch and push show it: no trailing slashes, no `.git`. */
export function displayUrl(url: string): string {
  let text = anonymizeUrl(url).replace(/\/+$/, '');
  if (text.length > 4 && text.endsWith('.git')) text = text.slice(0, -4);
  return text;
}

/** The folder `clone` makes for a URL. `''` where none can be guessed. */
export function guessDirectory(url: string, bare: boolean): string {
  let text = url;
  const scheme = /^[^:/]+:\/\//.exec(text);
  if (scheme !== null) text = text.slice(scheme[0].length);
  // Skip the authentication data.
  const firstSlash = text.indexOf('/');
  if (scheme !== null) {
    const authority = firstSlash < 0 ? text : text.slice(0, firstSlash);
    const at = authority.lastIndexOf('@');
    if (at >= 0) text = text.slice(at + 1);
  } else {
    const colonSlash = text.slice(0, firstSlash < 0 ? text.length : firstSlash);
    const at = colonSlash.lastIndexOf('@');
    if (at >= 0) text = text.slice(at + 1);
  }
  text = text.replace(/[/\s]+$/, '');
  // host:/ is the root of a host, which gives the name.
  if (scheme === null && /^[^/]+:$/.test(text)) text = text.slice(0, -1);
  if (/\/\.git$/.test(text)) text = text.slice(0, -5).replace(/[/\s]+$/, '');
  // host:port without a path: the port is no name.
  if (scheme !== null && !text.includes('/') && /:\d*$/.test(text)) text = text.replace(/:\d*$/, '');
  const cut = Math.max(text.lastIndexOf('/'), text.lastIndexOf(':'));
  let name = text.slice(cut + 1);
  if (bare ? false : name.endsWith('.git')) name = name.slice(0, -4);
  else if (bare && name.endsWith('.git')) name = name.slice(0, -4);
  if (name.endsWith('.bundle')) name = name.slice(0, -7);
  if (bare && name !== '') name += '.git';
  // Control characters and runs of space become one space.
  return name.replace(/[\x00-\x20]+/g, ' ').replace(/^ | $/g, '');
}

/** URLs of configuration sections (`http.https://example.com.proxy`): brought to one form and matched. */

export interface NormalUrl {
  readonly text: string;
  readonly scheme: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly host: string;
  readonly port: string;
  /** With its leading `/`. */
  readonly path: string;
}

const defaultPorts: Readonly<Record<string, string>> = { http: '80', https: '443' };
const unreserved = /[A-Za-z0-9._~-]/;

/** Escapes decoded where that is safe, the rest in upper case; `undefined` for an escape that is none. */
function normalizeEscapes(text: string, keep: string): string | undefined {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '%') {
      const hex = text.slice(i + 1, i + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(hex) || hex === '00') return undefined;
      const code = Number.parseInt(hex, 16);
      const decoded = String.fromCharCode(code);
      out += code < 0x80 && unreserved.test(decoded) ? decoded : `%${hex.toUpperCase()}`;
      i += 2;
      continue;
    }
    const code = char.charCodeAt(0);
    if (code <= 0x20 || code >= 0x7f) {
      if (code < 0x20 || code === 0x7f) return undefined;
      for (const byte of new TextEncoder().encode(char)) out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
      continue;
    }
    if (!unreserved.test(char) && !keep.includes(char)) out += `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
    else out += char;
  }
  return out;
}

const SUB_DELIMITERS = "!$&'()*+,;=";

/** Brings a URL to its normal form; `undefined` for what is none. `pattern`: `*` may stand in the host. */
export function normalizeUrl(url: string, pattern = false): NormalUrl | undefined {
  const head = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(url);
  if (head === null) return undefined;
  const scheme = head[1]!.toLowerCase();
  let rest = url.slice(head[0].length);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  rest = end < 0 ? '' : rest.slice(end);
  const at = authority.lastIndexOf('@');
  let user: string | undefined;
  let password: string | undefined;
  if (at >= 0) {
    const info = authority.slice(0, at);
    const colon = info.indexOf(':');
    user = normalizeEscapes(colon < 0 ? info : info.slice(0, colon), SUB_DELIMITERS);
    if (user === undefined) return undefined;
    if (colon >= 0) {
      password = normalizeEscapes(info.slice(colon + 1), `${SUB_DELIMITERS}:`);
      if (password === undefined) return undefined;
    }
  }
  const hostPort = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  if (hostPort === null) return undefined;
  const host = hostPort[1]!.toLowerCase();
  const legal = pattern
    ? /^(?:\[[0-9a-f:.]*\]|[a-z0-9._*~%!$&'()+,;=-]*)$/
    : /^(?:\[[0-9a-f:.]*\]|[a-z0-9._~%!$&'()+,;=-]*)$/;
  if (!legal.test(host)) return undefined;
  if (host === '' && scheme !== 'file') return undefined;
  if (scheme === 'file' && hostPort[2] !== undefined && hostPort[2] !== '') return undefined;
  let port = (hostPort[2] ?? '').replace(/^0+/, '');
  if (hostPort[2] !== undefined && hostPort[2] !== '') {
    const number = Number(hostPort[2]);
    if (number === 0 || number > 65535) return undefined;
  }
  if (port === defaultPorts[scheme]) port = '';
  let query = '';
  const mark = rest.search(/[?#]/);
  if (mark >= 0) {
    const escaped = normalizeEscapes(rest.slice(mark), `${SUB_DELIMITERS}:@/?#`);
    if (escaped === undefined) return undefined;
    query = escaped;
    rest = rest.slice(0, mark);
  }
  const path = normalizeSegments(rest);
  if (path === undefined) return undefined;
  const info = user === undefined ? '' : `${user}${password === undefined ? '' : `:${password}`}@`;
  return {
    text: `${scheme}://${info}${host}${port === '' ? '' : `:${port}`}${path}${query}`,
    scheme,
    user,
    password,
    host,
    port,
    path: path + query,
  };
}

function normalizeSegments(path: string): string | undefined {
  const out: string[] = [];
  const parts = path.replace(/^\//, '').split('/');
  for (let i = 0; i < parts.length; i++) {
    const part = normalizeEscapes(parts[i]!, `${SUB_DELIMITERS}:@`);
    if (part === undefined) return undefined;
    const last = i === parts.length - 1;
    if (part === '.') {
      if (last) out.push('');
    } else if (part === '..') {
      if (out.pop() === undefined) return undefined;
      if (last) out.push('');
    } else out.push(part);
  }
  return `/${out.join('/')}`;
}

/** How well a URL of the configuration fits: the larger in this order, the better. */
export interface UrlFit {
  readonly hostLength: number;
  readonly pathLength: number;
  readonly userMatched: boolean;
}

/** Whether `pattern` (a URL of the configuration) covers `url`, and how closely. */
export function matchUrl(url: NormalUrl, pattern: NormalUrl): UrlFit | undefined {
  if (pattern.scheme !== url.scheme) return undefined;
  let userMatched = false;
  if (pattern.user !== undefined) {
    if (pattern.user !== url.user) return undefined;
    userMatched = true;
  }
  if (!hostMatches(url.host, pattern.host)) return undefined;
  if (pattern.port !== url.port) return undefined;
  const length = pathMatch(url.path, pattern.path);
  if (length === undefined) return undefined;
  return { hostLength: pattern.host.replaceAll('*', '').length, pathLength: length, userMatched };
}

function hostMatches(host: string, pattern: string): boolean {
  if (!pattern.includes('*')) return host === pattern;
  const own = host.split('.');
  const wanted = pattern.split('.');
  return own.length === wanted.length && wanted.every((part, i) => part === '*' || part === own[i]);
}

function pathMatch(path: string, prefix: string): number | undefined {
  const plain = prefix.replace(/\/$/, '');
  if (plain === '') return 1;
  if (!path.startsWith(plain)) return undefined;
  const next = path[plain.length];
  if (next !== undefined && next !== '/' && next !== '?' && next !== '#') return undefined;
  return plain.length + 1;
}

/** Orders fits: positive when `a` is the closer one. */
export function compareFits(a: UrlFit, b: UrlFit): number {
  return a.hostLength - b.hostLength || a.pathLength - b.pathLength || Number(a.userMatched) - Number(b.userMatched);
}

import { decodeText, type Bytes } from '../base/bytes.js';
import { parseConfigFile } from '../repo/config-file.js';

/** One bundle that a list names. */
export interface ListedBundle {
  readonly id: string;
  /** Absolute. */
  readonly uri: string;
  readonly filter: string | undefined;
  /** For the heuristic: newer bundles have greater ones. */
  readonly creationToken: bigint;
}

/** Where bundles are to be had (git's "Bundle URIs"). */
export interface BundleList {
  /** All of them make a whole, or any one does. */
  readonly mode: 'all' | 'any';
  /** The bundles are ordered by their tokens, so that a later fetch need not read them all. */
  readonly byToken: boolean;
  readonly bundles: readonly ListedBundle[];
  /** Where the list came from. */
  readonly base: string;
}

/** What a list at `base` names: a name without a scheme is taken from the folder that the list is in. */
export function resolveBundleUri(base: string, uri: string): string {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(uri)) return uri;
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*)(.*)$/.exec(base);
  const [host, path] = scheme === null ? ['', base] : [scheme[1]!, scheme[2]!];
  if (uri.startsWith('/')) return host + uri;
  const parts = path.split('/').slice(0, -1);
  for (const word of uri.split('/')) {
    if (word === '..') parts.pop();
    else if (word !== '.') parts.push(word);
  }
  return host + parts.join('/');
}

/** Reads `bundle.*` settings; `undefined` where they make no list. `base`: where the list came from. */
export function bundleListOf(
  entries: Iterable<readonly [key: string, value: string]>,
  base: string,
): BundleList | undefined {
  let version: string | undefined;
  let mode: string | undefined;
  let byToken = false;
  const found = new Map<string, { uri?: string; filter?: string; creationToken: bigint }>();
  for (const [key, value] of entries) {
    if (!key.startsWith('bundle.')) continue;
    const last = key.lastIndexOf('.');
    const name = key.slice(last + 1).toLowerCase();
    if (last === 6) {
      if (name === 'version') version = value;
      else if (name === 'mode') mode = value;
      else if (name === 'heuristic') byToken = value === 'creationToken';
      continue;
    }
    const id = key.slice(7, last);
    const bundle = found.get(id) ?? { creationToken: 0n };
    if (name === 'uri') bundle.uri ??= resolveBundleUri(base, value);
    else if (name === 'filter') bundle.filter = value;
    else if (name === 'creationtoken' && /^\d+$/.test(value)) bundle.creationToken = BigInt(value);
    found.set(id, bundle);
  }
  if (version !== '1' || (mode !== 'all' && mode !== 'any')) return undefined;
  const bundles: ListedBundle[] = [];
  for (const [id, { uri, filter, creationToken }] of found) {
    if (uri !== undefined) bundles.push({ id, uri, filter, creationToken });
  }
  return { mode, byToken, bundles, base };
}

/** The same from a file in the form of a configuration. */
export function parseBundleList(bytes: Bytes, base: string): BundleList | undefined {
  const file = parseConfigFile(decodeText(bytes));
  if (file.faultLine !== undefined) return undefined;
  const entries: [string, string][] = [];
  for (const token of file.tokens) if (token.type === 'entry') entries.push([token.key, token.value ?? 'true']);
  return bundleListOf(entries, base);
}

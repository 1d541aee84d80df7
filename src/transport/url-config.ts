import type { Config } from '../repo/config.js';
import type { UrlFit } from '../repo/urlmatch.js';
import { compareFits, matchUrl, normalizeUrl } from '../repo/urlmatch.js';

/**
 * Settings `<section>.<key>` and `<section>.<url>.<key>` as they apply to one URL. `partial`: URLs may be said in part;
 * `all`: a closer fit does not hide the others, as credentials have it.
 */
export class UrlConfig {
  readonly #values = new Map<string, { value: string | undefined; fit: UrlFit | undefined }[]>();

  constructor(
    config: Config,
    section: string,
    url: string,
    options: { readonly partial?: boolean; readonly all?: boolean } = {},
  ) {
    const target = normalizeUrl(url);
    const best = new Map<string, UrlFit | undefined>();
    for (const { key, value } of config.entries()) {
      if (!key.startsWith(`${section}.`)) continue;
      const last = key.lastIndexOf('.');
      const name = key.slice(last + 1);
      let fit: UrlFit | undefined;
      if (last > section.length) {
        const text = key.slice(section.length + 1, last);
        const pattern = normalizeUrl(text, true);
        if (pattern !== undefined && target !== undefined) fit = matchUrl(target, pattern);
        else if (options.partial === true) fit = partialFit(url, text);
        if (fit === undefined) continue;
      }
      const before = best.get(name);
      if (options.all !== true && before !== undefined && (fit === undefined || compareFits(fit, before) < 0)) continue;
      best.set(name, fit);
      const list = this.#values.get(name) ?? [];
      list.push({ value, fit });
      this.#values.set(name, list);
    }
  }

  /** The closest, latest value. `key` in lower case. */
  get(key: string): string | undefined {
    const list = this.#values.get(key);
    return list?.[list.length - 1]?.value;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  getBool(key: string): boolean | undefined {
    const list = this.#values.get(key);
    if (list === undefined) return undefined;
    const value = list[list.length - 1]!.value;
    if (value === undefined) return true;
    return /^(?:true|yes|on|[1-9]\d*)$/i.test(value) ? true : /^(?:false|no|off|0|)$/i.test(value) ? false : undefined;
  }

  /** All values in order; an empty one forgets those before it. */
  list(key: string): string[] {
    let out: string[] = [];
    for (const { value } of this.#values.get(key) ?? []) {
      if (value === undefined || value === '') out = [];
      else out.push(value);
    }
    return out;
  }
}

/** `credential.example.com.helper`: a URL of which only some parts are said. */
function partialFit(url: string, text: string): UrlFit | undefined {
  const full = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/@]*)@)?([^/]*)(\/.*)?$/i.exec(url);
  const part = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^/@]*)@)?([^/]*)(\/.*)?$/i.exec(text);
  if (full === null || part === null) return undefined;
  const [, scheme, user, host, path] = part;
  if (scheme !== undefined && scheme.toLowerCase() !== full[1]!.toLowerCase()) return undefined;
  if (host !== undefined && host !== '' && host !== full[3]) return undefined;
  if (user !== undefined && user !== full[2]?.split(':')[0]) return undefined;
  if (path !== undefined && path !== '/' && !`${full[4] ?? '/'}/`.startsWith(`${path.replace(/\/$/, '')}/`))
    return undefined;
  return { hostLength: host?.length ?? 0, pathLength: path?.length ?? 0, userMatched: user !== undefined };
}

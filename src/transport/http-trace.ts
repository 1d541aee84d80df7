import type { Bytes } from '../base/bytes.js';
import type { HttpResponse } from '../platform/network.js';

export interface HttpTraceSettings {
  readonly write: (line: string) => void;
  /** Bodies too, not headers alone. */
  readonly data: boolean;
  /** Secrets are replaced. */
  readonly redact: boolean;
}

type Header = readonly [string, string];

const title = (name: string): string => name.replace(/(?:^|-)[a-z]/g, (part) => part.toUpperCase());
const size = (bytes: number): string =>
  `${String(bytes).padStart(10, '0')} bytes (0x${bytes.toString(16).padStart(8, '0')})`;

/** What `GIT_TRACE_CURL` shows of requests and answers. */
export class HttpTrace {
  readonly #settings: HttpTraceSettings;

  constructor(settings: HttpTraceSettings) {
    this.#settings = settings;
  }

  sent(method: string, url: string, headers: readonly Header[], body: unknown): void {
    const { host, pathname, search } = new URL(url);
    const lines = [`${method} ${pathname}${search} HTTP/1.1`, `Host: ${host}`];
    for (const [name, value] of headers) lines.push(`${title(name)}: ${this.#shown(name, value)}`);
    if (body instanceof Uint8Array) lines.push(`Content-Length: ${body.length}`);
    else if (body !== undefined) lines.push('Transfer-Encoding: chunked');
    this.#headers('=> Send', lines);
    if (body instanceof Uint8Array) this.#data('=> Send', body);
  }

  received(response: HttpResponse): HttpResponse {
    const lines = [`HTTP/1.1 ${response.status}`];
    for (const [name, values] of response.headers)
      for (const value of values) lines.push(`${title(name)}: ${this.#shown(name, value)}`);
    this.#headers('<= Recv', lines);
    if (!this.#settings.data) return response;
    const { body } = response;
    const shown = async function* (this: HttpTrace): AsyncGenerator<Bytes> {
      for await (const chunk of body) {
        this.#data('<= Recv', chunk);
        yield chunk;
      }
    };
    return { ...response, body: shown.call(this), cancel: () => response.cancel() };
  }

  #shown(name: string, value: string): string {
    if (!this.#settings.redact) return value;
    switch (name.toLowerCase()) {
      case 'authorization':
      case 'proxy-authorization':
        return `${value.split(' ')[0]} <redacted>`;
      case 'cookie':
        return value.replace(/([^=;\s]+)=[^;]*/g, '$1=<redacted>');
      case 'set-cookie':
        return value.replace(/^([^=;]+)=[^;]*/, '$1=<redacted>');
      default:
        return value;
    }
  }

  #headers(what: string, lines: readonly string[]): void {
    const total = lines.reduce((sum, line) => sum + line.length + 2, 2);
    this.#settings.write(`${what} header, ${size(total)}`);
    for (const line of [...lines, '']) this.#settings.write(`${what} header: ${line}`);
  }

  #data(what: string, bytes: Bytes): void {
    if (!this.#settings.data) return;
    this.#settings.write(`${what} data, ${size(bytes.length)}`);
    for (let at = 0; at < bytes.length; at += 60) {
      let text = '';
      for (const byte of bytes.subarray(at, at + 60))
        text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
      this.#settings.write(`${what} data: ${text}`);
    }
  }
}

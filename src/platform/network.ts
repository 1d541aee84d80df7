import type { Bytes } from '../base/bytes.js';

/** A stream connection (TCP). */
export interface Socket {
  readonly input: AsyncIterable<Bytes>;
  /** Resolves when more may be written. */
  write(data: Bytes): Promise<void>;
  /** Closes our direction. */
  end(): Promise<void>;
  /** Ends both directions at once. */
  close(): void;
}

export interface ConnectOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What TLS may trust and show. Paths of files. */
export interface TlsSettings {
  readonly verify: boolean;
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** A stream is sent in chunks. */
  readonly body?: Bytes | AsyncIterable<Bytes> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `http://[user:password@]host:port`. */
  readonly proxy?: string | undefined;
  readonly tls?: TlsSettings | undefined;
  /** Fail when fewer than this many bytes per second arrive for so many seconds; 0 seconds: no limit. */
  readonly stallSeconds?: number | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** As it is meant: what came compressed (gzip) is unpacked, and `headers` do not speak of it. */
  readonly body: AsyncIterable<Bytes>;
  /** Stops reading; the connection is dropped. */
  cancel(): void;
}

/** Reaching other machines. Redirects are not followed here: what may follow where is the caller's business. */
export interface Network {
  connect(host: string, port: number, options?: ConnectOptions): Promise<Socket>;
  request(request: HttpRequest): Promise<HttpResponse>;
}

import type { Bytes } from '../base/bytes.js';
import { concatBytes, decodeText, emptyBytes, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Child, Processes } from '../platform/platform.js';

const MAX_PACKET = 65516;

/** What a filter said about one file. `delayed`: it will have it later. */
export type FilterAnswer =
  | { readonly status: 'success'; readonly data: Bytes }
  | { readonly status: 'error' | 'abort' | 'delayed' };

/**
 * A filter program that lives for many files (`filter.<name>.process`), spoken to in packets: a handshake, then for
 * each file its command, path and content, and back a status and content. One file at a time.
 */
export class FilterProcess {
  readonly capabilities = new Set<string>();
  readonly #child: Child;
  readonly #chunks: AsyncIterator<Bytes>;
  #pending: Bytes[] = [];
  #pendingLength = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #dead = false;

  private constructor(child: Child) {
    this.#child = child;
    this.#chunks = child.stdout[Symbol.asyncIterator]();
  }

  /** Starts the program and shakes hands; `undefined` when it does not answer as it must, which is then said. */
  static async start(
    processes: Processes,
    argv: readonly [string, ...string[]],
    options: { cwd?: string | undefined; env: Readonly<Record<string, string | undefined>> },
    complain: (message: string) => void,
  ): Promise<FilterProcess | undefined> {
    const filter = new FilterProcess(processes.open(argv, { ...options, stderr: 'inherit' }));
    try {
      await filter.#send(['git-filter-client', 'version=2']);
      const greeting = await filter.#packetText();
      if (greeting !== 'git-filter-server') throw unexpected(greeting, 'git-filter-server');
      const version = await filter.#packetText();
      if (version?.startsWith('version=') !== true) throw unexpected(version, 'version');
      if (version !== 'version=2') throw new GitError('PROTOCOL', `Version ${version.slice(8)} not supported`);
      const end = await filter.#packetText();
      if (end !== undefined) throw unexpected(end, 'flush');
      await filter.#send(['capability=clean', 'capability=smudge', 'capability=delay']);
      for (;;) {
        const line = await filter.#packetText();
        if (line === undefined) break;
        if (line.startsWith('capability=')) filter.capabilities.add(line.slice(11));
      }
      return filter;
    } catch (error) {
      if (error instanceof GitError) complain(error.message);
      filter.stop();
      return undefined;
    }
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /** Asks for one file. `details`: `pathname=…` and what else belongs to the request. */
  convert(command: 'clean' | 'smudge', details: readonly string[], content: Bytes | undefined): Promise<FilterAnswer> {
    const work = this.#queue.then(() => this.#convert(command, details, content));
    this.#queue = work.catch(() => undefined);
    return work;
  }

  async #convert(command: string, details: readonly string[], content: Bytes | undefined): Promise<FilterAnswer> {
    try {
      await this.#send([`command=${command}`, ...details]);
      const parts: Bytes[] = [];
      const data = content ?? emptyBytes;
      for (let at = 0; at < data.length; at += MAX_PACKET) parts.push(packet(data.subarray(at, at + MAX_PACKET)));
      parts.push(encodeText('0000'));
      await this.#child.write(concatBytes(parts));
      let status = await this.#status('');
      if (status === 'delayed') return { status: 'delayed' };
      if (status !== 'success') return { status: status === 'abort' ? 'abort' : 'error' };
      const answer: Bytes[] = [];
      for (;;) {
        const part = await this.#packet();
        if (part === 'flush') break;
        answer.push(part);
      }
      status = await this.#status(status);
      if (status !== 'success') return { status: status === 'abort' ? 'abort' : 'error' };
      return { status: 'success', data: answer.length === 0 ? emptyBytes : concatBytes(answer) };
    } catch {
      this.stop();
      return { status: 'error' };
    }
  }

  /** Files that were delayed and are ready now. */
  async available(): Promise<string[] | undefined> {
    try {
      await this.#send(['command=list_available_blobs']);
      const paths: string[] = [];
      for (;;) {
        const line = await this.#packetText();
        if (line === undefined) break;
        if (line.startsWith('pathname=')) paths.push(line.slice(9));
      }
      const status = await this.#status('');
      return status === 'success' ? paths : undefined;
    } catch {
      this.stop();
      return undefined;
    }
  }

  /** Lines up to a flush; a `status=` among them replaces the one before. */
  async #status(before: string): Promise<string> {
    let status = before;
    for (;;) {
      const line = await this.#packetText();
      if (line === undefined) return status;
      if (line.startsWith('status=')) status = line.slice(7);
    }
  }

  async #send(lines: readonly string[]): Promise<void> {
    const parts = lines.map((line) => packet(encodeText(`${line}\n`)));
    parts.push(encodeText('0000'));
    await this.#child.write(concatBytes(parts));
  }

  async #packetText(): Promise<string | undefined> {
    const read = await this.#packet();
    if (read === 'flush') return undefined;
    const text = decodeText(read);
    return text.endsWith('\n') ? text.slice(0, -1) : text;
  }

  async #packet(): Promise<Bytes | 'flush'> {
    const length = Number.parseInt(decodeText(await this.#read(4)), 16);
    if (length === 0) return 'flush';
    if (!(length >= 4)) throw new Error('bad packet');
    return this.#read(length - 4);
  }

  async #read(length: number): Promise<Bytes> {
    while (this.#pendingLength < length) {
      const next = await this.#chunks.next();
      if (next.done === true) throw new Error('the filter went away');
      this.#pending.push(next.value);
      this.#pendingLength += next.value.length;
    }
    const all = this.#pending.length === 1 ? this.#pending[0]! : concatBytes(this.#pending);
    this.#pending = [all.subarray(length)];
    this.#pendingLength = all.length - length;
    return all.subarray(0, length);
  }

  /** Closes the program's input, which tells it to end. */
  stop(): void {
    this.#dead = true;
    this.#child.end();
  }

  async finish(): Promise<void> {
    await this.#queue;
    this.stop();
    await this.#child.exit;
  }
}

const unexpected = (line: string | undefined, wanted: string): GitError =>
  new GitError('PROTOCOL', `Unexpected line '${line ?? '<flush packet>'}', expected ${wanted}`);

function packet(data: Bytes): Bytes {
  const head = encodeText((data.length + 4).toString(16).padStart(4, '0'));
  return concatBytes([head, data]);
}

import type { Bytes } from '../../base/bytes.js';
import { concatBytes, decodeText, emptyBytes } from '../../base/bytes.js';
import { GitError } from '../../base/errors.js';

/** The command stream: lines as byte-exact text, and exact amounts of raw bytes. */
export class CommandStream {
  readonly #more: () => Bytes | undefined;
  #bytes: Bytes = emptyBytes;
  #at = 0;
  #pushed: string | undefined;

  constructor(more: () => Bytes | undefined) {
    this.#more = more;
  }

  #fill(): boolean {
    const chunk = this.#more();
    if (chunk === undefined) return false;
    const rest = this.#bytes.subarray(this.#at);
    this.#bytes = rest.length === 0 ? chunk : concatBytes([rest, chunk]);
    this.#at = 0;
    return true;
  }

  #rawLine(): string | undefined {
    if (this.#pushed !== undefined) {
      const line = this.#pushed;
      this.#pushed = undefined;
      return line;
    }
    for (let from = this.#at; ; ) {
      const end = this.#bytes.indexOf(0x0a, from);
      if (end >= 0) {
        const line = decodeText(this.#bytes.subarray(this.#at, end));
        this.#at = end + 1;
        return line;
      }
      const seen = this.#bytes.length - this.#at;
      if (!this.#fill()) {
        if (this.#at === this.#bytes.length) return undefined;
        const line = decodeText(this.#bytes.subarray(this.#at));
        this.#at = this.#bytes.length;
        return line;
      }
      from = this.#at + seen;
    }
  }

  /** The next line that is no comment; `undefined` at the end. */
  line(): string | undefined {
    for (;;) {
      const line = this.#rawLine();
      if (line === undefined || !line.startsWith('#')) return line;
    }
  }

  /** Puts a line back, to be the next one. */
  unread(line: string | undefined): void {
    this.#pushed = line;
  }

  /** Exactly so many bytes, a view of what was read. Throws where there are fewer. */
  raw(length: number): Bytes {
    if (this.#bytes.length - this.#at < length) {
      const parts: Bytes[] = [this.#bytes.subarray(this.#at)];
      let got = parts[0]!.length;
      this.#bytes = emptyBytes;
      this.#at = 0;
      while (got < length) {
        const chunk = this.#more();
        if (chunk === undefined) {
          throw new GitError('PROTOCOL', `EOF in data (${length - got} bytes remaining)`);
        }
        parts.push(chunk);
        got += chunk.length;
      }
      this.#bytes = concatBytes(parts);
    }
    const data = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return data;
  }

  /** Skips one empty line, if that is what comes next. */
  skipEmptyLine(): void {
    if (this.#pushed !== undefined) {
      if (this.#pushed === '') this.#pushed = undefined;
      return;
    }
    if (this.#at >= this.#bytes.length && !this.#fill()) return;
    if (this.#bytes[this.#at] === 0x0a) this.#at++;
  }

  /** The body of a `data` command whose line is given. */
  data(line: string | undefined): Bytes {
    if (line === undefined || !line.startsWith('data ')) {
      throw new GitError('PROTOCOL', `expected 'data n' command, found: ${line ?? ''}`);
    }
    const what = line.slice(5);
    if (what.startsWith('<<')) {
      const end = what.slice(2);
      const lines: Bytes[] = [];
      const newline = Uint8Array.of(0x0a);
      for (;;) {
        const found = this.#rawBytesLine();
        if (found === undefined) throw new GitError('PROTOCOL', `EOF in data (terminator '${end}' not found)`);
        if (decodeText(found) === end) break;
        lines.push(found, newline);
      }
      this.skipEmptyLine();
      return lines.length === 0 ? emptyBytes : concatBytes(lines);
    }
    if (!/^\d+$/.test(what)) throw new GitError('PROTOCOL', `expected 'data n' command, found: ${line}`);
    const body = this.raw(Number(what));
    this.skipEmptyLine();
    return body;
  }

  #rawBytesLine(): Bytes | undefined {
    for (let from = this.#at; ; ) {
      const end = this.#bytes.indexOf(0x0a, from);
      if (end >= 0) {
        const line = this.#bytes.slice(this.#at, end);
        this.#at = end + 1;
        return line;
      }
      const seen = this.#bytes.length - this.#at;
      if (!this.#fill()) return undefined;
      from = this.#at + seen;
    }
  }
}

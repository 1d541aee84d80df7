import type { Bytes } from '../base/bytes.js';
import type { ReadHandle } from '../platform/fs.js';

const WINDOW_BITS = 15;
export const WINDOW_SIZE = 1 << WINDOW_BITS;

interface Window {
  readonly file: WindowedFile;
  readonly index: number;
  readonly data: Bytes;
  used: boolean;
}

/** A buffer of its own that is filled at once need not be cleared before. */
const uncleared = (globalThis as { Buffer?: typeof Buffer }).Buffer?.allocUnsafeSlow;

/** Parts of files kept in memory, up to a number of bytes; the least lately used go first (second chance). */
export class WindowCache {
  readonly #limit: number;
  readonly #ring: Window[] = [];
  #hand = 0;

  constructor(bytes: number) {
    this.#limit = Math.max(8, Math.ceil(bytes / WINDOW_SIZE));
  }

  load(file: WindowedFile, index: number): Window {
    let buffer: Bytes | undefined;
    let slot = this.#ring.length;
    if (slot >= this.#limit) {
      for (;;) {
        if (this.#hand >= this.#ring.length) this.#hand = 0;
        const candidate = this.#ring[this.#hand]!;
        if (!candidate.used) break;
        candidate.used = false;
        this.#hand++;
      }
      slot = this.#hand++;
      const old = this.#ring[slot]!;
      old.file.forget(old.index);
      buffer = new Uint8Array(old.data.buffer, 0, WINDOW_SIZE);
    }
    buffer ??= uncleared?.(WINDOW_SIZE) ?? new Uint8Array(WINDOW_SIZE);
    const got = file.handle.readInto(buffer, index * WINDOW_SIZE);
    const window: Window = { file, index, data: got === WINDOW_SIZE ? buffer : buffer.subarray(0, got), used: true };
    this.#ring[slot] = window;
    return window;
  }

  /** Forgets a file's windows. */
  drop(file: WindowedFile): void {
    for (let i = this.#ring.length - 1; i >= 0; i--) {
      if (this.#ring[i]!.file !== file) continue;
      const last = this.#ring.pop()!;
      if (i < this.#ring.length) this.#ring[i] = last;
    }
    this.#hand = 0;
  }
}

/** A file read through a window cache. Bytes handed out are only good until the next call. */
export class WindowedFile {
  readonly handle: ReadHandle;
  readonly size: number;
  readonly #cache: WindowCache;
  readonly #windows: (Window | undefined)[];

  constructor(handle: ReadHandle, cache: WindowCache) {
    this.handle = handle;
    this.size = handle.size;
    this.#cache = cache;
    this.#windows = new Array<Window | undefined>(Math.ceil(this.size / WINDOW_SIZE));
  }

  forget(index: number): void {
    this.#windows[index] = undefined;
  }

  /** The window that holds `position`, which lies in it at `position % WINDOW_SIZE`. */
  window(position: number): Bytes {
    const index = Math.floor(position / WINDOW_SIZE);
    const window = this.#windows[index];
    if (window !== undefined) {
      window.used = true;
      return window.data;
    }
    const loaded = this.#cache.load(this, index);
    this.#windows[index] = loaded;
    return loaded.data;
  }

  /** Bytes `[position, position + length)` in one piece, at most a window's size; fewer at the end of the file. */
  read(position: number, length: number): Bytes {
    const at = position % WINDOW_SIZE;
    const window = this.window(position);
    if (at + length <= window.length || window.length < WINDOW_SIZE) return window.subarray(at, at + length);
    return this.handle.read(position, length);
  }

  close(): void {
    this.#cache.drop(this);
    this.handle.close();
  }
}

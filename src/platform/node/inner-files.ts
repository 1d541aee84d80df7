import * as nodeFs from 'node:fs';
import { binding } from './builtins.js';

/*
 * What lies under `node:fs`. Node compiles its own functions when a process first calls them, which takes a short
 * command longer than its files do; `Stats` objects cost more than the system call they tell of. So the calls under
 * them are taken, one by one, where this Node's own function is seen to make them with just these arguments, and the
 * public functions everywhere else. Failures are the same errors: they are made below.
 */

/** Columns of what a look answers: device, mode, links, uid, gid, device it is (5), …, inode (7), size (8), …, seconds and nanoseconds. */
export type RawStat = Float64Array;

export interface InnerFiles {
  /** A look at a path, following links or not; `undefined` when nothing is there. One array, valid until the next look. */
  readonly stat: (path: string, bigint: false, request: undefined, throwIfMissing: false) => RawStat | undefined;
  readonly lstat: InnerFiles['stat'];
  readonly fstat: (descriptor: number, bigint: false, request: undefined, shouldNotThrow: false) => RawStat | undefined;
  readonly open: (path: string, flags: number, mode: number) => number;
  readonly close: (descriptor: number) => void;
  /** `position` -1: where the last read ended. */
  readonly read: (descriptor: number, into: Uint8Array, offset: number, length: number, position: number) => number;
}

/** Writes where the last write ended. What went wrong is left in `failure.errno`, and nothing is answered then. */
export type InnerWrite = (
  descriptor: number,
  data: Uint8Array,
  offset: number,
  length: number,
  position: null,
  request: undefined,
  failure: { errno?: number },
) => number | undefined;

export type InnerReadDirectory = (
  path: string,
  encoding: 'utf8',
  withTypes: true,
) => readonly [names: string[], kinds: number[]] | undefined;

/** How Node's functions make the calls, in 20.20, 22.23 and 24.21 alike. */
const calls: Readonly<Record<keyof InnerFiles, readonly [outer: unknown, call: string]>> = {
  stat: [nodeFs.statSync, 'options.bigint,\n    undefined,\n    options.throwIfNoEntry,\n  );'],
  lstat: [nodeFs.lstatSync, 'options.bigint,\n    undefined,\n    options.throwIfNoEntry,\n  );'],
  fstat: [nodeFs.fstatSync, 'binding.fstat(fd, options.bigint, undefined, false'],
  open: [nodeFs.openSync, "parseFileMode(mode, 'mode', 0o666),\n  );"],
  close: [nodeFs.closeSync, 'binding.close(fd);'],
  read: [nodeFs.readSync, 'binding.read(fd, buffer, offset, length, position);'],
};

/** Numbers that a look answers, as long as Node has known nanoseconds. */
const COLUMNS = 18;

function find(): InnerFiles | undefined {
  if (process.platform === 'win32') return undefined;
  for (const name in calls) {
    const [outer, call] = calls[name as keyof InnerFiles];
    if (!String(outer).includes(call)) return undefined;
  }
  try {
    const inner = binding('fs') as unknown as InnerFiles & { kFsStatsFieldsNumber?: number };
    if (inner.kFsStatsFieldsNumber !== COLUMNS) return undefined;
    const root = inner.lstat('/', false, undefined, false);
    return root instanceof Float64Array && root.length >= COLUMNS && (root[1]! & 0o170000) === 0o040000
      ? inner
      : undefined;
  } catch {
    return undefined;
  }
}

let found: InnerFiles | null | undefined = null;

/** The calls, or `undefined` where they are not known. */
export function innerFiles(): InnerFiles | undefined {
  if (found === null) found = find();
  return found;
}

const outer: Pick<InnerFiles, 'read' | 'close'> = {
  read: (descriptor, into, offset, length, position) =>
    nodeFs.readSync(descriptor, into, offset, length, position < 0 ? null : position),
  close: (descriptor) => nodeFs.closeSync(descriptor),
};

/** What needs no path: the calls, or the public functions. */
export const openFiles = (): Pick<InnerFiles, 'read' | 'close'> => innerFiles() ?? outer;

/** A call that is taken by itself, beside the others. */
function single<T>(name: string, caller: unknown, call: RegExp): () => T | undefined {
  let one: T | null | undefined = null;
  return () => {
    if (one === null) {
      const known = innerFiles() !== undefined && call.test(String(caller));
      one = known ? (binding('fs')[name] as T | undefined) : undefined;
    }
    return one;
  };
}

/** Writing; not as the others: what goes wrong is told in the last argument. */
export const innerWrite = single<InnerWrite>(
  'writeBuffer',
  nodeFs.writeSync,
  /binding\.writeBuffer\(fd, buffer, offset, length, position,\s*undefined, ctx\);/,
);

/** Names in a folder, with their kinds. */
export const innerReadDirectory = single<InnerReadDirectory>(
  'readdir',
  nodeFs.readdirSync,
  /binding\.readdir\(\s*[\w.]+(?:\(path\))?,\s*options\.encoding,\s*!!options\.withFileTypes,?\s*\)/,
);

import { encodeText } from '../../src/base/bytes.js';
import type { Random } from '../support/random.js';

/** A file of a random history: git's mode and its content (for a submodule, the commit's id). */
interface FileState {
  readonly mode: '100644' | '100755' | '120000' | '160000';
  readonly content: string;
}

type Files = ReadonlyMap<string, FileState>;

export interface RandomHistory {
  /** A fast-import stream; commit number n is `refs/heads/c<n>`. */
  readonly stream: Uint8Array;
  readonly commits: number;
}

const directories = ['', 'a/', 'b/', 'a/x/', 'b/y/', 'c/', 'lib/core/', 'lib/'];
const names = ['one', 'two', 'three', 'Makefile', 'z.c', 'a', 'b.txt'];

/**
 * A history with everything a merge can trip over: edits near and far, renames of files and directories, deletions,
 * modes, links, submodules, binaries, files where directories were, criss-cross merges.
 */
export function randomHistory(
  random: Random,
  commits: number,
  options: { readonly submodules?: boolean } = {},
): RandomHistory {
  const writer = new HistoryWriter(random, options.submodules !== false);
  for (let i = 0; i < commits; i++) writer.commit(i);
  return { stream: encodeText(writer.stream), commits };
}

class HistoryWriter {
  stream = '';
  readonly #states: Files[] = [];

  constructor(
    readonly random: Random,
    readonly submodules: boolean,
  ) {}

  commit(n: number): void {
    const { random } = this;
    const parents: number[] = [];
    let files = new Map<string, FileState>();
    if (n === 0) for (let i = 0; i < 14; i++) put(files, this.#path(), this.#newFile());
    else {
      const reach = random.chance(0.3) ? n : Math.min(n, 4);
      parents.push(n - 1 - random.below(reach));
      files = new Map(this.#states[parents[0]!]!);
      if (n > 2 && random.chance(0.3)) {
        const other = n - 1 - random.below(Math.min(n, 5));
        if (other !== parents[0]) {
          parents.push(other);
          for (const [path, file] of this.#states[other]!) if (random.chance(0.5)) put(files, path, file);
        }
      }
      for (let i = 1 + random.below(4); i > 0; i--) this.#change(files);
    }
    this.#states.push(files);
    this.#write(n, parents, files);
  }

  #write(n: number, parents: readonly number[], files: Files): void {
    let text = `commit refs/heads/c${n}\nmark :${n + 1}\ncommitter C <c@example.com> ${1700000000 + 10 * n} +0000\n`;
    text += `data <<E\ncommit ${n}\nE\n`;
    parents.forEach((parent, i) => {
      text += `${i === 0 ? 'from' : 'merge'} :${parent + 1}\n`;
    });
    text += 'deleteall\n';
    for (const [path, { mode, content }] of files) {
      if (mode === '160000') text += `M 160000 ${content} "${path}"\n`;
      else text += `M ${mode} inline "${path}"\ndata ${encodeText(content).length}\n${content}\n`;
    }
    this.stream += `${text}\n`;
  }

  #path(): string {
    return this.random.pick(directories) + this.random.pick(names);
  }

  #lines(count: number): string {
    return Array.from({ length: count }, () => `line ${this.random.below(30)}\n`).join('');
  }

  #newFile(): FileState {
    const { random } = this;
    if (random.chance(0.06)) return { mode: '120000', content: random.pick(names) };
    if (random.chance(0.05) && this.submodules) return { mode: '160000', content: `${1 + random.below(5)}`.repeat(40) };
    if (random.chance(0.06)) return { mode: '100644', content: `bin\0${this.#lines(10)}` };
    if (random.chance(0.05)) return { mode: '100644', content: '' };
    const text = this.#lines(8 + random.below(20));
    return { mode: random.chance(0.1) ? '100755' : '100644', content: random.chance(0.1) ? text.trimEnd() : text };
  }

  #change(files: Map<string, FileState>): void {
    const { random } = this;
    const paths = [...files.keys()];
    if (paths.length === 0) {
      put(files, this.#path(), this.#newFile());
      return;
    }
    const path = random.pick(paths);
    const file = files.get(path)!;
    switch (random.below(11)) {
      case 0:
      case 1:
      case 2:
      case 3:
        files.set(path, { ...file, content: this.#edit(file) });
        return;
      case 4:
        files.delete(path);
        return;
      case 5:
        put(files, this.#path(), this.#newFile());
        return;
      case 6:
      case 7:
        files.delete(path);
        put(files, this.#path(), random.chance(0.5) ? { ...file, content: this.#edit(file) } : file);
        return;
      case 8:
        if (file.mode === '100644') files.set(path, { ...file, mode: '100755' });
        else if (file.mode === '100755') files.set(path, { ...file, mode: '100644' });
        return;
      case 9:
        this.#renameDirectory(files);
        return;
      default:
        if (random.chance(0.4)) put(files, path, this.#newFile());
        else put(files, `${path}/${random.pick(names)}`, this.#newFile());
    }
  }

  #edit({ mode, content }: FileState): string {
    const { random } = this;
    if (mode === '160000') return `${1 + random.below(5)}`.repeat(40);
    if (mode === '120000') return random.pick(names);
    const lines = content.split('\n');
    for (let i = 1 + random.below(3); i > 0; i--) {
      const at = random.below(lines.length);
      const line = `line ${random.below(60)}`;
      if (random.chance(0.3)) lines.splice(at, 1);
      else if (random.chance(0.5)) lines.splice(at, 0, line);
      else lines[at] = line;
    }
    return lines.join('\n');
  }

  #renameDirectory(files: Map<string, FileState>): void {
    const { random } = this;
    const from = random.pick(directories.slice(1));
    const to = random.pick(['d/', 'e/f/', 'b/', 'a/', '', 'lib/new/', 'a/x/']);
    for (const [path, file] of [...files]) {
      if (!path.startsWith(from) || random.chance(0.1)) continue;
      files.delete(path);
      put(files, to + path.slice(from.length), file);
    }
  }
}

/** Sets a path and takes away what cannot be there with it: files above, and everything below. */
function put(files: Map<string, FileState>, path: string, file: FileState): void {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) files.delete(path.slice(0, at));
  for (const other of files.keys()) if (other.startsWith(`${path}/`)) files.delete(other);
  files.set(path, file);
}

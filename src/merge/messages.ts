import { compareText } from '../base/bytes.js';

/** What a merge says about a path, with git's name for the kind of news (`merge-tree -z` prints it). */
export interface MergeMessage {
  readonly type: string;
  /** The path it is filed under, then the others that take part. */
  readonly paths: readonly string[];
  /** One line or more, without the last newline. */
  readonly text: string;
}

/** Collects messages; they are told by path, in order of making within one. */
export class Messages {
  readonly #byPath = new Map<string, MergeMessage[]>();

  /** Files a message under the first of its paths; `text` without the last newline. */
  add(type: string, paths: readonly string[], text: string): void {
    const list = this.#byPath.get(paths[0]!);
    if (list === undefined) this.#byPath.set(paths[0]!, [{ type, paths, text }]);
    else list.push({ type, paths, text });
  }

  /** All of them, by path. */
  sorted(): MergeMessage[] {
    return [...this.#byPath.keys()].sort(compareText).flatMap((path) => this.#byPath.get(path)!);
  }
}

import { systemMessage } from '../platform/system-message.js';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { unquotePath } from '../base/quote.js';
import { fsckObject } from '../objects/fsck.js';
import { TreeCursor } from '../objects/tree.js';
import { whileWriting } from '../objects/write-failure.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { openWorkTree } from './work-tree.js';

const kinds: ReadonlySet<string> = new Set(['blob', 'tree', 'commit', 'tag']);

export const command = defineCommand({
  name: 'hash-object',
  summary: "compute an object's id, and store it if asked",
  usage: [
    'hash-object [-t <type>] [-w] [--path=<file> | --no-filters]\n' +
      '                [--stdin [--literally]] [--] <file>...',
    'hash-object [-t <type>] [-w] --stdin-paths [--no-filters]',
  ],
  options: {
    t: { type: 'string', short: 't', shortOnly: true, value: 'type', help: 'object type' },
    w: { type: 'flag', short: 'w', shortOnly: true, help: 'write the object into the object database' },
    stdin: { type: 'count', help: 'read the object from stdin' },
    'stdin-paths': { type: 'flag', help: 'read file names from stdin' },
    'no-filters': { type: 'flag', help: 'store file as is without filters' },
    literally: { type: 'flag', help: 'just hash any random garbage to create corrupt objects for debugging Git' },
    path: { type: 'string', value: 'file', help: 'process file as it were from this path' },
  },
  async *run(context, { values, rest }): AsyncGenerator<{ oid: Oid }, void> {
    const stdin = (values.stdin ?? 0) > 0;
    if ((values.stdin ?? 0) > 1) throw new UsageError('Multiple --stdin arguments are not supported');
    const stdinPaths = values['stdin-paths'] === true;
    const plain = values['no-filters'] === true;
    const virtual = values.path ?? undefined;
    if (stdinPaths) {
      if (stdin) throw new UsageError("Can't use --stdin-paths with --stdin");
      if (rest.length > 0) throw new UsageError("Can't specify files with --stdin-paths");
      if (virtual !== undefined) throw new UsageError("Can't use --stdin-paths with --path");
    } else if (virtual !== undefined && plain) throw new UsageError("Can't use --path with --no-filters");
    const kind = values.t ?? 'blob';
    if (!kinds.has(kind)) throw new GitError('USAGE', `invalid object type "${kind}"`);
    const repository = values.w === true ? context.repository() : context.maybeRepository();
    const hasher = new Hasher(context, repository, kind as ObjectKind, {
      write: values.w === true,
      literally: values.literally === true,
      plain,
    });
    if (stdin) {
      const data = context.io.stdin.readAll();
      yield { oid: await hasher.hash(data, virtual === undefined ? undefined : hasher.inTree(virtual)) };
    }
    const hashFile = async (name: string): Promise<{ oid: Oid }> => {
      const place = path.resolve(context.cwd, name);
      let data: Bytes;
      try {
        data = fs.readFileSync(place);
      } catch (error) {
        if ((error as { code?: string }).code === 'EISDIR') throw new GitError('USAGE', `Unable to hash ${name}`);
        throw new GitError('PATH_MISSING', `could not open '${name}' for reading: ${systemMessage(error)}`);
      }
      return { oid: await hasher.hash(data, hasher.inTree(virtual ?? name), name) };
    };
    for (const name of rest) yield await hashFile(name);
    if (stdinPaths) {
      for (const line of context.io.stdin.lines()) {
        let name = line;
        if (line.startsWith('"')) {
          const unquoted = unquotePath(line);
          if (unquoted === undefined) throw new GitError('USAGE', 'line is badly quoted');
          name = unquoted.value;
        }
        yield await hashFile(name);
        // A process that talks to us waits for each answer.
        context.io.stdout.flush();
      }
    }
    await hasher.close();
  },
  render: ({ oid }) => `${oid}\n`,
});

interface HashOptions {
  readonly write: boolean;
  readonly literally: boolean;
  /** No conversions. */
  readonly plain: boolean;
}

class Hasher {
  readonly #context: CommandContext;
  readonly #repository: Repository | undefined;
  readonly #kind: ObjectKind;
  readonly #options: HashOptions;
  #tree: ReturnType<typeof openWorkTree> | undefined;

  constructor(context: CommandContext, repository: Repository | undefined, kind: ObjectKind, options: HashOptions) {
    this.#context = context;
    this.#repository = repository;
    this.#kind = kind;
    this.#options = options;
  }

  /** A name from the command line as a path of the work tree. */
  inTree(name: string): string | undefined {
    const repository = this.#repository;
    if (repository === undefined) return undefined;
    const absolute = path.resolve(this.#context.cwd, name);
    const top = repository.workTree ?? this.#context.cwd;
    const below = path.relative(top, absolute);
    return below.startsWith('..') || path.isAbsolute(below) ? undefined : below;
  }

  async hash(data: Bytes, name: string | undefined, shown?: string): Promise<Oid> {
    let content = data;
    const repository = this.#repository;
    if (this.#kind === 'blob' && !this.#options.plain && name !== undefined && repository !== undefined) {
      this.#tree ??= openWorkTree(this.#context, { bareToo: true });
      content = await this.#tree.converter.clean(name, data, {
        store: this.#options.write,
        checkSafe: this.#options.write,
      });
    }
    const algorithm = repository?.objectFormat ?? 'sha1';
    if (!this.#options.literally) this.#check(content, algorithm);
    if (this.#options.write) {
      try {
        return await repository!.objects.write(this.#kind, content);
      } catch (error) {
        throw whileWriting(
          error,
          shown === undefined ? 'Unable to add stdin to database' : `Unable to add ${shown} to database`,
        );
      }
    }
    return this.#context.platform.hashObject(algorithm, this.#kind, content);
  }

  #check(data: Bytes, algorithm: 'sha1' | 'sha256'): void {
    if (this.#kind === 'blob') return;
    const [worst] = fsckObject(this.#kind, data, { algorithm }).filter(({ severity }) => severity === 'error');
    if (worst === undefined) return;
    if (worst.id === 'badTree') {
      try {
        const cursor = new TreeCursor(data, algorithm === 'sha1' ? 20 : 32);
        while (cursor.next());
      } catch (error) {
        this.#context.error((error as Error).message);
      }
    }
    this.#context.error(`object fails fsck: ${worst.id}: ${worst.message}`);
    throw new GitError('OBJECT_CORRUPT', 'refusing to create malformed object');
  }

  async close(): Promise<void> {
    await this.#tree?.close();
  }
}

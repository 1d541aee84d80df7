import type { Bytes } from '../base/bytes.js';
import { concatBytes, decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { path as checkPath } from '../base/path.js';
import type { Tree } from '../store/tree.js';
import { defineCommand, type CommandContext } from './command.js';
import { UsageError } from './options.js';
import { renderWritten, type ValueWritten, valueStore, writeOptions } from './values.js';

type Step =
  | { readonly verb: 'get' | 'list' | 'remove'; readonly path: string }
  | { readonly verb: 'put' | 'test'; readonly path: string; readonly value: Bytes }
  | { readonly verb: 'absent'; readonly path: string };

interface Read {
  readonly read: 'get' | 'list';
  readonly path: string;
  /** The value, the steps below, or nothing. */
  readonly value?: Bytes | undefined;
  readonly steps?: readonly string[] | undefined;
}

interface Failed {
  readonly failed: 'test' | 'absent';
  readonly path: string;
  readonly actual?: Bytes | undefined;
}

type Result = Read | Failed | ValueWritten;

const verbs: ReadonlySet<string> = new Set(['get', 'list', 'remove', 'put', 'test', 'absent']);

/** The script's steps: `verb path [value]` lines, or with `-z` the same fields with NUL between and behind. */
function* readScript(context: CommandContext, nul: boolean): Generator<Step> {
  const { stdin } = context.io;
  const newline = encodeText('\n');
  for (let line = 1; ; line++) {
    const row = stdin.readUntil(nul ? 0 : 0x0a);
    if (row === undefined) return;
    if (row.length === 0 || (!nul && row[0] === 0x23)) continue;
    const text = decodeText(row);
    const space = text.indexOf(' ');
    const verb = space < 0 ? text : text.slice(0, space);
    if (!verbs.has(verb))
      throw new GitError('USAGE', `unknown step '${verb}' in line ${line}`, {
        hint: `the steps are ${[...verbs].join(', ')}`,
      });
    const rest = space < 0 ? '' : text.slice(space + 1);
    if (verb !== 'put' && verb !== 'test') {
      yield { verb: verb as 'get', path: checkPath(rest) };
      continue;
    }
    if (nul) {
      const value = stdin.readUntil(0);
      if (value === undefined) throw new GitError('USAGE', `no value for '${rest}'`);
      yield { verb, path: checkPath(rest), value };
      continue;
    }
    const cut = rest.indexOf(' ');
    if (cut < 0) throw new GitError('USAGE', `no value for '${rest}' in line ${line}`);
    yield {
      verb: verb as 'put',
      path: checkPath(rest.slice(0, cut)),
      value: concatBytes([encodeText(rest.slice(cut + 1)), newline]),
    };
  }
}

const same = (a: Bytes | undefined, b: Bytes): boolean => a !== undefined && Buffer.compare(a, b) === 0;

/** Runs the steps on one snapshot. `undefined`: a test failed, which `reads` ends with. */
async function runSteps(tree: Tree<Bytes>, script: readonly Step[], reads: Result[]): Promise<Tree<Bytes> | undefined> {
  for (const step of script) {
    switch (step.verb) {
      case 'get':
        reads.push({ read: 'get', path: step.path, value: await tree.findBytes(step.path) });
        break;
      case 'list': {
        const steps: string[] = [];
        for await (const { step: name, kind } of tree.list(step.path)) steps.push(kind === 'tree' ? `${name}/` : name);
        reads.push({ read: 'list', path: step.path, steps });
        break;
      }
      case 'put':
        tree = await tree.put(step.path, step.value);
        break;
      case 'remove':
        tree = await tree.remove(step.path);
        break;
      case 'test': {
        const actual = await tree.findBytes(step.path);
        if (same(actual, step.value)) break;
        reads.push({ failed: 'test', path: step.path, actual });
        return undefined;
      }
      case 'absent':
        if ((await tree.kind(step.path)) === undefined) break;
        reads.push({ failed: 'absent', path: step.path, actual: await tree.findBytes(step.path) });
        return undefined;
    }
  }
  return tree;
}

export const command = defineCommand<
  Result,
  typeof writeOptions & { z: { type: 'flag'; short: 'z'; shortOnly: true; help: string } }
>({
  name: 'transact',
  summary: 'Run a script of reads, tests and writes as one commit',
  usage: ['transact [--branch <branch>] [-m <msg>] [-z] < <script>'],
  options: {
    ...writeOptions,
    z: {
      type: 'flag',
      short: 'z',
      shortOnly: true,
      help: 'fields of the script end with NUL, so that values may hold newlines',
    },
  },
  async *run(context, args) {
    if (args.rest.length > 0) throw new UsageError();
    const script = [...readScript(context, args.values.z === true)];
    const store = await valueStore(context, args.values.branch);
    const writes = script.filter(({ verb }) => verb === 'put' || verb === 'remove');
    const message = args.values.message ?? `transact ${writes.length} change${writes.length === 1 ? '' : 's'}`;
    // Everything is read from one snapshot; when another writer was first, the whole script runs again on the new one.
    let reads: Result[] = [];
    let failed = false;
    const written = await store.commit(
      async (tree) => {
        reads = [];
        const after = await runSteps(tree, script, reads);
        failed = after === undefined;
        return after ?? tree;
      },
      { message },
    );
    yield* reads;
    const last = reads[reads.length - 1];
    if (failed && last !== undefined && 'failed' in last) {
      context.error(
        last.failed === 'absent'
          ? `'${last.path}' is not absent`
          : `'${last.path}' is ${last.actual === undefined ? 'absent' : 'another value'}`,
      );
      context.hint('nothing was written');
      return 1;
    }
    if (writes.length > 0 && (args.values.quiet !== true || context.json)) {
      yield {
        branch: store.branch,
        paths: [...new Set(writes.map(({ path }) => path))],
        subject: message.split('\n', 1)[0],
        ...written,
      };
    }
    return 0;
  },
  render(result): string | Bytes {
    if ('failed' in result) return '';
    if (!('read' in result)) return renderWritten(result);
    if (result.read === 'list') return (result.steps ?? []).map((step) => `${step}\n`).join('');
    return result.value ?? '';
  },
});

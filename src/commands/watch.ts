import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { path as checkPath } from '../base/path.js';
import type { Change } from '../store/tree.js';
import { defineCommand, type CommandContext } from './command.js';
import { toJsonLine } from './json.js';
import { UsageError } from './options.js';
import { commitNamed, valueStore } from './values.js';

/** Exit code of what an interrupt has ended. */
const INTERRUPTED = 130;

interface Seen {
  readonly commit?: Oid | undefined;
  readonly parent?: Oid | undefined;
  readonly author?: string | undefined;
  readonly subject?: string | undefined;
  readonly changes: readonly Change[];
}

export const command = defineCommand({
  name: 'watch',
  summary: 'Tell every committed change below a path as it happens',
  usage: ['watch [--branch <branch>] [--from <rev>] [--count <n>] [<path>] [-- <command>...]'],
  options: {
    branch: { type: 'string', short: 'b', value: 'branch', help: 'watch this branch instead of the current one' },
    from: { type: 'string', value: 'rev', help: 'first tell what came after this revision' },
    count: { type: 'number', short: 'n', value: 'n', help: 'stop after so many commits' },
  },
  parsing: { keepDashDash: true },
  async *run(context, args) {
    const cut = args.rest.indexOf('--');
    const words = cut < 0 ? args.rest : args.rest.slice(0, cut);
    const program = cut < 0 ? [] : args.rest.slice(cut + 1);
    if (words.length > 1 || (cut >= 0 && program.length === 0)) throw new UsageError();
    const store = await valueStore(context, args.values.branch);
    const { from } = args.values;
    const start = typeof from === 'string' ? await commitNamed(context, from) : undefined;
    let left = args.values.count ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return 0;
    const events = store.watch({
      path: checkPath(words[0] ?? ''),
      signal: context.signal,
      ...(start === undefined ? {} : { from: start }),
    });
    for await (const { before, after, changes } of events) {
      const seen: Seen = {
        commit: after?.oid,
        parent: before?.oid,
        author: after === undefined ? undefined : `${after.author.name} <${after.author.email}>`,
        subject: after?.message.split('\n', 1)[0],
        changes,
      };
      if (program.length === 0) {
        yield seen;
        context.io.stdout.flush();
      } else {
        const code = runFor(context, program, seen);
        if (code !== 0) return code;
      }
      if (--left <= 0) return 0;
    }
    // Only an interrupt ends it without a count.
    return INTERRUPTED;
  },
  render: (seen: Seen): string | Bytes =>
    seen.changes
      .map(({ path, before, after }) => `${before === undefined ? '+' : after === undefined ? '-' : '*'} ${path}\n`)
      .join(''),
});

/** Runs the command with the event as a line of JSON on its input; a failing command ends the watch with its code. */
function runFor(context: CommandContext, program: readonly string[], seen: Seen): number {
  const { code } = context.platform.processes!.runSync(program as [string, ...string[]], {
    input: toJsonLine(seen),
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...context.env, BOUGH_COMMIT: seen.commit, BOUGH_PATHS: seen.changes.map(({ path }) => path).join('\n') },
  });
  return code;
}

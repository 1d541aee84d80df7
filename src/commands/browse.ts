import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { path as checkPath } from '../base/path.js';
import { defaultDateMode, formatDate } from '../repo/date-format.js';
import type { BrowseRow, BrowseSource } from '../tui/browse.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { valueStore } from './values.js';

/** Bytes of a value that the screen looks at. */
const HEAD = 65_536;
/** Commits of a path that the screen lists. */
const CHANGES = 200;

export const command = defineCommand({
  name: 'browse',
  summary: 'Walk through the values of a branch and their history on a screen',
  usage: ['browse [--branch <branch>] [<path>]'],
  options: {
    branch: { type: 'string', short: 'b', value: 'branch', help: 'show this branch instead of the current one' },
  },
  async *run(context, args) {
    if (args.rest.length > 1) throw new UsageError();
    const path = checkPath(args.rest[0] ?? '');
    const store = await valueStore(context, args.values.branch);
    // What is shown is the head as it was when the screen opened: it does not change under the person's eyes.
    const tree = await store.tree();
    const rows = async (at: string): Promise<readonly BrowseRow[]> => {
      const found: BrowseRow[] = [];
      for await (const { step, kind } of tree.list(at)) found.push({ name: step, kind });
      return found;
    };
    const clock = context.repository().clock;
    const source: BrowseSource = {
      branch: store.branch.replace(/^refs\/heads\//, ''),
      rows,
      async value(at) {
        const data = await tree.findBytes(at);
        if (data === undefined) return '';
        if (data.subarray(0, HEAD).includes(0)) return `(${data.length} bytes, not text)`;
        return decodeText(data.subarray(0, HEAD));
      },
      async history(at) {
        const found = [];
        for await (const { oid, author, message } of store.history({ path: at, limit: CHANGES }))
          found.push({
            commit: oid as string,
            date: formatDate(author.seconds, author.zone, defaultDateMode, clock),
            author: author.name,
            subject: message.split('\n', 1)[0]!,
          });
        return found;
      },
    };
    if (context.json) {
      yield* await rows(path);
      return 0;
    }
    if (!context.io.stdout.isTerminal || process.stdin.isTTY !== true)
      throw new GitError('USAGE', 'browse needs a terminal', {
        hint: "'bough list' and 'bough get' print the same",
      });
    context.io.stdout.flush();
    const { browse } = await import('../tui/browse.js');
    await browse(source, path, { stdin: process.stdin, stdout: process.stdout });
    return 0;
  },
  render: (row: BrowseRow) => `${row.name}\n`,
});

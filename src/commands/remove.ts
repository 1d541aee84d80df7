import { path as checkPath } from '../base/path.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { renderWritten, type ValueWritten, valueStore, writeOptions } from './values.js';

export const command = defineCommand({
  name: 'remove',
  summary: 'Take values off a branch, as one commit',
  usage: ['remove [--branch <branch>] [-m <msg>] <path>...'],
  options: writeOptions,
  async *run(context, args) {
    if (args.rest.length === 0) throw new UsageError();
    const paths = args.rest.map(checkPath);
    const store = await valueStore(context, args.values.branch);
    const message = args.values.message ?? `remove ${paths.join(' ')}`;
    const written = await store.commit(
      async (tree) => {
        for (const path of paths) tree = await tree.remove(path);
        return tree;
      },
      { message },
    );
    const result: ValueWritten = { branch: store.branch, paths, subject: message.split('\n', 1)[0], ...written };
    if (args.values.quiet !== true || context.json) yield result;
    return 0;
  },
  render: renderWritten,
});

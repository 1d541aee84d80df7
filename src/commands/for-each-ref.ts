import { defineCommand } from './command.js';
import { type FormattedRef, forEachRef, forEachRefOptions, forEachRefUsage } from './ref-list-options.js';

export const command = defineCommand({
  name: 'for-each-ref',
  summary: 'Output information on each ref',
  usage: [forEachRefUsage('for-each-ref')],
  options: forEachRefOptions,
  async *run(context, args): AsyncGenerator<FormattedRef> {
    yield* forEachRef(context, args);
  },
  render: (result) => result.text,
});

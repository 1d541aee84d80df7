import { updateServerInfo } from '../porcelain/update-instead.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'update-server-info',
  summary: 'Write the files that clients over plain file transfer read',
  usage: ['update-server-info [-f | --force]'],
  options: { force: { type: 'flag', short: 'f', help: 'update the info files from scratch' } },
  // biome-ignore lint/correctness/useYield: nothing is printed
  async *run(context, { values, rest }): AsyncGenerator<{ text: string }, number> {
    if (rest.length > 0) throw new UsageError();
    await updateServerInfo(context.repository(), values.force === true);
    return 0;
  },
  render: renderText,
});

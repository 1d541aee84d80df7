import { defineCommand } from './command.js';
import { BlameRun, blameUsage } from './blame-run.js';
import type { BlameResult } from './blame-run.js';

export const command = defineCommand({
  name: 'annotate',
  summary: 'Annotate file lines with commit information',
  usage: blameUsage('annotate'),
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<BlameResult, number | undefined> {
    return yield* new BlameRun(context, true).run();
  },
  render: (result: BlameResult) => result.text,
});

import { defineCommand } from './command.js';
import { BlameRun, blameUsage } from './blame-run.js';
import type { BlameResult } from './blame-run.js';

export const command = defineCommand({
  name: 'blame',
  summary: 'Show what revision and author last modified each line of a file',
  usage: blameUsage('blame'),
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<BlameResult, number | undefined> {
    return yield* new BlameRun(context, false).run();
  },
  render: (result: BlameResult) => result.text,
});

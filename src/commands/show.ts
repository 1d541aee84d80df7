import { defineCommand } from './command.js';
import { LogRun } from './log-run.js';
import type { LogResult } from './log-run.js';

export const command = defineCommand({
  name: 'show',
  summary: 'Show various types of objects',
  usage: ['log [<options>] [<revision-range>] [[--] <path>...]', 'show [<options>] <object>...'],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<LogResult, number> {
    return yield* new LogRun(context, 'show').run();
  },
  render: (result: LogResult) => result.text,
});

import { defineCommand } from './command.js';
import { LogRun } from './log-run.js';
import type { LogResult } from './log-run.js';

export const command = defineCommand({
  name: 'log',
  summary: 'Show commit logs',
  usage: ['log [<options>] [<revision-range>] [[--] <path>...]', 'show [<options>] <object>...'],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<LogResult, number> {
    return yield* new LogRun(context, 'log').run();
  },
  render: (result: LogResult) => result.text,
});

import * as fs from 'node:fs';
import { GitError } from '../base/errors.js';
import { runCacheDaemon } from '../server/credential-cache.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'credential-cache--daemon',
  summary: 'Keep credentials in memory for credential-cache',
  usage: ['credential-cache--daemon [--debug] <socket-path>'],
  options: { debug: { type: 'flag', help: 'print debugging messages to stderr' } },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly text: string }, number> {
    const [socket] = rest;
    if (socket === undefined) throw new UsageError();
    if (!socket.startsWith('/')) throw new GitError('USAGE', 'socket directory must be an absolute path');
    await runCacheDaemon(socket, () => {
      context.print('ok\n');
      context.io.stdout.flush();
      // Whoever started us may wait for the end of what we could still print.
      if (values.debug !== true) {
        fs.closeSync(2);
        fs.openSync('/dev/null', 'w');
      }
    });
    return 0;
  },
  render: renderText,
});

import { enterRepository } from '../transport/enter-repository.js';
import { requestedVersion } from '../transport/server-io.js';
import { uploadPack } from '../transport/upload-pack.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';
import { agent, sessionId, standardIo } from './service-io.js';

export const command = defineCommand({
  name: 'upload-pack',
  summary: 'Send objects to a fetching client',
  usage: [
    '-upload-pack [--[no-]strict] [--timeout=<n>] [--stateless-rpc]\n                [--advertise-refs] <directory>',
  ],
  options: {
    'stateless-rpc': { type: 'flag', help: 'quit after a single request/response exchange' },
    'http-backend-info-refs': {
      type: 'flag',
      aliases: ['advertise-refs'],
      hidden: true,
      help: 'serve up the info/refs for git-http-backend',
    },
    strict: { type: 'flag', help: 'do not try <directory>/.git/ if <directory> is no Git directory' },
    timeout: { type: 'number', value: 'n', help: 'interrupt transfer after <n> seconds of inactivity' },
  },
  // biome-ignore lint/correctness/useYield: all output is protocol
  async *run(context, { values, rest }): AsyncGenerator<{ text: string }, number> {
    if (rest.length !== 1) throw new UsageError();
    const repository = enterRepository(context.platform, context.env, context.cwd, rest[0]!, values.strict === true);
    try {
      await uploadPack(repository, standardIo(context, 'upload-pack'), {
        version: requestedVersion(context.env['GIT_PROTOCOL']),
        stateless: values['stateless-rpc'],
        advertiseOnly: values['http-backend-info-refs'],
        agent: agent(context),
        sessionId: sessionId(context),
      });
    } finally {
      repository.close();
    }
    return 0;
  },
  render: renderText,
});

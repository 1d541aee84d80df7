import { enterRepository } from '../transport/enter-repository.js';
import { receivePush } from '../transport/receive-pack.js';
import { requestedVersion } from '../transport/server-io.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';
import { receiveServices } from './receive-services.js';
import { agent, sessionId, standardIo } from './service-io.js';

export const command = defineCommand({
  name: 'receive-pack',
  summary: 'Take what a client pushes into a repository',
  usage: ['receive-pack <git-dir>'],
  options: {
    quiet: { type: 'flag', short: 'q', help: 'quiet' },
    'skip-connectivity-check': { type: 'flag', hidden: true },
    'stateless-rpc': { type: 'flag', hidden: true },
    'http-backend-info-refs': { type: 'flag', aliases: ['advertise-refs'], hidden: true },
    'reject-thin-pack-for-testing': { type: 'flag', hidden: true },
  },
  // biome-ignore lint/correctness/useYield: all output is protocol
  async *run(context, { values, rest }): AsyncGenerator<{ text: string }, number> {
    if (rest.length > 1) throw new UsageError('too many arguments', { fatal: true });
    if (rest.length === 0) throw new UsageError('you must specify a directory', { fatal: true });
    const repository = enterRepository(context.platform, context.env, context.cwd, rest[0]!, false);
    try {
      const asked = requestedVersion(context.env['GIT_PROTOCOL']);
      await receivePush(repository, standardIo(context, 'receive-pack'), {
        // Pushing has no version 2.
        version: asked === 2 ? 0 : asked,
        stateless: values['stateless-rpc'],
        advertiseOnly: values['http-backend-info-refs'],
        agent: agent(context),
        sessionId: sessionId(context),
        ...receiveServices,
        skipConnectivity: values['skip-connectivity-check'],
        rejectThin: values['reject-thin-pack-for-testing'],
      });
    } finally {
      repository.close();
    }
    return 0;
  },
  render: renderText,
});

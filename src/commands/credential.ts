import { GitError } from '../base/errors.js';
import { HelperCredentials } from '../transport/credential-helpers.js';
import { formatCredential, parseCredential } from '../transport/credential-format.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';
import { terminalPrompt } from './terminal-prompt.js';
import { transportConfig } from './transport-context.js';

export const command = defineCommand({
  name: 'credential',
  summary: 'Get and store names and passwords',
  bareUsage: true,
  usage: ['credential (fill|approve|reject)'],
  options: {},
  async *run(context, { rest }): AsyncGenerator<{ readonly text: string }, number> {
    const [action] = rest;
    if (rest.length !== 1 || !['fill', 'approve', 'reject', 'capability'].includes(action!)) throw new UsageError();
    if (action === 'capability') {
      yield { text: 'version 0\ncapability authtype\ncapability state\n' };
      return 0;
    }
    const config = transportConfig(context);
    const given = parseCredential(context.io.stdin.lines());
    const source = new HelperCredentials({
      platform: context.platform,
      env: context.env,
      config,
      prompt: terminalPrompt(),
      warn: (message) => context.warning(message),
    });
    if (given.protocol === undefined)
      throw new GitError('USAGE', 'refusing to work with credential missing protocol field');
    if (given.host === undefined) throw new GitError('USAGE', 'refusing to work with credential missing host field');
    if (action === 'approve') await source.approve(given);
    else if (action === 'reject') await source.reject(given);
    else {
      const filled = await source.fill(given);
      yield {
        text: formatCredential(
          { ...filled, wwwauth: undefined },
          { protectProtocol: config.getBool('credential.protectprotocol', true) },
        ),
      };
    }
    return 0;
  },
  render: renderText,
});

import { GitError } from '../base/errors.js';
import { readUserConfig } from '../repo/repository.js';
import { repositoryVariables } from '../repo/local-environment.js';
import { defineCommand, renderText } from './command.js';

/** Settings of the command line hold for every repository. */
const handedOn = ['GIT_CONFIG_PARAMETERS', 'GIT_CONFIG_COUNT'];

export const command = defineCommand({
  name: 'for-each-repo',
  summary: 'Run a command on a list of repositories',
  usage: ['for-each-repo --config=<config> [--] <arguments>'],
  options: {
    config: { type: 'string', value: 'config', help: 'config key storing a list of repository paths' },
    'keep-going': { type: 'flag', help: 'keep going even if command fails in a repository' },
  },
  parsing: { stopAtNonOption: true },
  // biome-ignore lint/correctness/useYield: what runs prints for itself
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number> {
    const key = args.values.config ?? undefined;
    if (key === undefined) throw new GitError('USAGE', 'missing --config=<config>');
    if (!/^[a-z0-9-]+\.(?:.*\.)?[a-z][a-z0-9-]*$/is.test(key)) {
      throw new GitError('USAGE', `got bad config --config=${key}`);
    }
    const config = context.maybeRepository()?.config ?? readUserConfig(context);
    const { processes } = context.platform;
    const program = process.argv[1];
    if (processes === undefined || program === undefined) {
      throw new GitError('UNSUPPORTED', 'no programs can be run here');
    }
    const env = { ...context.env };
    for (const name of repositoryVariables) if (!handedOn.includes(name)) delete env[name];
    let failed = 0;
    for (const value of config.getAll(key)) {
      const path = config.expandPath(value);
      const ran = await processes.run([process.execPath, program, '-C', path, ...args.rest], {
        cwd: context.cwd,
        env,
        stdin: 'inherit',
        stdout: 'inherit',
        stderr: 'inherit',
      });
      if (ran.code === 0) continue;
      failed = ran.code;
      if (args.values['keep-going'] !== true) return failed;
    }
    return failed === 0 ? 0 : 1;
  },
  render: renderText,
});

import type { Config } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import { readUserConfig } from '../repo/repository.js';
import type { TransportContext } from '../transport/connection.js';
import { HelperCredentials } from '../transport/credential-helpers.js';
import { localServer } from '../transport/local-server.js';
import type { CommandContext, Progress } from './command.js';
import { receiveServices } from './receive-services.js';
import { agent, httpTrace, packetTrace, sessionId } from './service-io.js';
export { RemoteSpeech } from './remote-speech.js';
import { terminalPrompt } from './terminal-prompt.js';

/** The configuration of the repository, or the user's own outside of one. */
export function transportConfig(context: CommandContext): Config {
  return (
    context.maybeRepository()?.config ??
    readUserConfig({ platform: context.platform, env: context.env, cwd: context.cwd })
  );
}

/** What connecting needs, from a command's surroundings. `name`: as traces show it. */
export function transportContext(
  context: CommandContext,
  config: Config,
  name: string,
  more: { readonly family?: 4 | 6 | undefined; readonly verbose?: boolean; readonly quiet?: boolean } = {},
): TransportContext {
  return {
    platform: context.platform,
    env: context.env,
    cwd: context.cwd,
    config,
    agent: agent(context),
    errors: (text) => context.printError(text),
    trace: packetTrace(context, name),
    helperTrace: packetTrace(context, 'git'),
    httpTrace: httpTrace(context),
    sessionId: config.getBool('transfer.advertisesid', false) ? sessionId(context) : undefined,
    signal: context.signal,
    credentials: new HelperCredentials({
      platform: context.platform,
      env: context.env,
      config,
      prompt: terminalPrompt(),
      warn: (message) => context.warning(message),
    }),
    localServer: localServer({
      platform: context.platform,
      env: context.env,
      cwd: context.cwd,
      agent: agent(context),
      sessionId: sessionId(context),
      trace: (service) => packetTrace(context, service),
      ...receiveServices,
    }),
    ...more,
  };
}

/** Where the repository's relative paths in URLs start: the top of the work tree. */
export const transportDirectory = (context: CommandContext, repository: Repository | undefined): string =>
  repository?.insideWorkTree === true ? repository.workTree! : context.cwd;

/** `Receiving objects: …` and `Resolving deltas: …`. */
export function receivingProgress(
  context: CommandContext,
): (phase: 'receive' | 'resolve', done: number, total: number, bytes?: number) => void {
  let current: Progress | undefined;
  let phaseNow = '';
  return (phase, done, total, bytes) => {
    if (phase !== phaseNow) {
      current?.done();
      phaseNow = phase;
      current = context.progress(phase === 'receive' ? 'Receiving objects' : 'Resolving deltas', {
        total,
        force: true,
      });
    }
    current?.update(done, total, bytes);
    if (done === total) {
      current?.done();
      current = undefined;
    }
  };
}

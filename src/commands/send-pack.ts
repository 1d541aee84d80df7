import { GitError } from '../base/errors.js';
import { pushTo } from '../porcelain/push.js';
import { signedMode } from '../porcelain/push-sign.js';
import { Remotes } from '../transport/remote-config.js';
import { defineCommand, renderText } from './command.js';
import { verbosityOf } from './verbosity.js';
import { UsageError } from './options.js';
import { RemoteSpeech, transportContext } from './transport-context.js';

export const command = defineCommand({
  name: 'send-pack',
  summary: 'Push objects to another repository',
  usage: [
    'send-pack [--mirror] [--dry-run] [--force]\n' +
      '              [--receive-pack=<git-receive-pack>]\n' +
      '              [--verbose] [--thin] [--atomic]\n' +
      '              [--[no-]signed | --signed=(true|false|if-asked)]\n' +
      '              [<host>:]<directory> (--all | <ref>...)',
  ],
  options: {
    verbose: { type: 'count', short: 'v', help: 'be more verbose' },
    quiet: { type: 'count', short: 'q', help: 'be more quiet' },
    'receive-pack': { type: 'string', value: 'receive-pack', aliases: ['exec'], help: 'receive pack program' },
    remote: { type: 'string', value: 'remote', help: 'remote name' },
    all: { type: 'flag', help: 'push all refs' },
    'dry-run': { type: 'flag', short: 'n', help: 'dry run' },
    mirror: { type: 'flag', help: 'mirror all refs' },
    force: { type: 'flag', short: 'f', help: 'force updates' },
    signed: { type: 'optional', value: '(yes|no|if-asked)', implied: 'yes', help: 'GPG sign the push' },
    'push-option': { type: 'list', value: 'server-specific', help: 'option to transmit' },
    progress: { type: 'flag', help: 'force progress reporting' },
    thin: { type: 'flag', help: 'use thin pack' },
    atomic: { type: 'flag', help: 'request atomic transaction on remote side' },
    'stateless-rpc': { type: 'flag', help: 'use stateless RPC protocol' },
    stdin: { type: 'flag', help: 'read refs from stdin' },
    'helper-status': { type: 'flag', help: 'print status from remote helper' },
  },
  async *run(context, { values, rest, events }): AsyncGenerator<{ text: string }, number> {
    const [url, ...words] = rest;
    if (url === undefined) throw new UsageError();
    if (values.stdin === true) for (const line of context.io.stdin.lines()) words.push(line);
    if (words.length > 0 && (values.all === true || values.mirror === true)) throw new UsageError();
    const repository = context.repository();
    const remotes = new Remotes(repository.config, repository);
    const speech = new RemoteSpeech(context, repository.config, url);
    const result = await pushTo(
      repository,
      remotes.get(values.remote ?? url),
      url,
      transportContext(context, repository.config, 'send-pack'),
      {
        refspecs: words.length === 0 && values.all !== true && values.mirror !== true ? [':'] : words,
        all: values.all === true,
        mirror: values.mirror === true,
        tags: false,
        followTags: false,
        force: values.force === true,
        lease: undefined,
        ifIncludes: false,
        prune: false,
        dryRun: values['dry-run'] === true,
        atomic: values.atomic === true,
        thin: values.thin === true,
        verify: false,
        setUpstream: false,
        porcelain: false,
        plumbing: true,
        verbosity: verbosityOf(events),
        pushOptions: values['push-option'] ?? [],
        signed: signedMode(
          values.signed ?? undefined,
          () => new GitError('USAGE', `bad signed argument: ${values.signed}`),
        ),
        receivePack: values['receive-pack'] ?? undefined,
        say: (text) => context.printError(text),
        error: (message) => context.error(message),
        hint: () => {},
        hear: speech.hear,
        heard: () => speech.finish(),
        progress: values.progress === true ? async (text) => context.printError(text) : undefined,
        runHook: async () => undefined,
      },
    );
    speech.finish();
    return result.code;
  },
  render: renderText,
});

import { GitError } from '../base/errors.js';
import { currentBranch } from '../porcelain/fetch.js';
import { type Lease, type PushOptions, type PushResult, pushTo } from '../porcelain/push.js';
import { signedMode } from '../porcelain/push-sign.js';
import { preparePushRefspecs } from '../porcelain/push-refspecs.js';
import type { Config } from '../repo/config.js';
import { runHook } from '../transport/hook-run.js';
import { checkUrlCredentials, type RemoteConfig, Remotes } from '../transport/remote-config.js';
import { defineCommand } from './command.js';
import { verbosityOf } from './verbosity.js';
import type { OptionEvent } from './options.js';
import { RemoteSpeech, transportContext, transportDirectory } from './transport-context.js';

interface Result {
  readonly result?: PushResult;
  readonly text: string;
}

export const command = defineCommand({
  name: 'push',
  summary: 'Update refs of another repository, with the objects they need',
  usage: ['push [<options>] [<repository> [<refspec>...]]'],
  options: {
    verbose: { type: 'count', short: 'v', help: 'be more verbose' },
    quiet: { type: 'count', short: 'q', help: 'be more quiet' },
    repo: { type: 'string', value: 'repository', help: 'repository' },
    all: { type: 'flag', aliases: ['branches'], help: 'push all branches' },
    mirror: { type: 'flag', help: 'mirror all refs' },
    delete: { type: 'flag', short: 'd', help: 'delete refs' },
    tags: { type: 'flag', help: "push tags (can't be used with --all or --branches or --mirror)" },
    'dry-run': { type: 'flag', short: 'n', help: 'dry run' },
    porcelain: { type: 'flag', help: 'machine-readable output' },
    force: { type: 'flag', short: 'f', help: 'force updates' },
    'force-with-lease': {
      type: 'optional',
      value: '<refname>:<expect>',
      implied: '',
      help: 'require old value of ref to be at this value',
    },
    'force-if-includes': { type: 'flag', help: 'require remote updates to be integrated locally' },
    'recurse-submodules': {
      type: 'string',
      value: '(check|on-demand|no)',
      help: 'control recursive pushing of submodules',
    },
    thin: { rarelyMeant: true, type: 'flag', help: 'use thin pack' },
    'receive-pack': { type: 'string', value: 'receive-pack', aliases: ['exec'], help: 'receive pack program' },
    'set-upstream': { type: 'flag', short: 'u', help: 'set upstream for git pull/status' },
    progress: { type: 'flag', help: 'force progress reporting' },
    prune: { type: 'flag', help: 'prune locally removed refs' },
    verify: { type: 'flag', help: 'bypass pre-push hook' },
    'follow-tags': { type: 'flag', help: 'push missing but relevant tags' },
    signed: { type: 'optional', value: '(yes|no|if-asked)', implied: 'yes', help: 'GPG sign the push' },
    atomic: { type: 'flag', help: 'request atomic transaction on remote side' },
    'push-option': { type: 'list', short: 'o', value: 'server-specific', help: 'option to transmit' },
    ipv4: { type: 'flag', short: '4', negatable: false, help: 'use IPv4 addresses only' },
    ipv6: { type: 'flag', short: '6', negatable: false, help: 'use IPv6 addresses only' },
  },
  async *run(context, { values, rest, events }): AsyncGenerator<Result, number> {
    const repository = context.repository();
    const { config } = repository;
    const remotes = new Remotes(config, repository);
    const signed =
      values.signed === undefined
        ? configuredSigning(config)
        : signedMode(values.signed ?? undefined, () => new GitError('USAGE', `bad signed argument: ${values.signed}`));
    const deleting = values.delete === true;
    const together = (a: string, b: string): never => {
      throw new GitError('USAGE', `options '${a}' and '${b}' cannot be used together`);
    };
    const all = values.all === true;
    if (deleting && (all || values.mirror === true || values.tags === true)) {
      throw new GitError(
        'USAGE',
        "options '--delete' and '--all/--branches/--mirror/--tags' cannot be used together".replace(
          '--all/--branches/--mirror/--tags',
          all ? '--all' : values.mirror === true ? '--mirror' : '--tags',
        ),
      );
    }
    if (deleting && rest.length < 2) throw new GitError('USAGE', "--delete doesn't make sense without any refs");
    const branch = await currentBranch(repository);
    const repo = rest[0] ?? values.repo ?? undefined;
    if (repo !== undefined && repo === '') throw new GitError('USAGE', "bad repository ''");
    const one = async function* (remote: RemoteConfig): AsyncGenerator<Result, number> {
      if (
        (remote.urls.length === 0 && remote.pushUrls.length === 0) ||
        (!remote.configured && repo === undefined && !remotes.isChosen(branch))
      ) {
        throw new GitError(
          'USAGE',
          'No configured push destination.\nEither specify the URL from the command-line or configure a remote repository using\n\n    git remote add <name> <url>\n\nand then push using the remote name\n\n    git push <name>\n\nTo push to multiple remotes at once, configure a remote group using\n\n    git config remotes.<groupname> "<remote1> <remote2>"\n\nand then push using the group name\n\n    git push <groupname>\n',
        );
      }
      checkUrlCredentials(config, remote.urls, (message) => context.warning(message));
      const mirror = values.mirror === true || remote.mirror;
      const words = rest.slice(1);
      if (all) {
        if (values.tags === true) together('--all', '--tags');
        if (words.length > 0) throw new GitError('USAGE', "--all can't be combined with refspecs");
      }
      if (mirror) {
        if (values.tags === true) together('--mirror', '--tags');
        if (words.length > 0) throw new GitError('USAGE', "--mirror can't be combined with refspecs");
        if (all) together('--all', '--mirror');
      }
      const prepared = await preparePushRefspecs(repository, remotes, remote, {
        words,
        deleting,
        named: all || mirror || (values.tags === true && words.length === 0),
        setUpstream: values['set-upstream'] === true,
      });
      const verbosity = verbosityOf(events);
      const speech = new RemoteSpeech(context, config, remote.pushUrls[0]);
      const progress = values.progress ?? (verbosity >= 0 && context.io.stderr.isTerminal);
      const pushOptions =
        values['push-option'] ??
        config
          .getAll('push.pushoption')
          .reduce<string[]>((list, value) => (value === '' ? [] : list.concat(value)), []);
      for (const option of pushOptions) {
        if (option.includes('\n')) throw new GitError('USAGE', 'push options must not have new line characters');
      }
      const lease = leaseOf(events);
      const options: PushOptions = {
        refspecs: prepared.refspecs,
        all,
        mirror,
        tags: values.tags === true,
        followTags: values['follow-tags'] ?? config.getBool('push.followtags', false),
        force: values.force === true,
        lease,
        ifIncludes:
          lease !== undefined && (values['force-if-includes'] ?? config.getBool('push.useforceifincludes', false)),
        prune: values.prune === true,
        dryRun: values['dry-run'] === true,
        atomic: values.atomic === true,
        thin: values.thin !== false,
        verify: values.verify !== false,
        setUpstream: values['set-upstream'] === true || prepared.setUpstream,
        porcelain: values.porcelain === true,
        verbosity,
        pushOptions,
        signed,
        receivePack: values['receive-pack'] ?? undefined,
        say: (text) => context.printError(text),
        error: (message) => context.error(message),
        hint: (message) => context.hint(message),
        hear: speech.hear,
        heard: () => speech.finish(),
        progress: progress ? async (text) => context.printError(text) : undefined,
        runHook: (name, args, input) =>
          runHook(repository, name, args, {
            input,
            cwd: repository.workTree ?? repository.gitDir,
            output: (text) => context.printError(text),
            // Of all hooks, this one's output has always been left where it is.
            answer: (text) => context.print(text),
          }),
      };
      let code = 0;
      for (const url of pushUrls(remote)) {
        const result = await pushTo(
          repository,
          remote,
          url,
          {
            ...transportContext(context, config, 'push', {
              family: values.ipv4 === true ? 4 : values.ipv6 === true ? 6 : undefined,
              quiet: verbosity < 0,
              verbose: verbosity > 0,
            }),
            cwd: transportDirectory(context, repository),
          },
          options,
        );
        speech.finish();
        yield { result, text: result.out };
        code = Math.max(code, result.code);
      }
      return code;
    };
    const members = repo === undefined ? [] : remotes.group(repo);
    if (members.length <= 1) return yield* one(remotes.get(members[0] ?? remotes.defaultPushName(branch)));
    if (values.atomic === true) throw new GitError('USAGE', '--atomic can only be used when pushing to one remote');
    // A group is a shorthand for one push after another, each for itself.
    let worst = 0;
    for (const member of members) {
      yield { text: `Pushing to ${member}\n` };
      let code = 128;
      try {
        code = yield* one(remotes.get(member));
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        context.printError(`${error.data['severity'] === 'error' ? 'error' : 'fatal'}: ${error.message}\n`);
      }
      if (code === 0) continue;
      context.error(`could not push to ${member}`);
      worst = 1;
    }
    return worst;
  },
  render: (result: Result) => result.text,
});

/** `push.gpgSign`. */
function configuredSigning(config: Config): PushOptions['signed'] {
  const entry = config.last('push.gpgsign');
  if (entry === undefined) return undefined;
  return signedMode(entry.value ?? 'true', () => new GitError('CONFIG', "invalid value for 'push.gpgsign'"));
}

const pushUrls = (remote: RemoteConfig): readonly string[] => remote.pushUrls;

/** All `--force-with-lease` uses together; `--no-force-with-lease` forgets those before it. */
function leaseOf(events: readonly OptionEvent[]): Lease | undefined {
  let rest = false;
  let entries: Lease['entries'][number][] = [];
  for (const event of events) {
    if (event.key !== 'force-with-lease') continue;
    if (event.negated) {
      rest = false;
      entries = [];
    } else if (event.value === null || event.value === '') rest = true;
    else {
      const colon = event.value.indexOf(':');
      entries.push(
        colon < 0
          ? { ref: event.value, expect: undefined }
          : { ref: event.value.slice(0, colon), expect: event.value.slice(colon + 1) },
      );
    }
  }
  return rest || entries.length > 0 ? { rest, entries } : undefined;
}

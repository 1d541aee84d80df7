import { GitError } from '../base/errors.js';
import { traceRegion } from '../base/trace.js';
import type { NonEmpty } from '../base/awaitable.js';
import { compareText } from '../base/bytes.js';
import { becomesDangling, staleRefs } from '../porcelain/fetch.js';
import {
  addRemote,
  RemoteFault,
  removeRemote,
  renameRemote,
  setBranches,
  setMaster,
  setUrl,
} from '../porcelain/remote-edit.js';
import { LocalConfig } from '../porcelain/local-config.js';
import { describeRemote, headBranches } from '../porcelain/remote-show.js';
import { prettyRef } from '../porcelain/update-line.js';
import type { RefUpdate } from '../refs/store.js';
import type { Repository } from '../repo/repository.js';
import type { RemoteRef } from '../transport/advertisement.js';
import { connect, remoteRefs } from '../transport/connect.js';
import { farewell } from '../transport/fetch-pack.js';
import { parseRefspec } from '../transport/refspec.js';
import { checkUrlCredentials, protocolVersion, type RemoteConfig, Remotes } from '../transport/remote-config.js';
import { type CommandContext, defineCommand, renderText } from './command.js';
import type { OptionSpecs } from './options.js';
import { parseSubcommand, subcommandUsage } from './subcommand.js';
import { transportContext, transportDirectory } from './transport-context.js';

type Output = AsyncGenerator<{ readonly text: string }, number | void>;

interface Verb {
  readonly usage: readonly string[];
  readonly options: OptionSpecs;
  run(
    context: CommandContext,
    values: Record<string, unknown>,
    rest: readonly string[],
    verb: Verb,
  ): Output | Promise<number | undefined>;
}

const synopsis = [
  'remote [-v | --verbose]',
  'remote add [-t <branch>] [-m <master>] [-f] [--tags | --no-tags] [--mirror=<fetch|push>] <name> <url>',
  'remote rename [--[no-]progress] <old> <new>',
  'remote remove <name>',
  'remote set-head <name> (-a | --auto | -d | --delete | <branch>)',
  'remote [-v | --verbose] show [-n] <name>',
  'remote prune [-n | --dry-run] <name>',
  'remote [-v | --verbose] update [-p | --prune] [(<group> | <remote>)...]',
  'remote set-branches [--add] <name> <branch>...',
  'remote get-url [--push] [--all] <name>',
  'remote set-url [--push] <name> <newurl> [<oldurl>]',
  'remote set-url --add <name> <newurl>',
  'remote set-url --delete <name> <url>',
];

const verbs: Readonly<Record<string, Verb>> = {
  add: {
    usage: ['remote add [<options>] <name> <url>'],
    options: {
      fetch: { type: 'flag', short: 'f', help: 'fetch the remote branches' },
      tags: {
        type: 'flag',
        help: 'import all tags and associated objects when fetching\nor do not fetch any tag at all (--no-tags)',
      },
      track: { type: 'list', short: 't', value: 'branch', help: 'branch(es) to track' },
      master: { type: 'string', short: 'm', value: 'branch', help: 'master branch' },
      mirror: {
        type: 'optional',
        value: '(push|fetch)',
        implied: 'both',
        help: 'set up remote as a mirror to push to or fetch from',
      },
    },
    async *run(context, values, rest, verb): Output {
      if (rest.length !== 2) return subcommandUsage(context, verb.usage, verb.options);
      const repository = context.repository();
      const [name, url] = rest as [string, string];
      const mirror = values['mirror'] as string | null | undefined;
      if (mirror != null && values['master'] != null) {
        throw new GitError('USAGE', 'specifying a master branch makes no sense with --mirror');
      }
      const tracked = (values['track'] as readonly string[] | undefined) ?? [];
      if (mirror != null && mirror !== 'fetch' && mirror !== 'both' && tracked.length > 0) {
        throw new GitError('USAGE', 'specifying branches to track makes sense only with fetch mirrors');
      }
      if (mirror === 'both') {
        context.warning('--mirror is dangerous and deprecated; please\n\t use --mirror=fetch or --mirror=push instead');
      } else if (mirror != null && mirror !== 'fetch' && mirror !== 'push') {
        context.error(`unknown --mirror argument: ${mirror}`);
        return 129;
      }
      await addRemote(repository, {
        name,
        url,
        branches: tracked,
        tags: values['tags'] === true ? 'all' : values['tags'] === false ? 'none' : undefined,
        mirror: (mirror ?? undefined) as 'fetch' | 'push' | 'both' | undefined,
        master: undefined,
      });
      if (values['fetch'] === true) {
        yield { text: `Updating ${name}\n` };
        context.io.stdout.flush();
        if ((await context.runCommand('fetch', [name])) !== 0) {
          context.error(`Could not fetch ${name}`);
          return 1;
        }
      }
      const master = values['master'] as string | null | undefined;
      if (master != null) await setMaster(repository, name, master);
    },
  },
  rename: {
    usage: ['remote rename [--[no-]progress] <old> <new>'],
    options: { progress: { type: 'flag', help: 'force progress reporting' } },
    async run(context, _values, rest, verb): Promise<number | undefined> {
      if (rest.length !== 2) return subcommandUsage(context, verb.usage, verb.options);
      const warnings = await traceRegion('progress', 'Renaming remote references', () =>
        renameRemote(context.repository(), rest[0]!, rest[1]!),
      );
      for (const warning of warnings) context.warning(warning);
      return undefined;
    },
  },
  remove: {
    usage: ['remote remove <name>'],
    options: {},
    async run(context, _values, rest, verb): Promise<number | undefined> {
      if (rest.length !== 1) return subcommandUsage(context, verb.usage, verb.options);
      const { skipped } = await removeRemote(context.repository(), rest[0]!);
      if (skipped.length > 0) {
        context.printError(
          skipped.length === 1
            ? 'Note: A branch outside the refs/remotes/ hierarchy was not removed;\nto delete it, use:\n'
            : 'Note: Some branches outside the refs/remotes/ hierarchy were not removed;\nto delete them, use:\n',
        );
        for (const branch of skipped) context.printError(`  git branch -d ${branch}\n`);
      }
      return undefined;
    },
  },
  'set-head': {
    usage: ['remote set-head <name> (-a | --auto | -d | --delete | <branch>)'],
    options: {
      auto: { type: 'flag', short: 'a', help: 'set refs/remotes/<name>/HEAD according to remote' },
      delete: { type: 'flag', short: 'd', help: 'delete refs/remotes/<name>/HEAD' },
    },
    run: setHead,
  },
  'set-branches': {
    usage: ['remote set-branches <name> <branch>...', 'remote set-branches --add <name> <branch>...'],
    options: { add: { type: 'flag', help: 'add branch' } },
    async run(context, values, rest, verb): Promise<number | undefined> {
      if (rest.length === 0) {
        context.error('no remote specified');
        return subcommandUsage(context, verb.usage, verb.options);
      }
      setBranches(context.repository(), rest[0]!, rest.slice(1), values['add'] === true);
      return undefined;
    },
  },
  'get-url': {
    usage: ['remote get-url [--push] [--all] <name>'],
    options: {
      push: { type: 'flag', help: 'query push URLs rather than fetch URLs' },
      all: { type: 'flag', help: 'return all URLs' },
    },
    async *run(context, values, rest, verb): Output {
      if (rest.length !== 1) return subcommandUsage(context, verb.usage, verb.options);
      const repository = context.repository();
      const remote = new Remotes(repository.config, repository).get(rest[0]!);
      if (!remote.configured) throw new RemoteFault(`No such remote '${rest[0]}'`, 2);
      const urls = values['push'] === true ? remote.pushUrls : remote.urls;
      for (const url of values['all'] === true ? urls : urls.slice(0, 1)) yield { text: `${url}\n` };
    },
  },
  'set-url': {
    usage: [
      'remote set-url [--push] <name> <newurl> [<oldurl>]',
      'remote set-url --add <name> <newurl>',
      'remote set-url --delete <name> <url>',
    ],
    options: {
      push: { type: 'flag', help: 'manipulate push URLs' },
      add: { type: 'flag', help: 'add URL' },
      delete: { type: 'flag', help: 'delete URLs' },
    },
    async run(context, values, rest, verb): Promise<number | undefined> {
      const add = values['add'] === true;
      const remove = values['delete'] === true;
      if (add && remove) throw new GitError('USAGE', "--add --delete doesn't make sense");
      if (rest.length < 2 || rest.length > 3 || ((add || remove) && rest.length !== 2)) {
        return subcommandUsage(context, verb.usage, verb.options);
      }
      setUrl(
        context.repository(),
        rest[0]!,
        add ? 'add' : remove ? 'delete' : 'set',
        values['push'] === true,
        rest[1]!,
        rest[2],
      );
      return undefined;
    },
  },
  show: {
    usage: ['remote show [<options>] <name>'],
    options: { n: { type: 'flag', short: 'n', shortOnly: true, help: 'do not query remotes' } },
    async *run(context, values, rest): Output {
      if (rest.length === 0) {
        yield* list(context, false);
        return;
      }
      const repository = context.repository();
      const remotes = new Remotes(repository.config, repository);
      for (const name of rest) {
        const remote = remotes.get(name);
        const refs = values['n'] === true ? undefined : await query(context, repository, remote);
        yield { text: await describeRemote(repository, { remote, refs }) };
      }
    },
  },
  prune: {
    usage: ['remote prune [<options>] <name>'],
    options: { 'dry-run': { type: 'flag', short: 'n', help: 'dry run' } },
    async *run(context, values, rest, verb): Output {
      if (rest.length === 0) return subcommandUsage(context, verb.usage, verb.options);
      for (const name of rest) yield* prune(context, name, values['dry-run'] === true);
    },
  },
  update: {
    usage: ['remote update [<options>] [<group> | <remote>]...'],
    options: { prune: { type: 'flag', short: 'p', help: 'prune remotes after fetching' } },
    async run(context, values, rest): Promise<number | undefined> {
      const repository = context.repository();
      const remotes = new Remotes(repository.config, repository);
      const names = rest.length > 0 ? [...rest] : ['default'];
      // No default group: all remotes that do not keep out.
      if (names[names.length - 1] === 'default' && repository.config.getAll('remotes.default').length === 0) {
        names.pop();
        names.push(...remotes.names().filter((name) => !remotes.get(name).skipDefaultUpdate));
      }
      const prune = values['prune'] === true ? ['--prune'] : values['prune'] === false ? ['--no-prune'] : [];
      if (names.length === 0) return 0;
      const words = ['--multiple', ...prune, ...names];
      return (await context.runCommand('fetch', words)) === 0 ? 0 : 1;
    },
  },
};

const aliases: Readonly<Record<string, string>> = { rm: 'remove' };

export const command = defineCommand({
  name: 'remote',
  summary: 'Manage the repositories whose branches are tracked',
  usage: synopsis,
  options: { verbose: { type: 'flag', short: 'v', help: 'be verbose; must be placed before a subcommand' } },
  parsing: { stopAtNonOption: true },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly text: string }, number> {
    const [word, ...more] = rest;
    if (word === undefined) {
      yield* list(context, values.verbose === true);
      return 0;
    }
    const verb = verbs[aliases[word] ?? word];
    if (verb === undefined) {
      context.error(`unknown subcommand: \`${word}'`);
      return subcommandUsage(context, synopsis, command.options);
    }
    const parsed = parseSubcommand(context, verb.usage, verb.options, more);
    if (typeof parsed === 'number') return parsed;
    try {
      const given: Record<string, unknown> = { ...(parsed.values as Record<string, unknown>), verbose: values.verbose };
      const running = verb.run(context, given, parsed.rest, verb);
      return (running instanceof Promise ? await running : yield* running) ?? 0;
    } catch (error) {
      if (!(error instanceof RemoteFault)) throw error;
      context.error(error.message);
      if (error.hint !== undefined) context.hint(error.hint);
      return error.code;
    }
  },
  render: renderText,
});

async function* list(context: CommandContext, verbose: boolean): AsyncGenerator<{ readonly text: string }> {
  const repository = context.repository();
  const remotes = new Remotes(repository.config, repository);
  const lines: string[] = [];
  for (const name of new Set(remotes.names())) {
    const remote = remotes.get(name);
    if (!remote.configured) continue;
    if (!verbose) {
      lines.push(name);
      continue;
    }
    const filter = remote.promisor && remote.partialCloneFilter !== undefined ? ` [${remote.partialCloneFilter}]` : '';
    for (const url of remote.urls.length > 0 ? remote.urls.slice(0, 1) : [name])
      lines.push(`${name}\t${url} (fetch)${filter}`);
    for (const url of remote.pushUrls.length > 0 ? remote.pushUrls : [name]) lines.push(`${name}\t${url} (push)`);
  }
  // Equal names stay in order: fetch before push.
  const nameOf = (line: string) => line.split('\t')[0]!;
  lines.sort((a, b) => compareText(nameOf(a), nameOf(b)));
  for (const line of lines) yield { text: `${line}\n` };
}

async function query(
  context: CommandContext,
  repository: Repository,
  remote: RemoteConfig,
): Promise<readonly RemoteRef[]> {
  const url = remote.urls[0];
  if (url === undefined) throw new GitError('USAGE', `No such remote: '${remote.name}'`);
  checkUrlCredentials(repository.config, remote.urls, (message) => context.warning(message));
  const surroundings = {
    ...transportContext(context, repository.config, 'remote'),
    cwd: transportDirectory(context, repository),
  };
  const connection = await connect('upload-pack', url, surroundings, {
    program: remote.uploadPack,
    version: protocolVersion(repository.config, context.env),
  });
  const { refs } = await remoteRefs(connection, surroundings.agent, {
    prefixes: [],
    serverOptions: remote.serverOptions,
  });
  if (!connection.stateless) await connection.send(farewell).catch(() => {});
  await connection.close().catch(() => {});
  return refs;
}

async function* prune(
  context: CommandContext,
  name: string,
  dryRun: boolean,
): AsyncGenerator<{ readonly text: string }> {
  const repository = context.repository();
  const remote = new Remotes(repository.config, repository).get(name);
  const refs = await query(context, repository, remote);
  const specs = remote.fetch.map((text) => parseRefspec(text, 'fetch', repository.objectFormat));
  const local: string[] = [];
  const symbolic: { name: string; target: string }[] = [];
  for await (const ref of repository.refs.list('refs/', { broken: true })) {
    if (ref.symbolicTarget !== undefined) symbolic.push({ name: ref.name, target: ref.symbolicTarget });
    else local.push(ref.name);
  }
  const stale = staleRefs(specs, refs, local);
  if (stale.length === 0) return;
  yield { text: `Pruning ${name}\nURL: ${remote.urls[0]}\n` };
  if (!dryRun) {
    const updates = stale.map(
      (ref): RefUpdate => ({ name: ref, to: 'deleted', noDeref: true, reason: 'remote: prune' }),
    );
    const result = await repository.refs.update(updates as unknown as NonEmpty<RefUpdate>);
    if (!result.ok) throw new GitError('REF_CHANGED', result.message);
  }
  for (const ref of stale) yield { text: ` * [${dryRun ? 'would prune' : 'pruned'}] ${prettyRef(ref)}\n` };
  for (const { name: ref, target } of symbolic) {
    if (stale.includes(target)) yield { text: ` ${becomesDangling(ref, target, dryRun)}\n` };
  }
}

async function* setHead(
  context: CommandContext,
  values: Record<string, unknown>,
  rest: readonly string[],
  verb: Verb,
): Output {
  const repository = context.repository();
  const [name, branch] = rest;
  if (
    name === undefined ||
    (values['auto'] !== true && values['delete'] !== true && branch === undefined) ||
    rest.length > 2
  ) {
    return subcommandUsage(context, verb.usage, verb.options);
  }
  const ref = `refs/remotes/${name}/HEAD`;
  if (values['delete'] === true) {
    const result = await repository.refs.update([
      { name: ref, to: 'deleted', noDeref: true, reason: 'remote set-head' },
    ]);
    if (!result.ok) throw new RemoteFault(`Could not delete ${ref}`, 1);
    return 0;
  }
  let target = branch;
  if (values['auto'] === true) {
    const remote = new Remotes(repository.config, repository).get(name);
    const heads = headBranches(await query(context, repository, remote));
    if (heads.length === 0) throw new RemoteFault('Cannot determine remote HEAD', 1);
    if (heads.length > 1) {
      context.error('Multiple remote HEAD branches. Please choose one explicitly with:');
      for (const head of heads) context.printError(`  git remote set-head ${name} ${head}\n`);
      return 1;
    }
    target = heads[0];
  }
  const full = `refs/remotes/${name}/${target}`;
  if ((await repository.refs.resolve(full)) === undefined) throw new RemoteFault(`Not a valid ref: ${full}`, 1);
  const before = await repository.refs.readRaw(ref);
  const result = await repository.refs.update([
    { name: ref, to: { symbolic: full }, noDeref: true, reason: 'remote set-head' },
  ]);
  if (!result.ok) throw new RemoteFault(`Could not set up ${ref}`, 1);
  if (repository.config.get(`remote.${name}.followremotehead`) === 'always') {
    new LocalConfig(repository).set(`remote.${name}.followRemoteHEAD`, 'warn');
  }
  if (values['auto'] !== true) return 0;
  if (before === undefined) yield { text: `'${name}/HEAD' is now created and points to '${target}'\n` };
  else if (before.kind === 'direct') {
    yield { text: `'${name}/HEAD' was detached at '${before.oid}' and now points to '${target}'\n` };
  } else if (before.target === full) yield { text: `'${name}/HEAD' is unchanged and points to '${target}'\n` };
  else {
    const prefix = `refs/remotes/${name}/`;
    if (!before.target.startsWith(prefix)) {
      yield {
        text: `'${name}/HEAD' used to point to '${before.target}' (which is not a remote branch), but now points to '${target}'\n`,
      };
      return 0;
    }
    const old = before.target.slice(prefix.length);
    yield { text: `'${name}/HEAD' has changed from '${old}' and now points to '${target}'\n` };
  }
  return 0;
}

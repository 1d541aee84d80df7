import * as path from 'node:path';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { checkUrlCredentials } from '../transport/remote-config.js';
import { type Config, missingValue } from '../repo/config.js';
import { zeroOid } from '../base/oid.js';
import { checkOutClone } from '../porcelain/checkout-clone.js';
import { type CloneResult, cloneRepository } from '../porcelain/clone.js';
import { noDeepening } from '../transport/fetch-objects.js';
import { fetchMissing, missingBlobs } from '../porcelain/fetch-missing.js';
import { checkRefFormat } from '../refs/name.js';
import { approxidate } from '../repo/dates.js';
import { keptRefs } from '../repo/kept-refs.js';
import type { Repository } from '../repo/repository.js';
import { adviseDefaultBranch } from './advise-default-branch.js';
import { verbosityOf } from './verbosity.js';
import { readUserConfig } from '../repo/repository.js';
import { parseSharing } from '../repo/shared.js';
import { foreignEnvironment } from '../transport/connection.js';
import { isBundleFile } from '../transport/bundle.js';
import { enterRepository } from '../transport/enter-repository.js';
import { runHook } from '../transport/hook-run.js';
import { WorkTree } from '../worktree/work-tree.js';
import { guessDirectory } from '../transport/url.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';
import { receivingProgress, RemoteSpeech, transportContext } from './transport-context.js';
import { warnOfSubmodules } from './work-tree.js';

interface Result {
  readonly directory: string;
  readonly head: string | undefined;
  readonly branch: string | undefined;
}

export const command = defineCommand({
  name: 'clone',
  summary: 'Make a repository from another one',
  usage: ['clone [<options>] [--] <repo> [<dir>]'],
  options: {
    verbose: { type: 'count', short: 'v', help: 'be more verbose' },
    quiet: { type: 'count', short: 'q', help: 'be more quiet' },
    progress: { type: 'flag', help: 'force progress reporting' },
    'reject-shallow': { type: 'flag', help: "don't clone shallow repository" },
    'no-checkout': { type: 'flag', short: 'n', help: "don't create a checkout" },
    bare: { type: 'flag', help: 'create a bare repository' },
    naked: { type: 'flag', hidden: true },
    mirror: { type: 'flag', help: 'create a mirror repository (implies --bare)' },
    local: { type: 'flag', short: 'l', help: 'to clone from a local repository' },
    'no-hardlinks': { type: 'flag', help: "don't use local hardlinks, always copy" },
    shared: { type: 'flag', short: 's', help: 'setup as shared repository' },
    'recurse-submodules': {
      type: 'optional',
      value: 'pathspec',
      implied: '.',
      aliases: ['recursive'],
      help: 'initialize submodules in the clone',
    },
    jobs: { type: 'number', short: 'j', value: 'n', help: 'number of submodules cloned in parallel' },
    template: {
      type: 'string',
      value: 'template-directory',
      help: 'directory from which templates will be used',
    },
    reference: { type: 'list', value: 'repo', help: 'reference repository' },
    'reference-if-able': { type: 'list', value: 'repo', help: 'reference repository' },
    dissociate: { type: 'flag', help: 'use --reference only while cloning' },
    origin: { type: 'string', short: 'o', value: 'name', help: "use <name> instead of 'origin' to track upstream" },
    branch: { type: 'string', short: 'b', value: 'branch', help: "checkout <branch> instead of the remote's HEAD" },
    revision: { type: 'string', value: 'rev', help: 'clone single revision <rev> and check out' },
    'upload-pack': { type: 'string', short: 'u', value: 'path', help: 'path to git-upload-pack on the remote' },
    depth: { type: 'string', value: 'depth', help: 'create a shallow clone of that depth' },
    'shallow-since': { type: 'string', value: 'time', help: 'create a shallow clone since a specific time' },
    'shallow-exclude': { type: 'list', value: 'ref', help: 'deepen history of shallow clone, excluding ref' },
    'single-branch': { type: 'flag', help: 'clone only one branch, HEAD or --branch' },
    tags: { type: 'flag', help: 'clone tags, and make later fetches not to follow them' },
    'shallow-submodules': { type: 'flag', help: 'any cloned submodules will be shallow' },
    'separate-git-dir': { type: 'string', value: 'gitdir', help: 'separate git dir from working tree' },
    'ref-format': { type: 'string', value: 'format', help: 'specify the reference format to use' },
    config: { type: 'list', short: 'c', value: 'key=value', help: 'set config inside the new repository' },
    'server-option': { type: 'list', value: 'server-specific', help: 'option to transmit' },
    ipv4: { type: 'flag', short: '4', negatable: false, help: 'use IPv4 addresses only' },
    ipv6: { type: 'flag', short: '6', negatable: false, help: 'use IPv6 addresses only' },
    filter: { type: 'string', value: 'args', help: 'object filtering' },
    'also-filter-submodules': { type: 'flag', help: 'apply partial clone filters to submodules' },
    'remote-submodules': {
      type: 'flag',
      help: 'any cloned submodules will use their remote-tracking branch',
    },
    sparse: { type: 'flag', help: 'initialize sparse-checkout file to include only files at root' },
    'bundle-uri': {
      type: 'string',
      value: 'uri',
      help: 'a URI for downloading bundles before fetching from origin remote',
    },
  },
  async *run(context, { values, rest, events }): AsyncGenerator<Result, number> {
    if (rest.length > 2) throw new UsageError('Too many arguments.', { fatal: true });
    if (rest.length === 0) throw new UsageError('You must specify a repository to clone.', { fatal: true });
    const { platform, env, cwd } = context;
    const { fs } = platform;
    const deepening = deepeningOf(context, values);
    const isDeep = deepening.depth > 0 || deepening.since !== undefined || deepening.not.length > 0;
    const singleBranch = values['single-branch'] ?? isDeep;
    const mirror = values.mirror === true;
    const bare = values.bare === true || values.naked === true || mirror;
    if (bare && values['separate-git-dir'] != null) {
      throw new GitError('USAGE', "options '--bare' and '--separate-git-dir' cannot be used together");
    }
    if (values.revision != null) {
      if (values.branch != null)
        throw new GitError('USAGE', "options '--revision' and '--branch' cannot be used together");
      if (mirror) throw new GitError('USAGE', "options '--revision' and '--mirror' cannot be used together");
    }
    if (values['bundle-uri'] != null && isDeep) {
      throw new GitError(
        'USAGE',
        "options '--bundle-uri' and '--depth/--shallow-since/--shallow-exclude' cannot be used together",
      );
    }
    const [repo, target] = rest as [string, string | undefined];
    const bundle = bundlePath(context, repo);
    const localPath = bundle ?? localRepository(context, repo);
    const isUrl = localPath === undefined && repo.includes(':');
    if (localPath === undefined && !isUrl) throw new GitError('USAGE', `repository '${repo}' does not exist`);
    const local = localPath !== undefined && bundle === undefined && values.local !== false;
    if (values.local === true && !local && (localPath === undefined || bundle !== undefined))
      context.warning('--local is ignored');
    const source = localPath === undefined ? repo : localPath;
    const userConfig = readUserConfig({ platform, env: cloneEnvironment(context), cwd });
    const origin = values.origin ?? userConfig.get('clone.defaultremotename') ?? 'origin';
    if (!checkRefFormat(`refs/remotes/${origin}/test`))
      throw new GitError('USAGE', `'${origin}' is not a valid remote name`);

    const name = target ?? guessDirectory(repo, bare);
    if (name === '')
      throw new GitError(
        'USAGE',
        'No directory name could be guessed.\nPlease specify a directory on the command line',
      );
    const display = name.replace(/\/+$/, '') === '' ? name : name.replace(/\/+$/, '');
    const directory = path.resolve(cwd, name);
    const existed = fs.stat(directory) !== undefined;
    if (existed && !isEmptyDirectory(context, directory)) {
      throw new GitError('USAGE', `destination path '${display}' already exists and is not an empty directory.`);
    }
    if (values['separate-git-dir'] != null) {
      const separate = path.resolve(cwd, values['separate-git-dir']);
      if (fs.stat(separate) !== undefined && !isEmptyDirectory(context, separate)) {
        throw new GitError(
          'USAGE',
          `repository path '${values['separate-git-dir']}' already exists and is not an empty directory.`,
        );
      }
    }
    const verbosity = verbosityOf(events);
    const quiet = verbosity < 0;
    const format = values['ref-format'];
    if (format != null && format !== 'files' && format !== 'reftable') {
      throw new GitError('USAGE', `unknown ref storage format '${format}'`);
    }
    const named = bare ? undefined : env['GIT_WORK_TREE'];
    const ownTree = named === undefined || named === '' ? undefined : path.resolve(cwd, named);
    if (ownTree !== undefined) {
      if (fs.stat(ownTree) !== undefined && !isEmptyDirectory(context, ownTree)) {
        throw new GitError('USAGE', `working tree '${named}' already exists.`);
      }
      fs.makeDirectory(ownTree, { recursive: true });
    }
    const info = (text: string): void => {
      if (!quiet) context.printError(text);
    };
    info(bare ? `Cloning into bare repository '${display}'...\n` : `Cloning into '${display}'...\n`);
    if (local && isDeep) {
      if (deepening.depth > 0) context.warning('--depth is ignored in local clones; use file:// instead.');
      if (deepening.since !== undefined)
        context.warning('--shallow-since is ignored in local clones; use file:// instead.');
      if (deepening.not.length > 0)
        context.warning('--shallow-exclude is ignored in local clones; use file:// instead.');
    }
    if (local && values.filter != null) {
      context.warning('--filter is ignored in local clones; use file:// instead.');
    }
    checkUrlCredentials(userConfig, [source], (message) => context.warning(message));
    fs.makeDirectory(directory, { recursive: true });
    const speech = new RemoteSpeech(context, userConfig, source);
    const progress = values.progress ?? (!quiet && context.io.stderr.isTerminal);
    const separateExisted =
      values['separate-git-dir'] != null && fs.stat(path.resolve(cwd, values['separate-git-dir'])) !== undefined;
    let done = false;
    const cleanUp = (): void => {
      if (done) return;
      if (!existed) fs.removeRecursive(directory);
      else for (const entry of fs.readDirectory(directory) ?? []) fs.removeRecursive(`${directory}/${entry.name}`);
      const separate = values['separate-git-dir'];
      if (separate == null) return;
      const place = path.resolve(cwd, separate);
      if (!separateExisted) fs.removeRecursive(place);
      else for (const entry of fs.readDirectory(place) ?? []) fs.removeRecursive(`${place}/${entry.name}`);
    };
    let result: CloneResult;
    try {
      result = await cloneRepository({
        platform,
        env,
        cwd,
        source,
        local,
        directory,
        gitDir: bare || ownTree !== undefined ? directory : `${directory}/.git`,
        workTree: ownTree,
        separateGitDir: values['separate-git-dir'] == null ? undefined : path.resolve(cwd, values['separate-git-dir']),
        explicitLocal: values.local === true,
        bare,
        mirror,
        origin,
        branch: values.branch ?? undefined,
        revision: values.revision ?? undefined,
        singleBranch,
        tags: values.tags !== false,
        deepening: local ? noDeepening : deepening,
        rejectShallow: values['reject-shallow'] ?? userConfig.getBool('clone.rejectshallow', false),
        shared: values.shared === true,
        noHardlinks: values['no-hardlinks'] === true,
        references: [
          ...(values.reference ?? []).map((reference) => ({ path: reference, optional: false })),
          ...(values['reference-if-able'] ?? []).map((reference) => ({ path: reference, optional: true })),
        ],
        dissociate: values.dissociate === true,
        config: values.config ?? [],
        init: {
          ...(values.template === undefined ? {} : { template: values.template ?? '' }),
          ...(values['ref-format'] == null ? {} : { refFormat: values['ref-format'] }),
          ...(userConfig.get('core.sharedrepository') === undefined
            ? {}
            : { shared: parseSharing(userConfig.get('core.sharedrepository')) }),
        },
        filter: local ? undefined : (values.filter ?? undefined),
        bundleUri: values['bundle-uri'] ?? undefined,
        uploadPack: values['upload-pack'] ?? undefined,
        serverOptions: values['server-option'] ?? configuredServerOptions(userConfig, origin),
        quiet,
        context: (repository) => ({
          ...transportContext(context, repository.config, 'clone', {
            family: values.ipv4 === true ? 4 : values.ipv6 === true ? 6 : undefined,
            quiet,
            verbose: verbosity > 0,
          }),
        }),
        warn: (message) => context.warning(message),
        adviseBranch: (name) => adviseDefaultBranch(context, name),
        info,
        hear: speech.hear,
        heard: () => speech.finish(),
        receiving: progress ? receivingProgress(context) : undefined,
        repack: async (repository) => {
          await repackAll(context, repository);
        },
      });
      done = true;
    } catch (error) {
      speech.finish();
      cleanUp();
      throw error;
    }
    speech.finish();
    const { repository, head, branch, detached } = result;
    yield { directory, head, branch };
    let code = 0;
    if (!bare && values['no-checkout'] !== true) {
      if (head === undefined) {
        if (result.branch === undefined || (await hasRefs(repository))) {
          context.warning('remote HEAD refers to nonexistent ref, unable to checkout');
        }
      } else {
        if (detached && !quiet) adviseDetached(context, repository, head);
        if (values.filter != null && !local) {
          await fetchMissing(
            repository,
            await missingBlobs(repository, head),
            transportContext(context, repository.config, 'clone', { quiet }),
          );
        }
        code = await checkOut(context, repository, head, progress);
        warnOfSubmodules(context, new WorkTree(repository), values['recurse-submodules']);
      }
    }
    repository.close();
    return code;
  },
  render: () => '',
});

async function hasRefs(repository: Repository): Promise<boolean> {
  for await (const _ref of repository.refs.list('refs/')) return true;
  return false;
}

const cloneEnvironment = (context: CommandContext): Record<string, string | undefined> => ({
  ...foreignEnvironment(context.env),
  GIT_CONFIG_PARAMETERS: context.env['GIT_CONFIG_PARAMETERS'],
  GIT_CONFIG_COUNT: context.env['GIT_CONFIG_COUNT'],
});

async function checkOut(
  context: CommandContext,
  repository: Repository,
  head: CloneResult['head'],
  force: boolean,
): Promise<number> {
  const meter = force ? context.progress('Updating files') : undefined;
  const errors = await checkOutClone(
    repository,
    head!,
    { warn: (message) => context.warning(message), error: (message) => context.error(message) },
    meter === undefined ? undefined : (done, total) => meter.update(done, total),
  );
  meter?.done();
  for (const message of errors) context.error(message);
  if (errors.length > 0) {
    context.printError('fatal: unable to checkout working tree\n');
    context.warning(
      "Clone succeeded, but checkout failed.\nYou can inspect what was checked out with 'git status'\nand retry with 'git restore --source=HEAD :/'\n",
    );
    return 128;
  }
  const code = await runHook(repository, 'post-checkout', [zeroOid(repository.objectFormat), head!, '1'], {
    cwd: repository.workTree ?? repository.gitDir,
    output: (text: Bytes) => context.printError(text),
  });
  return code ?? 0;
}

function adviseDetached(context: CommandContext, repository: Repository, head: string): void {
  if (!repository.config.getBool('advice.detachedhead', true)) return;
  context.printError(
    `Note: switching to '${head}'.\n\nYou are in 'detached HEAD' state. You can look around, make experimental\n` +
      'changes and commit them, and you can discard any commits you make in this\n' +
      'state without impacting any branches by switching back to a branch.\n\n' +
      'If you want to create a new branch to retain commits you create, you may\n' +
      'do so (now or later) by using -c with the switch command. Example:\n\n' +
      '  git switch -c <new-branch-name>\n\nOr undo this operation with:\n\n  git switch -\n\n' +
      'Turn off this advice by setting config variable advice.detachedHead to false\n\n',
  );
}

/** The bundle file a path names, with or without its extension; absolute. */
function bundlePath(context: CommandContext, repo: string): string | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(repo)) return undefined;
  const absolute = path.isAbsolute(repo) ? repo : `${context.cwd}/${repo}`;
  const { fs } = context.platform;
  if (fs.stat(absolute)?.kind === 'directory') return undefined;
  return [`${absolute}.bundle`, absolute].find((candidate) => isBundleFile(fs, candidate));
}

/** The repository a path names: the path as it is to be stored, or `undefined` where there is none. */
function localRepository(context: CommandContext, repo: string): string | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(repo)) return undefined;
  const absolute = path.resolve(context.cwd, repo);
  try {
    enterRepository(context.platform, foreignEnvironment(context.env), context.cwd, absolute, false).close();
  } catch (error) {
    if (error instanceof GitError && error.code === 'NOT_A_REPOSITORY') return undefined;
    throw error;
  }
  // Kept as it was written, but for where it starts.
  return path.isAbsolute(repo) ? repo : `${context.cwd}/${repo}`;
}

/** `remote.<name>.serverOption` of the user's own configuration; an empty one forgets those before it. */
function configuredServerOptions(config: Config, origin: string): string[] {
  let found: string[] = [];
  for (const entry of config.entries()) {
    if (entry.key !== `remote.${origin}.serveroption`) continue;
    if (entry.value === undefined) throw missingValue(entry);
    if (entry.value === '') found = [];
    else found.push(entry.value);
  }
  return found;
}

function isEmptyDirectory(context: CommandContext, directory: string): boolean {
  const entries = context.platform.fs.readDirectory(directory);
  return entries !== undefined && entries.length === 0;
}

function deepeningOf(
  context: CommandContext,
  values: {
    readonly depth?: string | null;
    readonly 'shallow-since'?: string | null;
    readonly 'shallow-exclude'?: readonly string[];
  },
) {
  let depth = 0;
  if (values.depth != null) {
    depth = Number(values.depth);
    if (!/^\d+$/.test(values.depth) || depth < 1)
      throw new GitError('USAGE', `depth ${values.depth} is not a positive number`);
  }
  const since = values['shallow-since'];
  return {
    depth,
    relative: false,
    since:
      since == null
        ? undefined
        : String(
            approxidate(since, {
              now: Math.floor(context.platform.now() / 1000),
              zone: (seconds) => context.platform.timezoneOffset(seconds * 1000),
            }).seconds,
          ),
    not: values['shallow-exclude'] ?? [],
  };
}

/** Takes in everything that is borrowed, as one pack. */
async function repackAll(context: CommandContext, repository: Repository): Promise<void> {
  const { PackBuilder } = await import('../packs/pack-builder.js');
  const { writePackFiles } = await import('../packs/write-pack.js');
  const { visitReachable } = await import('../history/reachable.js');
  const { fs } = context.platform;
  const folder = `${repository.objectsDirectory}/pack`;
  const before = (fs.readDirectory(folder) ?? []).map(({ name }) => name).filter((name) => name.startsWith('pack-'));
  const wants: CloneResult['head'][] = [];
  for await (const ref of keptRefs(repository)) wants.push(ref.oid);
  const builder = new PackBuilder({
    platform: context.platform,
    algorithm: repository.objectFormat,
    source: repository.objects,
    packStores: repository.objectDirectories.map((directory) => directory.packs),
    directories: repository.objectDirectories.map(({ path }) => path),
  });
  await visitReachable(
    repository.objects,
    { wants: wants as never },
    (oid, kind) => void builder.add(oid, 0, { kind }),
  );
  await writePackFiles(builder, {
    platform: context.platform,
    algorithm: repository.objectFormat,
    base: `${repository.objectsDirectory}/pack/pack`,
    ...repository.packSync,
  });
  // All of it is in the new one; the index goes first, readers look for it.
  const written = new Set((fs.readDirectory(folder) ?? []).map(({ name }) => name));
  if ([...written].some((name) => !before.includes(name))) {
    for (const name of [...before].sort((a, b) => Number(b.endsWith('.idx')) - Number(a.endsWith('.idx'))))
      fs.remove(`${folder}/${name}`);
  }
  repository.objects.refresh();
}

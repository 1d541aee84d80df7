import { GitError } from '../base/errors.js';
import { refNameMatches } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { findDestination, parseRefspec } from '../transport/refspec.js';
import type { RemoteConfig } from '../transport/remote-config.js';
import { branchConfig, type Remotes } from '../transport/remote-config.js';
import { currentBranch } from './fetch.js';

export interface RefspecWords {
  readonly words: readonly string[];
  readonly deleting: boolean;
  /** `--all`, `--mirror` or `--tags` name what to push. */
  readonly named: boolean;
  readonly setUpstream: boolean;
}

export interface PreparedRefspecs {
  readonly refspecs: readonly string[];
  /** `push.autoSetupRemote` asks for it. */
  readonly setUpstream: boolean;
}

/** What the words of the command line, `remote.<name>.push` and `push.default` come to. */
export async function preparePushRefspecs(
  repository: Repository,
  remotes: Remotes,
  remote: RemoteConfig,
  input: RefspecWords,
): Promise<PreparedRefspecs> {
  if (input.words.length > 0) return { refspecs: await fromWords(repository, remote, input), setUpstream: false };
  if (input.named) return { refspecs: [], setUpstream: false };
  if (remote.push.length > 0) return { refspecs: remote.push, setUpstream: false };
  return byDefault(repository, remotes, remote, input);
}

async function fromWords(repository: Repository, remote: RemoteConfig, input: RefspecWords): Promise<string[]> {
  const refspecs: string[] = [];
  const heads: string[] = [];
  for await (const ref of repository.refs.list('refs/')) heads.push(ref.name);
  const { words } = input;
  for (let i = 0; i < words.length; i++) {
    let word = words[i]!;
    if (word === 'tag') {
      const name = words[++i];
      if (name === undefined) throw new GitError('USAGE', 'tag shorthand without <tag>');
      refspecs.push(input.deleting ? `:refs/tags/${name}` : `refs/tags/${name}`);
      continue;
    }
    if (input.deleting) {
      if (word.includes(':') || word === '')
        throw new GitError('USAGE', '--delete only accepts plain target ref names');
      refspecs.push(`:${word}`);
      continue;
    }
    if (!word.includes(':')) word = await mapped(repository, remote, word, heads);
    refspecs.push(word);
  }
  return refspecs;
}

/** A name alone goes where the remote's own push refspecs, or the branch's upstream, would put it. */
async function mapped(
  repository: Repository,
  remote: RemoteConfig,
  word: string,
  heads: readonly string[],
): Promise<string> {
  const force = word.startsWith('+') ? '+' : '';
  const name = word.slice(force.length);
  if (name.startsWith('^') || name.includes('*')) return word;
  const found = heads.filter((head) => refNameMatches(name, head));
  if (found.length !== 1) return word;
  const full = found[0]!;
  if (remote.push.length > 0) {
    const specs = remote.push.map((text) => parseRefspec(text, 'push', repository.objectFormat));
    const to = findDestination(specs, full);
    if (to !== undefined) return `${force}${full}:${to}`;
  }
  if (pushDefault(repository) === 'upstream' && full.startsWith('refs/heads/')) {
    const { merge } = branchConfig(repository.config, full.slice(11));
    if (merge.length === 1) return `${force}${full}:${merge[0]}`;
  }
  return word;
}

function pushDefault(repository: Repository): string {
  const value = repository.config.get('push.default');
  if (value === undefined) return 'unspecified';
  if (value === 'tracking') return 'upstream';
  if (['nothing', 'matching', 'simple', 'upstream', 'current'].includes(value)) return value;
  throw new GitError('CONFIG', `Malformed value for push.default: ${value}`, {
    hint: 'must be one of nothing, matching, simple, upstream or current',
  });
}

async function byDefault(
  repository: Repository,
  remotes: Remotes,
  remote: RemoteConfig,
  input: RefspecWords,
): Promise<PreparedRefspecs> {
  const mode = pushDefault(repository);
  if (mode === 'matching') return { refspecs: [':'], setUpstream: false };
  if (mode === 'nothing') {
    throw new GitError('USAGE', 'You didn\'t specify any refspecs to push, and push.default is "nothing".');
  }
  const branch = await currentBranch(repository);
  if (branch === undefined) {
    throw new GitError(
      'USAGE',
      'You are not currently on a branch.\nTo push the history leading to the current (detached HEAD)\nstate now, use\n\n' +
        `    git push ${remote.name} HEAD:<name-of-remote-branch>\n`,
    );
  }
  const own = `refs/heads/${branch}`;
  const settings = branchConfig(repository.config, branch);
  const sameRemote = remote.name === remotes.defaultName(branch) || !remotes.hasDefault(branch);
  const autoSetup = repository.config.getBool('push.autosetupremote', false);
  let setUpstream = false;
  const upstream = (): string => {
    if (settings.merge.length === 0 && autoSetup) {
      setUpstream = true;
      return own;
    }
    if (settings.merge.length === 0 || settings.remote === undefined) {
      if (input.setUpstream) return own;
      throw new GitError(
        'USAGE',
        `The current branch ${branch} has no upstream branch.\n` +
          'To push the current branch and set the remote as upstream, use\n\n' +
          `    git push --set-upstream ${remote.name} ${branch}\n\n` +
          "To have this happen automatically for branches without a tracking\nupstream, see 'push.autoSetupRemote' in 'git help config'.\n",
      );
    }
    if (settings.merge.length !== 1) {
      throw new GitError('USAGE', `The current branch ${branch} has multiple upstream branches, refusing to push.`);
    }
    return settings.merge[0]!;
  };
  let dst = own;
  if (mode === 'simple' || mode === 'unspecified') {
    if (sameRemote) {
      dst = upstream();
      if (dst !== own) throw simpleMismatch(repository, remote, dst, mode === 'unspecified');
    } else if (autoSetup && settings.merge.length === 0) setUpstream = true;
  } else if (mode === 'upstream') {
    if (!sameRemote) {
      throw new GitError(
        'USAGE',
        `You are pushing to remote '${remote.name}', which is not the upstream of\n` +
          `your current branch '${branch}', without telling me what to push\nto update which remote branch.`,
      );
    }
    dst = upstream();
  } else if (autoSetup && settings.merge.length === 0) setUpstream = true;
  return { refspecs: [`${own}:${dst}`], setUpstream };
}

function simpleMismatch(
  repository: Repository,
  remote: RemoteConfig,
  upstream: string,
  unspecified: boolean,
): GitError {
  const short = upstream.startsWith('refs/heads/') ? upstream.slice(11) : upstream;
  let text =
    'The upstream branch of your current branch does not match\nthe name of your current branch.  To push to the upstream branch\non the remote, use\n\n' +
    `    git push ${remote.name} HEAD:${short}\n\n` +
    'To push to the branch of the same name on the remote, use\n\n' +
    `    git push ${remote.name} HEAD\n`;
  if (unspecified) text += "\nTo choose either option permanently, see push.default in 'git help config'.\n";
  if (repository.config.get('branch.autosetupmerge') !== 'simple') {
    text +=
      "\nTo avoid automatically configuring an upstream branch when its name\nwon't match the local branch, see option 'simple' of branch.autoSetupMerge\nin 'git help config'.\n";
  }
  return new GitError('USAGE', text);
}

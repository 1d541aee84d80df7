import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isValidBranchName } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { findRefs } from '../repo/revision-branch.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { mapByPattern, splitRefspec } from '../repo/tracking.js';
import { openAncestry } from '../repo/ancestry.js';
import { LocalConfig } from './local-config.js';
import { branchUses } from './worktree-list.js';

/**
 * When a new branch gets an upstream: `branch.autoSetupMerge`, or as asked for. `override`: an existing branch gets
 * this one (`--set-upstream-to`).
 */
export type Tracking = 'never' | 'remote' | 'always' | 'simple' | 'inherit' | 'explicit' | 'override';

/** `branch.autoSetupMerge`. */
export function configuredTracking(repository: Repository): Tracking {
  const value = repository.config.get('branch.autosetupmerge')?.toLowerCase();
  if (value === 'always' || value === 'inherit' || value === 'simple') return value;
  return repository.config.getBool('branch.autosetupmerge', true) ? 'remote' : 'never';
}

/** `branch.autoSetupRebase`. Throws where it is none of its values. */
export function configuredRebase(repository: Repository): string | undefined {
  const entry = repository.config.last('branch.autosetuprebase');
  if (entry === undefined) return undefined;
  if (entry.value === undefined) throw new GitError('CONFIG', "missing value for 'branch.autosetuprebase'");
  if (!['always', 'never', 'local', 'remote'].includes(entry.value))
    throw new GitError('CONFIG', 'malformed value for branch.autosetuprebase');
  return entry.value;
}

/** What a failure is worth saying besides: `advice.<name>` and the text. */
export interface BranchAdvice {
  readonly name: string;
  /** Without the line that says how to turn it off. */
  readonly bare?: boolean;
  readonly text: string;
}

const fail = (message: string, advice?: BranchAdvice): GitError =>
  new GitError('REF_INVALID', message, advice === undefined ? {} : { data: { advice } });

/** The advice a failure of this file carries. */
export const adviceOf = (error: unknown): BranchAdvice | undefined =>
  error instanceof GitError ? (error.data['advice'] as BranchAdvice | undefined) : undefined;

/** Throws where a name cannot be a branch's. */
export function checkBranchName(name: string): void {
  if (!isValidBranchName(name))
    throw fail(`'${name}' is not a valid branch name`, {
      name: 'refSyntax',
      text: "See 'git help check-ref-format'",
    });
}

/** The same for a branch to be made or moved there; `true` where it exists and may be overwritten. */
export async function checkNewBranchName(
  repository: Repository,
  name: string,
  force: boolean,
  ownBranch = false,
): Promise<boolean> {
  checkBranchName(name);
  const full = `refs/heads/${name}`;
  if ((await repository.refs.resolve(full)) === undefined) return false;
  if (!force) throw fail(`a branch named '${name}' already exists`);
  const use = branchUses(repository).get(full);
  if (use !== undefined && !(ownBranch && use.path === repository.workTree)) {
    throw fail(`cannot force update the branch '${name}' used by worktree at '${use.path}'`);
  }
  return true;
}

const startingAdvice: BranchAdvice = {
  name: 'setUpstreamFailure',
  text:
    '\nIf you are planning on basing your work on an upstream\n' +
    'branch that already exists at the remote, you may need to\n' +
    'run "git fetch" to retrieve it.\n\n' +
    'If you are planning to push out a new local branch that\n' +
    'will track its remote counterpart, you may want to use\n' +
    '"git push -u" to set the upstream config as you push.',
};

/** Where a branch starts: the commit, and the branch that start is, if it is one. Throws git's words. */
export async function branchStart(
  repository: Repository,
  text: string,
  tracking: Tracking,
): Promise<{ readonly commit: Oid<'commit'>; readonly branch: string | undefined }> {
  const asked = tracking === 'explicit' || tracking === 'override';
  const oid = await startOid(repository, text);
  if (oid === undefined) {
    if (asked) throw fail(`the requested upstream branch '${text}' does not exist`, startingAdvice);
    // A symbolic ref that leads nowhere is named.
    let preface = '';
    await findRefs(repository, text, (line) => (preface += `${line}\n`));
    if (preface !== '') throw new GitError('USAGE', `not a valid object name: '${text}'`, { data: { preface } });
    throw fail(`not a valid object name: '${text}'`);
  }
  const found = await findRefs(repository, text);
  let branch: string | undefined;
  const noBranch = (): GitError => fail(`cannot set up tracking information; starting point '${text}' is not a branch`);
  if (found.length === 0) {
    if (asked) throw noBranch();
  } else if (found.length === 1) {
    const name = found[0]!.final;
    if (name.startsWith('refs/heads/') || trackedBy(repository, name).length > 0) branch = name;
    else if (asked) throw noBranch();
  } else throw fail(`ambiguous object name: '${text}'`);
  const commit = await peelTo(repository, oid, 'commit');
  if (commit === undefined) {
    const kind = (await repository.objects.readHeader(oid))?.kind;
    throw new GitError('USAGE', `not a valid branch point: '${text}'`, {
      data: kind === undefined ? {} : { preface: `error: object ${oid} is a ${kind}, not a commit\n` },
    });
  }
  return { commit: commit as Oid<'commit'>, branch };
}

/** `A...B` is the merge base here. */
async function startOid(repository: Repository, text: string): Promise<Oid | undefined> {
  const dots = text.indexOf('...');
  if (dots < 0) return resolveRevision(repository, text);
  const side = async (name: string): Promise<Oid<'commit'> | undefined> => {
    const oid = await resolveRevision(repository, name === '' ? 'HEAD' : name);
    return oid === undefined ? undefined : ((await peelTo(repository, oid, 'commit')) as Oid<'commit'> | undefined);
  };
  const one = await side(text.slice(0, dots));
  const two = await side(text.slice(dots + 3));
  if (one === undefined || two === undefined) return resolveRevision(repository, text);
  const bases = await openAncestry(repository).mergeBases(one, [two]);
  return bases.length === 1 ? bases[0] : undefined;
}

interface Tracked {
  readonly remote: string;
  readonly source: string;
}

/** The remotes whose fetch refspecs write to this ref, with its name there. */
function trackedBy(repository: Repository, ref: string): Tracked[] {
  const { config } = repository;
  const found: Tracked[] = [];
  for (const remote of config.subsections('remote')) {
    for (const text of config.getAll(`remote.${remote}.fetch`)) {
      const { source, target, negative } = splitRefspec(text);
      if (negative || target === undefined || target === '') continue;
      const mapped = mapByPattern(ref, target, source);
      if (mapped === undefined) continue;
      found.push({ remote, source: mapped });
      break;
    }
  }
  return found;
}

export interface NewBranch {
  readonly name: string;
  readonly start: string;
  readonly force: boolean;
  /** The branch of this work tree may be moved too. */
  readonly ownBranch?: boolean | undefined;
  readonly tracking: Tracking;
  readonly createReflog: boolean;
}

/** What happened besides: lines for stdout, `warning: …` texts. */
export interface BranchReport {
  readonly said: readonly string[];
  readonly warnings: readonly string[];
}

/** Makes `refs/heads/<name>` (or moves it, with `force`), and gives it an upstream. Throws git's words. */
export async function makeBranch(repository: Repository, request: NewBranch): Promise<BranchReport> {
  const { name, tracking } = request;
  const exists = await checkNewBranchName(repository, name, request.force, request.ownBranch);
  const { commit, branch } = await branchStart(repository, request.start, tracking);
  const result = await repository.refs.update([
    {
      name: `refs/heads/${name}`,
      to: commit,
      expect: exists ? undefined : 'absent',
      reason: `branch: ${exists ? 'Reset to' : 'Created from'} ${request.start}`,
      createReflog: request.createReflog,
    },
  ]);
  if (!result.ok) throw fail(result.message);
  if (branch === undefined || tracking === 'never') return { said: [], warnings: [] };
  return setUpTracking(repository, name, branch, tracking);
}

/** Gives a branch its upstream: what the ref `from` stands for. */
export function setUpTracking(repository: Repository, name: string, from: string, tracking: Tracking): BranchReport {
  const nothing = (warning?: string): BranchReport => ({
    said: [],
    warnings: warning === undefined ? [] : [warning],
  });
  let remote: string | undefined;
  let sources: string[] = [];
  if (tracking === 'inherit') {
    const { config } = repository;
    const bare = from.replace(/^refs\/heads\//, '');
    remote = config.get(`branch.${bare}.remote`);
    if (remote === undefined) return nothing(`asked to inherit tracking from '${bare}', but no remote is set`);
    sources = [...config.getAll(`branch.${bare}.merge`)];
    if (sources.length === 0)
      return nothing(`asked to inherit tracking from '${bare}', but no merge configuration is set`);
  } else {
    const found = trackedBy(repository, from);
    if (found.length === 0) {
      if (tracking === 'remote' || tracking === 'simple') return nothing();
    } else if (found.length > 1) {
      throw fail(`not tracking: ambiguous information for ref '${from}'`, {
        name: 'ambiguousFetchRefspec',
        bare: true,
        text:
          'There are multiple remotes whose fetch refspecs map to the remote\n' +
          `tracking ref '${from}':\n${found.map((one) => `  ${one.remote}\n`).join('')}\n` +
          'This is typically a configuration error.\n\n' +
          'To support setting up tracking branches, ensure that\n' +
          "different remotes' fetch refspecs map into different\n" +
          'tracking namespaces.',
      });
    } else {
      remote = found[0]!.remote;
      sources = [found[0]!.source];
    }
    if (tracking === 'simple' && sources[0] !== `refs/heads/${name}`) return nothing();
    if (sources.length === 0) sources = [from];
  }
  return writeUpstream(repository, name, remote, sources);
}

/** Writes `branch.<name>.remote`, `.merge` and, where wanted, `.rebase`; without a remote it is this repository. */
function writeUpstream(
  repository: Repository,
  name: string,
  remote: string | undefined,
  sources: readonly string[],
): BranchReport {
  const auto = configuredRebase(repository);
  const rebase = auto === 'always' || auto === (remote === undefined ? 'local' : 'remote');
  if (rebase && sources.length > 1) {
    throw fail('cannot inherit upstream tracking configuration of multiple refs when rebasing is requested');
  }
  if (remote === undefined && sources.includes(`refs/heads/${name}`)) {
    return { said: [], warnings: [`not setting branch '${name}' as its own upstream`] };
  }
  const local = new LocalConfig(repository);
  local.set(`branch.${name}.remote`, remote ?? '.');
  local.set(`branch.${name}.merge`, sources[0]!);
  for (const more of sources.slice(1)) local.add(`branch.${name}.merge`, more);
  if (rebase) local.set(`branch.${name}.rebase`, 'true');
  const shown = sources.map((source) => {
    const short = source.replace(/^refs\/heads\//, '');
    return remote === undefined ? short : `${remote}/${short}`;
  });
  if (shown.length > 1) {
    return { said: [`branch '${name}' set up to track:`, ...shown.map((one) => `  ${one}`)], warnings: [] };
  }
  return { said: [`branch '${name}' set up to track '${shown[0]}'${rebase ? ' by rebasing' : ''}.`], warnings: [] };
}

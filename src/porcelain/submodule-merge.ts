import { decodeText } from '../base/bytes.js';
import { isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { CommitPool } from '../history/commit-pool.js';
import { BOTTOM, UNINTERESTING } from '../history/flags.js';
import type { Ancestry } from '../history/merge-base.js';
import { RevisionWalk } from '../history/walk.js';
import type { SubmoduleAnswer, SubmoduleMerge } from '../merge/entry-merge.js';
import type { SubmoduleAdvice } from '../merge/hook.js';
import { parseCommit } from '../objects/commit.js';
import { parseConfigFile } from '../repo/config-file.js';
import { repositoryVariables } from '../repo/local-environment.js';
import { openRepository, type Repository } from '../repo/repository.js';
import { peelTo } from '../repo/revision.js';
import { abbreviate } from '../repo/revision-short.js';
import { nestedGitDirectory } from '../worktree/gitlink.js';
import { openAncestry } from '../repo/ancestry.js';
import { hintLines } from './hints.js';
import { subjectLine } from './message.js';

/**
 * Merges commits of submodules as git does: where one side's commit contains the other's, that one is taken; anything
 * else is a conflict, with a hint where the submodule has a merge of both already. Only submodules whose repository is
 * here can be looked into.
 */
export function submoduleMerge(repository: Repository): SubmoduleMerge {
  const opened = new Map<string, Nested | undefined>();
  return async ({ path, base, ours, theirs, depth }) => {
    if (!opened.has(path)) opened.set(path, openNested(repository, path));
    const nested = opened.get(path);
    if (nested === undefined) {
      return conflict('submodule not initialized', `Failed to merge submodule ${path} (not checked out)`, { path });
    }
    const advice = { path, commit: await nested.short(theirs) };
    if (base === undefined) {
      return conflict('submodule lacks merge base', `Failed to merge submodule ${path} (no merge base)`, advice);
    }
    for (const commit of [base, ours, theirs]) {
      if (await nested.has(commit)) continue;
      const text = `Failed to merge submodule ${path} (commits not present)`;
      return conflict('submodule history not available', text, { path });
    }
    const { ancestry } = nested;
    if (!(await ancestry.isAncestor(base, ours)) || !(await ancestry.isAncestor(base, theirs))) {
      const text = `Failed to merge submodule ${path} (commits don't follow merge-base)`;
      return conflict('submodule may have rewinds', text, advice);
    }
    if (await ancestry.isAncestor(ours, theirs)) return forward(path, theirs);
    if (await ancestry.isAncestor(theirs, ours)) return forward(path, ours);
    const merges = depth > 0 ? [] : await nested.mergesOf(ours, theirs);
    if (merges.length === 0) return conflict('submodule', `Failed to merge submodule ${path}`, advice);
    let list = '';
    for (const merge of merges) list += `    ${await nested.describe(merge)}\n`;
    const text =
      merges.length === 1
        ? `Failed to merge submodule ${path}, but a possible merge resolution exists: ${list}`
        : `Failed to merge submodule ${path}, but multiple possible merges exist:\n${list}`;
    return conflict('submodule with possible resolution', text, advice);
  };
}

const conflict = (type: string, text: string, advice: SubmoduleAdvice): SubmoduleAnswer => ({
  type: `CONFLICT (${type})`,
  text,
  advice,
});

const forward = (path: string, commit: Oid<'commit'>): SubmoduleAnswer => ({
  commit,
  type: 'Fast forwarding submodule',
  text: `Note: Fast-forwarding submodule ${path} to ${commit}`,
});

/** What is told to who has to merge submodules by hand. */
export function submoduleAdvice(repository: Repository, submodules: readonly SubmoduleAdvice[] | undefined): string {
  if (submodules === undefined || repository.env['GIT_ADVICE'] === '0') return '';
  if (!repository.config.getBool('advice.submodulemergeconflict', true)) return '';
  let text =
    'Recursive merging with submodules currently only supports trivial cases.\n' +
    'Please manually handle the merging of each conflicted submodule.\n' +
    'This can be accomplished with the following steps:\n';
  for (const { path, commit } of submodules) {
    if (commit === undefined) continue;
    text +=
      ` - go to submodule (${path}), and either merge commit ${commit}\n` +
      '   or update to an existing commit which has merged those changes\n';
  }
  text +=
    ` - come back to superproject and run:\n\n` +
    `      git add ${submodules.map(({ path }) => path).join(' ')}\n\n` +
    '   to record the above merge or update\n' +
    ' - resolve any other conflicts in the superproject\n' +
    ' - commit the resulting index in the superproject\n';
  if (!repository.config.has('advice.submodulemergeconflict')) {
    text += '\nDisable this message with "git config set advice.submoduleMergeConflict false"\n';
  }
  return hintLines(text.slice(0, -1));
}

/** The repository of the submodule at a path: checked out there, or kept below the git directory by its name. */
function openNested(repository: Repository, path: string): Nested | undefined {
  const { platform, workTree, commonDir } = repository;
  if (workTree === undefined) return undefined;
  const directory = `${workTree}/${path}`;
  let gitDir = nestedGitDirectory(platform.fs, directory);
  if (gitDir === undefined) {
    const name = submoduleName(repository, path);
    if (name === undefined) return undefined;
    gitDir = `${commonDir}/modules/${name}`;
    if (platform.fs.stat(`${gitDir}/HEAD`) === undefined) return undefined;
  }
  const env = { ...repository.env };
  for (const name of [...repositoryVariables, 'GIT_INTERNAL_SUPER_PREFIX']) delete env[name];
  try {
    return new Nested(openRepository({ platform, env, cwd: gitDir, gitDir }));
  } catch (error) {
    if (isGitError(error)) return undefined;
    throw error;
  }
}

/** The name that `.gitmodules` of the work tree gives the submodule at a path. */
function submoduleName({ platform, workTree }: Repository, path: string): string | undefined {
  const bytes = platform.fs.readFile(`${workTree}/.gitmodules`);
  if (bytes === undefined) return undefined;
  for (const token of parseConfigFile(decodeText(bytes)).tokens) {
    if (token.type !== 'entry' || token.value !== path) continue;
    const name = /^submodule\.(.*)\.path$/s.exec(token.key)?.[1];
    if (name !== undefined && !name.split('/').includes('..')) return name;
  }
  return undefined;
}

class Nested {
  readonly ancestry: Ancestry;

  constructor(readonly repository: Repository) {
    this.ancestry = openAncestry(repository);
  }

  async has(commit: Oid<'commit'>): Promise<boolean> {
    return (await this.repository.objects.readHeader(commit))?.kind === 'commit';
  }

  short(commit: Oid): Promise<string> {
    return Promise.resolve(abbreviate(this.repository, commit));
  }

  async describe(commit: Oid<'commit'>): Promise<string> {
    const object = await this.repository.objects.read(commit);
    return `${await this.short(commit)} ${subjectLine(parseCommit(object!.data).message)}`;
  }

  /** The first merges that contain both: those no other of them is contained in. */
  async mergesOf(ours: Oid<'commit'>, theirs: Oid<'commit'>): Promise<Oid<'commit'>[]> {
    const { repository, ancestry } = this;
    const pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
    const walk = new RevisionWalk(pool, { minParents: 2, ancestryPath: true, limited: true });
    const tips = new Set<Oid>();
    for await (const { oid } of repository.refs.list('refs/')) tips.add(oid);
    const head = await repository.refs.resolve('HEAD');
    if (head !== undefined) tips.add(head);
    for (const tip of tips) {
      const commit = await peelTo(repository, tip, 'commit', () => {});
      if (commit !== undefined) await walk.add(pool.node(commit as Oid<'commit'>), 0);
    }
    await walk.add(pool.node(ours), UNINTERESTING | BOTTOM);
    await walk.prepare();
    const merges: Oid<'commit'>[] = [];
    for (let node = await walk.next(); node !== undefined; node = await walk.next()) {
      if (await ancestry.isAncestor(theirs, node.oid)) merges.push(node.oid);
    }
    const first: Oid<'commit'>[] = [];
    for (const merge of merges) {
      let contains = false;
      for (const other of merges) {
        if (other !== merge && (await ancestry.isAncestor(other, merge))) contains = true;
      }
      if (!contains) first.push(merge);
    }
    return first;
  }
}

import { formatMode } from '../objects/mode.js';
import { GitError } from '../base/errors.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';
import { openWorkTree } from './work-tree.js';

export const command = defineCommand({
  name: 'merge-index',
  summary: 'Run a merge for files needing merging',
  bareUsage: true,
  usage: ['merge-index [-o] [-q] <merge-program> (-a | [--] [<filename>...])'],
  options: {},
  parsing: { none: true },
  async *run(context, { rest }): AsyncGenerator<{ readonly failed: number }, number> {
    if (rest.length < 2) throw new UsageError('', { quiet: false });
    const words = [...rest];
    let oneShot = false;
    let quiet = false;
    if (words[0] === '-o') {
      oneShot = true;
      words.shift();
    }
    if (words[0] === '-q') {
      quiet = true;
      words.shift();
    }
    const program = words.shift();
    if (program === undefined) throw new UsageError();
    const tree = openWorkTree(context);
    let failed = 0;
    const run = (path: string): void => {
      if (runProgram(context, tree, program, path) === 0) return;
      failed++;
      if (!oneShot) throw new MergeProgramFailed();
    };
    try {
      let force = false;
      for (const word of words) {
        if (!force && word === '--') force = true;
        else if (!force && word === '-a') for (const path of tree.index.conflictedPaths()) run(path);
        else if (!force && word.startsWith('-')) throw new GitError('USAGE', `git merge-index: unknown option ${word}`);
        else {
          if (!tree.index.has(word)) throw new GitError('PATH_MISSING', `git merge-index: ${word} not in the cache`);
          if (tree.index.get(word) === undefined) run(word);
        }
      }
    } catch (error) {
      if (!(error instanceof MergeProgramFailed)) throw error;
      if (!quiet) throw new GitError('USAGE', 'merge program failed');
      return 1;
    }
    if (failed > 0 && !quiet) throw new GitError('USAGE', 'merge program failed');
    yield { failed };
    return failed;
  },
  render: () => '',
});

class MergeProgramFailed extends Error {}

function runProgram(context: CommandContext, tree: WorkTree, program: string, path: string): number {
  const stages = tree.index.stages(path);
  const at = (n: number) => stages.find((entry) => entry.stage === n);
  const oid = (n: number) => at(n)?.oid ?? '';
  const mode = (n: number) => {
    const entry = at(n);
    return entry === undefined ? '' : formatMode(entry.mode);
  };
  context.io.stdout.flush();
  const self = process.argv[1] ?? '';
  const found = program.startsWith('git-') && !program.includes('/') ? findProgram(context, program) : program;
  const args = [oid(1), oid(2), oid(3), path, mode(1), mode(2), mode(3)];
  const argv: [string, ...string[]] =
    found === undefined ? [process.execPath, self, program.slice(4), ...args] : [found, ...args];
  const { code } = context.platform.processes!.runSync(argv, {
    cwd: tree.root,
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
    env: context.env,
  });
  return code;
}

/** A program of that name on the search path; none for git's own, which are commands here. */
function findProgram(context: CommandContext, name: string): string | undefined {
  const { fs } = context.platform;
  const path = [context.env['GIT_EXEC_PATH'] ?? '', ...(context.env['PATH'] ?? '').split(':')];
  if (name === 'git-merge-one-file') return undefined;
  for (const directory of path) {
    if (directory === '') continue;
    const stat = fs.stat(`${directory}/${name}`);
    if (stat?.kind === 'file' && (stat.mode & 0o111) !== 0) return `${directory}/${name}`;
  }
  return undefined;
}

import { systemMessage } from '../platform/system-message.js';
import { isSafePath } from '../base/path.js';
import { GitError } from '../base/errors.js';
import { isGitlinkMode } from '../objects/mode.js';
import { normalize } from '../repo/pathspec.js';
import type { IndexEntry } from '../worktree/index-entry.js';
import { refreshEntry } from '../worktree/refresh.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { openWorkTree } from './work-tree.js';

interface Result {
  readonly from: string;
  readonly to: string;
  readonly verb: 'Checking' | 'Renaming';
}

interface Move {
  readonly from: string;
  readonly to: string;
  /** What is on disk moves: a file, a directory, or only index entries below a directory that moves. */
  readonly kind: 'file' | 'directory' | 'inside' | 'submodule';
}

export const command = defineCommand({
  name: 'mv',
  summary: 'move or rename files',
  usage: [
    'mv [-v] [-f] [-n] [-k] <source> <destination>',
    'mv [-v] [-f] [-n] [-k] <source>... <destination-directory>',
  ],
  options: {
    verbose: { type: 'flag', short: 'v', help: 'be verbose' },
    'dry-run': { type: 'flag', short: 'n', help: 'dry run' },
    force: { rarelyMeant: true, type: 'flag', short: 'f', help: 'force move/rename even if target exists' },
    k: { type: 'flag', short: 'k', shortOnly: true, help: 'skip move/rename errors' },
    sparse: { type: 'flag', help: 'allow updating entries outside of the sparse-checkout cone' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, number> {
    if (rest.length < 2) throw new UsageError();
    const tree = openWorkTree(context);
    const lock = tree.lockIndex();
    try {
      tree.reloadIndex();
      const plan = new Plan(tree, values.force === true, values.k === true, (message) => {
        if (values.verbose === true) context.warning(message);
      });
      const dry = values['dry-run'] === true;
      let moves: Move[];
      try {
        moves = plan.make(rest.slice(0, -1), rest[rest.length - 1]!);
      } finally {
        // What was looked at is told also where looking ends in a refusal.
        if (dry) for (const { from, to } of listed(plan.checked)) yield { from, to, verb: 'Checking' };
      }
      const loud = values.verbose === true || values['dry-run'] === true;
      for (const { from, to } of moves) if (loud) yield { from, to, verb: 'Renaming' };
      if (values['dry-run'] === true) return 0;
      await perform(tree, moves, values.k === true, (message) => context.error(message));
      if (tree.index.changed) tree.commitIndex(lock);
      return 0;
    } finally {
      lock.rollback();
      await tree.close();
    }
  },
  render: ({ from, to, verb }) =>
    verb === 'Checking' ? `Checking rename of '${from}' to '${to}'\n` : `Renaming ${from} to ${to}\n`,
});

/** In the order of the command line; what lies in directories comes at the end. */
const listed = (moves: readonly Move[]): Move[] => [
  ...moves.filter((move) => move.kind !== 'inside'),
  ...moves.filter((move) => move.kind === 'inside'),
];

class Plan {
  readonly checked: Move[] = [];
  readonly #tree: WorkTree;
  readonly #force: boolean;
  readonly #skip: boolean;
  readonly #warn: (message: string) => void;

  constructor(tree: WorkTree, force: boolean, skip: boolean, warn: (message: string) => void) {
    this.#tree = tree;
    this.#force = force;
    this.#skip = skip;
    this.#warn = warn;
  }

  #path(word: string): string {
    const { prefix, workTree } = this.#tree.repository;
    const normal = normalize(prefix, word, workTree);
    if (normal === undefined) throw new GitError('USAGE', `'${word}' is outside repository at '${workTree}'`);
    return normal.path;
  }

  make(words: readonly string[], target: string): Move[] {
    const tree = this.#tree;
    const sources = words.map((word) => this.#path(word).replace(/\/+$/, ''));
    const raw = this.#path(target);
    const destination = raw.replace(/\/+$/, '');
    const slashed = raw.endsWith('/');
    const stat = destination === '' ? tree.fs.lstat(tree.root || '/') : tree.lstat(destination);
    const isDirectory = stat?.kind === 'directory';
    let pairs: [string, string][];
    const into = isDirectory;
    if (into) {
      const base = destination === '' ? '' : `${destination}/`;
      pairs = sources.map((source) => [source, base + source.slice(source.lastIndexOf('/') + 1)]);
    } else {
      if (sources.length !== 1) throw new GitError('USAGE', `destination '${destination}' is not a directory`);
      pairs = [
        [sources[0]!, slashed && tree.lstat(sources[0]!)?.kind !== 'directory' ? `${destination}/` : destination],
      ];
    }
    const moves: Move[] = [];
    const seen = new Set<string>();
    for (const [from, to] of pairs) {
      const shown: Move = { from, to, kind: 'file' };
      this.checked.push(shown);
      const fault = this.#check(from, to, moves, seen);
      if (fault === undefined) continue;
      if (this.#skip) continue;
      throw new GitError('USAGE', `${fault}, source=${from}, destination=${to}`);
    }
    for (const { from } of moves) {
      if (!sources.includes(from)) continue;
      const above = sources.find((source) => source !== '' && from.startsWith(`${source}/`));
      if (above !== undefined) {
        throw new GitError('USAGE', `cannot move both '${from}' and its parent directory '${above}'`);
      }
    }
    return listed(moves);
  }

  #check(from: string, to: string, moves: Move[], seen: Set<string>): string | undefined {
    const tree = this.#tree;
    const { index } = tree;
    const stat = from === '' ? undefined : tree.lstat(from);
    if (stat === undefined) {
      const entry = index.get(from);
      if (entry === undefined || !entry.skipWorktree) return 'bad source';
    }
    if (to === from || to.startsWith(`${from}/`)) return 'can not move directory into itself';
    if (stat?.kind === 'directory') {
      const entry = index.get(from);
      if (entry !== undefined && isGitlinkMode(entry.mode)) {
        if (tree.lstat(to) !== undefined) return 'destination exists';
        moves.push({ from, to, kind: 'submodule' });
        return undefined;
      }
      if (tree.lstat(to) !== undefined) return 'destination already exists';
      const range = index.range(from);
      if (range.start >= range.end) return 'source directory is empty';
      moves.push({ from, to, kind: 'directory' });
      this.checked[this.checked.length - 1] = { from, to, kind: 'directory' };
      for (let i = range.start; i < range.end; i++) {
        const { path } = index.entries[i]!;
        if (moves[moves.length - 1]?.from === path) continue;
        const inside: Move = { from: path, to: to + path.slice(from.length), kind: 'inside' };
        if (index.entries[i]!.stage !== 0) return 'conflicted';
        moves.push(inside);
        this.checked.push(inside);
      }
      return undefined;
    }
    const stages = index.stages(from);
    if (stages.length === 0) return 'not under version control';
    if (stages[0]!.stage !== 0) return 'conflicted';
    if (to.endsWith('/')) return 'destination directory does not exist';
    const there = tree.lstat(to);
    if (there !== undefined) {
      const folded = tree.ignoreCase && from.toLowerCase() === to.toLowerCase();
      if (!folded) {
        if (!this.#force || (there.kind !== 'file' && there.kind !== 'symlink')) {
          return there.kind === 'directory' && this.#force ? 'Cannot overwrite' : 'destination exists';
        }
        this.#warn(`overwriting '${to}'`);
      }
    }
    if (seen.has(to)) return 'multiple sources for the same target';
    const parent = to.lastIndexOf('/') < 0 ? undefined : to.slice(0, to.lastIndexOf('/'));
    // What lies behind a symbolic link is not ours.
    if (parent !== undefined && (tree.lstat(parent)?.kind === 'symlink' || tree.hasSymlinkParent(parent))) {
      throw new GitError('USAGE', `renaming '${from}' failed: Not a directory`);
    }
    seen.add(to);
    moves.push({ from, to, kind: 'file' });
    return undefined;
  }
}

async function perform(
  tree: WorkTree,
  moves: readonly Move[],
  skip: boolean,
  tell: (message: string) => void,
): Promise<void> {
  const { index, fs } = tree;
  for (const { from, to, kind } of moves) {
    if (kind !== 'inside') {
      try {
        if (tree.lstat(from) !== undefined) fs.rename(tree.absolute(from), tree.absolute(to));
      } catch (error) {
        if (skip) continue;
        throw new GitError('USAGE', `renaming '${from}' failed: ${systemMessage(error)}`);
      }
    }
    if (kind === 'directory') continue;
    const entry = index.get(from);
    if (entry === undefined) continue;
    index.remove(from);
    if (!isSafePath(to)) {
      tell(`invalid path '${to}'`);
      continue;
    }
    index.add(await moved(tree, entry, to), { replace: true });
  }
}

/** Its inode time changed with the move: the stat words are taken anew where the file is otherwise the same. */
async function moved(tree: WorkTree, entry: IndexEntry, to: string): Promise<IndexEntry> {
  const renamed = entry.withPath(to);
  const fresh = await refreshEntry(tree, renamed);
  return typeof fresh === 'string' ? renamed : fresh;
}

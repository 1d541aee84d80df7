import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { quotePath } from '../base/quote.js';
import { diffTrees } from '../diff/trees.js';
import type { CommitNode } from '../history/commit-pool.js';
import { CommitPool } from '../history/commit-pool.js';
import { CommitQueue } from '../history/commit-queue.js';
import { UNINTERESTING } from '../history/flags.js';
import { isTreeMode } from '../objects/mode.js';
import { parseTree } from '../objects/tree.js';
import { parseRevisionRequest } from '../porcelain/log-revisions.js';
import { LogSettings } from '../porcelain/log-settings.js';
import { createLogWalk } from '../porcelain/log-walk.js';
import type { Pathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import { peelTo } from '../repo/revision.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Modified {
  readonly commit: string;
  readonly path: string;
  /** The history that was looked at ends here. */
  readonly boundary: boolean;
  readonly text: string;
}

interface Words {
  depth: number | undefined;
  showTrees: boolean;
  nul: boolean;
}

export const command = defineCommand({
  name: 'last-modified',
  summary: 'Show when files were last modified',
  usage: [
    'last-modified [--recursive] [--show-trees] [--max-depth=<depth>] [-z]\n                  [<revision-range>] [[--] <pathspec>...]',
  ],
  options: {
    recursive: { type: 'flag', short: 'r', help: 'recurse into subtrees' },
    'show-trees': { type: 'flag', short: 't', help: 'show tree entries when recursing into subtrees' },
    'max-depth': { type: 'string', value: 'n', negatable: false, help: 'maximum tree depth to recurse' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'lines are separated with NUL character' },
  },
  parsing: { none: true },
  async *run(context): AsyncGenerator<Modified, number | undefined> {
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    yield* lastModified(context);
    return undefined;
  },
  render: (one: Modified) => one.text,
});

function take(words: Words, argv: readonly string[], at: number): number {
  const word = argv[at]!;
  switch (word) {
    case '-r':
    case '--recursive':
      words.depth = -1;
      return 1;
    case '--no-recursive':
      words.depth = 0;
      return 1;
    case '-t':
    case '--show-trees':
      words.showTrees = true;
      return 1;
    case '--no-show-trees':
      words.showTrees = false;
      return 1;
    case '-z':
      words.nul = true;
      return 1;
  }
  const match = /^--max-depth(?:=(.*))?$/.exec(word);
  if (match !== null) {
    const value = match[1] ?? argv[at + 1];
    if (value === undefined) throw new UsageError("option `max-depth' requires a value", { quiet: true });
    if (!/^-?\d+$/.test(value)) {
      throw new UsageError("option `max-depth' expects an integer value with an optional k/m/g suffix", {
        quiet: true,
      });
    }
    words.depth = Number(value);
    return match[1] === undefined ? 2 : 1;
  }
  return 0;
}

async function* lastModified(context: CommandContext): AsyncGenerator<Modified> {
  const repository = context.repository();
  const words: Words = { depth: undefined, showTrees: false, nul: false };
  const settings = new LogSettings();
  const request = await parseRevisionRequest(context.argv, {
    context: { repository, terminal: () => context.io.stdout.isTerminal },
    settings,
    fallback: 'HEAD',
    other: (argv, at) => take(words, argv, at),
    complain: (line) => context.printError(`${line}\n`),
  });
  const [unknown] = request.rest;
  if (unknown !== undefined) throw new UsageError(`unknown last-modified argument: ${unknown}`, { quiet: true });
  const pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
  const log = await createLogWalk(repository, request, {
    pool,
    noPruning: true,
    pathSettings: { settings: context.globals.pathspecs },
  });
  if ((words.depth ?? 0) >= 0 && log.pathspec.hasWildcards) {
    throw new GitError('USAGE', 'max-depth cannot be used with wildcard pathspecs');
  }
  const tips: CommitNode[] = [];
  for (const pending of request.pending) {
    if ((pending.flags & UNINTERESTING) !== 0) continue;
    const commit = await peelTo(repository, pending.oid, 'commit');
    if (commit === undefined)
      throw new GitError(
        'USAGE',
        `revision argument '${pending.name}' is a ${(await repository.objects.readHeader(pending.oid))?.kind}, not a commit-ish`,
      );
    tips.push(pool.node(commit));
  }
  if (tips.length > 1) throw new GitError('USAGE', 'last-modified can only operate on one commit at a time');
  const [tip] = tips;
  if (tip === undefined) return;
  // A limited walk tells which commits are beyond the range.
  if (request.pending.some((pending) => (pending.flags & UNINTERESTING) !== 0)) await log.walk.prepare();
  await pool.load(tip);
  const found: string[] = [];
  await gather(repository, tip.tree, '', log.pathspec, words, (path) => found.push(path));
  const ordered = tableOrder(found);
  const paths = new Map<string, number>(ordered.map((path, index) => [path, index]));
  const active = new Map<CommitNode, Set<number>>([[tip, new Set(ordered.keys())]]);
  const queue = new CommitQueue();
  queue.push(tip);
  const line = (node: CommitNode, path: string, boundary: boolean): Modified => ({
    commit: node.oid,
    path,
    boundary,
    text: words.nul
      ? `${boundary ? '^' : ''}${node.oid}\t${path}\0`
      : `${boundary ? '^' : ''}${node.oid}\t${quotePath(path, repository.config.getBool('core.quotepath', true) ?? true)}\n`,
  });
  const pass = (parent: CommitNode, index: number): void => {
    let set = active.get(parent);
    if (set === undefined) {
      active.set(parent, (set = new Set()));
      queue.push(parent);
    }
    set.add(index);
  };
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    const wanted = active.get(node);
    if (wanted === undefined || wanted.size === 0) continue;
    active.delete(node);
    if ((node.flags & UNINTERESTING) !== 0 || beyond(settings, node)) {
      for (const index of [...wanted].sort((a, b) => a - b)) yield line(node, ordered[index]!, true);
      continue;
    }
    for (const parent of settings.firstParent ? node.parents.slice(0, 1) : node.parents) {
      if (wanted.size === 0) break;
      if (!(await pool.load(parent))) {
        throw new GitError('OBJECT_MISSING', `could not parse commit ${parent.oid}`, { data: { oid: parent.oid } });
      }
      if (parent.tree === node.tree) {
        for (const index of wanted) pass(parent, index);
        wanted.clear();
        break;
      }
      const changed = await changedPaths(repository, parent.tree, node.tree, paths, wanted, ordered);
      for (const index of [...wanted]) {
        if (changed.has(index)) continue;
        wanted.delete(index);
        pass(parent, index);
      }
    }
    for (const index of [...wanted].sort((a, b) => a - b)) yield line(node, ordered[index]!, false);
  }
}

const beyond = (settings: LogSettings, node: CommitNode): boolean =>
  settings.maxAge !== undefined && node.seconds < settings.maxAge;

/** Which of the wanted paths differ between two trees. */
async function changedPaths(
  repository: Repository,
  before: Oid,
  after: Oid,
  paths: ReadonlyMap<string, number>,
  wanted: ReadonlySet<number>,
  ordered: readonly string[],
): Promise<Set<number>> {
  const directories = new Set<string>();
  for (const index of wanted) {
    for (let path = ordered[index]!, slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/')) {
      path = path.slice(0, slash);
      if (directories.has(path)) break;
      directories.add(path);
    }
  }
  const changed = new Set<number>();
  await diffTrees(
    repository.objects,
    before,
    after,
    repository.oidLength,
    {
      recursive: true,
      showTrees: true,
      filter: (path) => {
        if (directories.has(path)) return 'some';
        const index = paths.get(path);
        return index !== undefined && wanted.has(index) ? 'some' : 'no';
      },
    },
    (change) => {
      const index = paths.get(change.path);
      if (index !== undefined && wanted.has(index)) changed.add(index);
    },
  );
  return changed;
}

/** The paths to be explained: what the pathspec names, down to the depth asked for. */
async function gather(
  repository: Repository,
  tree: Oid,
  base: string,
  pathspec: Pathspec,
  words: Words,
  add: (path: string) => void,
): Promise<void> {
  const limit = words.depth ?? 0;
  const object = await repository.objects.read(tree);
  if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read tree (${tree})`);
  for (const entry of parseTree(object.data, repository.oidLength)) {
    const path = base === '' ? entry.name : `${base}/${entry.name}`;
    if (!isTreeMode(entry.mode)) {
      if (pathspec.matches(path) && within(pathspec, path, limit)) add(path);
      continue;
    }
    const matched = pathspec.matches(path, true);
    if (!matched && !pathspec.mayMatchBelow(path)) continue;
    const deeper = limit < 0 || !matched || within(pathspec, `${path}/x`, limit);
    if (matched && within(pathspec, path, limit) && (!deeper || words.showTrees)) add(path);
    if (deeper) await gather(repository, entry.oid, path, pathspec, words, add);
  }
}

/**
 * Paths that one commit brought are shown in the order of git's hash table: buckets by FNV-1 of the path, the newest
 * first in each.
 */
function tableOrder(paths: readonly string[]): string[] {
  let buckets: string[][] = Array.from({ length: 64 }, () => []);
  const put = (path: string): void => {
    buckets[hash(path) & (buckets.length - 1)]!.unshift(path);
  };
  let count = 0;
  for (const path of paths) {
    put(path);
    if (++count <= Math.floor((buckets.length * 80) / 100)) continue;
    const before = buckets.flat();
    buckets = Array.from({ length: buckets.length * 4 }, () => []);
    for (const one of before) put(one);
  }
  return buckets.flat();
}

function hash(path: string): number {
  let value = 0x811c9dc5;
  for (const byte of encodeText(path)) value = Math.imul(value, 0x01000193) ^ byte;
  return value >>> 0;
}

/** No more than `limit` levels below what a pathspec names. */
function within(pathspec: Pathspec, path: string, limit: number): boolean {
  if (limit < 0) return true;
  const levels = (base: string): number => {
    if (base === '') return path.split('/').length - 1;
    if (path === base) return 0;
    return path.startsWith(`${base}/`) ? path.slice(base.length + 1).split('/').length : Number.POSITIVE_INFINITY;
  };
  if (pathspec.isEmpty) return levels('') <= limit;
  return pathspec.items.some((item) => {
    if (item.exclude) return false;
    const base = item.match.replace(/\/$/, '');
    const depth = levels(base);
    // What a directory's own name leads to lies one level below it.
    return depth === 0 || depth - (item.match.endsWith('/') ? 1 : 0) <= limit;
  });
}

import { GitError } from '../base/errors.js';
import { quotePath, unquotePath } from '../base/quote.js';
import type { PathspecItem } from '../repo/pathspec.js';
import { Pathspec } from '../repo/pathspec.js';
import type { IgnoreMatch } from '../worktree/ignore.js';
import { Ignores } from '../worktree/ignore.js';
import type { Index } from '../worktree/index-file.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { openWorkTree, pathspecOf } from './work-tree.js';

interface Result {
  readonly path: string;
  readonly source?: string;
  readonly line?: number;
  readonly pattern?: string;
}

export const command = defineCommand({
  name: 'check-ignore',
  summary: 'tell which paths are ignored, and by which rule',
  usage: ['check-ignore [<options>] <pathname>...', 'check-ignore [<options>] --stdin'],
  options: {
    quiet: { type: 'flag', short: 'q', help: 'suppress progress reporting' },
    verbose: { type: 'flag', short: 'v', help: 'be verbose' },
    stdin: { type: 'flag', help: 'read file names from stdin' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'terminate input and output records by a NUL character' },
    'non-matching': { type: 'flag', short: 'n', help: 'show non-matching input paths' },
    'no-index': { type: 'flag', help: 'ignore index when checking' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, number> {
    const tree = openWorkTree(context, { bareToo: true });
    const stdin = values.stdin === true;
    if (stdin && rest.length > 0) throw new GitError('USAGE', 'cannot specify pathnames with --stdin');
    if (!stdin && values.z === true) throw new GitError('USAGE', '-z only makes sense with --stdin');
    if (!stdin && rest.length === 0) throw new GitError('USAGE', 'no path specified');
    const quiet = values.quiet === true;
    const verbose = values.verbose === true;
    if (quiet && rest.length > 1) throw new GitError('USAGE', '--quiet is only valid with a single pathname');
    if (quiet && verbose) throw new GitError('USAGE', 'cannot have both --quiet and --verbose');
    if (values['non-matching'] === true && !verbose) {
      throw new GitError('USAGE', '--non-matching is only valid with --verbose');
    }
    tree.requireRoot();
    const check = checker(tree, values['no-index'] === true);
    let found = 0;
    const answer = (spec: PathspecItem): Result | undefined => {
      const word = spec.original;
      const match = check(spec);
      const matched = match !== undefined && (verbose || !match.rule.negative);
      if (matched) found++;
      if (quiet || (!matched && values['non-matching'] !== true)) return undefined;
      if (!verbose) return { path: word };
      if (!matched) return { path: word, source: '', pattern: '' };
      return { path: word, source: match.list.source, line: match.rule.line, pattern: match.rule.text };
    };
    if (!stdin) {
      for (const spec of specsOf(context, tree, rest)) {
        const result = answer(spec);
        if (result !== undefined) yield result;
      }
    } else {
      for (const line of context.io.stdin.lines(values.z === true ? 0 : 0x0a)) {
        const word = values.z !== true && line.startsWith('"') ? unquotePath(line)?.value : line;
        if (word === undefined) throw new GitError('USAGE', 'line is badly quoted');
        const result = answer(specsOf(context, tree, [word])[0]!);
        if (result !== undefined) {
          yield result;
          context.io.stdout.flush();
        }
      }
    }
    return found > 0 ? 0 : 1;
  },
  render(result, context) {
    const nul = context.argv.some((word) => /^-[a-z]*z/.test(word));
    const high = context.repository().config.getBool('core.quotepath', true);
    if (nul) {
      if (result.source === undefined) return `${result.path}\0`;
      return `${result.source}\0${result.line ?? ''}\0${result.pattern ?? ''}\0${result.path}\0`;
    }
    const path = quotePath(result.path, high);
    if (result.source === undefined) return `${path}\n`;
    if (result.line === undefined) return `::\t${path}\n`;
    return `${quotePath(result.source, high)}:${result.line}:${result.pattern}\t${path}\n`;
  },
});

type Check = (spec: PathspecItem) => IgnoreMatch | undefined;

function checker(tree: WorkTree, noIndex: boolean): Check {
  const ignores = new Ignores(tree.repository, { index: () => tree.index, warn: tree.warn });
  return (spec) => {
    const path = spec.match.replace(/\/$/, '');
    if (path === '') return undefined;
    // What is tracked is not ignored; the word is a pattern here.
    const { index } = tree;
    if (!noIndex && isTracked(index, spec)) return undefined;
    const isDirectory = tree.lstat(path)?.kind === 'directory';
    // With a `/` at its end it is what is in the directory, without a name.
    return ignores.match(spec.match, isDirectory);
  };
}

function isTracked(index: Index, spec: PathspecItem): boolean {
  const { match } = spec;
  if (index.has(match) || index.hasDirectory(match.replace(/\/$/, ''))) return true;
  if (!spec.wildcards) return false;
  const pathspec = new Pathspec([spec]);
  for (let i = 0, { count } = index; i < count; i++) if (pathspec.matches(index.pathAt(i))) return true;
  return false;
}

/** The words as pathspecs from the top. Throws where one cannot be, or leads out of the work tree. */
function specsOf(context: CommandContext, tree: WorkTree, words: readonly string[]): readonly PathspecItem[] {
  const { items } = pathspecOf(context, tree, words, { refuse: ['literal', 'glob', 'icase', 'exclude', 'attr'] });
  for (const { match, original } of items) {
    const path = match.replace(/\/$/, '');
    if (tree.hasSymlinkParent(path)) throw new GitError('USAGE', `pathspec '${original}' is beyond a symbolic link`);
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const above = tree.index.get(path.slice(0, slash));
      if (above !== undefined && above.mode === 0o160000) {
        throw new GitError('USAGE', `Pathspec '${original}' is in submodule '${above.path}'`);
      }
    }
  }
  return items;
}

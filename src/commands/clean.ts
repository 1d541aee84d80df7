import { systemMessage } from '../platform/system-message.js';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { nestedGitDirectory } from '../worktree/gitlink.js';
import { Ignores } from '../worktree/ignore.js';
import { findUntracked } from '../worktree/untracked.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { openWorkTree, pathPrinter, pathspecOf } from './work-tree.js';

interface Result {
  readonly verb:
    | 'Removing'
    | 'Would remove'
    | 'Skipping repository'
    | 'Would skip repository'
    | 'Would refuse to remove current working directory'
    | 'Refusing to remove current working directory';
  readonly path: string;
}

export const command = defineCommand({
  name: 'clean',
  summary: 'remove untracked files from the work tree',
  usage: ['clean [-d] [-f] [-i] [-n] [-q] [-e <pattern>] [-x | -X] [--] [<pathspec>...]'],
  options: {
    quiet: { type: 'flag', short: 'q', help: 'do not print names of files removed' },
    'dry-run': { type: 'flag', short: 'n', help: 'dry run' },
    force: { rarelyMeant: true, type: 'count', short: 'f', help: 'force' },
    interactive: { type: 'flag', short: 'i', help: 'interactive cleaning' },
    d: { type: 'flag', short: 'd', shortOnly: true, help: 'remove whole directories' },
    exclude: { type: 'list', short: 'e', value: 'pattern', negatable: false, help: 'add <pattern> to ignore rules' },
    x: { type: 'flag', short: 'x', shortOnly: true, help: 'remove ignored files, too' },
    X: { type: 'flag', short: 'X', shortOnly: true, help: 'remove only ignored files' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, number> {
    const tree = openWorkTree(context);
    const { config } = tree.repository;
    const force = values.force ?? 0;
    const dry = values['dry-run'] === true;
    const require = config.getBool('clean.requireforce');
    if (require !== false && force === 0 && !dry && values.interactive !== true) {
      throw new GitError('USAGE', 'clean.requireForce is true and -f not given: refusing to clean');
    }
    if (values.x === true && values.X === true)
      throw new GitError('USAGE', "options '-x' and '-X' cannot be used together");
    const found = select(context, tree, values, rest);
    let list = found;
    if (values.interactive === true) {
      if (list.length === 0) return 0;
      const { cleanInteractively } = await import('./clean-interactive.js');
      const chosen = await cleanInteractively(context, tree, list);
      if (chosen === undefined) return 0;
      list = chosen;
    }
    const cleaner = new Cleaner(context, tree, { dry, quiet: values.quiet === true, nested: force > 1 });
    for (const path of list) yield* cleaner.remove(path);
    return cleaner.failed ? 1 : 0;
  },
  render: ({ verb, path }) => (verb.includes('current working') ? `${verb}\n` : `${verb} ${path}\n`),
});

interface Values {
  readonly d?: boolean;
  readonly x?: boolean;
  readonly X?: boolean;
  readonly force?: number;
  readonly exclude?: readonly string[];
}

function select(context: CommandContext, tree: WorkTree, values: Values, rest: readonly string[]): string[] {
  const pathspec = pathspecOf(context, tree, rest, { whenEmpty: 'cwd' });
  const ignores = new Ignores(tree.repository, {
    standard: values.x !== true,
    index: () => tree.index,
    warn: tree.warn,
  });
  for (const pattern of values.exclude ?? []) ignores.addPattern(pattern);
  const nested = (values.force ?? 0) > 1;
  const recurse = values.d === true || rest.length > 0;
  const result = findUntracked(tree, {
    pathspec,
    ignores,
    collapse: true,
    hideEmpty: false,
    ignored: values.X === true ? 'traditional' : 'no',
    ...(nested ? {} : { skipNested: true }),
    ...(nested ? { enterNested: true } : {}),
  });
  const chosen = values.X === true ? result.ignored : withoutIgnored(tree, ignores, result.untracked, recurse, nested);
  return chosen.filter((path) => {
    if (!path.endsWith('/')) return pathspec.matches(path);
    // Without -d a directory goes only where paths were named.
    return (values.d === true || rest.length > 0) && pathspec.matches(path.slice(0, -1), true);
  });
}

/** A directory that holds something ignored is taken apart: only what is not ignored goes. */
function withoutIgnored(
  tree: WorkTree,
  ignores: Ignores,
  paths: readonly string[],
  recurse: boolean,
  nested: boolean,
): string[] {
  const out: string[] = [];
  for (const path of paths) {
    if (!path.endsWith('/') || !recurse) {
      out.push(path);
      continue;
    }
    const plain = path.slice(0, -1);
    const parts: string[] = [];
    if (collect(tree, ignores, plain, parts, nested)) out.push(path);
    else out.push(...parts);
  }
  return out;
}

/** Gathers what may go below a directory; answers whether everything may, the directory included. */
function collect(tree: WorkTree, ignores: Ignores, directory: string, out: string[], nested: boolean): boolean {
  let whole = true;
  const own: string[] = [];
  for (const { name, kind } of tree.fs.readDirectory(tree.absolute(directory)) ?? []) {
    const path = `${directory}/${name}`;
    if (ignores.isIgnored(path, kind === 'directory')) {
      whole = false;
      continue;
    }
    if (kind !== 'directory') {
      own.push(path);
      continue;
    }
    if (!nested && nestedGitDirectory(tree.fs, tree.absolute(path)) !== undefined) {
      own.push(`${path}/`);
      continue;
    }
    const inner: string[] = [];
    if (collect(tree, ignores, path, inner, nested)) own.push(`${path}/`);
    else {
      whole = false;
      own.push(...inner);
    }
  }
  if (!whole) out.push(...own.sort(compareText));
  return whole;
}

class Cleaner {
  failed = false;
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #options: { readonly dry: boolean; readonly quiet: boolean; readonly nested: boolean };
  readonly #print: (path: string) => string;
  /** What goes is the current directory: what is in it is shown as `./x`. */
  #here = false;

  constructor(context: CommandContext, tree: WorkTree, options: { dry: boolean; quiet: boolean; nested: boolean }) {
    this.#context = context;
    this.#tree = tree;
    this.#options = options;
    const print = pathPrinter(tree);
    this.#print = (path) => (this.#here ? print(path).replace(/^"?/, '$&./') : print(path));
  }

  *remove(path: string): Generator<Result> {
    const { dry, quiet } = this.#options;
    if (!path.endsWith('/')) {
      if (!dry && !this.#unlink(path)) return;
      if (!quiet) yield { verb: dry ? 'Would remove' : 'Removing', path: this.#print(path) };
      return;
    }
    const said: Result[] = [];
    this.#here = path === this.#tree.repository.prefix;
    const gone = this.#directory(path.slice(0, -1), said);
    if (gone) {
      if (!quiet) yield { verb: dry ? 'Would remove' : 'Removing', path: this.#print(path) };
    } else if (!quiet) yield* said;
  }

  /** Removes a directory and all in it, nested repositories aside; answers whether it is gone. */
  #directory(path: string, said: Result[]): boolean {
    const { dry, nested } = this.#options;
    const tree = this.#tree;
    if (!nested && nestedGitDirectory(tree.fs, tree.absolute(path)) !== undefined) {
      said.push({
        verb: dry ? 'Would skip repository' : 'Skipping repository',
        path: this.#print(`${path}/`).replace(/\/$/, ''),
      });
      return false;
    }
    let whole = true;
    const listed = tree.fs.readDirectory(tree.absolute(path)) ?? [];
    for (const { name, kind } of [...listed].sort((a, b) => compareText(a.name, b.name))) {
      const inner = `${path}/${name}`;
      if (kind === 'directory') {
        const before = said.length;
        if (this.#directory(inner, said)) {
          if (said.length === before)
            said.push({ verb: dry ? 'Would remove' : 'Removing', path: this.#print(`${inner}/`) });
        } else whole = false;
      } else if (dry || this.#unlink(inner))
        said.push({ verb: dry ? 'Would remove' : 'Removing', path: this.#print(inner) });
      else whole = false;
    }
    if (!whole) return false;
    const { prefix, insideWorkTree } = tree.repository;
    if (insideWorkTree && `${path}/` === prefix) {
      said.push({
        verb: dry ? 'Would refuse to remove current working directory' : 'Refusing to remove current working directory',
        path: '',
      });
      return false;
    }
    if (dry) return true;
    let why = 'Directory not empty';
    try {
      if (tree.fs.removeDirectory(tree.absolute(path))) return true;
    } catch (error) {
      why = systemMessage(error);
    }
    this.#context.warning(`failed to remove ${this.#print(`${path}/`)}: ${why}`);
    this.failed = true;
    return false;
  }

  #unlink(path: string): boolean {
    try {
      this.#tree.fs.remove(this.#tree.absolute(path));
      return true;
    } catch (error) {
      this.#context.warning(`failed to remove ${this.#print(path)}: ${systemMessage(error)}`);
      this.failed = true;
      return false;
    }
  }
}

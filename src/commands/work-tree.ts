import { systemMessage } from '../platform/system-message.js';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { quotePath, relativeTo, unquotePath } from '../base/quote.js';
import { isGitlinkMode } from '../objects/mode.js';
import { parseBool } from '../repo/config-values.js';
import type { Magic, Pathspec } from '../repo/pathspec.js';
import { normalize, parsePathspec } from '../repo/pathspec.js';
import { resolveRevision } from '../repo/revision.js';
import type { WorkTreeOptions } from '../worktree/work-tree.js';
import { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';

/**
 * The work tree of the command's repository, speaking through the command. `submodules`: what `--recurse-submodules`
 * asks for.
 */
export function openWorkTree(
  context: CommandContext,
  options: WorkTreeOptions & { bareToo?: boolean; submodules?: SubmoduleWish } = {},
): WorkTree {
  const tree = new WorkTree(context.repository(), {
    ...options,
    warn: (message) => context.warning(message),
    error: (message) => context.error(message),
  });
  const wish = options.submodules;
  if (typeof wish === 'string' && parseBool(wish) === undefined)
    throw new GitError('USAGE', `bad recurse-submodules argument: ${wish}`);
  if (options.bareToo !== true) requireWorkTree(context, tree);
  warnOfSubmodules(context, tree, options.submodules);
  return tree;
}

/** Throws `USAGE` where there is no work tree, or the one that was named is not there. */
export function requireWorkTree(context: CommandContext, tree: WorkTree): void {
  const root = tree.requireRoot();
  if (context.env['GIT_WORK_TREE'] !== undefined && context.platform.fs.stat(root) === undefined)
    throw new GitError('USAGE', 'this operation must be run in a work tree');
}

/** The value of `--recurse-submodules`. */
export type SubmoduleWish = string | boolean | null | undefined;

/** bough does not go into submodules: who asks for that and has some is told. */
export function warnOfSubmodules(context: CommandContext, { index }: WorkTree, wish: SubmoduleWish): void {
  if (wish == null || wish === false || /^(?:no|false|off|0)$/i.test(String(wish))) return;
  for (let i = 0; i < index.count; i++) {
    if (!isGitlinkMode(index.entryAt(i).mode)) continue;
    context.warning(`'--recurse-submodules' has no effect: submodules are left alone`);
    return;
  }
}

/** Reads pathspec words as given on the command line, with the settings given before the command. */
export function pathspecOf(
  context: CommandContext,
  tree: WorkTree,
  words: readonly string[],
  options: { whenEmpty?: 'all' | 'cwd'; refuse?: readonly Magic[]; literal?: boolean } = {},
): Pathspec {
  const { prefix, workTree } = tree.repository;
  return parsePathspec(words, {
    prefix,
    workTree,
    root: `${tree.repository.gitDir}/.`,
    settings: options.literal === true ? { literal: true } : context.globals.pathspecs,
    attributesOf: (path) => tree.attributes.of(path),
    ...(options.whenEmpty === undefined ? {} : { whenEmpty: options.whenEmpty }),
    ...(options.refuse === undefined ? {} : { refuse: options.refuse }),
  });
}

/** A path word (no pattern) from the top of the work tree. Throws where it leads outside. */
export function pathFromTop(tree: WorkTree, word: string): string {
  const { prefix, workTree } = tree.repository;
  const normal = normalize(prefix, word, workTree);
  if (normal === undefined) {
    throw new GitError('USAGE', `'${word}' is outside repository at '${workTree ?? ''}'`);
  }
  return normal.path;
}

/** How paths are shown: seen from the current directory, quoted as `core.quotePath` says (or raw with `-z`). */
export function pathPrinter(tree: WorkTree, options: { raw?: boolean; full?: boolean } = {}): (path: string) => string {
  const { prefix, config } = tree.repository;
  const high = config.getBool('core.quotepath', true);
  return (path) => {
    const shown = options.full === true ? path : relativeTo(path, prefix);
    return options.raw === true ? shown : quotePath(shown, high);
  };
}

/** The word for the whole work tree, also where pathspecs have no magic. */
export const wholeTree = (tree: WorkTree): string => '../'.repeat(tree.repository.prefix.split('/').length - 1) || '.';

/** The words of `--pathspec-from-file`: lines, C-quoted where they begin with `"`, or NUL-terminated. */
/** A file that was named as it is named from the top of the work tree. */
export function fromTop(context: CommandContext, file: string): string {
  const prefix = context.maybeRepository()?.prefix ?? '';
  return file.startsWith('/') ? file : `${prefix}${file}`;
}

function readPathspecFile(context: CommandContext, file: string, nul: boolean): string[] {
  let data: Bytes;
  if (file === '-') data = context.io.stdin.readAll();
  else {
    try {
      data = readFileSync(resolve(context.cwd, file));
    } catch (error) {
      const shown = fromTop(context, file);
      throw new GitError('USAGE', `could not open '${shown}' for reading: ${systemMessage(error)}`);
    }
  }
  const text = decodeText(data);
  if (nul) return text.split('\0').filter((word, i, all) => i < all.length - 1 || word !== '');
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines.map((raw) => {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (!line.startsWith('"')) return line;
    const read = unquotePath(line);
    if (read === undefined || read.end !== line.length) throw new GitError('USAGE', `line is badly quoted: ${line}`);
    return read.value;
  });
}

/**
 * The pathspec words of a command that takes `--pathspec-from-file` and `--pathspec-file-nul`. `against`: options that
 * are given and do not go with a file.
 */
export function pathspecWords(
  context: CommandContext,
  values: { readonly 'pathspec-from-file'?: string | null; readonly 'pathspec-file-nul'?: boolean },
  rest: readonly string[],
  against: readonly (string | false)[] = [],
): readonly string[] {
  const file = values['pathspec-from-file'];
  // Whether the words are good ones is seen before whether they may stand there.
  if (rest.length > 0 && (file || values['pathspec-file-nul'] === true)) checkWords(context, rest);
  if (file == null || file === '') {
    if (values['pathspec-file-nul'] === true) {
      throw new GitError('USAGE', "the option '--pathspec-file-nul' requires '--pathspec-from-file'");
    }
    return rest;
  }
  if (rest.length > 0) {
    throw new GitError('USAGE', "'--pathspec-from-file' and pathspec arguments cannot be used together");
  }
  const other = against.find((name) => name !== false);
  if (other !== undefined) {
    throw new GitError('USAGE', `options '--pathspec-from-file' and '${other}' cannot be used together`);
  }
  return readPathspecFile(context, file, values['pathspec-file-nul'] === true);
}

function checkWords(context: CommandContext, words: readonly string[]): void {
  const repository = context.maybeRepository();
  if (repository?.workTree !== undefined) pathspecOf(context, openWorkTree(context), words);
}

/** Tells which words only mean entries that are not to be checked out (`skip-worktree`); they are left alone. */
export function adviseSparse(context: CommandContext, words: readonly string[]): void {
  context.printError(
    'The following paths and/or pathspecs matched paths that exist\n' +
      'outside of your sparse-checkout definition, so will not be\n' +
      `updated in the index:\n${words.join('\n')}\n`,
  );
  advise(
    context,
    'updateSparsePath',
    'If you intend to update such entries, try one of the following:\n' +
      '* Use the --sparse option.\n* Disable or modify the sparsity rules.',
  );
}

/** The two options, for a command's table. */
export const pathspecFileOptions = {
  'pathspec-from-file': { type: 'string', value: 'file', help: 'read pathspec from file' },
  'pathspec-file-nul': {
    type: 'flag',
    help: 'with --pathspec-from-file, pathspec elements are separated with NUL character',
  },
} as const;

/**
 * The tree that attributes are read from instead of the work tree: `--source`, `--attr-source` (`GIT_ATTR_SOURCE`),
 * or `attr.tree`.
 */
export async function attributeTree(
  context: CommandContext,
  tree: WorkTree,
  named?: string,
): Promise<Oid<'tree'> | undefined> {
  const { repository } = tree;
  const word = named ?? context.globals.attrSource ?? context.env['GIT_ATTR_SOURCE'];
  if (word !== undefined) {
    const oid = await resolveRevision(repository, `${word}^{tree}`);
    if (oid === undefined) {
      throw new GitError(
        'USAGE',
        named === undefined ? 'bad --attr-source or GIT_ATTR_SOURCE' : `${word}: not a valid tree-ish source`,
      );
    }
    return oid as Oid<'tree'>;
  }
  const configured = repository.config.get('attr.tree');
  if (configured === undefined) return undefined;
  return (await resolveRevision(repository, `${configured}^{tree}`)) as Oid<'tree'> | undefined;
}

/** `advice.<name>` is not off. */
export const adviceOn = (context: CommandContext, name: string): boolean =>
  context.env['GIT_ADVICE'] !== '0' &&
  context.env['GIT_ADVICE'] !== 'false' &&
  context.repository().config.getBool(`advice.${name.toLowerCase()}`, true);

/** A hint under `advice.<name>`, with the line that says how to turn it off, where it was not turned on on purpose. */
export function advise(context: CommandContext, name: string, message: string): void {
  if (!adviceOn(context, name)) return;
  const chosen = context.repository().config.has(`advice.${name.toLowerCase()}`);
  context.hint(chosen ? message : `${message}\nDisable this message with "git config set advice.${name} false"`);
}

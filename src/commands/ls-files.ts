import { resolve } from 'node:path';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { formatMode, isRegularMode, isTreeMode, kindOfMode } from '../objects/mode.js';
import { itemMatches, parsePathspec } from '../repo/pathspec.js';
import { resolveKind } from '../repo/revision.js';
import { eolAttribute, eolInfo } from '../worktree/eol-info.js';
import { Ignores } from '../worktree/ignore.js';
import type { IndexEntry } from '../worktree/index-entry.js';
import { findUntracked } from '../worktree/untracked.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { readTreeEntries } from '../worktree/write-tree.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { checkDigits, UsageError } from './options.js';
import type { ParsedOptions } from './options.js';
import { openWorkTree, pathPrinter, pathspecOf } from './work-tree.js';

interface Line {
  readonly text: string;
}

const options = {
  z: { type: 'flag', short: 'z', shortOnly: true, help: 'separate paths with the NUL character' },
  t: { type: 'flag', short: 't', shortOnly: true, help: 'identify the file status with tags' },
  v: { type: 'flag', short: 'v', shortOnly: true, help: "use lowercase letters for 'assume unchanged' files" },
  f: { type: 'flag', short: 'f', shortOnly: true, help: "use lowercase letters for 'fsmonitor clean' files" },
  cached: { type: 'flag', short: 'c', help: 'show cached files in the output (default)' },
  deleted: { type: 'flag', short: 'd', help: 'show deleted files in the output' },
  modified: { type: 'flag', short: 'm', help: 'show modified files in the output' },
  others: { type: 'flag', short: 'o', help: 'show other files in the output' },
  ignored: { type: 'flag', short: 'i', help: 'show ignored files in the output' },
  stage: { type: 'flag', short: 's', help: "show staged contents' object name in the output" },
  killed: { type: 'flag', short: 'k', help: 'show files on the filesystem that need to be removed' },
  directory: { type: 'flag', help: "show 'other' directories' names only" },
  eol: { type: 'flag', help: 'show line endings of files' },
  'empty-directory': { type: 'flag', help: "don't show empty directories" },
  unmerged: { type: 'flag', short: 'u', help: 'show unmerged files in the output' },
  'resolve-undo': { type: 'flag', help: 'show resolve-undo information' },
  exclude: { type: 'list', short: 'x', value: 'pattern', negatable: false, help: 'skip files matching pattern' },
  'exclude-from': {
    type: 'list',
    short: 'X',
    value: 'file',
    negatable: false,
    help: 'read exclude patterns from <file>',
  },
  'exclude-per-directory': {
    type: 'string',
    value: 'file',
    help: 'read additional per-directory exclude patterns in <file>',
  },
  'exclude-standard': { type: 'flag', negatable: false, help: 'add the standard git exclusions' },
  'full-name': { type: 'flag', negatable: false, help: 'make the output relative to the project top directory' },
  'recurse-submodules': { type: 'flag', help: 'recurse through submodules' },
  'error-unmatch': { type: 'flag', help: 'if any <file> is not in the index, treat this as an error' },
  'with-tree': {
    type: 'string',
    value: 'tree-ish',
    help: 'pretend that paths removed since <tree-ish> are still present',
  },
  abbrev: {
    type: 'optional',
    value: 'n',
    implied: '',
    check: checkDigits,
    help: 'use <n> digits to display object names',
  },
  debug: { type: 'flag', help: 'show debugging data' },
  deduplicate: { type: 'flag', help: 'suppress duplicate entries' },
  sparse: { type: 'flag', help: 'show sparse directories in the presence of a sparse index' },
  format: { type: 'string', value: 'format', negatable: false, help: 'format to use for the output' },
} as const;

type Values = ParsedOptions<typeof options>['values'];

export const command = defineCommand({
  name: 'ls-files',
  summary: 'show files of the index and the work tree',
  usage: ['ls-files [<options>] [<file>...]'],
  options,
  async *run(context, args): AsyncGenerator<Line, number> {
    const listing = new Listing(context, args.values, args.rest);
    return yield* listing.run();
  },
  render: ({ text }) => text,
});

class Listing {
  readonly #context: CommandContext;
  readonly #values: Values;
  readonly #tree: WorkTree;
  #spec: ReturnType<typeof pathspecOf>;
  readonly #rest: readonly string[];
  readonly #print: (path: string) => string;
  readonly #end: string;
  #last: string | undefined;

  constructor(context: CommandContext, values: Values, rest: readonly string[]) {
    this.#context = context;
    this.#values = values;
    this.#tree = openWorkTree(context, { bareToo: true });
    this.#rest = rest;
    this.#spec = parsePathspec([]);
    this.#end = values.z === true ? '\0' : '\n';
    this.#print = pathPrinter(this.#tree, { raw: values.z === true, full: values['full-name'] === true });
  }

  async *run(): AsyncGenerator<Line, number> {
    const values = this.#values;
    const tree = this.#tree;
    const stage = values.stage === true || values.unmerged === true;
    const modified = values.modified === true;
    if (values.ignored === true) tree.requireRoot();
    const ignores = this.#ignores();
    if (values.format != null) {
      const wrong = (['stage', 'others', 'killed', 'resolve-undo', 'deduplicate', 'eol', 't'] as const).find(
        (key) => values[key] === true,
      );
      if (wrong !== undefined) {
        throw new UsageError('--format cannot be used with -s, -o, -k, -t, --resolve-undo, --deduplicate, --eol', {
          fatal: true,
        });
      }
    }
    if (values.others === true || values.killed === true || values.deleted === true || modified) tree.requireRoot();
    if (values['recurse-submodules'] === true) {
      const unsupported = (['deleted', 'others', 'unmerged', 'killed', 'modified', 'resolve-undo'] as const).some(
        (key) => values[key] === true,
      );
      if (unsupported || values['with-tree'] != null) {
        throw new GitError('USAGE', 'ls-files --recurse-submodules unsupported mode');
      }
      if (values['error-unmatch'] === true) {
        throw new GitError('USAGE', 'ls-files --recurse-submodules does not support --error-unmatch');
      }
    }
    // Only now, after all that is told of options.
    this.#spec = pathspecOf(this.#context, tree, this.#rest, { whenEmpty: 'cwd' });
    if (values.ignored === true && values.others !== true && values.cached !== true) {
      throw new GitError('USAGE', 'ls-files -i must be used with either -o or -c');
    }
    if (values.ignored === true && ignores === undefined) {
      throw new GitError('USAGE', 'ls-files --ignored needs some exclude pattern');
    }
    const cached =
      values.cached === true ||
      !(
        stage ||
        values.deleted === true ||
        values.others === true ||
        modified ||
        values.killed === true ||
        values['resolve-undo'] === true
      );
    if (values['with-tree'] != null) await this.#overlay(values['with-tree'], stage);
    if (values.others === true || values.killed === true) yield* this.#others(ignores);
    if (cached || stage || values.deleted === true || modified) yield* this.#entries(cached, stage, ignores);
    if (values['resolve-undo'] === true) yield* this.#resolveUndo();
    return this.#unmatched();
  }

  #ignores(): Ignores | undefined {
    const values = this.#values;
    const standard = values['exclude-standard'] === true;
    const own = (values.exclude ?? []).length + (values['exclude-from'] ?? []).length > 0;
    if (!standard && !own && values['exclude-per-directory'] == null) return undefined;
    const ignores = new Ignores(this.#tree.repository, {
      standard,
      perDirectory: values['exclude-per-directory'] ?? undefined,
      index: () => this.#tree.index,
      warn: this.#tree.warn,
    });
    for (const pattern of values.exclude ?? []) ignores.addPattern(pattern);
    for (const file of values['exclude-from'] ?? []) {
      if (!ignores.addFile(resolve(this.#tree.repository.workTree ?? this.#context.cwd, file), file)) {
        throw new GitError('USAGE', `cannot use ${file} as an exclude file`);
      }
    }
    return ignores;
  }

  *#others(ignores: Ignores | undefined): Generator<Line> {
    const values = this.#values;
    const tree = this.#tree;
    const found = findUntracked(tree, {
      pathspec: this.#spec,
      ignores,
      collapse: values.directory === true,
      hideEmpty: values['empty-directory'] === false,
      ignored: values.ignored === true ? 'listed' : 'no',
    });
    const tagged = values.t === true || values.v === true || values.f === true;
    if (values.others === true) {
      for (const path of values.ignored === true ? found.ignored : found.untracked) {
        const directory = path.endsWith('/');
        if (!this.#spec.matches(directory ? path.slice(0, -1) : path, directory)) continue;
        yield this.#line(path, tagged ? '? ' : '');
      }
    }
    if (values.killed === true) {
      for (const path of this.#killed(found.untracked)) yield this.#line(path, tagged ? 'K ' : '');
    }
  }

  /** Untracked files where a tracked file's directory must be, and what is in a directory where a file must be. */
  #killed(untracked: readonly string[]): string[] {
    const { index } = this.#tree;
    const killed: string[] = [];
    for (const path of untracked) {
      const plain = path.endsWith('/') ? path.slice(0, -1) : path;
      let kill = index.hasDirectory(plain);
      for (let slash = plain.indexOf('/'); !kill && slash > 0; slash = plain.indexOf('/', slash + 1)) {
        kill = index.get(plain.slice(0, slash)) !== undefined;
      }
      if (kill) killed.push(path);
    }
    return killed;
  }

  #line(path: string, head: string): Line {
    const eol = this.#values.eol === true ? this.#eol(path, undefined) : '';
    return { text: `${head}${eol}${this.#print(path)}${this.#end}` };
  }

  #eol(path: string, entry: IndexEntry | undefined): string {
    const tree = this.#tree;
    const index = entry !== undefined && isRegularMode(entry.mode) ? eolInfo(tree.indexContent(path)) : '';
    const stat = tree.repository.workTree === undefined ? undefined : tree.lstat(path);
    const disk = stat?.kind === 'file' ? eolInfo(tree.fs.readFile(tree.absolute(path))) : '';
    const attribute = entry !== undefined || stat?.kind === 'file' ? eolAttribute(tree.converter.of(path)) : '';
    return `i/${index.padEnd(5)} w/${disk.padEnd(5)} attr/${attribute.padEnd(17)}\t`;
  }

  async *#entries(cached: boolean, stage: boolean, ignores: Ignores | undefined): AsyncGenerator<Line> {
    const values = this.#values;
    const tree = this.#tree;
    const dedup = values.deduplicate === true && values.t !== true && values.v !== true && values.f !== true && !stage;
    const tagged = values.t === true || values.v === true || values.f === true;
    for (const entry of tree.index.entries) {
      const { path } = entry;
      if (!this.#spec.matches(path, isTreeMode(entry.mode) || entry.mode === 0o160000)) continue;
      if (this.#repeated(entry)) continue;
      if (values.ignored === true && ignores?.isIgnored(path, false) !== true) continue;
      if (values.unmerged === true && entry.stage === 0) continue;
      if (cached || stage) {
        if (dedup && this.#last === path) continue;
        if (!(values.unmerged === true && entry.stage === 0)) {
          const tag = entry.stage !== 0 ? 'M ' : entry.skipWorktree ? 'S ' : 'H ';
          yield await this.#entry(entry, tagged ? tag : '', stage);
          this.#last = path;
          if (dedup) continue;
        }
      }
      if (values.deleted !== true && values.modified !== true) continue;
      if (entry.skipWorktree) continue;
      const stat = tree.hasSymlinkParent(path) ? undefined : tree.lstat(path);
      if (stat === undefined && values.deleted === true) {
        if (!dedup || this.#last !== path) yield await this.#entry(entry, tagged ? 'R ' : '', stage);
        this.#last = path;
        if (dedup) continue;
      }
      if (values.modified === true && (stat === undefined || (await tree.isModified(entry, stat)))) {
        if (!dedup || this.#last !== path) yield await this.#entry(entry, tagged ? 'C ' : '', stage);
        this.#last = path;
      }
    }
  }

  readonly #exact = new Set<string>();

  /** With --error-unmatch a word that is a path means one entry: further stages of it are not listed. */
  #repeated({ path }: IndexEntry): boolean {
    if (this.#values['error-unmatch'] !== true) return false;
    const items = this.#spec.items.filter((item) => !item.exclude && itemMatches(item, path));
    if (items.length === 0 || items.some((item) => item.match !== path)) return false;
    if (this.#exact.has(path)) return true;
    this.#exact.add(path);
    return false;
  }

  async #entry(entry: IndexEntry, tag: string, stage: boolean): Promise<Line> {
    const values = this.#values;
    const debug = values.debug === true ? debugLines(entry) : '';
    if (values.format != null) return { text: `${await this.#formatted(entry, values.format)}${this.#end}${debug}` };
    let head = tag;
    if (tag !== '' && ((values.v === true && entry.assumeValid) || values.f === true)) {
      head = values.v === true && entry.assumeValid ? tag.toLowerCase() : tag;
    }
    if (stage) head += `${formatMode(entry.mode)} ${await this.#abbreviate(entry.oid)} ${entry.stage}\t`;
    if (values.eol === true) head += this.#eol(entry.path, entry);
    return { text: `${head}${this.#print(entry.path)}${this.#end}${debug}` };
  }

  async #abbreviate(oid: Oid): Promise<string> {
    const wanted = this.#values.abbrev;
    if (wanted == null) return oid;
    if (wanted === '') return (await import('../porcelain/abbreviate.js')).abbreviate(this.#tree.repository, oid);
    const { abbreviate } = await import('../repo/revision-short.js');
    return abbreviate(this.#tree.repository, oid, Number(wanted));
  }

  async #formatted(entry: IndexEntry, format: string): Promise<string> {
    let out = '';
    for (let i = 0; i < format.length; ) {
      const percent = format.indexOf('%', i);
      if (percent < 0) {
        out += format.slice(i);
        break;
      }
      out += format.slice(i, percent);
      const rest = format.slice(percent);
      const hex = /^%x([0-9a-fA-F]{2})/.exec(rest);
      const field = /^%\(([^)]*)\)/.exec(rest);
      if (rest.startsWith('%%')) {
        out += '%';
        i = percent + 2;
      } else if (hex !== null) {
        out += String.fromCharCode(Number.parseInt(hex[1]!, 16));
        i = percent + 4;
      } else if (field !== null) {
        out += await this.#field(entry, field[1]!, format);
        i = percent + field[0].length;
      } else if (rest.startsWith('%(')) {
        throw new GitError('USAGE', `bad ls-files format: element '${rest.slice(1)}' does not end in ')'`);
      } else throw new GitError('USAGE', `bad ls-files format: element '${rest.slice(1)}' does not start with '('`);
    }
    return out;
  }

  async #field(entry: IndexEntry, name: string, _format: string): Promise<string> {
    const tree = this.#tree;
    switch (name) {
      case 'objectmode':
        return formatMode(entry.mode);
      case 'objectname':
        return this.#abbreviate(entry.oid);
      case 'objecttype':
        return kindOfMode(entry.mode);
      case 'objectsize':
      case 'objectsize:padded': {
        const header =
          entry.mode === 0o160000 || isTreeMode(entry.mode)
            ? undefined
            : await tree.repository.objects.readHeader(entry.oid);
        if (header === undefined && kindOfMode(entry.mode) === 'blob') {
          throw new GitError('OBJECT_MISSING', `could not get object info about '${entry.oid}'`);
        }
        const text = header === undefined ? '-' : String(header.size);
        return name === 'objectsize' ? text : text.padStart(7);
      }
      case 'stage':
        return String(entry.stage);
      case 'path':
        return this.#print(entry.path);
      case 'eolinfo:index':
        return isRegularMode(entry.mode) ? eolInfo(tree.indexContent(entry.path)) : '';
      case 'eolinfo:worktree': {
        const stat = tree.repository.workTree === undefined ? undefined : tree.lstat(entry.path);
        return stat?.kind === 'file' ? eolInfo(tree.fs.readFile(tree.absolute(entry.path))) : '';
      }
      case 'eolattr':
        return eolAttribute(tree.converter.of(entry.path));
      default:
        throw new GitError('USAGE', `bad ls-files format: %(${name})`);
    }
  }

  *#resolveUndo(): Generator<Line> {
    const undo = this.#tree.index.resolveUndo;
    if (undo === undefined) return;
    const tagged = this.#values.t === true || this.#values.v === true;
    for (const path of [...undo.keys()].sort(compareText)) {
      if (!this.#spec.matches(path)) continue;
      for (const [i, side] of undo.get(path)!.entries()) {
        if (side === undefined) continue;
        yield {
          text: `${tagged ? 'U ' : ''}${formatMode(side.mode)} ${side.oid} ${i + 1}\t${this.#print(path)}${this.#end}`,
        };
      }
    }
  }

  /** Paths of a tree that left the index count as there. */
  async #overlay(name: string, stage: boolean): Promise<void> {
    if (stage) throw new GitError('USAGE', "options 'ls-files --with-tree' and '-s/-u' cannot be used together");
    const tree = this.#tree;
    const oid = await resolveKind(tree.repository, name, 'tree');
    if (oid === undefined) throw new GitError('USAGE', `tree-ish ${name} not found.`);
    const entries = await readTreeEntries(tree.repository.objects, oid as Oid<'tree'>);
    for (const entry of entries) {
      if (this.#spec.matches(entry.path) && !tree.index.has(entry.path)) tree.index.add(entry, { unchecked: true });
    }
  }

  #unmatched(): number {
    if (this.#values['error-unmatch'] !== true) return 0;
    const missing = this.#spec.unmatched({ exclusions: true });
    for (const item of missing) {
      this.#context.error(`pathspec '${item.original}' did not match any file(s) known to git`);
    }
    if (missing.length === 0) return 0;
    this.#context.printError("Did you forget to 'git add'?\n");
    return 1;
  }
}

function debugLines(entry: IndexEntry): string {
  return (
    `  ctime: ${entry.ctimeSeconds}:${entry.ctimeNanoseconds}\n` +
    `  mtime: ${entry.mtimeSeconds}:${entry.mtimeNanoseconds}\n` +
    `  dev: ${entry.device}\tino: ${entry.inode}\n` +
    `  uid: ${entry.uid}\tgid: ${entry.gid}\n` +
    `  size: ${entry.size}\tflags: ${((entry.flags | (entry.intentToAdd || entry.skipWorktree ? 0x4000 : 0)) >>> 0).toString(16)}\n`
  );
}

import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { quotePath, relativeTo } from '../base/quote.js';
import { formatMode, isTreeMode, kindOfMode } from '../objects/mode.js';
import { checkTreeDepth, TreeCursor } from '../objects/tree.js';
import type { PathspecOptions } from '../repo/pathspec.js';
import { parsePathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { abbreviate } from '../repo/revision-short.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

interface Result {
  readonly text: string;
  readonly mode: string;
  readonly type: string;
  readonly oid: Oid;
  readonly path: string;
}

export const command = defineCommand({
  name: 'ls-tree',
  summary: 'list the contents of a tree object',
  usage: ['ls-tree [<options>] <tree-ish> [<path>...]'],
  options: {
    d: { type: 'flag', short: 'd', shortOnly: true, help: 'only show trees' },
    r: { type: 'flag', short: 'r', shortOnly: true, help: 'recurse into subtrees' },
    t: { type: 'flag', short: 't', shortOnly: true, help: 'show trees when recursing' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'terminate entries with NUL byte' },
    long: { type: 'mode', group: 'what', short: 'l', help: 'include object size' },
    'name-only': { type: 'mode', group: 'what', help: 'list only filenames' },
    'name-status': { type: 'mode', group: 'what', help: 'list only filenames' },
    'object-only': { type: 'mode', group: 'what', help: 'list only objects' },
    'full-name': { type: 'flag', help: 'use full path names' },
    'full-tree': { type: 'flag', help: 'list entire tree; not just current directory (implies --full-name)' },
    format: { type: 'string', value: 'format', negatable: false, help: 'format to use for the output' },
    abbrev: { type: 'optional', value: 'n', implied: '0', help: 'use <n> digits to display object names' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, void> {
    const [treeish, ...words] = rest;
    const chosen = (['long', 'name-only', 'name-status', 'object-only'] as const).find((key) => values[key] === true);
    if (values.format != null && chosen !== undefined) {
      throw new UsageError("--format can't be combined with other format-altering options", { fatal: true });
    }
    if (treeish === undefined) throw new UsageError();
    const repository = context.repository();
    const full = values['full-tree'] === true;
    const prefix = full ? '' : repository.prefix;
    const oid = await resolveRevision(repository, treeish, {
      hint: 'treeish',
      complain: (line) => context.printError(`${line}\n`),
    });
    if (oid === undefined) throw new GitError('REF_MISSING', `Not a valid object name ${treeish}`);
    const paths = specsOf(words, { prefix, workTree: repository.workTree, settings: context.globals.pathspecs });
    if (paths.length === 0 && prefix !== '') paths.push(prefix);
    const tree = await peelTo(repository, oid, 'tree');
    if (tree === undefined) throw new GitError('REF_MISSING', 'not a tree object');
    const end = values.z === true ? '\0' : '\n';
    const format = compileFormat(values.format ?? formats[chosen ?? 'plain']!);
    const high = repository.config.getBool('core.quotepath', true);
    const length = values.abbrev == null ? undefined : Number(values.abbrev);
    const showFull = full || values['full-name'] === true;
    const shownPath = (path: string): string => {
      const seen = showFull ? path : relativeTo(path, prefix);
      return values.z === true ? seen : quotePath(seen, high);
    };
    const showTrees = values.t === true || (values.d === true && values.r === true);
    const walker = new Walker(repository, paths, {
      recursive: values.r === true,
      onlyTrees: values.d === true,
      showTrees,
    });
    for await (const row of walker.walk(tree)) {
      const type = kindOfMode(row.mode);
      let name: string | undefined;
      const fields: Fields = {
        objectmode: () => formatMode(row.mode),
        objecttype: () => type,
        objectname: () => name!,
        objectsize: () => '',
        'objectsize:padded': () => '',
        path: () => shownPath(row.path),
      };
      if (format.uses.has('objectname')) {
        name = length === undefined ? row.oid : await abbreviate(repository, row.oid, length);
      }
      if (format.uses.has('objectsize') || format.uses.has('objectsize:padded')) {
        let size = '-';
        if (type === 'blob') {
          const header = await repository.objects.readHeader(row.oid);
          if (header === undefined) {
            throw new GitError('OBJECT_MISSING', `could not get object info about '${row.oid}'`);
          }
          size = String(header.size);
        }
        fields.objectsize = () => size;
        fields['objectsize:padded'] = () => size.padStart(7);
      }
      yield { text: format.write(fields) + end, mode: formatMode(row.mode), type, oid: row.oid, path: row.path };
    }
  },
  render: renderText,
});

const formats: Readonly<Record<string, string>> = {
  plain: '%(objectmode) %(objecttype) %(objectname)%x09%(path)',
  long: '%(objectmode) %(objecttype) %(objectname) %(objectsize:padded)%x09%(path)',
  'name-only': '%(path)',
  'name-status': '%(path)',
  'object-only': '%(objectname)',
};

const fieldNames = ['objectmode', 'objecttype', 'objectname', 'objectsize', 'objectsize:padded', 'path'] as const;
type FieldName = (typeof fieldNames)[number];
type Fields = Record<FieldName, () => string>;

interface Format {
  readonly uses: ReadonlySet<FieldName>;
  write(fields: Fields): string;
}

/** Reads `%(field)`, `%%` and `%xNN`. Throws git's words for what is none of these. */
function compileFormat(text: string): Format {
  const parts: (string | { readonly field: FieldName })[] = [];
  const uses = new Set<FieldName>();
  for (let at = 0; at < text.length; ) {
    const percent = text.indexOf('%', at);
    if (percent < 0) {
      parts.push(text.slice(at));
      break;
    }
    parts.push(text.slice(at, percent));
    at = percent + 1;
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at));
    if (text[at] === '%') {
      parts.push('%');
      at++;
    } else if (text[at] === 'n') {
      parts.push('\n');
      at++;
    } else if (hex !== null) {
      parts.push(String.fromCharCode(Number.parseInt(hex[1]!, 16)));
      at += 3;
    } else {
      const rest = text.slice(at);
      if (!rest.startsWith('(')) {
        throw new GitError('USAGE', `bad ls-tree format: element '${rest}' does not start with '('`);
      }
      const end = rest.indexOf(')');
      if (end < 0) throw new GitError('USAGE', `bad ls-tree format: element '${rest}' does not end in ')'`);
      const field = rest.slice(1, end);
      if (!isField(field)) throw new GitError('USAGE', `bad ls-tree format: %(${field})`);
      parts.push({ field });
      uses.add(field);
      at += end + 1;
    }
  }
  return {
    uses,
    write: (fields) => parts.map((part) => (typeof part === 'string' ? part : fields[part.field]())).join(''),
  };
}

const isField = (text: string): text is FieldName => (fieldNames as readonly string[]).includes(text);

/** Path arguments from the top of the tree; a `/` at the end is kept: it asks for what is in the directory. */
function specsOf(words: readonly string[], options: PathspecOptions): string[] {
  const { items } = parsePathspec(words, { ...options, refuse: ['glob', 'icase', 'exclude', 'attr'] });
  return items.map(({ match }, i) =>
    words[i]!.endsWith('/') && match !== '' && !match.endsWith('/') ? `${match}/` : match,
  );
}

interface WalkOptions {
  readonly recursive: boolean;
  readonly onlyTrees: boolean;
  readonly showTrees: boolean;
}

interface Row {
  readonly path: string;
  readonly mode: number;
  readonly oid: Oid;
}

class Walker {
  readonly #repository: Repository;
  readonly #paths: readonly string[];
  readonly #options: WalkOptions;

  constructor(repository: Repository, paths: readonly string[], options: WalkOptions) {
    this.#repository = repository;
    this.#paths = paths;
    this.#options = options;
  }

  /** One generator for all levels: what goes through several of them waits once more at each. */
  async *walk(top: Oid): AsyncGenerator<Row, void> {
    const stack = [{ cursor: await this.#open(top), base: '' }];
    for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
      const { cursor, base } = level;
      if (!cursor.next()) {
        stack.pop();
        continue;
      }
      const { mode } = cursor;
      const path = base + cursor.name;
      const isTree = isTreeMode(mode);
      if (!this.#interesting(path, isTree)) continue;
      const enter = isTree && (this.#options.recursive || this.#leadsBelow(path));
      const hidden = isTree
        ? enter && !this.#options.showTrees
        : this.#options.onlyTrees && kindOfMode(mode) === 'blob';
      if (!hidden) yield { path, mode, oid: cursor.oid };
      if (enter) {
        checkTreeDepth(stack.length);
        stack.push({ cursor: await this.#open(cursor.oid), base: `${path}/` });
      }
    }
  }

  async #open(tree: Oid): Promise<TreeCursor> {
    const object = await this.#repository.objects.read(tree);
    if (object?.kind !== 'tree') throw new GitError('REF_MISSING', 'not a tree object');
    return new TreeCursor(object.data, this.#repository.oidLength);
  }

  /** Named, below something named, or a directory on the way to it. */
  #interesting(path: string, isTree: boolean): boolean {
    if (this.#paths.length === 0) return true;
    return this.#paths.some((spec) => {
      if (spec === '' || path === spec) return true;
      if (path.startsWith(spec.endsWith('/') ? spec : `${spec}/`)) return true;
      return isTree && spec.startsWith(`${path}/`);
    });
  }

  #leadsBelow(path: string): boolean {
    return this.#paths.some((spec) => spec.startsWith(`${path}/`));
  }
}

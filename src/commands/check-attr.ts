import { GitError } from '../base/errors.js';
import { quotePath, unquotePath } from '../base/quote.js';
import { isAttributeName } from '../repo/attributes.js';
import { AttributeReader } from '../worktree/attributes-reader.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { attributeTree, openWorkTree, pathFromTop } from './work-tree.js';

interface Result {
  readonly path: string;
  readonly attribute: string;
  readonly value: string;
}

export const command = defineCommand({
  name: 'check-attr',
  summary: 'show the attributes of paths',
  usage: [
    'check-attr [--source <tree-ish>] [-a | --all | <attr>...] [--] <pathname>...',
    'check-attr --stdin [-z] [--source <tree-ish>] [-a | --all | <attr>...]',
  ],
  options: {
    all: { type: 'flag', short: 'a', help: 'report all attributes set on file' },
    cached: { type: 'flag', help: 'use .gitattributes only from the index' },
    stdin: { type: 'flag', help: 'read file names from stdin' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'terminate input and output records by a NUL character' },
    source: { type: 'string', value: 'tree-ish', help: 'which tree-ish to check attributes at' },
  },
  async *run(context, { values, rest, dashDash }): AsyncGenerator<Result, number> {
    const tree = openWorkTree(context, { bareToo: true });
    const all = values.all === true;
    const stdin = values.stdin === true;
    let names: readonly string[];
    let paths: readonly string[];
    if (all) {
      if (dashDash > 0) throw new UsageError('Attributes and --all both specified');
      names = [];
      paths = rest;
    } else if (rest.length === 0) throw new UsageError('No attribute specified');
    else if (dashDash < 0) {
      names = stdin ? rest : rest.slice(0, 1);
      paths = stdin ? [] : rest.slice(1);
    } else if (dashDash === 0) throw new UsageError('No attribute specified');
    else {
      names = rest.slice(0, dashDash);
      paths = rest.slice(dashDash);
    }
    if (stdin && paths.length > 0) throw new UsageError("Can't specify files with --stdin");
    if (!stdin && paths.length === 0) throw new UsageError('No file specified');
    for (const name of names) {
      if (!isAttributeName(name)) throw new UsageError(`${name}: not a valid attribute name`);
    }
    const source = await attributeTree(context, tree, values.source ?? undefined);
    const reader = new AttributeReader(tree.repository, {
      direction: values.cached === true ? 'index' : source !== undefined ? { tree: source } : 'checkin',
      index: () => tree.index,
      warn: tree.warn,
    });
    const answers = (word: string): Result[] => {
      const attributes = reader.of(pathFromTop(tree, word));
      const shown = (name: string): string => {
        const value = attributes.get(name);
        return value === true ? 'set' : value === false ? 'unset' : (value ?? 'unspecified');
      };
      if (!all) return names.map((attribute) => ({ path: word, attribute, value: shown(attribute) }));
      return reader
        .namesInOrder(pathFromTop(tree, word))
        .map((attribute) => ({ path: word, attribute, value: shown(attribute) }));
    };
    if (!stdin) for (const word of paths) yield* answers(word);
    else {
      for (const line of context.io.stdin.lines(values.z === true ? 0 : 0x0a)) {
        const word = values.z !== true && line.startsWith('"') ? unquotePath(line)?.value : line;
        if (word === undefined) throw new GitError('USAGE', 'line is badly quoted');
        yield* answers(word);
        context.io.stdout.flush();
      }
    }
    return 0;
  },
  render(result, context) {
    if (context.argv.some((word) => /^-[a-z]*z/.test(word))) {
      return `${result.path}\0${result.attribute}\0${result.value}\0`;
    }
    const high = context.repository().config.getBool('core.quotepath', true);
    return `${quotePath(result.path, high)}: ${result.attribute}: ${result.value}\n`;
  },
});

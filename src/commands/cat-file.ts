import type { Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { quotePath } from '../base/quote.js';
import { parseFilterSpec } from '../history/object-filter.js';
import { formatMode, isRegularMode, kindOfMode } from '../objects/mode.js';
import { TreeCursor } from '../objects/tree.js';
import type { ObjectHeader, RawObject } from '../objects/source.js';
import type { Repository } from '../repo/repository.js';
import type { ResolvedRevision } from '../repo/revision.js';
import { peelTo, resolveWithContext } from '../repo/revision.js';
import { diagnosePath } from '../repo/revision-path.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import type { OptionSpecs, ParsedOptions } from './options.js';
import { UsageError } from './options.js';

interface Result {
  readonly oid?: Oid;
  readonly type?: ObjectKind;
  readonly size?: number;
  readonly content?: Bytes | string;
  readonly text?: string;
}

const options = {
  e: { type: 'mode', group: 'mode', short: 'e', shortOnly: true, help: 'check if <object> exists' },
  p: { type: 'mode', group: 'mode', short: 'p', shortOnly: true, help: 'pretty-print <object> content' },
  t: {
    type: 'mode',
    group: 'mode',
    short: 't',
    shortOnly: true,
    help: "show object type (one of 'blob', 'tree', 'commit', 'tag', ...)",
  },
  s: { type: 'mode', group: 'mode', short: 's', shortOnly: true, help: 'show object size' },
  'use-mailmap': { type: 'flag', aliases: ['mailmap'], help: 'use mail map file' },
  batch: {
    type: 'optional',
    value: 'format',
    implied: '',
    negatable: false,
    help: 'show full <object> or <rev> contents',
  },
  'batch-check': {
    type: 'optional',
    value: 'format',
    implied: '',
    negatable: false,
    help: "like --batch, but don't emit <contents>",
  },
  Z: { type: 'flag', short: 'Z', shortOnly: true, help: 'stdin and stdout is NUL-terminated' },
  z: { type: 'flag', short: 'z', shortOnly: true, hidden: true, help: 'stdin is NUL-terminated' },
  'batch-command': {
    type: 'optional',
    value: 'format',
    implied: '',
    negatable: false,
    help: 'read commands from stdin',
  },
  'batch-all-objects': {
    type: 'mode',
    group: 'mode',
    help: 'with --batch[-check]: ignores stdin, batches all known objects',
  },
  buffer: { type: 'flag', help: 'buffer --batch output' },
  'follow-symlinks': { type: 'flag', help: 'follow in-tree symlinks' },
  // Kinds that git does not know are no longer to be had.
  'allow-unknown-type': { type: 'flag', hidden: true, help: 'taken, without effect' },
  unordered: { type: 'flag', help: 'do not order objects before emitting them' },
  textconv: { type: 'mode', group: 'mode', help: "run textconv on object's content" },
  filters: { type: 'mode', group: 'mode', help: "run filters on object's content" },
  path: { type: 'string', value: 'blob|tree', help: "use a <path> for (--textconv | --filters); Not with 'batch'" },
  filter: { type: 'list', value: 'args', help: 'object filtering' },
} as const satisfies OptionSpecs;

type Values = ParsedOptions<typeof options>['values'];

const fatal = (message: string): UsageError => new UsageError(message, { fatal: true });

export const command = defineCommand({
  name: 'cat-file',
  summary: 'show the content, type or size of objects',
  usage: [
    'cat-file <type> <object>',
    'cat-file (-e | -p | -t | -s) <object>',
    'cat-file (--textconv | --filters)\n             [<rev>:<path|tree-ish> | --path=<path|tree-ish> <rev>]',
    'cat-file (--batch | --batch-check | --batch-command) [--batch-all-objects]\n' +
      '             [--buffer] [--follow-symlinks] [--unordered]\n' +
      '             [--textconv | --filters] [-Z]',
  ],
  options,
  async *run(context, args): AsyncGenerator<Result, number | void> {
    const { values, rest } = args;
    const batches = args.events.filter(
      ({ key }) => key === 'batch' || key === 'batch-check' || key === 'batch-command',
    );
    if (batches.length > 1) throw new UsageError('only one batch option may be specified', { quiet: true });
    const filters = checkFilters(context, values.filter ?? []);
    if (filters !== 0) return filters;
    const mode = (['e', 'p', 't', 's', 'textconv', 'filters'] as const).find((key) => values[key] !== undefined);
    if (batches.length === 1) {
      checkBatchWords(values, rest, mode);
      const { runBatch } = await import('./cat-file-batch.js');
      const kind = batches[0]!.key as 'batch' | 'batch-check' | 'batch-command';
      const format = values[kind];
      return yield* runBatch(context, {
        kind,
        format: format === '' || format == null ? undefined : format,
        inputEnd: values.Z === true || values.z === true ? 0 : 10,
        outputEnd: values.Z === true ? '\0' : '\n',
        all: values['batch-all-objects'] !== undefined,
        // With all objects nobody waits for each answer.
        buffer: values.buffer ?? values['batch-all-objects'] !== undefined,
        unordered: values.unordered === true,
        followSymlinks: values['follow-symlinks'] === true,
        mailmap: values['use-mailmap'] === true,
        convert: mode === 'textconv' || mode === 'filters' ? mode : undefined,
        filters: values.filter ?? [],
      });
    }
    for (const [key, given] of [
      ['--batch-all-objects', values['batch-all-objects'] !== undefined],
      ['--follow-symlinks', values['follow-symlinks'] === true],
      ['--buffer', values.buffer !== undefined],
      ['-Z', values.Z === true],
      ['-z', values.z === true],
    ] as const) {
      if (given) throw fatal(`'${key}' requires a batch mode`);
    }
    if ((values.filter ?? []).length > 0) throw fatal('objects filter only supported in batch mode');
    if (values.path != null && mode !== 'textconv' && mode !== 'filters') {
      throw fatal("'--path=<path|tree-ish>' needs '--filters' or '--textconv'");
    }
    let type: string | undefined;
    let name: string;
    if (mode !== undefined) {
      if (rest.length === 0) {
        throw fatal(
          mode === 'textconv' || mode === 'filters'
            ? `<rev> required with '--${mode}'`
            : `<object> required with '-${mode}'`,
        );
      }
      if (rest.length > 1) throw fatal('too many arguments');
      name = rest[0]!;
    } else {
      if (rest.length === 0) throw new UsageError();
      if (rest.length !== 2) throw fatal(`only two arguments allowed in <type> <object> mode, not ${rest.length}`);
      type = rest[0]!;
      name = rest[1]!;
    }
    return yield* new OneObject(context, values).show(mode, type, name);
  },
  render({ text, content, type, size }) {
    if (content !== undefined) return content;
    return text ?? type ?? String(size ?? '');
  },
});

/** Filters are looked at before anything else; the ones that need a walk are refused. */
function checkFilters(context: CommandContext, texts: readonly string[]): number {
  for (const text of texts) {
    const { kind } = parseFilterSpec(text);
    if (kind === 'blob:none' || kind === 'blob:limit' || kind === 'object:type') continue;
    context.printError(`usage: objects filter not supported: '${kind}'\n`);
    return 129;
  }
  return 0;
}

function checkBatchWords(values: Values, rest: readonly string[], mode: string | undefined): void {
  if (mode !== undefined && mode !== 'textconv' && mode !== 'filters') {
    throw fatal(`'-${mode}' is incompatible with batch mode`);
  }
  if (values.path != null) throw fatal("'--path=<path|tree-ish>' is incompatible with batch mode");
  if (rest.length > 0) throw fatal('batch modes take no arguments');
}

class OneObject {
  readonly #context: CommandContext;
  readonly #values: Values;
  readonly #repository: Repository;

  constructor(context: CommandContext, values: Values) {
    this.#context = context;
    this.#values = values;
    this.#repository = context.repository();
  }

  async #resolve(name: string): Promise<ResolvedRevision> {
    const found = await resolveWithContext(this.#repository, name, {
      complain: (line) => this.#context.printError(`${line}\n`),
    });
    if (found === undefined) {
      throw (
        (await diagnosePath(this.#repository, name)) ?? new GitError('REF_MISSING', `Not a valid object name ${name}`)
      );
    }
    return found;
  }

  /** A damaged header is told of, and then counts as none. */
  async #header(oid: Oid): Promise<ObjectHeader | undefined> {
    try {
      return await this.#repository.objects.readHeader(oid);
    } catch (error) {
      if (!isGitError(error, 'OBJECT_CORRUPT') || error.message === 'invalid object type') throw error;
      this.#context.error(error.message);
      return undefined;
    }
  }

  async *show(mode: string | undefined, type: string | undefined, name: string): AsyncGenerator<Result, number | void> {
    const repository = this.#repository;
    const found = await this.#resolve(name);
    const { oid } = found;
    switch (mode) {
      case 't': {
        const header = await this.#header(oid);
        if (header === undefined) throw new GitError('OBJECT_MISSING', 'git cat-file: could not get object info');
        yield { oid, type: header.kind, text: `${header.kind}\n` };
        return;
      }
      case 's': {
        const header = await this.#header(oid);
        if (header === undefined) throw new GitError('OBJECT_MISSING', 'git cat-file: could not get object info');
        let { size } = header;
        if (this.#values['use-mailmap'] === true && (header.kind === 'commit' || header.kind === 'tag')) {
          size = (await this.#content(await this.#read(oid, name))).length;
        }
        yield { oid, size, text: `${size}\n` };
        return;
      }
      case 'e':
        return (await repository.objects.has(oid)) ? 0 : 1;
      case 'textconv':
      case 'filters':
        return yield* this.#converted(mode, found, name);
      case 'p': {
        const header = await this.#header(oid);
        if (header === undefined) throw new GitError('REF_MISSING', `Not a valid object name ${name}`);
        const object = await this.#read(oid, name);
        if (object.kind === 'tree') yield { oid, type: 'tree', content: this.#treeText(object.data) };
        else yield { oid, type: object.kind, content: await this.#content(object) };
        return;
      }
      default:
        return yield* this.#typed(type!, oid, name);
    }
  }

  async *#typed(type: string, oid: Oid, name: string): AsyncGenerator<Result, void> {
    if (type !== 'blob' && type !== 'tree' && type !== 'commit' && type !== 'tag') {
      throw new GitError('USAGE', `invalid object type "${type}"`);
    }
    const peeled = await peelTo(this.#repository, oid, type);
    if (peeled === undefined) throw new GitError('REF_MISSING', `git cat-file ${name}: bad file`);
    const object = await this.#read(peeled, name);
    yield { oid: peeled, type: object.kind, content: await this.#content(object) };
  }

  async #read(oid: Oid, name: string): Promise<RawObject> {
    const object = await this.#repository.objects.read(oid);
    if (object === undefined) throw new GitError('OBJECT_MISSING', `git cat-file ${name}: bad file`);
    return object;
  }

  async #content(object: RawObject): Promise<Bytes> {
    if (this.#values['use-mailmap'] !== true || (object.kind !== 'commit' && object.kind !== 'tag')) return object.data;
    const { mapIdentities } = await import('./cat-file-batch.js');
    return mapIdentities(this.#context, object);
  }

  #treeText(data: Bytes): string {
    const high = this.#repository.config.getBool('core.quotepath', true);
    const cursor = new TreeCursor(data, this.#repository.oidLength);
    let text = '';
    while (cursor.next()) {
      const { mode } = cursor;
      text += `${formatMode(mode)} ${kindOfMode(mode)} ${cursor.oid}\t${quotePath(cursor.name, high)}\n`;
    }
    return text;
  }

  async *#converted(mode: 'textconv' | 'filters', found: ResolvedRevision, name: string): AsyncGenerator<Result, void> {
    const path = this.#values.path ?? found.path;
    if (path === undefined) {
      throw new GitError('USAGE', `<object>:<path> required, only <object> '${name}' given`);
    }
    const object = await this.#read(found.oid, name);
    const { convertContent } = await import('./cat-file-batch.js');
    const fileMode = found.mode ?? 0o100644;
    const content =
      object.kind === 'blob' && isRegularMode(fileMode)
        ? await convertContent(this.#context, mode, path, object, found.oid)
        : undefined;
    if (content !== undefined) yield { oid: found.oid, content };
    else if (object.kind === 'tree') yield { oid: found.oid, content: this.#treeText(object.data) };
    else yield { oid: found.oid, content: object.data };
  }
}

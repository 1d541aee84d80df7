import { systemMessage } from '../platform/system-message.js';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { concatBytes, decodeText, encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { editFile } from '../porcelain/editor.js';
import { commentLines, commentPrefix, stripSpace } from '../porcelain/message.js';
import { combineNotes, NotesEdit } from '../porcelain/notes-edit.js';
import type { NotesStrategy } from '../porcelain/notes-merge.js';
import { defaultNotesRef } from '../porcelain/notes-read.js';
import { NotesRewriter } from '../porcelain/notes-rewrite.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import { captureCommand } from './capture.js';
import { type CommandContext, defineCommand, renderText } from './command.js';
import { type OptionEvent, type OptionSpecs, UsageError } from './options.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';

interface Line {
  readonly text: string;
  readonly note?: string;
  readonly object?: string;
}

type Output = AsyncGenerator<Line, number | void>;

interface Verb {
  readonly usage: readonly string[];
  readonly options: OptionSpecs;
  /** How many words it takes at the most. */
  readonly words: number;
  run(call: Call): Output | Promise<number>;
}

interface Call {
  readonly context: CommandContext;
  readonly repository: Repository;
  /** The ref of the notes. */
  readonly ref: string;
  readonly verb: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly events: readonly OptionEvent[];
  readonly rest: readonly string[];
  /** Wrong words: message, the subcommand's usage, 129. */
  readonly wrong: (message: string) => number;
}

const messageOptions: OptionSpecs = {
  message: { type: 'list', short: 'm', value: 'message', negatable: false, help: 'note contents as a string' },
  file: { type: 'list', short: 'F', value: 'file', negatable: false, help: 'note contents in a file' },
  'reedit-message': {
    type: 'list',
    short: 'c',
    value: 'object',
    negatable: false,
    help: 'reuse and edit specified note object',
  },
};
const editOption: OptionSpecs = { edit: { type: 'flag', short: 'e', help: 'edit note message in editor' } };
const reuseOption: OptionSpecs = {
  'reuse-message': {
    type: 'list',
    short: 'C',
    value: 'object',
    negatable: false,
    help: 'reuse specified note object',
  },
};
const emptyOption: OptionSpecs = { 'allow-empty': { type: 'flag', help: 'allow storing empty note' } };
const forceOption: OptionSpecs = {
  force: { rarelyMeant: true, type: 'flag', short: 'f', help: 'replace existing notes' },
};
const textOptions: OptionSpecs = {
  separator: {
    type: 'optional',
    value: 'paragraph-break',
    implied: '\n',
    help: 'insert <paragraph-break> between paragraphs',
  },
  stripspace: { type: 'flag', help: 'remove unnecessary whitespace' },
};

const verbs: Readonly<Record<string, Verb>> = {
  list: { usage: ['notes [list [<object>]]'], options: {}, words: 1, run: list },
  add: {
    usage: ['notes add [<options>] [<object>]'],
    options: { ...messageOptions, ...editOption, ...reuseOption, ...emptyOption, ...forceOption, ...textOptions },
    words: 1,
    run: add,
  },
  copy: {
    usage: ['notes copy [<options>] <from-object> <to-object>', 'notes copy --stdin [<from-object> <to-object>]...'],
    options: {
      ...forceOption,
      stdin: { type: 'flag', help: 'read objects from stdin' },
      'for-rewrite': {
        type: 'string',
        value: 'command',
        help: 'load rewriting config for <command> (implies --stdin)',
      },
    },
    words: 2,
    run: copy,
  },
  append: {
    usage: ['notes append [<options>] [<object>]'],
    options: { ...messageOptions, ...reuseOption, ...editOption, ...emptyOption, ...textOptions },
    words: 1,
    run: change,
  },
  edit: {
    usage: ['notes edit [<object>]'],
    options: { ...messageOptions, ...reuseOption, ...editOption, ...emptyOption, ...textOptions },
    words: 1,
    run: change,
  },
  show: { usage: ['notes show [<object>]'], options: {}, words: 1, run: show },
  merge: {
    usage: [
      'notes merge [<options>] <notes-ref>',
      'notes merge --commit [<options>]',
      'notes merge --abort [<options>]',
    ],
    options: {
      verbose: { type: 'count', short: 'v', help: 'be more verbose' },
      quiet: { type: 'count', short: 'q', help: 'be more quiet' },
      strategy: {
        type: 'string',
        short: 's',
        value: 'strategy',
        help: 'resolve notes conflicts using the given strategy (manual/ours/theirs/union/cat_sort_uniq)',
      },
      commit: { type: 'flag', negatable: false, help: 'finalize notes merge by committing unmerged notes' },
      abort: { type: 'flag', negatable: false, help: 'abort notes merge' },
    },
    words: 1,
    run: merge,
  },
  prune: {
    usage: ['notes prune [<options>]'],
    options: {
      'dry-run': { type: 'flag', short: 'n', help: 'do not remove, show only' },
      verbose: { type: 'flag', short: 'v', help: 'report pruned notes' },
    },
    words: 0,
    run: prune,
  },
  remove: {
    usage: ['notes remove [<object>]'],
    options: {
      'ignore-missing': { type: 'flag', help: 'attempt to remove non-existent note is not an error' },
      stdin: { type: 'flag', help: 'read object names from the standard input' },
    },
    words: Number.POSITIVE_INFINITY,
    run: remove,
  },
  'get-ref': { usage: ['notes get-ref'], options: {}, words: 0, run: getRef },
};

const options = {
  ref: { type: 'string', value: 'notes-ref', help: 'use notes from <notes-ref>' },
} as const satisfies OptionSpecs;

const usage = [
  'notes [--ref <notes-ref>] [list [<object>]]',
  'notes [--ref <notes-ref>] add [-f] [--allow-empty] [--[no-]separator|--separator=<paragraph-break>] [--[no-]stripspace] [-m <msg> | -F <file> | (-c | -C) <object>] [<object>] [-e]',
  'notes [--ref <notes-ref>] copy [-f] <from-object> <to-object>',
  'notes [--ref <notes-ref>] append [--allow-empty] [--[no-]separator|--separator=<paragraph-break>] [--[no-]stripspace] [-m <msg> | -F <file> | (-c | -C) <object>] [<object>] [-e]',
  'notes [--ref <notes-ref>] edit [--allow-empty] [<object>]',
  'notes [--ref <notes-ref>] show [<object>]',
  'notes [--ref <notes-ref>] merge [-v | -q] [-s <strategy>] <notes-ref>',
  'notes merge --commit [-v | -q]',
  'notes merge --abort [-v | -q]',
  'notes [--ref <notes-ref>] remove [<object>...]',
  'notes [--ref <notes-ref>] prune [-n] [-v]',
  'notes [--ref <notes-ref>] get-ref',
];

export const command = defineCommand({
  name: 'notes',
  summary: 'Add or inspect object notes',
  usage,
  options,
  parsing: { stopAtNonOption: true },
  async *run(context, { values, rest }): Output {
    const [word, ...argv] = rest;
    const name = word ?? 'list';
    const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (verb === undefined) throw noSubcommand(name);
    const parsed = parseSubcommand(context, verb.usage, verb.options, argv);
    if (typeof parsed === 'number') return parsed;
    const wrong = (message: string): number =>
      subcommandUsage(context, verb.usage, verb.options, new UsageError(message));
    if (parsed.rest.length > verb.words) return wrong('too many arguments');
    const repository = context.repository();
    const result = verb.run({
      context,
      repository,
      ref: values.ref == null ? defaultNotesRef(repository) : expandRef(values.ref),
      verb: name,
      values: parsed.values,
      events: parsed.events,
      rest: parsed.rest,
      wrong,
    });
    return Symbol.asyncIterator in result ? yield* result : await result;
  },
  render: renderText,
});

/** `x` is `refs/notes/x`. */
function expandRef(word: string): string {
  if (word.startsWith('refs/notes/')) return word;
  return word.startsWith('notes/') ? `refs/${word}` : `refs/notes/${word}`;
}

async function open({ repository, ref, verb }: Call, writable: boolean): Promise<NotesEdit> {
  const notes = await NotesEdit.open(repository, ref, writable);
  if (!ref.startsWith('refs/notes/')) {
    throw new GitError('REF_INVALID', `refusing to ${verb} notes in ${ref} (outside of refs/notes/)`);
  }
  return notes;
}

async function objectOf(repository: Repository, word: string): Promise<Oid> {
  const oid = await resolveRevision(repository, word);
  if (oid === undefined) throw new GitError('REF_MISSING', `failed to resolve '${word}' as a valid ref.`);
  return oid;
}

async function* list(call: Call): Output {
  const notes = await open(call, false);
  const [word] = call.rest;
  if (word === undefined) {
    for (const [object, note] of notes.entries()) yield { note, object, text: `${note} ${object}\n` };
    return 0;
  }
  const object = await objectOf(call.repository, word);
  const note = notes.get(object);
  if (note === undefined) {
    call.context.error(`no note found for object ${object}.`);
    return 1;
  }
  yield { note, object, text: `${note}\n` };
  return 0;
}

async function show(call: Call): Promise<number> {
  const object = await objectOf(call.repository, call.rest[0] ?? 'HEAD');
  const note = (await open(call, false)).get(object);
  if (note === undefined) {
    call.context.error(`no note found for object ${object}.`);
    return 1;
  }
  return call.context.runCommand('show', [note]);
}

async function* getRef({ ref }: Call): Output {
  yield { text: `${ref}\n` };
}

// ---------------------------------------------------------------- text of a note

/** The words of a note as they come from options and the editor. */
class NoteText {
  readonly #call: Call;
  text: Bytes = new Uint8Array(0);
  given = false;
  #edit = false;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Takes `-m`, `-F`, `-c` and `-C` in their order. */
  async fromOptions(): Promise<void> {
    const { events, values } = this.#call;
    const strip = values['stripspace'] as boolean | undefined;
    for (const { key, value } of events) {
      const read = readers[key];
      if (read === undefined) continue;
      const piece = await read(this.#call, value!);
      if (this.given) this.append(piece);
      else this.text = piece;
      this.given = true;
      if (key === 'reedit-message') this.#edit = true;
      const verbatim = key === 'reuse-message' || key === 'reedit-message';
      if (strip ?? !verbatim) this.text = encodeText(stripSpace(decodeText(this.text)));
    }
    if (values['edit'] === true) this.#edit = true;
  }

  append(piece: Bytes): void {
    this.text = this.text.length === 0 ? piece : concatBytes([this.text, encodeText(this.separator), piece]);
  }

  get separator(): string {
    const said = this.#call.values['separator'] as string | null | undefined;
    if (said === null) return '';
    if (said === undefined || said === '') return '\n';
    return said.endsWith('\n') ? said : `${said}\n`;
  }

  /** Lets the user write it, where no option gave one or it is to be edited. */
  async finish(object: Oid, old: Oid | undefined): Promise<void> {
    if (this.given && !this.#edit) return;
    const { context, repository, values } = this.#call;
    const { fs } = repository.platform;
    const comment = commentPrefix(repository.config);
    let text = '';
    if (this.given) text = decodeText(this.text);
    else if (old !== undefined) {
      const blob = await repository.objects.read(old);
      if (blob !== undefined) text = decodeText(blob.data);
    }
    const about = captureCommand(context, ['show', '--stat', '--no-notes', object]);
    text += `\n${commentLines('\nWrite/edit the notes for the following object:\n', comment)}${comment}\n${commentLines(about, comment)}`;
    const path = repository.path('NOTES_EDITMSG');
    fs.writeFile(path, encodeText(text));
    try {
      editFile(repository, path, { cwd: context.cwd });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      context.error(error.message);
      throw new GitError('USAGE', 'please supply the note contents using either -m or -F option');
    }
    const written = decodeText(fs.readFile(path) ?? new Uint8Array(0));
    fs.remove(path);
    this.text = encodeText(values['stripspace'] === false ? written : stripSpace(written, comment));
  }
}

const readers: Readonly<Record<string, (call: Call, value: string) => Bytes | Promise<Bytes>>> = {
  message: (_, value) => encodeText(value),
  file(call, value) {
    if (value === '-') return call.context.io.stdin.readAll();
    try {
      return readFileSync(resolve(call.context.cwd, value));
    } catch (error) {
      throw new GitError('PATH_MISSING', `could not open or read '${value}': ${systemMessage(error)}`);
    }
  },
  'reuse-message': noteOfObject,
  'reedit-message': noteOfObject,
};

async function noteOfObject({ repository }: Call, word: string): Promise<Bytes> {
  const oid = await objectOf(repository, word);
  const object = await repository.objects.read(oid);
  if (object === undefined) throw new GitError('OBJECT_MISSING', `failed to read object '${word}'.`);
  if (object.kind !== 'blob') throw new GitError('USAGE', `cannot read note data from non-blob object '${word}'.`);
  return object.data;
}

async function add(call: Call): Promise<number> {
  const { context, repository, values } = call;
  const note = new NoteText(call);
  await note.fromOptions();
  const object = await objectOf(repository, call.rest[0] ?? 'HEAD');
  const notes = await open(call, true);
  const old = notes.get(object);
  if (old !== undefined) {
    if (values['force'] !== true) {
      if (!note.given) return change({ ...call, verb: 'edit' });
      context.error(
        `Cannot add notes. Found existing notes for object ${object}. Use '-f' to overwrite existing notes`,
      );
      return 1;
    }
    context.printError(`Overwriting existing notes for object ${object}\n`);
  }
  await note.finish(object, old);
  await store(call, notes, object, note.text);
  return 0;
}

/** Writes the note, or takes it away where it became empty. */
async function store(call: Call, notes: NotesEdit, object: Oid, text: Bytes): Promise<void> {
  const { context, repository, values, verb, ref } = call;
  if (text.length > 0 || values['allow-empty'] === true) {
    await notes.add(object, await repository.objects.write('blob', text), combineNotes['overwrite']!);
    await notes.save(ref, `Notes added by 'git notes ${verb}'`);
  } else {
    context.printError(`Removing note for object ${object}\n`);
    notes.remove(object);
    await notes.save(ref, `Notes removed by 'git notes ${verb}'`);
  }
}

/** `append` and `edit`. */
async function change(call: Call): Promise<number> {
  const { context, repository, verb } = call;
  const edit = verb === 'edit';
  const note = new NoteText(call);
  await note.fromOptions();
  if (edit && note.given) {
    context.printError(
      "The -m/-F/-c/-C options have been deprecated for the 'edit' subcommand.\nPlease use 'git notes add -f -m/-F/-c/-C' instead.\n",
    );
  }
  const object = await objectOf(repository, call.rest[0] ?? 'HEAD');
  const notes = await open(call, true);
  const old = notes.get(object);
  await note.finish(object, edit ? old : undefined);
  if (old !== undefined && !edit) {
    const before = await repository.objects.read(old);
    const added = note.text;
    note.text = before?.data ?? new Uint8Array(0);
    if (added.length > 0) note.append(added);
  }
  await store(call, notes, object, note.text);
  return 0;
}

// ---------------------------------------------------------------- many at once

async function copy(call: Call): Promise<number> {
  const { context, repository, values, rest, ref } = call;
  const rewrite = values['for-rewrite'] as string | null | undefined;
  const force = values['force'] === true;
  if (values['stdin'] === true || rewrite != null) {
    if (rest.length > 0) return call.wrong('too many arguments');
    return copyMany(call, force, rewrite ?? undefined);
  }
  if (rest.length < 1) return call.wrong('too few arguments');
  const from = await objectOf(repository, rest[0]!);
  const object = await objectOf(repository, rest[1] ?? 'HEAD');
  const notes = await open(call, true);
  if (notes.get(object) !== undefined) {
    if (!force) {
      context.error(
        `Cannot copy notes. Found existing notes for object ${object}. Use '-f' to overwrite existing notes`,
      );
      return 1;
    }
    context.printError(`Overwriting existing notes for object ${object}\n`);
  }
  const note = notes.get(from);
  if (note === undefined) {
    context.error(`missing notes on source object ${from}. Cannot copy.`);
    return 1;
  }
  await notes.add(object, note, combineNotes['overwrite']!);
  await notes.save(ref, "Notes added by 'git notes copy'");
  return 0;
}

/** Pairs of objects from standard input. */
async function copyMany(call: Call, force: boolean, rewrite: string | undefined): Promise<number> {
  const { context, repository, ref } = call;
  let rewriter: NotesRewriter | undefined;
  let notes: NotesEdit | undefined;
  if (rewrite !== undefined) {
    rewriter = await NotesRewriter.open(repository, rewrite, (message) => context.warning(message));
    if (rewriter === undefined) return 0;
  } else notes = await open(call, true);
  let code = 0;
  for (const line of context.io.stdin.lines()) {
    const [fromWord, toWord] = line.split(' ');
    if (fromWord === undefined || toWord === undefined || toWord === '') {
      throw new GitError('USAGE', `malformed input line: '${line}'.`);
    }
    const from = await objectOf(repository, fromWord);
    const to = await objectOf(repository, toWord);
    if (rewriter !== undefined) {
      await rewriter.copy(from, to);
      continue;
    }
    const note = notes!.get(from);
    if (!force && notes!.get(to) !== undefined) {
      context.error(`failed to copy notes from '${fromWord}' to '${toWord}'`);
      code = 1;
    } else if (note !== undefined) await notes!.add(to, note, combineNotes['overwrite']!);
    else notes!.remove(to);
  }
  if (rewriter !== undefined) await rewriter.finish("Notes added by 'git notes copy'");
  else await notes!.save(ref, "Notes added by 'git notes copy'");
  return code;
}

async function remove(call: Call): Promise<number> {
  const { context, repository, values, rest, ref } = call;
  const words = [...rest];
  const fromInput = values['stdin'] === true;
  if (words.length === 0 && !fromInput) words.push('HEAD');
  const notes = await open(call, true);
  let failed = false;
  const removeOne = async (word: string): Promise<void> => {
    const object = await resolveRevision(repository, word, { quiet: true });
    if (object === undefined) {
      context.error(`Failed to resolve '${word}' as a valid ref.`);
      failed = true;
      return;
    }
    if (notes.remove(object)) context.printError(`Removing note for object ${word}\n`);
    else {
      context.printError(`Object ${word} has no note\n`);
      if (values['ignore-missing'] !== true) failed = true;
    }
  };
  for (const word of words) await removeOne(word);
  if (fromInput) for (const line of context.io.stdin.lines()) await removeOne(line.trimEnd());
  if (failed) return 1;
  await notes.save(ref, "Notes removed by 'git notes remove'");
  return 0;
}

async function* prune(call: Call): Output {
  const { repository, values, ref } = call;
  const dry = values['dry-run'] === true;
  const notes = await open(call, !dry);
  for (const [object, note] of notes.entries()) {
    if (await repository.objects.has(object)) continue;
    if (dry || values['verbose'] === true) yield { object, note, text: `${object}\n` };
    if (!dry) notes.remove(object);
  }
  if (!dry) await notes.save(ref, "Notes removed by 'git notes prune'");
  return 0;
}

async function merge(call: Call): Promise<number> {
  const { context, repository, values, rest, ref } = call;
  const { abortNotesMerge, commitNotesMerge, mergeNotes, notesStrategies } = await import(
    '../porcelain/notes-merge.js'
  );
  const verbosity = 2 + ((values['verbose'] as number) ?? 0) - ((values['quiet'] as number) ?? 0);
  const strategyWord = values['strategy'] as string | null | undefined;
  const commit = values['commit'] === true;
  const abort = values['abort'] === true;
  if (Number(strategyWord != null) + Number(commit) + Number(abort) > 1) {
    return call.wrong('cannot mix --commit, --abort or -s/--strategy');
  }
  if (!commit && !abort) {
    if (rest.length !== 1) return call.wrong('must specify a notes ref to merge');
  } else if (rest.length > 0) return call.wrong('too many arguments');
  if (abort) {
    await abortNotesMerge(repository);
    return 0;
  }
  if (commit) {
    await commitNotesMerge(repository);
    return 0;
  }
  const strategyOf = (word: string): NotesStrategy | undefined => notesStrategies.find((strategy) => strategy === word);
  let strategy: NotesStrategy = 'manual';
  if (strategyWord != null) {
    const known = strategyOf(strategyWord);
    if (known === undefined) return call.wrong(`unknown -s/--strategy: ${strategyWord}`);
    strategy = known;
  } else {
    const short = ref.startsWith('refs/notes/') ? ref.slice('refs/notes/'.length) : undefined;
    if (short === undefined) throw new GitError('REF_INVALID', `local ref ${ref} is outside of refs/notes/`);
    for (const key of [`notes.${short}.mergestrategy`, 'notes.mergestrategy']) {
      const word = repository.config.get(key);
      if (word === undefined) continue;
      const known = strategyOf(word);
      if (known === undefined) throw new GitError('CONFIG', `unknown notes merge strategy ${word}`);
      strategy = known;
      break;
    }
  }
  await open(call, true);
  const remote =
    (await resolveRevision(repository, rest[0]!, { quiet: true })) === undefined ? expandRef(rest[0]!) : rest[0]!;
  const clean = await mergeNotes(repository, {
    local: ref,
    remote,
    strategy,
    verbosity,
    say: (text) => context.print(text),
    warn: (text) => context.printError(text),
  });
  return clean ? 0 : 1;
}

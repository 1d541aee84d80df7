import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { parseCommit, serializeCommit } from '../objects/commit.js';
import { readKind, readObject } from '../objects/database.js';
import { parseTag } from '../objects/tag.js';
import { parseTree, serializeTree } from '../objects/tree.js';
import { editFile } from '../porcelain/editor.js';
import { checkRefFormat } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { unquotePath } from '../base/quote.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Replacement {
  readonly replaced: string;
  readonly replacement: string;
  readonly replacedKind?: string;
  readonly replacementKind?: string;
  readonly format: 'short' | 'medium' | 'long';
}
interface Deleted {
  readonly deleted: string;
}

export const command = defineCommand({
  name: 'replace',
  summary: 'Create, list, delete refs to replace objects',
  usage: [
    'replace [-f] <object> <replacement>',
    'replace [-f] --edit <object>',
    'replace [-f] --graft <commit> [<parent>...]',
    'replace [-f] --convert-graft-file',
    'replace -d <object>...',
    'replace [--format=<format>] [-l [<pattern>]]',
  ],
  options: {
    list: { type: 'mode', group: 'mode', short: 'l', help: 'list replace refs' },
    delete: { type: 'mode', group: 'mode', short: 'd', help: 'delete replace refs' },
    edit: { type: 'mode', group: 'mode', short: 'e', help: 'edit existing object' },
    graft: { type: 'mode', group: 'mode', short: 'g', help: "change a commit's parents" },
    'convert-graft-file': { type: 'mode', group: 'mode', help: 'convert existing graft file' },
    force: { rarelyMeant: true, type: 'flag', short: 'f', help: 'replace the ref if it exists' },
    raw: { type: 'flag', help: 'do not pretty-print contents for --edit' },
    format: { type: 'string', value: 'format', help: 'use this format' },
  },
  async *run(context, args): AsyncGenerator<Replacement | Deleted, number | undefined> {
    const { values, rest } = args;
    const repository = context.repository();
    // Here objects are what they are; what is put in their place is the business of everybody else.
    repository.objects.replacement = undefined;
    const replacer = new Replacer(context, repository, values.force === true);
    const mode = (['list', 'delete', 'edit', 'graft', 'convert-graft-file'] as const).find(
      (name) => values[name] !== undefined,
    );
    const settled = mode ?? (rest.length === 0 ? 'list' : 'replace');
    const format = values.format ?? undefined;
    if (format !== undefined && settled !== 'list') throw new UsageError('--format cannot be used when not listing');
    if (values.force === true && ['list', 'delete'].includes(settled))
      throw new UsageError('-f only makes sense when writing a replacement');
    if (values.raw === true && settled !== 'edit') throw new UsageError('--raw only makes sense with --edit');
    switch (settled) {
      case 'delete': {
        if (rest.length < 1) throw new UsageError('-d needs at least one argument');
        let code: number | undefined;
        for (const word of rest) {
          const deleted = await replacer.remove(word);
          if (deleted === undefined) code = 1;
          else yield { deleted };
        }
        return code;
      }
      case 'replace':
        if (rest.length !== 2) throw new UsageError('bad number of arguments');
        return replacer.replace(rest[0]!, rest[1]!);
      case 'edit':
        if (rest.length !== 1) throw new UsageError('-e needs exactly one argument');
        return replacer.edit(rest[0]!, values.raw === true);
      case 'graft':
        if (rest.length < 1) throw new UsageError('-g needs at least one argument');
        return replacer.graft(rest, false);
      case 'convert-graft-file':
        if (rest.length !== 0) throw new UsageError('--convert-graft-file takes no argument');
        return replacer.convertGrafts();
      default:
        if (rest.length > 1) throw new UsageError('only one pattern can be given with -l');
        return yield* listReplacements(context, repository, rest[0] ?? '*', format ?? 'short');
    }
  },
  render(result) {
    if ('deleted' in result) return `Deleted replace ref '${result.deleted}'\n`;
    switch (result.format) {
      case 'short':
        return `${result.replaced}\n`;
      case 'medium':
        return `${result.replaced} -> ${result.replacement}\n`;
      case 'long':
        return `${result.replaced} (${result.replacedKind}) -> ${result.replacement} (${result.replacementKind})\n`;
    }
  },
});

const baseOf = (repository: Repository): string =>
  (repository.env['GIT_REPLACE_REF_BASE'] || 'refs/replace/').replace(/\/*$/, '/');

async function* listReplacements(
  context: CommandContext,
  repository: Repository,
  pattern: string,
  format: string,
): AsyncGenerator<Replacement, number | undefined> {
  if (format !== 'short' && format !== 'medium' && format !== 'long') {
    context.error(`invalid replace format '${format}'\nvalid formats are 'short', 'medium' and 'long'`);
    return 255;
  }
  const base = baseOf(repository);
  for await (const ref of repository.refs.list(base)) {
    const replaced = ref.name.slice(base.length);
    if (!wildmatch(pattern, replaced)) continue;
    if (format !== 'long') {
      yield { replaced, replacement: ref.oid, format };
      continue;
    }
    const oid = await resolveRevision(repository, replaced);
    if (oid === undefined) {
      context.error(`failed to resolve '${replaced}' as a valid ref`);
      return 255;
    }
    yield {
      replaced,
      replacement: ref.oid,
      format,
      replacedKind: await kindOf(repository, oid),
      replacementKind: await kindOf(repository, ref.oid),
    };
  }
  return undefined;
}

async function kindOf(repository: Repository, oid: Oid): Promise<ObjectKind> {
  const header = await repository.objects.readHeader(oid);
  if (header === undefined) throw new GitError('OBJECT_MISSING', `unable to get object type for ${oid}`);
  return header.kind;
}

/** Makes replacements. Answers are exit codes; what is wrong with the words of the user is shown as an error. */
class Replacer {
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #force: boolean;

  constructor(context: CommandContext, repository: Repository, force: boolean) {
    this.#context = context;
    this.#repository = repository;
    this.#force = force;
  }

  #fail(message: string): number {
    this.#context.error(message);
    return 255;
  }

  async remove(word: string): Promise<string | undefined> {
    const { refs } = this.#repository;
    const oid = await resolveRevision(this.#repository, word);
    if (oid === undefined) {
      this.#context.error(`failed to resolve '${word}' as a valid ref`);
      return undefined;
    }
    const name = baseOf(this.#repository) + oid;
    const current = await refs.resolve(name);
    if (current === undefined) {
      this.#context.error(`replace ref '${oid}' not found`);
      return undefined;
    }
    const result = await refs.update([{ name, to: 'deleted', expect: current }]);
    if (result.ok) return oid;
    this.#context.error(result.message);
    return undefined;
  }

  async replace(objectText: string, replacementText: string): Promise<number | undefined> {
    const object = await resolveRevision(this.#repository, objectText);
    if (object === undefined) return this.#fail(`failed to resolve '${objectText}' as a valid ref`);
    const replacement = await resolveRevision(this.#repository, replacementText);
    if (replacement === undefined) return this.#fail(`failed to resolve '${replacementText}' as a valid ref`);
    return this.#write(object, objectText, replacement, replacementText, this.#force);
  }

  async #write(
    object: Oid,
    shown: string,
    replacement: Oid,
    replacementShown: string,
    force: boolean,
  ): Promise<number | undefined> {
    const { refs } = this.#repository;
    const objectKind = (await this.#repository.objects.readHeader(object))?.kind;
    const replacementKind = (await this.#repository.objects.readHeader(replacement))?.kind;
    if (!force && objectKind !== replacementKind) {
      return this.#fail(
        'Objects must be of the same type.\n' +
          `'${shown}' points to a replaced object of type '${objectKind}'\n` +
          `while '${replacementShown}' points to a replacement object of type '${replacementKind}'.`,
      );
    }
    const name = baseOf(this.#repository) + object;
    if (!checkRefFormat(name)) return this.#fail(`'${name}' is not a valid ref name`);
    const current = await refs.resolve(name);
    if (current !== undefined && !force) return this.#fail(`replace ref '${name}' already exists`);
    const result = await refs.update([{ name, to: replacement, expect: current ?? 'absent' }]);
    return result.ok ? undefined : this.#fail(result.message);
  }

  async edit(text: string, raw: boolean): Promise<number | undefined> {
    const repository = this.#repository;
    const oid = await resolveRevision(repository, text);
    if (oid === undefined) return this.#fail(`not a valid object name: '${text}'`);
    const object = await readObject(repository.objects, oid);
    const name = baseOf(repository) + oid;
    if (!this.#force && (await repository.refs.resolve(name)) !== undefined)
      return this.#fail(`replace ref '${name}' already exists`);
    const path = repository.path('REPLACE_EDITOBJ');
    const { fs } = repository.platform;
    const pretty = object.kind === 'tree' && !raw;
    fs.writeFile(
      path,
      pretty ? encodeText(parseTree(object.data, repository.oidLength).map(treeLine).join('')) : object.data,
    );
    try {
      editFile(repository, path);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      this.#context.error(error.message);
      return this.#fail('editing object file failed');
    }
    const edited = fs.readFile(path) ?? new Uint8Array(0);
    fs.remove(path);
    const data = pretty ? parseTreeLines(decodeText(edited)) : edited;
    if (data === undefined) return this.#fail('mktree reported failure');
    if (!pretty) {
      // As when hashing a file of that kind: what cannot be parsed is no such object.
      try {
        if (object.kind === 'commit') parseCommit(data);
        else if (object.kind === 'tag') parseTag(data);
        else if (object.kind === 'tree') parseTree(data, repository.oidLength);
      } catch (error) {
        if (error instanceof GitError) return this.#fail('unable to write object to database');
        throw error;
      }
    }
    const fresh = await repository.objects.write(object.kind, data);
    if (fresh === oid) return this.#fail(`new object is the same as the old one: '${oid}'`);
    return this.#write(oid, text, fresh, 'replacement', this.#force);
  }

  /** A commit with other parents in the place of a commit. `gentle`: nothing to do is said, not failed. */
  async graft(words: readonly string[], gentle: boolean): Promise<number | undefined> {
    const repository = this.#repository;
    const [text, ...parentTexts] = words as readonly [string, ...string[]];
    const named = await resolveRevision(repository, text);
    if (named === undefined) return this.#fail(`not a valid object name: '${text}'`);
    const oid = await peelTo(repository, named, 'commit');
    if (oid === undefined) return this.#fail(`could not parse ${text}`);
    const parents: Oid<'commit'>[] = [];
    for (const parentText of parentTexts) {
      const parent = await resolveRevision(repository, parentText);
      if (parent === undefined) return this.#fail(`not a valid object name: '${parentText}'`);
      const commit = await peelTo(repository, parent, 'commit');
      if (commit === undefined) return this.#fail(`could not parse ${parentText} as a commit`);
      parents.push(commit as Oid<'commit'>);
    }
    const commit = parseCommit(await readKind(repository.objects, oid, 'commit'));
    let { extra } = commit;
    if (extra.some(({ name }) => name === 'gpgsig' || name === 'gpgsig-sha256')) {
      this.#context.warning(`the original commit '${text}' has a gpg signature`);
      this.#context.warning('the signature will be removed in the replacement commit!');
      extra = extra.filter(({ name }) => name !== 'gpgsig' && name !== 'gpgsig-sha256');
    }
    for (const { name, value } of extra) {
      if (name !== 'mergetag') continue;
      const data = encodeText(value);
      const tag = repository.objects.hash('tag', encodeText(value.endsWith('\n') ? value : `${value}\n`));
      const kept = parentTexts.length > 0 && parents.includes(parseTag(data).target as Oid<'commit'>);
      if (!kept)
        return this.#fail(
          `original commit '${text}' contains mergetag '${tag}' that is discarded; use --edit instead of --graft`,
        );
    }
    const fresh = await repository.objects.write('commit', serializeCommit({ ...commit, parents, extra }));
    if (fresh === oid) {
      if (gentle) {
        this.#context.warning(`graft for '${oid}' unnecessary`);
        return undefined;
      }
      return this.#fail(`new commit is the same as the old one: '${oid}'`);
    }
    return this.#write(oid, text, fresh, 'replacement', this.#force);
  }

  async convertGrafts(): Promise<number | undefined> {
    const repository = this.#repository;
    const path = repository.path('info/grafts');
    const bytes = repository.platform.fs.readFile(path);
    if (bytes === undefined) return 255;
    const failed: string[] = [];
    for (const line of decodeText(bytes).split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const words = line.split(' ').filter((word) => word !== '');
      if (words.length > 0 && (await this.graft(words, true)) !== undefined) failed.push(`\n\t${line}`);
    }
    if (failed.length === 0) {
      repository.platform.fs.remove(path);
      return undefined;
    }
    this.#context.warning(`could not convert the following graft(s):\n${failed.join('')}`);
    return 255;
  }
}

const treeLine = (entry: { mode: number; oid: string; name: string }): string => {
  const mode = entry.mode.toString(8).padStart(6, '0');
  const kind = entry.mode === 0o40000 ? 'tree' : entry.mode === 0o160000 ? 'commit' : 'blob';
  return `${mode} ${kind} ${entry.oid}\t${entry.name}\n`;
};

/** The lines `mktree` reads; `undefined` where one is none. */
function parseTreeLines(text: string): Uint8Array | undefined {
  const entries = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = /^([0-7]+) (?:blob|tree|commit) ([0-9a-f]+)\t(.*)$/.exec(line);
    if (match === null || !isOid(match[2]!)) return undefined;
    const name = match[3]!.startsWith('"') ? unquotePath(match[3]!)?.value : match[3]!;
    if (name === undefined) return undefined;
    entries.push({ mode: Number.parseInt(match[1]!, 8), oid: match[2]! as Oid, name });
  }
  return serializeTree(entries);
}

import { decodeText, encodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { layOutColumns } from '../porcelain/columns.js';
import { editFile } from '../porcelain/editor.js';
import { commentLines, commentPrefix, stripSpace } from '../porcelain/message.js';
import { RefListing } from '../porcelain/ref-filter.js';
import { MalformedFormat, parseRefFormat, type RefFormat } from '../porcelain/ref-filter-format.js';
import { signingKey } from '../porcelain/signing.js';
import { readMessageFile, tagBody, tagReflogMessage, writeTag } from '../porcelain/tag-make.js';
import { isValidTagName } from '../refs/name.js';
import type { RefUpdate } from '../refs/store.js';
import { resolveRevision } from '../repo/revision.js';
import { checkColumns, columnModeFor, tableWidth } from './column-option.js';
import { type CommandContext, defineCommand } from './command.js';
import { colorOption, parseNumber, type ParsedOptions, UsageError } from './options.js';
import { refValueExtras } from './ref-extras.js';
import { reachFilter, reachOptions, sortKeys } from './ref-list-options.js';
import { showTag, verifyTag } from './verify-tag.js';
import { fromTop } from './work-tree.js';
import { resolvePath } from '../repo/paths.js';

const options = {
  list: { type: 'mode', group: 'mode', short: 'l', help: 'list tag names' },
  n: {
    type: 'optional',
    short: 'n',
    shortOnly: true,
    value: 'n',
    implied: '1',
    help: 'print <n> lines of each tag message',
    check: (value: string, name: string) =>
      parseNumber(value) !== undefined
        ? undefined
        : `${name} expects ${value === '' ? 'a numerical value' : 'an integer value with an optional k/m/g suffix'}`,
  },
  delete: { type: 'mode', group: 'mode', short: 'd', help: 'delete tags' },
  verify: { type: 'mode', group: 'mode', short: 'v', help: 'verify tags' },
  annotate: { type: 'flag', short: 'a', help: 'annotated tag, needs a message' },
  message: { type: 'list', short: 'm', value: 'message', negatable: false, help: 'tag message' },
  file: { type: 'string', short: 'F', value: 'file', help: 'read message from file' },
  trailer: { type: 'list', value: 'trailer', help: 'add custom trailer(s)' },
  edit: { type: 'flag', short: 'e', help: 'force edit of tag message' },
  sign: { type: 'flag', short: 's', help: 'annotated and GPG-signed tag' },
  cleanup: { type: 'string', value: 'mode', help: 'how to strip spaces and #comments from message' },
  'local-user': { type: 'string', short: 'u', value: 'key-id', help: 'use another key to sign the tag' },
  force: { type: 'flag', short: 'f', help: 'replace the tag if exists' },
  'create-reflog': { type: 'flag', help: 'create a reflog' },
  column: { type: 'optional', value: 'style', implied: '', help: 'show tag list in columns', check: checkColumns },
  contains: { ...reachOptions.contains, help: 'print only tags that contain the commit' },
  'no-contains': { ...reachOptions['no-contains'], help: "print only tags that don't contain the commit" },
  merged: { ...reachOptions.merged, help: 'print only tags that are merged' },
  'no-merged': { ...reachOptions['no-merged'], help: 'print only tags that are not merged' },
  'omit-empty': { type: 'flag', help: 'do not output a newline after empty formatted refs' },
  sort: { type: 'list', value: 'key', help: 'field name to sort on' },
  'points-at': { type: 'list', value: 'object', lastDefault: 'HEAD', help: 'print only tags of the object' },
  format: { type: 'string', value: 'format', help: 'format to use for the output' },
  color: colorOption('respect format colors'),
  'ignore-case': { type: 'flag', short: 'i', help: 'sorting and filtering are case insensitive' },
} as const;

type Args = ParsedOptions<typeof options>;
interface Line {
  readonly text: string;
}
type Result = AsyncGenerator<Line, number | undefined>;

export const command = defineCommand({
  name: 'tag',
  summary: 'Create, list, delete or verify a tag object signed with GPG',
  usage: [
    'tag [-a | -s | -u <key-id>] [-f] [-m <msg> | -F <file>] [-e]\n        [(--trailer <token>[(=|:)<value>])...]\n        <tagname> [<commit> | <object>]',
    'tag -d <tagname>...',
    'tag [-n[<num>]] -l [--contains <commit>] [--no-contains <commit>]\n        [--points-at <object>] [--column[=<options>] | --no-column]\n        [--create-reflog] [--sort=<key>] [--format=<format>]\n        [--merged <commit>] [--no-merged <commit>] [<pattern>...]',
    'tag -v [--format=<format>] <tagname>...',
  ],
  options,
  async *run(context, args): Result {
    const { values, rest } = args;
    const listing =
      values.contains !== undefined ||
      values['no-contains'] !== undefined ||
      values.merged !== undefined ||
      values['no-merged'] !== undefined ||
      (values['points-at']?.length ?? 0) > 0 ||
      values.n !== undefined;
    let mode: 'list' | 'delete' | 'verify' | undefined =
      values.list !== undefined
        ? 'list'
        : values.delete !== undefined
          ? 'delete'
          : values.verify !== undefined
            ? 'verify'
            : undefined;
    const making =
      values.annotate === true ||
      values.sign === true ||
      (values['local-user'] ?? null) !== null ||
      values.message !== undefined ||
      (values.file ?? '') !== '' ||
      values.edit === true ||
      (values.trailer?.length ?? 0) > 0;
    if (mode === undefined && (rest.length === 0 || listing)) mode = 'list';
    if ((making || values.force === true) && mode !== undefined) throw new UsageError('');
    const repository = context.repository();
    sortKeys(context, values.sort, repository.config.getAll('tag.sort'), false);
    if (mode === 'list') return yield* list(context, args);
    const only: readonly (readonly [string, boolean])[] = [
      ['-n', values.n !== undefined],
      ['--contains', values.contains !== undefined],
      ['--no-contains', values['no-contains'] !== undefined],
      ['--points-at', (values['points-at']?.length ?? 0) > 0],
      ['--merged', values.merged !== undefined],
      ['--no-merged', values['no-merged'] !== undefined],
    ];
    for (const [name, given] of only) {
      if (given) throw new GitError('USAGE', `the '${name}' option is only allowed in list mode`);
    }
    if (mode === 'delete') return yield* deleteTags(context, rest);
    if (mode === 'verify') return yield* verifyTags(context, args);
    return yield* create(context, args);
  },
  render: (result) => result.text,
});

function readFormat(context: CommandContext, text: string, color: boolean): RefFormat {
  try {
    return parseRefFormat(text, { color, terminal: () => context.io.stdout.isTerminal });
  } catch (error) {
    throw error instanceof MalformedFormat
      ? new GitError('USAGE', 'unable to parse format string', { cause: error })
      : error;
  }
}

async function* list(context: CommandContext, args: Args): Result {
  const { values, rest } = args;
  const repository = context.repository();
  const columns = columnModeFor(context, 'tag', values.column);
  const withLines = values.n !== undefined && values.n !== null;
  if (withLines && columns.asked) {
    throw new GitError('USAGE', "options '--column' and '-n' cannot be used together");
  }
  context.startPager(true);
  const color = context.wantColor('ui', values.color);
  let text = values.format ?? undefined;
  if (text === undefined) {
    text =
      withLines && Number(values.n) > 0
        ? `%(align:15)%(refname:lstrip=2)%(end) %(contents:lines=${Number(values.n)})`
        : '%(refname:lstrip=2)';
  }
  const format = readFormat(context, text, color);
  const ignoreCase = values['ignore-case'] === true;
  const listing = new RefListing(
    repository,
    {
      ...(await reachFilter(repository, values)),
      kinds: new Set(['tag'] as const),
      patterns: rest,
      ignoreCase,
    },
    {
      warn: (message) => context.warning(message),
      complain: (line) => context.printError(`${line}\n`),
      extras: refValueExtras(context),
    },
  );
  const keys = sortKeys(context, values.sort, repository.config.getAll('tag.sort'), color);
  const refs = await listing.refs(keys, ignoreCase);
  await listing.prepareFormat(format, refs);
  const lines: string[] = [];
  for (const ref of refs) {
    const line = await listing.format(format, 'none', ref);
    if (line === '' && values['omit-empty'] === true) continue;
    if (columns.mode === undefined || withLines) yield { text: `${line}\n` };
    else lines.push(line);
  }
  if (lines.length > 0)
    yield { text: layOutColumns(lines, { mode: columns.mode!, width: tableWidth(context), padding: 2 }) };
  return undefined;
}

async function* deleteTags(context: CommandContext, names: readonly string[]): Result {
  const repository = context.repository();
  const { refs } = repository;
  const found: { name: string; ref: string; oid: Oid }[] = [];
  let code: number | undefined;
  for (const name of names) {
    const ref = `refs/tags/${name}`;
    const oid = await refs.resolve(ref);
    if (oid === undefined) {
      context.error(`tag '${name}' not found.`);
      code = 1;
    } else found.push({ name, ref, oid });
  }
  const unique = [...new Map(found.map((tag) => [tag.ref, tag])).values()];
  if (unique.length < found.length) {
    const twice = found.find((tag, i) => found.findIndex(({ ref }) => ref === tag.ref) < i)!;
    context.error(`could not delete references: multiple updates for ref '${twice.ref}' not allowed`);
    return 1;
  }
  const [first, ...others] = unique.map(({ ref }): RefUpdate => ({ name: ref, to: 'deleted', noDeref: true }));
  if (first === undefined) return code;
  const result = await refs.update([first, ...others]);
  if (!result.ok) {
    context.error(
      unique.length === 1
        ? `could not delete reference ${result.name}: ${result.message}`
        : `could not delete references: ${result.message}`,
    );
    code = 1;
  }
  for (const { name, ref, oid } of unique) {
    if ((await refs.resolve(ref)) === undefined)
      yield { text: `Deleted tag '${name}' (was ${await abbreviate(repository, oid)})\n` };
  }
  return code;
}

async function* verifyTags(context: CommandContext, args: Args): Result {
  const repository = context.repository();
  const text = args.values.format ?? undefined;
  const format = text === undefined ? undefined : readFormat(context, text, context.wantColor('ui', args.values.color));
  let code: number | undefined;
  for (const name of args.rest) {
    const oid = await repository.refs.resolve(`refs/tags/${name}`);
    if (oid === undefined) {
      context.error(`tag '${name}' not found.`);
      code = 1;
      continue;
    }
    const good = await verifyTag(context, oid, name, { verbose: true, raw: false, quiet: format !== undefined });
    if (!good) code = 1;
    else if (format !== undefined) yield { text: await showTag(context, format, name, oid) };
  }
  return code;
}

async function* create(context: CommandContext, args: Args): Result {
  const { values, rest } = args;
  const repository = context.repository();
  const { config, refs } = repository;
  if (values.message !== undefined && (values.file ?? '') !== '')
    throw new GitError('USAGE', "options '-F' and '-m' cannot be used together");
  let message = values.message?.join('\n\n');
  const file = values.file || undefined;
  if (file === '-') message = decodeText(context.io.stdin.readAll());
  else if (file !== undefined)
    message = readMessageFile(repository, resolvePath(context.cwd, file), fromTop(context, file));
  const name = rest[0];
  if (rest.length > 2) throw new GitError('USAGE', 'too many arguments');
  if (name === undefined) throw new UsageError('');
  const target = rest[1] ?? 'HEAD';
  const oid = await resolveRevision(repository, target);
  if (oid === undefined) throw new GitError('REF_MISSING', `Failed to resolve '${target}' as a valid ref.`);
  if (!isValidTagName(name)) throw new GitError('REF_INVALID', `'${name}' is not a valid tag name.`);
  const ref = `refs/tags/${name}`;
  const previous = await refs.resolve(ref);
  if (previous !== undefined && values.force !== true)
    throw new GitError('REF_CHANGED', `tag '${name}' already exists`);
  const cleanup = values.cleanup ?? undefined;
  if (cleanup !== undefined && !['strip', 'verbatim', 'whitespace'].includes(cleanup))
    throw new GitError('USAGE', `Invalid cleanup mode ${cleanup}`);
  const keyId = values['local-user'] ?? undefined;
  let sign = keyId !== undefined || (values.sign ?? config.getBool('tag.gpgsign', false));
  const trailers = values.trailer ?? [];
  const object =
    sign || values.annotate === true || message !== undefined || values.edit === true || trailers.length > 0;
  let to: Oid = oid;
  const reason = await tagReflogMessage(repository, oid);
  if (object) {
    if (config.getBool('tag.forcesignannotated', false) && values.annotate !== true) sign = true;
    if (values.sign === false && keyId === undefined) sign = false;
    const made = await makeObject(context, {
      name,
      oid,
      message,
      edit: values.edit === true || message === undefined,
      cleanup: cleanup ?? 'strip',
      trailers,
      previous,
      key: sign ? signingKey(repository, keyId) : undefined,
      shownTarget: target,
    });
    if (typeof made !== 'string') return made.exit;
    to = made;
  }
  const result = await refs.update([
    {
      name: ref,
      to,
      expect: previous ?? 'absent',
      reason,
      createReflog: values['create-reflog'] === true,
    },
  ]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message);
  if (object && (values.edit === true || message === undefined || trailers.length > 0))
    repository.platform.fs.remove(repository.path('TAG_EDITMSG'));
  if (values.force === true && previous !== undefined && previous !== to)
    yield { text: `Updated tag '${name}' (was ${await abbreviate(repository, previous)})\n` };
  return undefined;
}

interface TagRequest {
  readonly name: string;
  readonly oid: Oid;
  readonly message: string | undefined;
  readonly edit: boolean;
  readonly cleanup: string;
  readonly trailers: readonly string[];
  readonly previous: Oid | undefined;
  readonly key: string | undefined;
  readonly shownTarget: string;
}

/** The tag object: message edited and tidied, signed if need be. */
async function makeObject(context: CommandContext, request: TagRequest): Promise<Oid | { readonly exit: number }> {
  const repository = context.repository();
  const { fs } = repository.platform;
  const { name, oid, cleanup } = request;
  const header = await repository.objects.readHeader(oid);
  if (header === undefined) throw new GitError('OBJECT_MISSING', 'bad object type.');
  if (header.kind === 'tag' && repository.config.getBool('advice.nestedtag', true)) {
    context.hint(
      'You have created a nested tag. The object referred to by your new tag is\n' +
        'already a tag. If you meant to tag the object that it points to, use:\n\n' +
        `\tgit tag -f ${name} ${request.shownTarget}^{}\n` +
        'Disable this message with "git config set advice.nestedTag false"',
    );
  }
  // Who tags is asked before anything is written or edited.
  repository.identity('committer');
  const comment = commentPrefix(repository.config);
  const path = repository.path('TAG_EDITMSG');
  let message = request.message ?? '';
  if (request.edit) {
    let text: string;
    const given = request.message;
    let finished = false;
    if (given !== undefined) text = given.endsWith('\n') ? given : `${given}\n`;
    else {
      const body = request.previous === undefined ? undefined : await tagBody(repository, request.previous);
      if (body !== undefined) text = body;
      else {
        const lines =
          cleanup === 'strip'
            ? `\nWrite a message for tag:\n  ${name}\nLines starting with '${comment}' will be ignored.\n`
            : `\nWrite a message for tag:\n  ${name}\nLines starting with '${comment}' will be kept; you may remove them yourself if you want to.\n`;
        finished = request.trailers.length > 0;
        text = finished ? await withTrailers(context, '', request.trailers, comment) : '\n';
        text += commentLines(lines, comment);
      }
    }
    if (request.trailers.length > 0 && !finished) text = await withTrailers(context, text, request.trailers, comment);
    fs.writeFile(path, encodeText(text));
    try {
      editFile(repository, path);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      context.error(error.message);
      context.printError('Please supply the message using either -m or -F option.\n');
      return { exit: 1 };
    }
    message = decodeText(fs.readFile(path) ?? new Uint8Array(0));
  } else if (request.trailers.length > 0) {
    message = await withTrailers(context, message, request.trailers, comment);
    fs.writeFile(path, encodeText(message));
  }
  if (cleanup !== 'verbatim') message = stripSpace(message, cleanup === 'strip' ? comment : undefined);
  if (request.message === undefined && message === '') throw new GitError('USAGE', 'no tag message?');
  let made: Awaited<ReturnType<typeof writeTag>>;
  try {
    made = await writeTag(repository, { target: oid, targetKind: header.kind, name, message }, request.key);
  } catch (error) {
    if (!isGitError(error, 'WRITE_FAILED') || error.data['final'] === true) throw error;
    made = { errors: [error.message, 'unable to write tag file'] };
  }
  if (typeof made !== 'string') {
    for (const error of made.errors) context.error(error);
    context.printError(`The tag message has been left in ${shownPath(context, path)}\n`);
    return { exit: 128 };
  }
  return made;
}

async function withTrailers(
  context: CommandContext,
  text: string,
  trailers: readonly string[],
  comment: string,
): Promise<string> {
  const { applyTrailers } = await import('../porcelain/trailer-apply.js');
  return applyTrailers(
    text === '' || text.endsWith('\n') ? text : `${text}\n`,
    trailers,
    context.repository(),
    comment,
  );
}

function shownPath(context: CommandContext, path: string): string {
  return path.startsWith(`${context.cwd}/`) ? path.slice(context.cwd.length + 1) : path;
}

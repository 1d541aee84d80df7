import type { Oid } from '../base/oid.js';
import { decodeText } from '../base/bytes.js';
import { parseRefFormat, type RefFormat } from '../porcelain/ref-filter-format.js';
import { RefListing } from '../porcelain/ref-filter.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { splitSignature, verifySignature } from '../porcelain/signing.js';
import { parseSignature } from '../objects/signature.js';
import { resolveRevision } from '../repo/revision.js';
import { type CommandContext, defineCommand } from './command.js';
import { UsageError } from './options.js';
import { refValueExtras } from './ref-extras.js';

export interface VerifyFlags {
  /** Show what was signed. */
  readonly verbose: boolean;
  /** Show gpg's status lines instead of its words. */
  readonly raw: boolean;
  /** Show neither. */
  readonly quiet: boolean;
}

export const command = defineCommand({
  name: 'verify-tag',
  summary: 'Check the GPG signature of tags',
  usage: ['verify-tag [-v | --verbose] [--format=<format>] [--raw] <tag>...'],
  options: {
    verbose: { type: 'flag', short: 'v', help: 'print tag contents' },
    raw: { type: 'flag', help: 'print raw gpg status output' },
    format: { type: 'string', value: 'format', help: 'format to use for the output' },
  },
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number | undefined> {
    if (args.rest.length === 0) throw new UsageError('');
    const { values } = args;
    const repository = context.repository();
    const format =
      values.format === undefined || values.format === null
        ? undefined
        : parseRefFormat(values.format, { color: context.wantColor('ui', 'auto') });
    let code: number | undefined;
    for (const name of args.rest) {
      const oid = await resolveRevision(repository, name);
      if (oid === undefined) {
        context.error(`tag '${name}' not found.`);
        code = 1;
        continue;
      }
      const flags = { verbose: values.verbose === true, raw: values.raw === true, quiet: format !== undefined };
      if (!(await verifyTag(context, oid, name, flags))) code = 1;
      else if (format !== undefined) yield { text: await showTag(context, format, name, oid) };
    }
    return code;
  },
  render: (result) => result.text,
});

/** Checks one tag's signature, showing what the verifying program said. */
export async function verifyTag(
  context: CommandContext,
  oid: Oid,
  shown: string | undefined,
  flags: VerifyFlags,
): Promise<boolean> {
  const repository = context.repository();
  const object = await repository.objects.read(oid);
  const name = shown ?? (await abbreviate(repository, oid));
  if (object?.kind !== 'tag') {
    context.error(
      object === undefined
        ? `${name}: unable to read file.`
        : `${name}: cannot verify a non-tag object of type ${object.kind}.`,
    );
    return false;
  }
  const { payload, signature } = splitSignature(object.data);
  if (signature === '') {
    if (flags.verbose && !flags.quiet) context.print(decodeText(object.data));
    context.error('no signature found');
    return false;
  }
  const tagger = /^tagger (.*)$/m.exec(payload.slice(0, Math.max(0, payload.indexOf('\n\n'))))?.[1];
  const seconds = tagger === undefined ? undefined : parseSignature(tagger).seconds;
  const verdict = verifySignature(repository, payload, signature, seconds);
  for (const error of verdict.errors) context.error(error);
  if (flags.verbose && !flags.quiet) context.print(payload);
  if (!flags.quiet) context.printError(flags.raw ? verdict.status : verdict.output);
  return verdict.valid;
}

/** One tag in a ref format, with the line end. */
export async function showTag(context: CommandContext, format: RefFormat, name: string, oid: Oid): Promise<string> {
  const listing = new RefListing(context.repository(), {}, { extras: refValueExtras(context) });
  const ref = { name, oid };
  await listing.prepareFormat(format, [ref]);
  return `${await listing.format(format, 'none', ref)}\n`;
}

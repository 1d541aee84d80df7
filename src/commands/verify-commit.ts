import { decodeText } from '../base/bytes.js';
import { splitCommitSignature, verifyCommit } from '../porcelain/log-signature.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Verified {
  readonly name: string;
  readonly valid: boolean;
  /** What was signed, where it is to be shown. */
  readonly text: string;
}

export const command = defineCommand({
  name: 'verify-commit',
  summary: 'Check the GPG signature of commits',
  usage: ['verify-commit [-v | --verbose] [--raw] <commit>...'],
  options: {
    verbose: { type: 'flag', short: 'v', help: 'print commit contents' },
    raw: { type: 'flag', help: 'print raw gpg status output' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Verified, number> {
    if (rest.length === 0) throw new UsageError('');
    const repository = context.repository();
    let code = 0;
    for (const name of rest) {
      const named = await resolveRevision(repository, name);
      const oid = named === undefined ? undefined : ((await peelTo(repository, named, 'commit')) ?? named);
      const object = oid === undefined ? undefined : await repository.objects.read(oid);
      if (object?.kind !== 'commit') {
        context.error(
          object === undefined
            ? `commit '${name}' not found.`
            : `${name}: cannot verify a non-commit object of type ${object.kind}.`,
        );
        code = 1;
        continue;
      }
      const stored = decodeText(object.data);
      const verdict = verifyCommit(repository, stored);
      for (const error of verdict?.errors ?? []) context.error(error);
      const valid = verdict?.valid === true;
      const shown = values.verbose === true && verdict !== undefined;
      yield { name, valid, text: shown ? splitCommitSignature(stored, repository.objectFormat).payload : '' };
      context.printError((values.raw === true ? verdict?.status : verdict?.output) ?? '');
      if (!valid) code = 1;
    }
    return code;
  },
  render: ({ text }) => text,
});

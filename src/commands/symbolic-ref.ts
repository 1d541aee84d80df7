import { GitError } from '../base/errors.js';
import { checkRefFormat, shortenRef } from '../refs/name.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'symbolic-ref',
  summary: 'Read, modify and delete symbolic refs',
  usage: [
    'symbolic-ref [-m <reason>] <name> <ref>',
    'symbolic-ref [-q] [--short] [--no-recurse] <name>',
    'symbolic-ref --delete [-q] <name>',
  ],
  options: {
    quiet: { type: 'flag', short: 'q', help: 'suppress error message for non-symbolic (detached) refs' },
    delete: { type: 'flag', short: 'd', help: 'delete symbolic ref' },
    short: { type: 'flag', help: 'shorten ref output' },
    recurse: { type: 'flag', help: 'recursively dereference (default)' },
    m: { type: 'string', short: 'm', shortOnly: true, value: 'reason', help: 'reason of the update' },
  },
  async *run(context, args) {
    const { values, rest } = args;
    const quiet = values.quiet === true;
    const reason = values.m ?? undefined;
    if (reason === '') throw new GitError('USAGE', 'Refusing to perform update with empty message');
    const { refs } = context.repository();
    const recurse = values.recurse !== false;
    const name = rest[0];
    if (values.delete === true) {
      if (rest.length !== 1) throw new UsageError('');
      const target = await targetOf(name!, recurse);
      if (target === undefined) {
        if (quiet) return 1;
        throw new GitError('REF_INVALID', `Cannot delete ${name}, not a symbolic ref`);
      }
      if (name === 'HEAD') throw new GitError('REF_INVALID', `deleting '${name}' is not allowed`);
      const result = await refs.update([{ name: name!, to: 'deleted', noDeref: true }]);
      if (result.ok) return;
      context.error(result.message);
      return 1;
    }
    if (rest.length === 1) {
      const value = await refs.readRaw(name!);
      let target: string | undefined;
      if (value?.kind === 'symbolic') target = await targetOf(name!, recurse);
      else if (value === undefined) {
        throw new GitError('REF_MISSING', `No such ref: ${name}`);
      }
      if (target === undefined) {
        if (quiet) return 1;
        throw new GitError('REF_INVALID', `ref ${name} is not a symbolic ref`);
      }
      const shown =
        values.short === true
          ? await shortenRef(target, false, async (other) => (await refs.resolve(other)) !== undefined)
          : target;
      yield { name: name!, target: shown };
      return;
    }
    if (rest.length !== 2) throw new UsageError('');
    const target = rest[1]!;
    if (name === 'HEAD' && !target.startsWith('refs/'))
      throw new GitError('REF_INVALID', 'Refusing to point HEAD outside of refs/');
    if (!checkRefFormat(target, { allowOneLevel: true }))
      throw new GitError('REF_INVALID', `Refusing to set '${name}' to invalid ref '${target}'`);
    const result = await refs.update([{ name: name!, to: { symbolic: target }, noDeref: true, reason }]);
    if (result.ok) return;
    context.error(result.message);
    return 1;

    async function targetOf(from: string, whole: boolean): Promise<string | undefined> {
      const raw = await refs.readRaw(from);
      if (raw?.kind !== 'symbolic') return undefined;
      if (!whole) return raw.target;
      return (await refs.resolveFull(from))?.name ?? raw.target;
    }
  },
  render: (result: { readonly name: string; readonly target: string }) => `${result.target}\n`,
});

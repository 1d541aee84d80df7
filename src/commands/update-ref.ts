import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import type { RefUpdate } from '../refs/store.js';
import { resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { RefScript } from './update-ref-script.js';

export const command = defineCommand({
  name: 'update-ref',
  summary: 'Update the object name stored in a ref safely',
  usage: [
    'update-ref [<options>] -d <refname> [<old-oid>]',
    'update-ref [<options>]    <refname> <new-oid> [<old-oid>]',
    'update-ref [<options>] --stdin [-z] [--batch-updates]',
  ],
  options: {
    m: { type: 'string', short: 'm', shortOnly: true, value: 'reason', help: 'reason of the update' },
    d: { type: 'flag', short: 'd', shortOnly: true, help: 'delete the reference' },
    'no-deref': { type: 'flag', help: 'update <refname> not the one it points to' },
    z: { type: 'flag', short: 'z', shortOnly: true, help: 'stdin has NUL-terminated arguments' },
    stdin: { type: 'flag', help: 'read updates from stdin' },
    'create-reflog': { type: 'flag', help: 'create a reflog' },
    'batch-updates': { type: 'flag', short: '0', help: 'batch reference updates' },
  },
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number | undefined> {
    const { values, rest } = args;
    const reason = values.m ?? undefined;
    if (reason === '') throw new GitError('USAGE', 'Refusing to perform update with empty message.');
    const noDeref = values['no-deref'] === true;
    const createReflog = values['create-reflog'] === true;
    const repository = context.repository();
    const { refs } = repository;
    if (values.stdin === true) {
      if (values.d === true || rest.length > 0) throw new UsageError('');
      const script = new RefScript(context, {
        nul: values.z === true,
        noDeref,
        createReflog,
        partial: values['batch-updates'] === true,
        reason,
      });
      yield* script.run();
      return undefined;
    }
    if (values['batch-updates'] === true) throw new GitError('USAGE', '--batch-updates can only be used with --stdin');
    if (values.z === true) throw new UsageError('');
    let to: Oid | 'deleted' = 'deleted';
    let oldText: string | undefined;
    if (values.d === true) {
      if (rest.length < 1 || rest.length > 2) throw new UsageError('');
      oldText = rest[1];
    } else {
      if (rest.length < 2 || rest.length > 3) throw new UsageError('');
      oldText = rest[2];
      const oid = await resolveRevision(repository, rest[1]!);
      if (oid === undefined) throw new GitError('OBJECT_MISSING', `${rest[1]}: not a valid SHA1`);
      to = oid;
    }
    const name = rest[0]!;
    let expect: RefUpdate['expect'];
    if (oldText !== undefined) {
      const old = oldText === '' ? zeroOid(repository.objectFormat) : await resolveRevision(repository, oldText);
      if (old === undefined) throw new GitError('OBJECT_MISSING', `${oldText}: not a valid old SHA1`);
      expect = isZeroOid(old) ? 'absent' : old;
    }
    if (values.d === true) {
      const result = await refs.update([
        { name, to: 'deleted', expect: expect === 'absent' ? undefined : expect, reason, noDeref },
      ]);
      if (result.ok) return undefined;
      context.error(result.message);
      return 1;
    }
    const result = await refs.update([{ name, to, expect, reason, noDeref, createReflog }]);
    if (!result.ok) throw new GitError('REF_CHANGED', `update_ref failed for ref '${name}': ${result.message}`);
    return undefined;
  },
  render: (result) => result.text,
});

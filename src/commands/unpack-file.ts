import { GitError } from '../base/errors.js';
import { readObject } from '../objects/database.js';
import { openTemporary } from '../packs/index-pack.js';
import { resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'unpack-file',
  summary: "Create a temporary file with a blob's contents",
  bareUsage: true,
  usage: ['unpack-file <blob>'],
  options: {},
  async *run(context, args): AsyncGenerator<{ readonly file: string }, void> {
    const [name] = args.rest;
    if (name === undefined || args.rest.length !== 1) throw new UsageError('');
    const repository = context.repository();
    const oid = await resolveRevision(repository, name);
    if (oid === undefined) throw new GitError('REF_MISSING', `Not a valid object name ${name}`);
    const object = await readObject(repository.objects, oid);
    if (object.kind !== 'blob') throw new GitError('OBJECT_CORRUPT', `unable to read blob object ${oid}`);
    const directory = repository.workTree ?? context.cwd;
    const handle = openTemporary(context.platform, directory, '.merge_file_');
    handle.write(object.data);
    handle.close();
    context.platform.fs.chmod(handle.path, 0o600);
    yield { file: handle.path.slice(directory.length + 1) };
  },
  render: ({ file }) => `${file}\n`,
});

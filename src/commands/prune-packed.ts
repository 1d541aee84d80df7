import { prunePacked } from '../packs/prune-packed.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'prune-packed',
  summary: 'Remove extra objects that are already in pack files',
  usage: ['prune-packed [-n | --dry-run] [-q | --quiet]'],
  options: {
    'dry-run': { type: 'flag', short: 'n', help: 'dry run' },
    quiet: { type: 'flag', short: 'q', help: 'be quiet' },
  },
  async *run(context, args): AsyncGenerator<{ readonly path: string; readonly removed: boolean }, void> {
    if (args.rest.length > 0) throw new UsageError('too many arguments');
    const repository = context.repository();
    const dryRun = args.values['dry-run'] === true;
    const root = repository.objectsDirectory;
    const shown = root === `${repository.gitDir}/objects` ? `${repository.gitDirShown}/objects` : root;
    const bar = args.values.quiet === true ? undefined : context.progress('Removing duplicate objects', { total: 256 });
    for (const { path, fan } of prunePacked(context.platform, repository.objectDirectories, dryRun)) {
      bar?.update(fan + 1, 256);
      yield { path: shown + path.slice(root.length), removed: !dryRun };
    }
    bar?.done();
  },
  render: ({ path, removed }) => (removed ? '' : `rm -f ${path}\n`),
});

import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { prunePacked } from '../packs/prune-packed.js';
import { type Pruned, pruneLoose } from '../porcelain/prune.js';
import { parseExpiryDate } from '../repo/date-approx.js';
import { resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  name: 'prune',
  summary: 'Prune all unreachable objects from the object database',
  usage: ['prune [-n] [-v] [--progress] [--expire <time>] [--] [<head>...]'],
  options: {
    'dry-run': { type: 'flag', short: 'n', help: 'do not remove, show only' },
    verbose: { type: 'flag', short: 'v', help: 'report pruned objects' },
    progress: { type: 'flag', help: 'show progress' },
    expire: { type: 'string', value: 'expiry-date', help: 'expire objects older than <time>' },
    'exclude-promisor-objects': { type: 'flag', help: 'limit traversal to objects outside promisor packfiles' },
  },
  async *run(context, args): AsyncGenerator<Pruned & { readonly shown: boolean }, number | undefined> {
    const repository = context.repository();
    const { values } = args;
    if (repository.config.getBool('extensions.preciousobjects') === true) {
      throw new GitError('UNSUPPORTED', 'cannot prune in a precious-objects repo');
    }
    const dryRun = values['dry-run'] === true;
    const shown = dryRun || values.verbose === true;
    let expire = Number.POSITIVE_INFINITY;
    if (typeof values.expire === 'string') {
      const limit = parseExpiryDate(values.expire, repository.clock);
      if (limit === undefined) {
        context.error(`malformed expiration date '${values.expire}'`);
        return 129;
      }
      // `never` keeps everything.
      if (limit === 0) expire = Number.NEGATIVE_INFINITY;
      else expire = limit;
    } else if (values.expire === null) expire = Number.NEGATIVE_INFINITY;
    const heads: Oid[] = [];
    for (const word of args.rest) {
      const oid = await resolveRevision(repository, word);
      if (oid === undefined) throw new GitError('REF_MISSING', `unrecognized argument: ${word}`);
      heads.push(oid);
    }
    for await (const pruned of pruneLoose(repository, { expire, dryRun, heads })) {
      if (pruned.what === 'temporary') {
        const path = pruned.path.startsWith(`${repository.gitDir}/`)
          ? `${repository.gitDirShown}${pruned.path.slice(repository.gitDir.length)}`
          : pruned.path;
        yield { what: 'temporary', path, shown };
      } else yield { ...pruned, shown };
    }
    for (const { path } of prunePacked(context.platform, repository.objectDirectories, dryRun)) {
      if (dryRun) context.print(`rm -f ${path}\n`);
    }
    if (!dryRun) pruneShallow(repository);
    repository.objects.refresh();
    return undefined;

    function pruneShallow(from: typeof repository): void {
      const path = from.path('shallow');
      const bytes = from.platform.fs.readFile(path);
      if (bytes === undefined) return;
      const lines = new TextDecoder()
        .decode(bytes)
        .split('\n')
        .filter((line) => line !== '');
      const directories = from.objectDirectories;
      const left = lines.filter((oid) =>
        directories.some(({ packs, loose }) => packs.has(oid as Oid) || loose.has(oid as Oid)),
      );
      if (left.length === lines.length) return;
      if (left.length === 0) from.platform.fs.remove(path);
      else from.platform.fs.writeFile(path, new TextEncoder().encode(`${left.join('\n')}\n`));
    }
  },
  render: (pruned) => {
    if (!pruned.shown) return '';
    return pruned.what === 'object'
      ? `${pruned.oid} ${pruned.kind ?? 'unknown'}\n`
      : `Removing stale temporary file ${pruned.path}\n`;
  },
});

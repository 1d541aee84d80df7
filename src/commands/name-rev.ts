import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { RevisionNamer } from '../porcelain/name-rev.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

/** How much older than the commit asked for others may be before they are left out of the search. */
const slop = 86400;

export const command = defineCommand({
  name: 'name-rev',
  summary: 'Find symbolic names for given revs',
  usage: ['name-rev [<options>] <commit>...', 'name-rev [<options>] --all', 'name-rev [<options>] --annotate-stdin'],
  options: {
    'name-only': { type: 'flag', help: 'print only ref-based names (no object names)' },
    tags: { type: 'flag', help: 'only use tags to name the commits' },
    refs: { type: 'list', value: 'pattern', help: 'only use refs matching <pattern>' },
    exclude: { type: 'list', value: 'pattern', help: 'ignore refs matching <pattern>' },
    all: { type: 'flag', help: 'list all commits reachable from all refs' },
    stdin: { type: 'flag', hidden: true },
    'annotate-stdin': { type: 'flag', help: 'annotate text from stdin' },
    undefined: { type: 'flag', help: 'allow to print `undefined` names (default)' },
    always: { type: 'flag', help: 'show abbreviated commit object as fallback' },
    'peel-tag': { type: 'flag', hidden: true },
  },
  async *run(context, args): AsyncGenerator<{ readonly text: string }, number | undefined> {
    const { values, rest } = args;
    const repository = context.repository();
    const stdin = values['annotate-stdin'] === true || values.stdin === true;
    if (values.stdin === true) {
      context.warning(
        '--stdin is deprecated. Please use --annotate-stdin instead, which is functionally equivalent.\nThis option will be removed in a future release.',
      );
    }
    if (Number(stdin) + Number(values.all === true) + Number(rest.length > 0) > 1) {
      throw new UsageError('Specify either a list, or --all, not both!');
    }
    const nameOnly = values['name-only'] === true;
    const asked: { oid: Oid; shown: string; commit: Oid | undefined }[] = [];
    let cutoff = values.all === true || stdin ? 0 : Number.POSITIVE_INFINITY;
    for (const text of rest) {
      const oid = await resolveRevision(repository, text);
      if (oid === undefined) {
        context.printError(`Could not get sha1 for ${text}. Skipping.\n`);
        continue;
      }
      const header = await repository.objects.readHeader(oid);
      if (header === undefined) {
        context.printError(`Could not get object for ${text}. Skipping.\n`);
        continue;
      }
      const commit = await peelTo(repository, oid, 'commit');
      if (commit !== undefined) {
        const object = await repository.objects.read(commit);
        cutoff = Math.min(cutoff, object === undefined ? 0 : parseCommitLinks(object.data).seconds);
      }
      if (values['peel-tag'] === true) {
        if (commit === undefined) {
          context.printError(`Could not get commit for ${text}. Skipping.\n`);
          continue;
        }
        asked.push({ oid: commit, shown: text, commit });
      } else asked.push({ oid, shown: text, commit: header.kind === 'commit' ? oid : undefined });
    }
    if (Number.isFinite(cutoff) && cutoff > 0) cutoff = Math.max(0, cutoff - slop);
    const namer = await RevisionNamer.open(repository, {
      tagsOnly: values.tags === true,
      nameOnly,
      refs: values.refs ?? [],
      exclude: values.exclude ?? [],
      cutoff,
      wanted: values.all === true || stdin ? [] : asked.flatMap(({ commit }) => (commit === undefined ? [] : [commit])),
    });
    const line = async (oid: Oid, isCommit: boolean, caller: string | undefined): Promise<string> => {
      const name = namer.nameOf(oid, isCommit);
      const prefix = nameOnly ? '' : `${caller ?? oid} `;
      if (name !== undefined) return `${prefix}${name}\n`;
      if (values.undefined !== false) return `${prefix}undefined\n`;
      if (values.always === true) return `${prefix}${await abbreviate(repository, oid)}\n`;
      throw new GitError('REF_MISSING', `cannot describe '${oid}'`);
    };
    if (stdin) {
      const hex = new RegExp(`(?<![0-9a-f])[0-9a-f]{${hexLength(repository.objectFormat)}}(?![0-9a-f])`, 'g');
      const decided = new Map<string, string | undefined>();
      for (const text of context.io.stdin.lines()) {
        for (const [found] of text.matchAll(hex)) {
          if (decided.has(found)) continue;
          const kind = (await repository.objects.readHeader(found as Oid))?.kind;
          decided.set(found, kind === undefined ? undefined : namer.nameOf(found as Oid, kind === 'commit'));
        }
        const replaced = text.replace(hex, (found) => {
          const name = decided.get(found);
          return name === undefined ? found : nameOnly ? name : `${found} (${name})`;
        });
        yield { text: `${replaced}\n` };
      }
      return undefined;
    }
    if (values.all === true) {
      for (const { oid, isCommit } of await allNamed()) yield { text: await line(oid, isCommit, undefined) };
      return undefined;
    }
    for (const { oid, shown, commit } of asked) yield { text: await line(oid, commit === oid, shown) };
    return undefined;

    /** Every commit the refs reach. */
    async function allNamed(): Promise<{ oid: Oid; isCommit: boolean }[]> {
      const found = new Map<Oid, boolean>();
      const todo: Oid[] = [];
      for await (const ref of repository.refs.list('refs/')) todo.push(ref.oid);
      for (let oid = todo.shift(); oid !== undefined; oid = todo.shift()) {
        if (found.has(oid)) continue;
        const object = await repository.objects.read(oid);
        if (object === undefined) continue;
        found.set(oid, object.kind === 'commit');
        if (object.kind === 'commit') todo.push(...parseCommitLinks(object.data).parents);
        else if (object.kind === 'tag') {
          const { parseTag } = await import('../objects/tag.js');
          todo.push(parseTag(object.data).target);
        }
      }
      return [...found].filter(([, isCommit]) => isCommit).map(([oid, isCommit]) => ({ oid, isCommit }));
    }
  },
  render: (result) => result.text,
});

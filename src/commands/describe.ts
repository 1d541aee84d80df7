import { GitError } from '../base/errors.js';
import { Describer, describeBlob } from '../porcelain/describe.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

/** `--abbrev` without a length; with an empty one it is wrong. */
const implied = 'usual';

export const command = defineCommand({
  name: 'describe',
  summary: 'Give an object a human readable name based on an available ref',
  usage: [
    'describe [--all] [--tags] [--contains] [--abbrev=<n>] [<commit-ish>...]',
    'describe [--all] [--tags] [--contains] [--abbrev=<n>] --dirty[=<mark>]',
    'describe <blob>',
  ],
  options: {
    contains: { type: 'flag', help: 'find the tag that comes after the commit' },
    debug: { type: 'flag', help: 'debug search strategy on stderr' },
    all: { type: 'flag', help: 'use any ref' },
    tags: { type: 'flag', help: 'use any tag, even unannotated' },
    long: { type: 'flag', help: 'always use long format' },
    'first-parent': { type: 'flag', help: 'only follow first parent' },
    abbrev: { type: 'optional', value: 'n', implied, help: 'use <n> digits to display object names' },
    'exact-match': { type: 'flag', help: 'only output exact matches' },
    candidates: { type: 'number', value: 'n', help: 'consider <n> most recent tags (default: 10)' },
    match: { type: 'list', value: 'pattern', help: 'only consider tags matching <pattern>' },
    exclude: { type: 'list', value: 'pattern', help: 'do not consider tags matching <pattern>' },
    always: { type: 'flag', help: 'show abbreviated commit object as fallback' },
    dirty: {
      type: 'optional',
      value: 'mark',
      implied: '-dirty',
      help: 'append <mark> on dirty working tree (default: "-dirty")',
    },
    broken: {
      type: 'optional',
      value: 'mark',
      implied: '-broken',
      help: 'append <mark> on broken working tree (default: "-broken")',
    },
  },
  async *run(context, args): AsyncGenerator<{ readonly name: string }, number | undefined> {
    const { values, rest, events } = args;
    const repository = context.repository();
    const abbreviation = lengthOf(values.abbrev);
    let candidates = 10;
    for (const { key, negated, value } of events) {
      if (key === 'exact-match') candidates = negated ? 10 : 0;
      else if (key === 'candidates') candidates = negated ? 0 : Number(value ?? 10);
    }
    candidates = Math.max(0, candidates);
    if (values.long === true && abbreviation === 0)
      throw new GitError('USAGE', "options '--long' and '--abbrev=0' cannot be used together");
    const match = values.match ?? [];
    const exclude = values.exclude ?? [];
    if (values.contains === true) {
      const words = ['--peel-tag', '--name-only', '--no-undefined'];
      if (values.always === true) words.push('--always');
      const folders = values.all === true ? ['tags', 'heads', 'remotes'] : ['tags'];
      if (values.all !== true) words.push('--tags');
      for (const folder of folders) {
        for (const pattern of match) words.push(`--refs=refs/${folder}/${pattern}`);
        for (const pattern of exclude) words.push(`--exclude=refs/${folder}/${pattern}`);
      }
      return context.runCommand('name-rev', [...words, ...(rest.length > 0 ? rest : ['HEAD'])]);
    }
    let suffix = '';
    const broken = values.broken ?? undefined;
    const dirty = values.dirty ?? undefined;
    if (broken !== undefined || dirty !== undefined) {
      if (rest.length > 0) {
        throw new GitError(
          'USAGE',
          `option '${broken !== undefined ? '--broken' : '--dirty'}' and commit-ishes cannot be used together`,
        );
      }
      const state = await workTreeState();
      if (state === 'broken') {
        if (broken === undefined) return 128;
        suffix = broken;
      } else if (state === 'dirty') suffix = dirty ?? (broken !== undefined ? '-dirty' : '');
    }
    const describer = new Describer(repository, {
      all: values.all === true,
      tags: values.tags === true,
      long: values.long === true,
      firstParent: values['first-parent'] === true,
      abbreviation,
      candidates,
      match,
      exclude,
      always: values.always === true,
      suffix,
      warn: (message) => context.warning(message),
      ...(values.debug === true ? { debug: (line: string) => context.printError(`${line}\n`) } : {}),
    });
    if ((await describer.nameCount()) === 0 && values.always !== true)
      throw new GitError('REF_MISSING', 'No names found, cannot describe anything.');
    for (const text of rest.length > 0 ? rest : ['HEAD']) {
      if (values.debug === true) context.printError(`describe ${text}\n`);
      const oid = await resolveRevision(repository, text);
      if (oid === undefined) throw new GitError('REF_MISSING', `Not a valid object name ${text}`);
      const commit = await peelTo(repository, oid, 'commit');
      if (commit !== undefined) yield { name: await describer.describe(commit) };
      else if ((await repository.objects.readHeader(oid))?.kind === 'blob')
        yield { name: await describeBlob(repository, describer, oid) };
      else throw new GitError('REF_INVALID', `${text} is neither a commit nor blob`);
    }
    return undefined;

    /** By `diff-index`, in this process for `--dirty`; `--broken` must outlive what makes that fail. */
    async function workTreeState(): Promise<'clean' | 'dirty' | 'broken'> {
      try {
        if (dirty !== undefined || broken !== undefined) {
          await context.runCommand('update-index', ['-q', '--refresh']);
        }
        const code = await context.runCommand('diff-index', ['--quiet', 'HEAD', '--']);
        return code === 0 ? 'clean' : code === 1 ? 'dirty' : 'broken';
      } catch (error) {
        if (broken === undefined) throw error;
        return 'broken';
      }
    }
  },
  render: (result) => `${result.name}\n`,
});

function lengthOf(value: string | null | undefined): number | undefined {
  if (value === undefined || value === implied) return undefined;
  if (value === null) return 0;
  if (!/^[+-]?\d+$/.test(value)) throw new UsageError("option `abbrev' expects a numerical value", { quiet: true });
  const number = Number(value);
  return number === 0 ? 0 : Math.max(4, number);
}

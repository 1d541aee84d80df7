import { UsageError } from './options.js';
import type { Awaitable } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import { expiryRule } from '../porcelain/reflog-expire.js';
import { checkRefFormat, isRootRef } from '../refs/name.js';
import type { ReflogEntry } from '../refs/store.js';
import type { Repository } from '../repo/repository.js';
import { findLogs } from '../repo/revision-branch.js';
import { approxidate, parseExpiryDate } from '../repo/dates.js';
import { type CommandContext, defineCommand } from './command.js';
import type { OptionValues } from './options.js';
import { parseSubcommand, subcommandUsage } from './subcommand.js';

interface Line {
  readonly text: string;
}
type Result = AsyncGenerator<Line, number | undefined>;

const usages = {
  show: ['reflog [show] [<log-options>] [<ref>]'],
  list: ['reflog list'],
  exists: ['reflog exists <ref>'],
  write: ['reflog write <ref> <old-oid> <new-oid> <message>'],
  delete: [
    'reflog delete [--rewrite] [--updateref]\n                  [--dry-run | -n] [--verbose] <ref>@{<specifier>}...',
  ],
  drop: ['reflog drop [--all [--single-worktree] | <refs>...]'],
  expire: [
    'reflog expire [--expire=<time>] [--expire-unreachable=<time>]\n                  [--rewrite] [--updateref] [--stale-fix]\n                  [--dry-run | -n] [--verbose] [--all [--single-worktree] | <refs>...]',
  ],
};

const rewriting = {
  'dry-run': { type: 'flag', short: 'n', help: 'do not actually prune any entries' },
  rewrite: {
    type: 'flag',
    help: 'rewrite the old SHA1 with the new SHA1 of the entry that now precedes it',
  },
  updateref: { type: 'flag', help: 'update the reference to the value of the top reflog entry' },
  verbose: { type: 'flag', help: 'print extra information on screen' },
} as const;

const dropOptions = {
  all: { type: 'flag', help: 'drop the reflogs of all references' },
  'single-worktree': { type: 'flag', help: 'drop reflogs from the current worktree only' },
} as const;

const expireOptions = {
  ...rewriting,
  expire: { type: 'string', value: 'timestamp', negatable: false, help: 'prune entries older than the specified time' },
  'expire-unreachable': {
    type: 'string',
    value: 'timestamp',
    negatable: false,
    help: 'prune entries older than <time> that are not reachable from the current tip of the branch',
  },
  'stale-fix': { type: 'flag', help: 'prune any reflog entries that point to broken commits' },
  all: { type: 'flag', help: 'process the reflogs of all references' },
  'single-worktree': { type: 'flag', help: 'limits processing to reflogs from the current worktree only' },
} as const;

export const command = defineCommand({
  name: 'reflog',
  summary: 'Manage reflog information',
  usage: Object.values(usages).flat(),
  options: {},
  parsing: { none: true },
  async *run(context, args): Result {
    const [verb, ...argv] = args.rest;
    switch (verb) {
      case 'list':
        return yield* list(context, argv);
      case 'exists':
        return exists(context, argv);
      case 'write':
        return write(context, argv);
      case 'delete':
        return yield* deleteEntries(context, argv);
      case 'drop':
        return drop(context, argv);
      case 'expire':
        return yield* expire(context, argv);
      case '-h':
        if (argv.length === 0) return subcommandUsage(context, Object.values(usages).flat(), {});
    }
    const words = verb === 'show' ? argv : args.rest;
    if (words.length === 1 && words[0] === '-h') {
      return subcommandUsage(context, usages.show, {}, new UsageError('', { help: true }));
    }
    return context.runCommand('log', ['-g', '--abbrev-commit', '--pretty=oneline', ...words]);
  },
  render: (result) => result.text,
});

async function* list(context: CommandContext, argv: readonly string[]): Result {
  const parsed = parseSubcommand(context, usages.list, {}, argv);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) {
    context.error(`list does not accept arguments: '${parsed.rest[0]}'`);
    return 255;
  }
  for (const name of await context.repository().refs.reflogList()) yield { text: `${name}\n` };
  return undefined;
}

async function exists(context: CommandContext, argv: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, usages.exists, {}, argv);
  if (typeof parsed === 'number') return parsed;
  const [name] = parsed.rest;
  if (name === undefined || parsed.rest.length !== 1) return subcommandUsage(context, usages.exists, {});
  if (!checkRefFormat(name, { allowOneLevel: true })) throw new GitError('REF_INVALID', `invalid ref format: ${name}`);
  return (await context.repository().refs.reflogExists(name)) ? 0 : 1;
}

async function write(context: CommandContext, argv: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, usages.write, {}, argv);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length !== 4) return subcommandUsage(context, usages.write, {});
  const [name, old, to, message] = parsed.rest as readonly [string, string, string, string];
  const repository = context.repository();
  if (!checkRefFormat(name) && !isRootRef(name)) throw new GitError('REF_INVALID', `invalid reference name: ${name}`);
  const object = async (text: string, which: string): Promise<Oid> => {
    if (text.length !== hexLength(repository.objectFormat) || !/^[0-9a-f]+$/.test(text))
      throw new GitError('USAGE', `invalid ${which} object ID: '${text}'`);
    if (!/^0+$/.test(text) && !(await repository.objects.has(text as Oid)))
      throw new GitError('OBJECT_MISSING', `${which} object '${text}' does not exist`);
    return text as Oid;
  };
  const entry = {
    old: await object(old, 'old'),
    new: await object(to, 'new'),
    message,
  };
  const signature = repository.identity('committer');
  await repository.refs.appendReflog(name, {
    ...entry,
    identity: `${signature.name} <${signature.email}>`,
    seconds: signature.seconds,
    zone: signature.zone,
  });
  return 0;
}

const logsOf = (single: boolean | undefined) => (single === true ? { worktreeOnly: true } : { everyWorktree: true });

async function drop(context: CommandContext, argv: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, usages.drop, dropOptions, argv);
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  const repository = context.repository();
  const { refs } = repository;
  if (values.all === true) {
    if (rest.length > 0) {
      context.printError('usage: references specified along with --all\n');
      return 129;
    }
    const names = await refs.reflogList(logsOf(values['single-worktree']));
    for (const name of names) await refs.reflogDelete(name);
    return 0;
  }
  let code = 0;
  for (const short of rest) {
    const log = await findLog(repository, short);
    if (log === undefined) {
      context.error(`reflog could not be found: '${short}'`);
      code = 255;
    } else await refs.reflogDelete(log.name);
  }
  return code;
}

/** Goes through one log and drops entries of it, telling of each where `--verbose` asks. Answers whether that went well. */
async function* rewrite(
  context: CommandContext,
  name: string,
  drop: (entry: ReflogEntry) => Awaitable<boolean>,
  values: OptionValues<typeof rewriting>,
): AsyncGenerator<Line, boolean> {
  const lines: Line[] = [];
  const dryRun = values['dry-run'] === true;
  const report = (entry: ReflogEntry, dropped: boolean): void => {
    lines.push({ text: `${!dropped ? 'keep' : dryRun ? 'would prune' : 'prune'} ${entry.message}\n` });
  };
  const result = await context.repository().refs.reflogExpire(name, {
    drop,
    rewrite: values.rewrite === true,
    updateRef: values.updateref === true,
    dryRun,
    ...(values.verbose === true ? { report } : {}),
  });
  yield* lines;
  if (!result.ok) context.error(result.message);
  return result.ok;
}

async function* deleteEntries(context: CommandContext, argv: readonly string[]): Result {
  const parsed = parseSubcommand(context, usages.delete, rewriting, argv);
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  if (rest.length === 0) {
    context.error('no reflog specified to delete');
    return 255;
  }
  const repository = context.repository();
  const { refs } = repository;
  let code: number | undefined;
  for (const word of rest) {
    const at = word.indexOf('@{');
    if (at < 0) {
      context.error(`not a reflog: ${word}`);
      code = 255;
      continue;
    }
    const log = await findLog(repository, at === 0 ? 'HEAD' : word.slice(0, at));
    if (log === undefined) {
      context.error(`no reflog for '${word}'`);
      code = 255;
      continue;
    }
    const spec = word.slice(at + 2);
    const entries = (await refs.reflog(log.name)) ?? [];
    const number = /^(\d+)\}/.exec(spec);
    let left: number;
    if (number !== null) left = entries.length - Number(number[1]);
    else {
      const { seconds } = approxidate(spec, repository.clock);
      left = entries.filter((entry) => entry.seconds < seconds).length;
    }
    if (!(yield* rewrite(context, log.name, () => left !== 0 && --left === 0, values))) code = 255;
  }
  return code;
}

async function* expire(context: CommandContext, argv: readonly string[]): Result {
  const parsed = parseSubcommand(context, usages.expire, expireOptions, argv);
  if (typeof parsed === 'number') return parsed;
  const { values, rest } = parsed;
  const repository = context.repository();
  const time = (option: 'expire' | 'expire-unreachable'): number | undefined => {
    const text = values[option];
    if (text === undefined || text === null) return undefined;
    const seconds = parseExpiryDate(text, repository.clock);
    if (seconds === undefined) throw new GitError('USAGE', `invalid timestamp '${text}' given to '--${option}'`);
    return seconds;
  };
  const settings = {
    expire: time('expire'),
    unreachable: time('expire-unreachable'),
    staleFix: values['stale-fix'] === true,
  };
  if (settings.staleFix && values.verbose === true) context.print('Marking reachable objects...\n');
  const { refs } = repository;
  const names: string[] = [];
  let code: number | undefined;
  if (values.all === true) names.push(...(await refs.reflogList(logsOf(values['single-worktree']))));
  for (const short of rest) {
    const log = await findLog(repository, short);
    if (log === undefined) {
      context.error(`reflog could not be found: '${short}'`);
      code = 255;
    } else names.push(log.name);
  }
  for (const name of names) {
    if (!(yield* rewrite(context, name, await expiryRule(repository, name, settings), values))) code = 255;
  }
  return code;
}

/** The log that a short name means. */
async function findLog(repository: Repository, short: string): Promise<{ readonly name: string } | undefined> {
  return (await findLogs(repository, short))[0];
}

import { GitError } from '../base/errors.js';
import { type CommandContext, defineCommand } from './command.js';
import { packOptions, packRefsOptions } from './pack-refs.js';
import { refExists } from './show-ref.js';
import { noSubcommand, parseSubcommand, subcommandUsage } from './subcommand.js';
import { UsageError } from './options.js';
import { type FormattedRef, forEachRef, forEachRefOptions, forEachRefUsage } from './ref-list-options.js';

const usages = {
  migrate: ['refs migrate --ref-format=<format> [--no-reflog] [--dry-run]'],
  verify: ['refs verify [--strict] [--verbose]'],
  list: [forEachRefUsage('refs list')],
  exists: ['refs exists <ref>'],
  optimize: ['refs optimize [--all] [--no-prune] [--auto] [--include <pattern>] [--exclude <pattern>]'],
};

export const command = defineCommand({
  name: 'refs',
  summary: 'Low-level access to refs',
  usage: [...usages.migrate, ...usages.verify, ...usages.list, ...usages.exists, ...usages.optimize],
  options: {},
  parsing: { none: true },
  async *run(context, args): AsyncGenerator<{ readonly packed: number } | FormattedRef, number | undefined> {
    const [verb, ...argv] = args.rest;
    switch (verb) {
      case 'list': {
        const parsed = parseSubcommand(context, usages.list, forEachRefOptions, argv);
        if (typeof parsed === 'number') return parsed;
        yield* forEachRef(context, parsed);
        return undefined;
      }
      case 'verify':
        return verify(context, argv);
      case 'exists':
        return exists(context, argv);
      case 'optimize':
        return yield* optimize(context, argv);
      case '-h':
        throw new UsageError('', { help: true });
      default:
        throw noSubcommand(verb);
    }
  },
  render: (result) => ('text' in result ? result.text : ''),
});

async function exists(context: CommandContext, argv: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, usages.exists, {}, argv);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length !== 1) throw new GitError('USAGE', "'git refs exists' requires a reference");
  return refExists(context, parsed.rest[0]!);
}

async function* optimize(
  context: CommandContext,
  argv: readonly string[],
): AsyncGenerator<{ readonly packed: number }, number | undefined> {
  const parsed = parseSubcommand(context, usages.optimize, packOptions, argv);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) return subcommandUsage(context, usages.optimize, packOptions);
  yield await context.repository().refs.packRefs(packRefsOptions(parsed.values));
  return undefined;
}

const verifyOptions = {
  verbose: { type: 'flag', help: 'be verbose' },
  strict: { type: 'flag', help: 'enable strict checking' },
} as const;

async function verify(context: CommandContext, argv: readonly string[]): Promise<number> {
  const parsed = parseSubcommand(context, usages.verify, verifyOptions, argv);
  if (typeof parsed === 'number') return parsed;
  if (parsed.rest.length > 0) {
    context.printError("usage: 'git refs verify' takes no arguments\n");
    return 129;
  }
  const { FsckRules } = await import('../objects/fsck.js');
  const { readFsckConfig } = await import('../repo/fsck-config.js');
  const { verifyRefs } = await import('../porcelain/refs-verify.js');
  const repository = context.repository();
  const rules = new FsckRules();
  rules.strict = parsed.values.strict === true;
  readFsckConfig(repository, rules, 'fsck', (message) => context.warning(message));
  if (parsed.values.verbose === true) context.printError('Checking references consistency\n');
  let code = 0;
  for (const { severity, path, id, message } of verifyRefs(repository, rules)) {
    context.printError(`${severity}: ${path}: ${id}: ${message}\n`);
    if (severity === 'error') code = 255;
  }
  return code;
}

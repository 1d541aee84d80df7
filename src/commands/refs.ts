import { GitError } from '../base/errors.js';
import { type CommandContext, defineCommand } from './command.js';
import { packOptions, packRefsOptions } from './pack-refs.js';
import { refExists } from './show-ref.js';
import { parseSubcommand, subcommandUsage } from './subcommand.js';
import { UsageError } from './options.js';
import { type FormattedRef, forEachRef, forEachRefOptions, forEachRefUsage } from './ref-list-options.js';

const usages = {
  list: [forEachRefUsage('refs list')],
  exists: ['refs exists <ref>'],
  optimize: ['refs optimize [--all] [--no-prune] [--auto] [--include <pattern>] [--exclude <pattern>]'],
};

export const command = defineCommand({
  name: 'refs',
  summary: 'Low-level access to refs',
  usage: [...usages.list, ...usages.exists, ...usages.optimize],
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
      case 'exists':
        return exists(context, argv);
      case 'optimize':
        return yield* optimize(context, argv);
      case '-h':
        throw new UsageError('', { help: true });
      case undefined:
        throw new UsageError('need a subcommand');
      default:
        throw new UsageError(
          verb.startsWith('-') ? `unknown option \`${verb.replace(/^-+/, '')}'` : `unknown subcommand: \`${verb}'`,
        );
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

import { wildmatch } from '../base/wildmatch.js';
import type { PackRefsOptions } from '../refs/store.js';
import { defineCommand } from './command.js';
import { type OptionValues, UsageError } from './options.js';

/** Shared with `refs optimize`, which is the same thing. */
export const packOptions = {
  all: { type: 'flag', help: 'pack everything' },
  prune: { type: 'flag', help: 'prune loose refs (default)' },
  auto: { type: 'flag', help: 'auto-pack refs as needed' },
  include: { type: 'list', value: 'pattern', help: 'references to include' },
  exclude: { type: 'list', value: 'pattern', help: 'references to exclude' },
} as const;

/** What to pack: `--exclude` beats `--include`; without either it is the tags, with `--all` everything. */
export function packRefsOptions(values: OptionValues<typeof packOptions>): PackRefsOptions {
  const include = values.include ?? [];
  const exclude = values.exclude ?? [];
  const base = { all: values.all === true, prune: values.prune !== false, auto: values.auto === true };
  if (include.length === 0 && exclude.length === 0) return base;
  const matches = (patterns: readonly string[], name: string): boolean =>
    patterns.some((pattern) => wildmatch(pattern, name));
  return {
    ...base,
    select(name) {
      if (matches(exclude, name)) return false;
      if (values.all === true) return true;
      return include.length > 0 ? matches(include, name) : name.startsWith('refs/tags/');
    },
  };
}

export const command = defineCommand({
  name: 'pack-refs',
  summary: 'Pack heads and tags for efficient repository access',
  usage: ['pack-refs [--all] [--no-prune] [--auto] [--include <pattern>] [--exclude <pattern>]'],
  options: packOptions,
  async *run(context, args): AsyncGenerator<{ readonly packed: number }, number | undefined> {
    if (args.rest.length > 0) throw new UsageError('');
    yield await context.repository().refs.packRefs(packRefsOptions(args.values));
    return undefined;
  },
  render: () => '',
});

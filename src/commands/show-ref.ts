import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { checkRefFormat, isSafeRefName } from '../refs/name.js';
import { keptRefs } from '../repo/kept-refs.js';
import type { Repository } from '../repo/repository.js';
import { type CommandContext, defineCommand } from './command.js';
import { type OptionEvent, UsageError } from './options.js';
import { abbreviate } from '../porcelain/abbreviate.js';

interface Shown {
  readonly oid: string;
  readonly name: string;
  readonly hashOnly?: boolean;
}

interface Existing {
  readonly line: string;
}

export const command = defineCommand({
  name: 'show-ref',
  summary: 'List references in a local repository',
  usage: [
    'show-ref [--head] [-d | --dereference]\n             [-s | --hash[=<n>]] [--abbrev[=<n>]] [--branches] [--tags]\n             [--] [<pattern>...]',
    'show-ref --verify [-q | --quiet] [-d | --dereference]\n             [-s | --hash[=<n>]] [--abbrev[=<n>]]\n             [--] [<ref>...]',
    'show-ref --exclude-existing[=<pattern>]',
    'show-ref --exists <ref>',
  ],
  options: {
    tags: { type: 'flag', help: 'only show tags (can be combined with --branches)' },
    branches: { type: 'flag', help: 'only show branches (can be combined with --tags)' },
    heads: { type: 'flag', hidden: true },
    exists: { type: 'flag', help: 'check for reference existence without resolving' },
    verify: { type: 'flag', help: 'stricter reference checking, requires exact ref path' },
    h: { type: 'flag', short: 'h', shortOnly: true, hidden: true },
    head: { type: 'flag', help: 'show the HEAD reference, even if it would be filtered out' },
    dereference: { type: 'flag', short: 'd', help: 'dereference tags into object IDs' },
    hash: {
      type: 'optional',
      short: 's',
      value: 'n',
      implied: 'full',
      help: 'only show SHA1 hash using <n> digits',
    },
    abbrev: { type: 'optional', value: 'n', implied: '', help: 'use <n> digits to display object names' },
    quiet: { type: 'flag', short: 'q', help: 'do not print results to stdout (useful with --verify)' },
    'exclude-existing': {
      type: 'optional',
      value: 'pattern',
      implied: '',
      negatable: false,
      help: "show refs from stdin that aren't in local repository",
    },
  },
  async *run(context, args): AsyncGenerator<Shown | Existing, number | undefined> {
    const { values, rest } = args;
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    const excludeExisting = values['exclude-existing'] ?? undefined;
    const modes = [
      excludeExisting !== undefined ? '--exclude-existing' : undefined,
      values.verify === true ? '--verify' : undefined,
      values.exists === true ? '--exists' : undefined,
    ].filter((mode) => mode !== undefined);
    if (modes.length > 1) {
      throw new GitError(
        'USAGE',
        modes.length === 2
          ? `options '${modes[0]}' and '${modes[1]}' cannot be used together`
          : `options '${modes[0]}', '${modes[1]}' and '${modes[2]}' cannot be used together`,
      );
    }
    const repository = context.repository();
    const show = new Shower(repository, args.events, values.quiet === true, values.dereference === true);
    if (excludeExisting !== undefined) {
      yield* missingFromStdin(context, repository, excludeExisting);
      return undefined;
    }
    if (values.verify === true) {
      if (rest.length === 0) throw new GitError('USAGE', '--verify requires a reference');
      for (const name of rest) {
        const oid = name.startsWith('refs/') || isSafeRefName(name) ? await repository.refs.resolve(name) : undefined;
        if (oid === undefined) {
          if (values.quiet === true) return 1;
          throw new GitError('REF_MISSING', `'${name}' - not a valid ref`);
        }
        yield* show.one(name, oid, undefined, false);
      }
      return undefined;
    }
    if (values.exists === true) {
      if (rest.length !== 1)
        throw new GitError(
          'USAGE',
          rest.length === 0 ? '--exists requires a reference' : '--exists requires exactly one reference',
        );
      return refExists(context, rest[0]!);
    }
    let found = false;
    const missing = (name: string): void => context.error(`${name} does not point to a valid object!`);
    if (values.head === true) {
      const oid = await repository.refs.resolve('HEAD');
      if (oid !== undefined) {
        found = true;
        yield* show.one('HEAD', oid, undefined, false);
      }
    }
    const prefixes: string[] = [];
    if (values.branches === true || values.heads === true) prefixes.push('refs/heads/');
    if (values.tags === true) prefixes.push('refs/tags/');
    if (prefixes.length === 0) prefixes.push('refs/');
    for (const prefix of prefixes) {
      for await (const ref of keptRefs(repository, prefix, missing)) {
        if (rest.length > 0 && !rest.some((pattern) => endsWithPattern(ref.name, pattern))) continue;
        found = true;
        yield* show.one(ref.name, ref.oid, ref.peeled, ref.peeledKnown === true);
      }
    }
    return found ? undefined : 1;
  },
  render(result) {
    if ('line' in result) return `${result.line}\n`;
    return result.hashOnly === true ? `${result.oid}\n` : `${result.oid} ${result.name}\n`;
  },
});

/** A pattern is whole steps at the end of the name. */
function endsWithPattern(name: string, pattern: string): boolean {
  return name.endsWith(pattern) && (name.length === pattern.length || name[name.length - pattern.length - 1] === '/');
}

class Shower {
  readonly #repository: Repository;
  readonly #quiet: boolean;
  readonly #dereference: boolean;
  #hashOnly = false;
  /** Digits; 0 is all of them, -1 as many as the configuration says. */
  #abbreviation = 0;

  constructor(repository: Repository, events: readonly OptionEvent[], quiet: boolean, dereference: boolean) {
    this.#repository = repository;
    this.#quiet = quiet;
    this.#dereference = dereference;
    for (const { key, value, negated } of events) {
      if (key === 'hash') {
        this.#hashOnly = !negated;
        if (value !== null && value !== 'full') this.#abbreviation = digits(value);
      } else if (key === 'abbrev') {
        this.#abbreviation = negated ? 0 : value === null || value === '' ? -1 : digits(value);
      }
    }
  }

  async *one(name: string, oid: Oid, peeled: Oid | undefined, peeledKnown: boolean): AsyncGenerator<Shown> {
    const { objects } = this.#repository;
    const header = await objects.readHeader(oid);
    if (header === undefined) throw new GitError('OBJECT_MISSING', `git show-ref: bad ref ${name} (${oid})`);
    if (this.#quiet) return;
    yield await this.#line(name, oid);
    if (!this.#dereference || header.kind !== 'tag') return;
    const target = peeledKnown ? peeled : await peelTag(this.#repository, oid);
    if (target !== undefined) yield await this.#line(`${name}^{}`, target);
  }

  async #line(name: string, oid: Oid): Promise<Shown> {
    const shown =
      this.#abbreviation === 0
        ? oid
        : await abbreviate(this.#repository, oid, this.#abbreviation < 0 ? undefined : this.#abbreviation);
    return this.#hashOnly ? { oid: shown, name, hashOnly: true } : { oid: shown, name };
  }
}

function digits(text: string): number {
  const number = Number(text);
  if (!/^-?\d+$/.test(text)) throw new UsageError("option `abbrev' expects a numerical value", { quiet: true });
  return number === 0 ? 0 : Math.max(4, number);
}

export async function peelTag(repository: Repository, oid: Oid): Promise<Oid | undefined> {
  const { parseTag } = await import('../objects/tag.js');
  let at = oid;
  for (;;) {
    const object = await repository.objects.read(at);
    if (object === undefined) return undefined;
    if (object.kind !== 'tag') return at === oid ? undefined : at;
    at = parseTag(object.data).target;
  }
}

/** `--exists` and `refs exists`: 0, 2 when it is not there, 1 when that cannot be said. */
export async function refExists(context: CommandContext, name: string): Promise<number> {
  const { refs } = context.repository();
  if ((await refs.readRaw(name)) !== undefined) return 0;
  const end = await refs.resolveFull(name);
  if (end?.broken === true) return 0;
  context.error('reference does not exist');
  return 2;
}

/** Names from stdin that are no refs here, as they came. */
async function* missingFromStdin(
  context: CommandContext,
  repository: Repository,
  prefix: string,
): AsyncGenerator<Existing> {
  const existing = new Set<string>();
  for await (const ref of repository.refs.list()) existing.add(ref.name);
  for (const full of context.io.stdin.lines()) {
    const line = full.endsWith('^{}') ? full.slice(0, -3) : full;
    const name = /\S*$/.exec(line)![0];
    if (prefix !== '' && !name.startsWith(prefix)) continue;
    if (!checkRefFormat(name)) {
      context.warning(`ref '${name}' ignored`);
      continue;
    }
    if (!existing.has(name)) yield { line };
  }
}

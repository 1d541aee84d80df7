import { formatSignature } from '../objects/signature.js';
import { checkConfig } from '../repo/config-check.js';
import { identity, type IdentityRole } from '../repo/identity.js';
import type { Config } from '../repo/config.js';
import { nowOf, readUserConfig } from '../repo/repository.js';
import { userConfigFiles, xdgConfigFile } from '../repo/config.js';
import type { CommandContext } from './command.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

interface Result {
  readonly text: string;
}

type Variable = (context: CommandContext, strict: boolean) => string | undefined;

const configOf = (context: CommandContext): Config => context.maybeRepository()?.config ?? readUserConfig(context);

/** Also outside of a repository. */
function identityOf(context: CommandContext, role: IdentityRole, strict: boolean): string {
  const repository = context.maybeRepository();
  if (repository !== undefined) return formatSignature(repository.identity(role, { strict }));
  const { platform, env } = context;
  const clock = {
    now: nowOf(platform, env),
    zone: (milliseconds: number) => platform.timezoneOffset(milliseconds),
  };
  return formatSignature(identity(role, { config: readUserConfig(context), env, platform, clock }, { strict }));
}

const isDumb = (context: CommandContext): boolean => (context.env['TERM'] ?? 'dumb') === 'dumb';

/** The editor, or nothing where a terminal is needed and there is none. */
function editor(context: CommandContext): string | undefined {
  const { env } = context;
  const dumb = isDumb(context);
  const named = env['GIT_EDITOR'] ?? configOf(context).get('core.editor') ?? (dumb ? undefined : env['VISUAL']);
  return named ?? env['EDITOR'] ?? (dumb ? undefined : 'vi');
}

function globalFiles(context: CommandContext): string | undefined {
  const named = context.env['GIT_CONFIG_GLOBAL'];
  if (named !== undefined) return named;
  const files: string[] = [];
  const xdg = xdgConfigFile(context.env, 'config');
  if (xdg !== undefined) files.push(xdg);
  if (context.env['HOME'] !== undefined) files.push(`${context.env['HOME']}/.gitconfig`);
  return files.length === 0 ? undefined : files.join('\n');
}

const variables: Readonly<Record<string, Variable>> = {
  GIT_COMMITTER_IDENT: (context, strict) => identityOf(context, 'committer', strict),
  GIT_AUTHOR_IDENT: (context, strict) => identityOf(context, 'author', strict),
  GIT_EDITOR: (context) => editor(context),
  GIT_SEQUENCE_EDITOR: (context) =>
    context.env['GIT_SEQUENCE_EDITOR'] ?? configOf(context).get('sequence.editor') ?? editor(context),
  GIT_PAGER: (context) => {
    const { env } = context;
    const pager = env['GIT_PAGER'] ?? configOf(context).get('core.pager') ?? env['PAGER'] ?? 'less';
    return pager === '' ? 'cat' : pager;
  },
  GIT_DEFAULT_BRANCH: (context) => {
    const forTests = context.env['GIT_TEST_DEFAULT_INITIAL_BRANCH_NAME'];
    if (forTests !== undefined && forTests !== '') return forTests;
    return configOf(context).get('init.defaultbranch') || 'master';
  },
  GIT_SHELL_PATH: () => '/bin/sh',
  GIT_ATTR_SYSTEM: (context) =>
    noSystemAttributes(context) ? undefined : (context.env['GIT_ATTR_SYSTEM'] ?? '/etc/gitattributes'),
  GIT_ATTR_GLOBAL: (context) =>
    configOf(context).getPath('core.attributesfile') ?? xdgConfigFile(context.env, 'attributes'),
  GIT_CONFIG_SYSTEM: (context) => userConfigFiles(context.env).system,
  GIT_CONFIG_GLOBAL: globalFiles,
};

/** Variables that may hold several files, one a line. */
const severalLines: ReadonlySet<string> = new Set(['GIT_CONFIG_GLOBAL']);

const noSystemAttributes = (context: CommandContext): boolean =>
  /^(?:1|true|yes|on)$/i.test(context.env['GIT_ATTR_NOSYSTEM'] ?? '');

export const command = defineCommand({
  name: 'var',
  summary: "show a logical variable of git's",
  bareUsage: true,
  usage: ['var (-l | <variable>)'],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<Result, number | void> {
    const [word, ...more] = context.argv;
    if (word === undefined || more.length > 0 || word === '-h') throw new UsageError('', { help: word === '-h' });
    checkConfig(configOf(context), 'var', (message) => context.warning(message));
    if (word === '-l') {
      for (const entry of configOf(context).entries()) {
        yield { text: entry.value === undefined ? `${entry.key}\n` : `${entry.key}=${entry.value}\n` };
      }
      for (const [name, variable] of Object.entries(variables)) {
        let value: string | undefined;
        try {
          value = variable(context, false);
        } catch {
          // A list shows what can be known.
        }
        if (value === undefined) continue;
        if (!severalLines.has(name)) yield { text: `${name}=${value}\n` };
        else for (const part of value.split('\n')) yield { text: `${name}=${part}\n` };
      }
      return;
    }
    const variable = Object.hasOwn(variables, word) ? variables[word] : undefined;
    if (variable === undefined) throw new UsageError();
    const value = variable(context, true);
    if (value === undefined) return 1;
    yield { text: `${value}\n` };
  },
  render: renderText,
});

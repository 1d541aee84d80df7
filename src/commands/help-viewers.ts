import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { GitError } from '../base/errors.js';
import { systemMessage } from '../platform/system-message.js';
import { type Config, missingValue } from '../repo/config.js';
import { readUserConfig } from '../repo/repository.js';
import type { CommandContext } from './command.js';

export type HelpFormat = 'man' | 'info' | 'web';

/**
 * Where help's settings come from: the files of the system and the user, and the command line. They name programs to
 * run, which a repository that came from elsewhere must not.
 */
export const helpConfig = (context: CommandContext): Config => readUserConfig(context);

/** `help.format`, and the complaints of all that is read beside it. Throws `CONFIG`. */
export function formatOf(config: Config): HelpFormat {
  for (const key of ['help.format', 'man.viewer', 'help.htmlpath', 'help.browser']) {
    const entry = config.last(key);
    if (entry !== undefined && entry.value === undefined) {
      const fault = missingValue(entry);
      throw new GitError('CONFIG', `unable to parse '${key}' from command-line config`, {
        data: { preface: `error: ${fault.message.split('\n')[0]}\n` },
      });
    }
  }
  const format = config.get('help.format') ?? 'man';
  if (format === 'man' || format === 'info' || format === 'web') return format;
  if (format === 'html') return 'web';
  throw new GitError('CONFIG', `unrecognized help format '${format}'`);
}

/** Runs a program in place of the page; `undefined` where it is not there. */
function start(
  context: CommandContext,
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): number | undefined {
  context.io.stdout.flush();
  const ran = context.platform.processes!.runSync(argv, {
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...context.env, ...env },
  });
  if (ran.errorCode === undefined) return ran.code;
  context.warning(`failed to exec '${argv[0]}': ${systemMessage({ code: ran.errorCode })}`);
  return undefined;
}

const supported = ['man', 'woman', 'konqueror'];

/**
 * The page in a program that `man.viewer` or `GIT_MAN_VIEWER` names. Answers its exit code, or `undefined` where none
 * is configured or none could show it: the page is shown here then.
 */
export function viewManual(context: CommandContext, config: Config, page: string): number | undefined {
  const paths = new Map<string, string>();
  const commands = new Map<string, string>();
  for (const entry of config.entries()) {
    if (!entry.key.startsWith('man.') || entry.value === undefined) continue;
    const last = entry.key.lastIndexOf('.');
    const [tool, field] = [entry.key.slice(4, last), entry.key.slice(last + 1)];
    const known = supported.includes(tool);
    if (field === 'path') {
      if (known) paths.set(tool, entry.value);
      else
        context.warning(
          `'${tool}.path': path for unsupported man viewer.\nPlease consider using 'man.<tool>.cmd' instead.`,
        );
    } else if (field === 'cmd') {
      if (!known) commands.set(tool, entry.value);
      else
        context.warning(
          `'${tool}.cmd': cmd for supported man viewer.\nPlease consider using 'man.<tool>.path' instead.`,
        );
    }
  }
  const named = context.env['GIT_MAN_VIEWER'];
  const viewers = [...config.getAll('man.viewer'), ...(named === undefined ? [] : [named])];
  const manual = { MANPATH: `${join(context.programDirectory, '../docs')}:${context.env['MANPATH'] ?? ''}` };
  for (const viewer of viewers) {
    const command = commands.get(viewer);
    const path = paths.get(viewer);
    let code: number | undefined;
    if (viewer === 'man') code = start(context, [path ?? 'man', page], manual);
    else if (viewer === 'woman') {
      if (emacsIsNew(context)) code = start(context, [path ?? 'emacsclient', '-e', `(woman "${page}")`], manual);
    } else if (viewer === 'konqueror') {
      if ((context.env['DISPLAY'] ?? '') === '') continue;
      const client =
        path !== undefined && basename(path) === 'konqueror' ? join(dirname(path), 'kfmclient') : (path ?? 'kfmclient');
      code = start(context, [client, 'newTab', `man:${page}(1)`], manual);
    } else if (command !== undefined) code = start(context, ['/bin/sh', '-c', `${command} ${page}`], manual);
    else context.warning(`'${viewer}': unknown man viewer.`);
    if (code !== undefined) return code;
  }
  const man = paths.get('man');
  if (man === undefined) return undefined;
  const code = start(context, [man, page], manual);
  if (code === undefined) throw new GitError('UNSUPPORTED', 'no man viewer handled the request');
  return code;
}

/** The woman mode needs an emacsclient of version 22 or later. */
function emacsIsNew(context: CommandContext): boolean {
  const asked = context.platform.processes!.runSync(['emacsclient', '--version'], {
    stdout: 'pipe',
    stderr: 'pipe',
    env: context.env,
  });
  if (asked.errorCode !== undefined) {
    context.error('Failed to start emacsclient.');
    return false;
  }
  const said = Buffer.from(asked.stdout.length > 0 ? asked.stdout : asked.stderr).toString('latin1');
  const version = /^emacsclient (\d+)/.exec(said);
  if (version === null) {
    context.error('Failed to parse emacsclient version.');
    return false;
  }
  if (Number(version[1]) >= 22) return true;
  context.error(`emacsclient version '${Number(version[1])}' too old (< 22).`);
  return false;
}

/** The page in `info`. */
export function viewInfo(context: CommandContext, page: string): number {
  const folder = join(context.programDirectory, '../docs');
  const ran = context.platform.processes!.runSync(['info', 'gitman', page], {
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...context.env, INFOPATH: folder },
  });
  if (ran.errorCode !== undefined) throw new GitError('UNSUPPORTED', 'no info viewer handled the request');
  return ran.code;
}

const graphical = [
  ...['firefox', 'iceweasel', 'google-chrome', 'chrome', 'chromium', 'chromium-browser', 'konqueror'],
  ...['opera', 'seamonkey', 'iceape'],
];
const textual = ['w3m', 'elinks', 'links', 'lynx'];
const browsers = new Set([...graphical, ...textual, 'dillo', 'open', 'start', 'cygstart', 'xdg-open']);

/** The page in a browser: `help.browser`, `web.browser`, or one that is there; below `help.htmlPath`. */
export function viewWeb(context: CommandContext, config: Config, page: string): number {
  const base = config.get('help.htmlpath') ?? join(context.programDirectory, '../docs');
  const url = `${base}/${page}.html`;
  if (!base.includes('://')) {
    let there = false;
    try {
      there = statSync(url).isFile();
    } catch {
      // Told below.
    }
    if (!there) throw new GitError('USAGE', `'${url}': documentation file not found.`);
  }
  let browser: string | undefined;
  for (const key of ['help.browser', 'web.browser']) {
    browser = config.get(key);
    if (browser === undefined) continue;
    if (browsers.has(browser) || config.get(`browser.${browser}.cmd`) !== undefined) break;
    context.printError(`git config option ${key} set to unknown browser: ${browser}\nResetting to default...\n`);
    browser = undefined;
  }
  const command = browser === undefined ? undefined : config.get(`browser.${browser}.cmd`);
  if (command !== undefined) return start(context, ['/bin/sh', '-c', `${command} "$@"`, command, url], {}) ?? 1;
  const path = (name: string): string => config.get(`browser.${name}.path`) ?? name;
  if (browser === undefined) {
    const candidates = [...((context.env['DISPLAY'] ?? '') === '' ? [] : graphical), ...textual, 'dillo'];
    browser = candidates.find((name) => found(context, path(name)));
    if (browser === undefined) {
      context.printError('No known browser available.\n');
      return 1;
    }
  } else if (!found(context, path(browser))) {
    context.printError(`The browser ${browser} is not available as '${path(browser)}'.\n`);
    return 1;
  }
  return start(context, [path(browser), url]) ?? 1;
}

function found(context: CommandContext, program: string): boolean {
  const folders = program.includes('/') ? [''] : (context.env['PATH'] ?? '').split(':');
  return folders.some((folder) => {
    try {
      const stat = statSync(folder === '' ? program : join(folder, program));
      return stat.isFile() && (stat.mode & 0o111) !== 0;
    } catch {
      return false;
    }
  });
}

import { GitError } from '../base/errors.js';
import type { GlobalOptions } from './command.js';

/** Wrong words before the command's name: told without a prefix, with the usage of the program itself; exit 129. */
export class ProgramUsageError extends Error {}

export interface GlobalWords {
  readonly globals: GlobalOptions;
  /** Where the command runs, relative steps of `-C` joined. */
  readonly directories: readonly string[];
  /** How many of those came before `--bare`, which means the directory where it stands. */
  readonly bareAfter: number | undefined;
  readonly paginate: boolean | undefined;
  readonly json: boolean;
  /** The command and its words; a leading `--version`, `--help`, `--exec-path`… stands as the command itself. */
  readonly rest: readonly string[];
  /** Variables the options stand for, given on to the programs we run, as git does. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Options whose value may stand behind `=`. */
const stuckValues: ReadonlySet<string> = new Set([
  ...['--config-env', '--git-dir', '--work-tree', '--namespace', '--attr-source', '--exec-path', '--list-cmds'],
]);

const quote = (text: string): string => `'${text.replace(/['!]/g, (char) => `'\\${char}'`)}'`;

/** The options before the command's name. `enter` is told each directory as it comes, and may refuse it. */
export function parseGlobalOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  enter: (directory: string) => void,
): GlobalWords {
  const variables: Record<string, string | undefined> = {};
  const config: string[] = [];
  const directories: string[] = [];
  let paginate: boolean | undefined;
  let json = false;
  let bare: boolean | undefined;
  let bareAfter: number | undefined;
  const parameters: string[] = env['GIT_CONFIG_PARAMETERS'] ? [env['GIT_CONFIG_PARAMETERS']] : [];
  let i = 0;
  const value = (missing: string): string => {
    const next = argv[i + 1];
    if (next === undefined) throw new ProgramUsageError(missing);
    i++;
    return next;
  };
  words: for (; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith('-')) break;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const named = equals < 0 ? word : word.slice(0, equals);
    // Only these take a value in the same word; of any other the word is unknown.
    const name = equals < 0 || stuckValues.has(named) ? named : word;
    const stuck = equals < 0 ? undefined : word.slice(equals + 1);
    switch (name) {
      case '-p':
      case '--paginate':
        paginate = true;
        break;
      case '-P':
      case '--no-pager':
        paginate = false;
        break;
      case '-C':
        directories.push(value(`no directory given for '${word}' option`));
        if (directories.at(-1) !== '') enter(directories.at(-1)!);
        break;
      case '-c': {
        const setting = value('-c expects a configuration string');
        config.push(setting);
        const at = setting.indexOf('=');
        parameters.push(at < 0 ? quote(setting) : `${quote(setting.slice(0, at))}=${quote(setting.slice(at + 1))}`);
        break;
      }
      case '--config-env': {
        const setting = stuck ?? value('no config key given for --config-env');
        const at = setting.lastIndexOf('=');
        if (at < 0) throw new GitError('USAGE', `invalid config format: ${setting}`);
        const variable = setting.slice(at + 1);
        if (variable === '')
          throw new GitError('USAGE', `missing environment variable name for configuration '${setting.slice(0, at)}'`);
        const from = env[variable];
        if (from === undefined)
          throw new GitError(
            'USAGE',
            `missing environment variable '${variable}' for configuration '${setting.slice(0, at)}'`,
          );
        config.push(`${setting.slice(0, at)}=${from}`);
        parameters.push(`${quote(setting.slice(0, at))}=${quote(from)}`);
        break;
      }
      case '--git-dir':
        variables['GIT_DIR'] = stuck ?? value(`no directory given for '${word}' option`);
        break;
      case '--work-tree':
        variables['GIT_WORK_TREE'] = stuck ?? value(`no directory given for '${word}' option`);
        break;
      case '--namespace':
        variables['GIT_NAMESPACE'] = stuck ?? value('no namespace given for --namespace');
        break;
      case '--bare':
        bare = true;
        bareAfter ??= directories.length;
        variables['GIT_IMPLICIT_WORK_TREE'] = '0';
        break;
      case '--attr-source':
        variables['GIT_ATTR_SOURCE'] = stuck ?? value('no attribute source given for --attr-source');
        break;
      case '--no-replace-objects':
        variables['GIT_NO_REPLACE_OBJECTS'] = '1';
        break;
      case '--no-lazy-fetch':
        variables['GIT_NO_LAZY_FETCH'] = '1';
        break;
      case '--no-optional-locks':
        variables['GIT_OPTIONAL_LOCKS'] = '0';
        break;
      case '--no-advice':
        variables['GIT_ADVICE'] = '0';
        break;
      case '--literal-pathspecs':
        variables['GIT_LITERAL_PATHSPECS'] = '1';
        break;
      case '--no-literal-pathspecs':
        variables['GIT_LITERAL_PATHSPECS'] = '0';
        break;
      case '--glob-pathspecs':
        variables['GIT_GLOB_PATHSPECS'] = '1';
        break;
      case '--noglob-pathspecs':
        variables['GIT_NOGLOB_PATHSPECS'] = '1';
        break;
      case '--icase-pathspecs':
        variables['GIT_ICASE_PATHSPECS'] = '1';
        break;
      case '--json':
        json = true;
        break;
      case '--exec-path':
        if (stuck === undefined) break words;
        variables['GIT_EXEC_PATH'] = stuck;
        break;
      case '-h':
      case '-v':
      case '--help':
      case '--version':
      case '--html-path':
      case '--man-path':
      case '--info-path':
        break words;
      case '--list-cmds':
        if (stuck !== undefined) break words;
        throw new ProgramUsageError(`unknown option: ${word}`);
      default:
        throw new ProgramUsageError(`unknown option: ${word}`);
    }
  }
  if (paginate === false) variables['GIT_PAGER'] = 'cat';
  if (config.length > 0) variables['GIT_CONFIG_PARAMETERS'] = parameters.join(' ');
  const flag = (name: string): boolean => isTrue(variables[name] ?? env[name]);
  return {
    globals: {
      gitDir: variables['GIT_DIR'],
      workTree: variables['GIT_WORK_TREE'],
      namespace: variables['GIT_NAMESPACE'] ?? env['GIT_NAMESPACE'],
      bare,
      config,
      optionalLocks: (variables['GIT_OPTIONAL_LOCKS'] ?? env['GIT_OPTIONAL_LOCKS'] ?? '1') !== '0',
      replaceObjects: (variables['GIT_NO_REPLACE_OBJECTS'] ?? env['GIT_NO_REPLACE_OBJECTS']) === undefined,
      lazyFetch: !flag('GIT_NO_LAZY_FETCH'),
      attrSource: variables['GIT_ATTR_SOURCE'] ?? env['GIT_ATTR_SOURCE'],
      pathspecs: {
        literal: flag('GIT_LITERAL_PATHSPECS'),
        glob: flag('GIT_GLOB_PATHSPECS'),
        noglob: flag('GIT_NOGLOB_PATHSPECS'),
        icase: flag('GIT_ICASE_PATHSPECS'),
      },
    },
    directories,
    bareAfter,
    paginate,
    json,
    rest: argv.slice(i),
    env: variables,
  };
}

/** A boolean variable of the environment, as git reads it. */
function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(?:true|yes|on|[+-]?0*[1-9]\d*)$/i.test(text.trim());
}

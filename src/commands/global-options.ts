import { GitError } from '../base/errors.js';
import type { GlobalOptions } from './command.js';
import { UsageError } from './options.js';

export interface GlobalWords {
  readonly globals: GlobalOptions;
  /** Where the command runs, relative steps of `-C` joined. */
  readonly directories: readonly string[];
  readonly paginate: boolean | undefined;
  readonly json: boolean;
  /** The command and its words; a leading `--version`, `--help`, `--exec-path`… stands as the command itself. */
  readonly rest: readonly string[];
  /** Variables the options stand for, given on to the programs we run, as git does. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const quote = (text: string): string => `'${text.replace(/['!]/g, (char) => `'\\${char}'`)}'`;

/** The options before the command's name. */
export function parseGlobalOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): GlobalWords {
  const variables: Record<string, string | undefined> = {};
  const config: string[] = [];
  const directories: string[] = [];
  let paginate: boolean | undefined;
  let json = false;
  let bare: boolean | undefined;
  const parameters: string[] = env['GIT_CONFIG_PARAMETERS'] ? [env['GIT_CONFIG_PARAMETERS']] : [];
  let i = 0;
  const value = (word: string, what: string): string => {
    const next = argv[i + 1];
    if (next === undefined) throw new UsageError(`no ${what} given for '${word}' option`);
    i++;
    return next;
  };
  words: for (; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith('-')) break;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
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
        directories.push(value(word, 'directory'));
        break;
      case '-c': {
        const setting = argv[i + 1];
        if (setting === undefined) throw new UsageError('-c expects a configuration string');
        i++;
        config.push(setting);
        const at = setting.indexOf('=');
        parameters.push(at < 0 ? quote(setting) : `${quote(setting.slice(0, at))}=${quote(setting.slice(at + 1))}`);
        break;
      }
      case '--config-env': {
        const setting = stuck ?? argv[++i];
        if (setting === undefined) throw new UsageError('no config key given for --config-env');
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
        variables['GIT_DIR'] = stuck ?? value(word, 'directory');
        break;
      case '--work-tree':
        variables['GIT_WORK_TREE'] = stuck ?? value(word, 'directory');
        break;
      case '--namespace':
        variables['GIT_NAMESPACE'] = stuck ?? value(word, 'namespace');
        break;
      case '--bare':
        bare = true;
        variables['GIT_IMPLICIT_WORK_TREE'] = '0';
        break;
      case '--attr-source':
        variables['GIT_ATTR_SOURCE'] = stuck ?? value(word, 'tree-ish');
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
      case '--list-cmds':
        break words;
      default:
        throw new UsageError(`unknown option: ${word}`);
    }
  }
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

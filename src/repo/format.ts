import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm } from '../base/oid.js';
import type { FileSystem } from '../platform/fs.js';
import { parseConfigFile } from './config-file.js';
import { parseBool, parseConfigNumber } from './config-values.js';

/** What a repository's own config says about how it is laid out. Includes are not followed here. */
export interface RepositoryFormat {
  readonly version: number;
  readonly objectFormat: HashAlgorithm;
  readonly compatObjectFormat: HashAlgorithm | undefined;
  readonly refStorage: 'files' | 'reftable';
  /** What follows `://` in `extensions.refStorage`. */
  readonly refStoragePayload: string | undefined;
  readonly worktreeConfig: boolean;
  readonly preciousObjects: boolean;
  readonly partialClone: string | undefined;
  readonly relativeWorktrees: boolean;
  readonly submodulePathConfig: boolean;
  /** `core.bare`; `undefined` when it is not said. */
  readonly bare: boolean | undefined;
  /** `core.sharedRepository` as written, `true` where no value is; `undefined` when it is not said. */
  readonly sharedRepository: string | true | undefined;
  /** `core.worktree` as written. */
  readonly workTree: string | undefined;
  /** Why this program must not touch the repository. */
  readonly problem: string | undefined;
}

type Draft = { -readonly [K in keyof RepositoryFormat]: RepositoryFormat[K] };

/** Reads `<commonDir>/config` and, where it is switched on, `<gitDir>/config.worktree`. */
export function readRepositoryFormat(
  fs: FileSystem,
  gitDir: string,
  commonDir: string,
  shown = `${commonDir}/config`,
): RepositoryFormat {
  const format: Draft = {
    version: -1,
    objectFormat: 'sha1',
    compatObjectFormat: undefined,
    refStorage: 'files',
    refStoragePayload: undefined,
    worktreeConfig: false,
    preciousObjects: false,
    partialClone: undefined,
    relativeWorktrees: false,
    submodulePathConfig: false,
    bare: undefined,
    sharedRepository: undefined,
    workTree: undefined,
    problem: undefined,
  };
  const unknown: string[] = [];
  const onlyV1: string[] = [];
  const bytes = fs.readFile(`${commonDir}/config`);
  if (bytes !== undefined) readInto(format, decodeText(bytes), shown, unknown, onlyV1);
  if (format.worktreeConfig) {
    const own = fs.readFile(`${gitDir}/config.worktree`);
    if (own !== undefined) readWorktreeInto(format, decodeText(own), `${gitDir}/config.worktree`);
  } else if (commonDir !== gitDir) {
    // What is shared says nothing of the place of one work tree among many.
    format.bare = undefined;
    format.workTree = undefined;
  }
  format.problem = problemOf(format, unknown, onlyV1);
  return format;
}

function problemOf(format: Draft, unknown: readonly string[], onlyV1: readonly string[]): string | undefined {
  if (format.version > 1) return `Expected git repo version <= 1, found ${format.version}`;
  if (format.version >= 1 && unknown.length > 0) {
    return `unknown repository extension${unknown.length > 1 ? 's' : ''} found:${unknown.map((name) => `\n\t${name}`).join('')}`;
  }
  if (format.version === 0 && onlyV1.length > 0) {
    const plural = onlyV1.length > 1 ? 's' : '';
    return `repo version is 0, but v1-only extension${plural} found:${onlyV1.map((name) => `\n\t${name}`).join('')}`;
  }
  return undefined;
}

function readInto(format: Draft, text: string, shown: string, unknown: string[], onlyV1: string[]): void {
  const parsed = parseConfigFile(text);
  for (const token of parsed.tokens) {
    if (token.type !== 'entry') continue;
    const { key, value } = token;
    const bad = (message: string): GitError =>
      new GitError('CONFIG', `bad config line ${token.line} in file ${shown}`, {
        data: { preface: `error: ${message}\n` },
      });
    if (key === 'core.repositoryformatversion') {
      const number = parseConfigNumber(value);
      if ('fault' in number) {
        throw new GitError(
          'CONFIG',
          `bad numeric config value '${value ?? ''}' for '${key}' in file ${shown}: ${number.fault}`,
        );
      }
      format.version = number.value;
    } else if (key === 'core.bare') format.bare = bool(key, value);
    else if (key === 'core.worktree') format.workTree = value;
    else if (key === 'core.sharedrepository') format.sharedRepository = value ?? true;
    else if (key.startsWith('extensions.')) extension(format, key.slice(11), value, unknown, onlyV1, bad);
  }
  if (parsed.faultLine !== undefined) {
    throw new GitError('CONFIG', `bad config line ${parsed.faultLine} in file ${shown}`);
  }
}

function readWorktreeInto(format: Draft, text: string, shown: string): void {
  const parsed = parseConfigFile(text);
  for (const token of parsed.tokens) {
    if (token.type !== 'entry') continue;
    if (token.key === 'core.bare') format.bare = bool(token.key, token.value);
    else if (token.key === 'core.worktree') format.workTree = token.value;
  }
  if (parsed.faultLine !== undefined) {
    throw new GitError('CONFIG', `bad config line ${parsed.faultLine} in file ${shown}`);
  }
}

function bool(key: string, value: string | undefined): boolean {
  const answer = parseBool(value);
  if (answer === undefined) throw new GitError('CONFIG', `bad boolean config value '${value}' for '${key}'`);
  return answer;
}

function extension(
  format: Draft,
  name: string,
  value: string | undefined,
  unknown: string[],
  onlyV1: string[],
  bad: (message: string) => GitError,
): void {
  switch (name) {
    case 'noop':
      return;
    case 'preciousobjects':
      format.preciousObjects = bool(`extensions.${name}`, value);
      return;
    case 'partialclone':
      if (value !== undefined) format.partialClone = value;
      return;
    case 'worktreeconfig':
      format.worktreeConfig = bool(`extensions.${name}`, value);
      return;
    case 'noop-v1':
      break;
    case 'objectformat':
    case 'compatobjectformat': {
      if (value === undefined) throw bad(`missing value for 'extensions.${name}'`);
      if (value !== 'sha1' && value !== 'sha256') throw bad(`invalid value for 'extensions.${name}': '${value}'`);
      if (name === 'objectformat') format.objectFormat = value;
      else format.compatObjectFormat = value;
      break;
    }
    case 'refstorage': {
      if (value === undefined) throw bad(`missing value for 'extensions.${name}'`);
      const uri = /^([^:]*):\/\/(.*)$/s.exec(value);
      const kind = uri === null ? value : uri[1];
      if (kind !== 'files' && kind !== 'reftable') throw bad(`invalid value for 'extensions.${name}': '${value}'`);
      if (uri !== null && uri[2] === '') throw bad(`invalid value for 'extensions.${name}': '${value}'`);
      format.refStorage = kind;
      format.refStoragePayload = uri?.[2];
      break;
    }
    case 'relativeworktrees':
      format.relativeWorktrees = bool(`extensions.${name}`, value);
      break;
    case 'submodulepathconfig':
      format.submodulePathConfig = bool(`extensions.${name}`, value);
      break;
    default:
      unknown.push(name);
      return;
  }
  onlyV1.push(name);
}

import * as path from 'node:path';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { ConfigContext, ConfigEntry, ConfigOrigin, ConfigScope } from '../repo/config.js';
import { ConfigReader, readEntries, remoteUrls, userConfigFiles, xdgConfigFile } from '../repo/config.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import type { CommandContext } from './command.js';
import { UsageError } from './options.js';

export interface PlaceOptions {
  readonly global?: boolean | undefined;
  readonly system?: boolean | undefined;
  readonly local?: boolean | undefined;
  readonly worktree?: boolean | undefined;
  readonly file?: string | null | undefined;
  readonly blob?: string | null | undefined;
}

/** Which configuration a command is about. */
export type Place =
  | { readonly kind: 'all' }
  | { readonly kind: 'file'; readonly path: string; readonly name: string; readonly scope: ConfigScope }
  /** The user's files: read together, written to one. */
  | { readonly kind: 'global'; readonly files: readonly string[]; readonly write: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'blob'; readonly name: string };

export function choosePlace(context: CommandContext, options: PlaceOptions): Place {
  const { global, system, local, worktree, file, blob } = options;
  const count = [global, system, local, worktree, file != null, blob != null].filter((given) => given === true).length;
  if (count > 1) throw new UsageError('only one config file at a time', { quiet: true });
  const repository = context.maybeRepository();
  const inside = (option: string): Repository => {
    if (repository === undefined) throw new GitError('USAGE', `${option} can only be used inside a git repository`);
    return repository;
  };
  if (local === true) return localPlace(inside('--local'));
  if (blob != null) {
    inside('--blob');
    return { kind: 'blob', name: blob };
  }
  if (worktree === true) return worktreePlace(inside('--worktree'));
  if (file === '-') return { kind: 'stdin' };
  const named = file ?? (count === 0 ? context.env['GIT_CONFIG'] : undefined);
  if (named !== undefined) {
    return {
      kind: 'file',
      path: path.resolve(context.cwd, named),
      name: path.isAbsolute(named) || repository === undefined ? named : repository.prefix + named,
      scope: 'command',
    };
  }
  if (system === true) {
    const { system: name } = userConfigFiles({ ...context.env, GIT_CONFIG_NOSYSTEM: undefined });
    return { kind: 'file', path: name!, name: name!, scope: 'system' };
  }
  return global === true ? globalPlace(context) : { kind: 'all' };
}

function localPlace(repository: Repository): Place & { kind: 'file' } {
  return { kind: 'file', path: `${repository.commonDir}/config`, name: repository.shown('config'), scope: 'local' };
}

function worktreePlace(repository: Repository): Place {
  if (repository.format.worktreeConfig) {
    return {
      kind: 'file',
      path: `${repository.gitDir}/config.worktree`,
      name: repository.shown('config.worktree'),
      scope: 'worktree',
    };
  }
  const others = repository.platform.fs.readDirectory(`${repository.commonDir}/worktrees`) ?? [];
  if (others.length > 0) {
    throw new GitError(
      'USAGE',
      '--worktree cannot be used with multiple working trees unless the config\n' +
        'extension worktreeConfig is enabled. Please read "CONFIGURATION FILE"\n' +
        'section in "git help worktree" for details',
    );
  }
  return localPlace(repository);
}

function globalPlace(context: CommandContext): Place {
  const { env, platform } = context;
  const named = env['GIT_CONFIG_GLOBAL'];
  if (named !== undefined) return { kind: 'global', files: [named], write: named };
  const own = env['HOME'] === undefined ? undefined : `${env['HOME']}/.gitconfig`;
  const xdg = xdgConfigFile(env, 'config');
  const exists = (file: string): boolean => platform.fs.stat(file) !== undefined;
  if (own === undefined) throw new GitError('CONFIG', '$HOME not set');
  const one = !exists(own) && xdg !== undefined && exists(xdg) ? xdg : own;
  return { kind: 'global', files: [one], write: one };
}

/** The file that a change goes to. Throws for places that cannot be written. */
export function writablePlace(context: CommandContext, place: Place): { path: string; name: string } {
  switch (place.kind) {
    case 'stdin':
      throw new GitError('USAGE', 'writing to stdin is not supported');
    case 'blob':
      throw new GitError('USAGE', 'writing config blobs is not supported');
    case 'file':
      return place;
    case 'global':
      return { path: place.write, name: place.write };
    case 'all': {
      const repository = context.maybeRepository();
      if (repository === undefined) throw new GitError('USAGE', 'not in a git directory');
      return localPlace(repository);
    }
  }
}

export interface ReadResult {
  readonly entries: readonly ConfigEntry[];
  /** A single file that is not there, and that was named. */
  readonly missing?: string;
}

/** Reads what the place says. `includes`: follow includes; by default only where all files are read. */
export async function readPlace(
  context: CommandContext,
  place: Place,
  includes: boolean | undefined,
): Promise<ReadResult> {
  const repository = context.maybeRepository();
  const reading: ConfigContext = repository?.configContext() ?? { fs: context.platform.fs, env: context.env };
  if (place.kind === 'all') {
    const files = repository?.configFiles() ?? {
      ...userConfigFiles(context.env),
      local: undefined,
      worktree: undefined,
    };
    return { entries: readEntries(reading, files, [], { includes: includes !== false }) };
  }
  // A named file is read alone; standard input and blobs are not.
  const single = place.kind === 'file' || place.kind === 'global';
  const options = { includes: includes ?? !single };
  const read = (into: ConfigReader): boolean => {
    switch (place.kind) {
      case 'global': {
        let any = false;
        for (const file of place.files) any = into.file(file, 'global') || any;
        return any;
      }
      case 'file':
        return into.file(place.path, place.scope, place.name);
      default:
        return readText(into);
    }
  };
  let text = '';
  let origin: ConfigOrigin = { kind: 'standard input', name: '' };
  if (place.kind === 'stdin') text = decodeText(context.io.stdin.readAll());
  else if (place.kind === 'blob') {
    text = await blobText(context.repository(), place.name);
    origin = { kind: 'blob', name: place.name };
  }
  const readText = (into: ConfigReader): boolean => {
    into.text(text, 'command', origin);
    return true;
  };
  const remotes = (): string[] => {
    const first = new ConfigReader(reading, options);
    read(first);
    return remoteUrls(first.entries);
  };
  const reader = new ConfigReader(reading, { ...options, remotes });
  if (read(reader)) return { entries: reader.entries };
  if (place.kind === 'file') return { entries: [], missing: place.name };
  return { entries: [], ...(place.kind === 'global' ? { missing: place.write } : {}) };
}

async function blobText(repository: Repository, name: string): Promise<string> {
  const oid = await resolveRevision(repository, name);
  if (oid === undefined) {
    throw new GitError('CONFIG', 'error processing config file(s)', {
      data: { preface: `error: unable to resolve config blob '${name}'\n` },
    });
  }
  const object = await repository.objects.read(oid);
  if (object === undefined || object.kind !== 'blob') {
    throw new GitError('CONFIG', 'error processing config file(s)', {
      data: {
        preface:
          object === undefined
            ? `error: unable to load config blob object '${name}'\n`
            : `error: reference '${name}' does not point to a blob\n`,
      },
    });
  }
  return decodeText(object.data);
}

import { GitError } from '../base/errors.js';
import type { Platform } from '../platform/platform.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import { openRepository } from '../repo/repository.js';
import { decodeText } from '../base/bytes.js';

/** Opens the repository that a client names: `path`, `path.git`, `path/.git`, or exactly `path` where `strict`. */
export function enterRepository(
  platform: Platform,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
  path: string,
  strict: boolean,
): Repository {
  const failure = () =>
    new GitError('NOT_A_REPOSITORY', `'${path}' does not appear to be a git repository`, { data: { path } });
  const start = resolvePath(cwd, expandHome(path, env) ?? path).replace(/(?<=.)\/+$/, '');
  for (const suffix of strict ? [''] : ['/.git', '', '.git/.git', '.git']) {
    const gitDir = gitDirectory(platform, start + suffix);
    if (gitDir === undefined) continue;
    return openRepository({ platform, env: { ...env, GIT_DIR: '.' }, cwd: gitDir });
  }
  throw failure();
}

function expandHome(path: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (path === '~' || path.startsWith('~/')) return (env['HOME'] ?? '') + path.slice(1);
  return undefined;
}

/** `path` itself where it looks like a git directory, or what a `.git` file there points to. */
function gitDirectory(platform: Platform, path: string): string | undefined {
  const { fs } = platform;
  const stat = fs.stat(path);
  if (stat?.kind === 'file') {
    const match = /^gitdir:\s*(.*?)\s*$/.exec(decodeText(fs.readFile(path)!));
    if (match === null) return undefined;
    return gitDirectory(platform, resolvePath(path.slice(0, path.lastIndexOf('/')), match[1]!));
  }
  if (stat?.kind !== 'directory') return undefined;
  const head = fs.lstat(`${path}/HEAD`);
  if (head === undefined) return undefined;
  const common = fs.readFile(`${path}/commondir`);
  const base = common === undefined ? path : resolvePath(path, decodeText(common).trim());
  return fs.stat(`${base}/objects`) !== undefined && fs.stat(`${base}/refs`) !== undefined ? path : undefined;
}

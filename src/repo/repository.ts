import { GitError } from '../base/errors.js';
import type { Platform } from '../platform/platform.js';

export interface RepositoryOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface Repository {
  readonly gitDir: string;
  readonly workTree?: string | undefined;
  readonly prefix: string;
  readonly config: { get(key: string): string | undefined };
  close(): void;
}

export function discoverRepository(_options: RepositoryOptions): Repository | undefined {
  return undefined;
}

export function openRepository(options: RepositoryOptions): Repository {
  const repository = discoverRepository(options);
  if (repository === undefined) {
    throw new GitError('NOT_A_REPOSITORY', 'not a git repository (or any of the parent directories): .git');
  }
  return repository;
}

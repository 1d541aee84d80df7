import { GitError } from '../base/errors.js';
import type { Repository } from '../repo/repository.js';

/** The user's editor: `GIT_EDITOR`, `core.editor`, `VISUAL`, `EDITOR`, `vi`. `undefined`: the terminal can run none. */
function editorCommand(repository: Repository): string | undefined {
  const { env, config } = repository;
  const dumb = env['TERM'] === undefined || env['TERM'] === 'dumb';
  const named = env['GIT_EDITOR'] ?? config.get('core.editor') ?? (dumb ? undefined : env['VISUAL']) ?? env['EDITOR'];
  return named ?? (dumb ? undefined : 'vi');
}

export interface EditOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  /** Shown while waiting for it. */
  readonly wait?: ((shown: boolean) => void) | undefined;
}

/** Lets the user edit a file. Throws when the editor cannot be started or says no. */
export function editFile(repository: Repository, path: string, options: EditOptions = {}): void {
  const editor = editorCommand(repository);
  if (editor === undefined) {
    throw new GitError('USAGE', 'terminal is dumb, but EDITOR unset', {
      data: { preface: 'error: Terminal is dumb, but EDITOR unset\n' },
    });
  }
  if (editor === ':') return;
  const { processes } = repository.platform;
  if (processes === undefined) throw new GitError('UNSUPPORTED', 'no editor can be run here');
  options.wait?.(true);
  const result = processes.runSync(processes.shell(editor, [path]), {
    cwd: options.cwd,
    env: { ...repository.env, ...options.env },
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  options.wait?.(false);
  if (result.code === 127 && result.errorCode !== undefined) {
    throw new GitError('USAGE', `unable to start editor '${editor}'`, { data: { editor } });
  }
  if (result.code !== 0) {
    throw new GitError('ABORTED', `there was a problem with the editor '${editor}'`, { data: { editor } });
  }
}

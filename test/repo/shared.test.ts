import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** Permission bits of everything in the git folder; packs and objects are named by kind, not by id. */
function modes(box: Sandbox, repository: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string, name: string): void => {
    for (const entry of readdirSync(path).sort()) {
      const full = join(path, entry);
      const stat = statSync(full);
      const shown = `${name}/${entry}`
        .replace(/\b[0-9a-f]{38,40}\b/, 'X')
        .replace(/objects\/[0-9a-f]{2}(?=\/|$)/, 'objects/ab');
      // Messages of an editor are no part of what is shared; samples and branches come from stock git's template.
      if (!/EDITMSG|sample|branches|\/hooks$/.test(shown)) found[shown] = (stat.mode & 0o7777).toString(8);
      if (stat.isDirectory()) walk(full, shown);
    }
  };
  walk(box.path(repository, '.git'), '');
  return found;
}

test.each(['group', 'all', '0640', '0660', 'umask'])(
  'core.sharedRepository=%s: every file gets git’s permissions',
  (shared) => {
    const box = sandbox();
    const use = (program: 'git' | 'bough', name: string): Record<string, string> => {
      const run = (...words: string[]): string => box[program](words, { cwd: name });
      box[program](['init', '-q', '-b', 'main', `--shared=${shared}`, name]);
      run('commit', '-q', '--allow-empty', '-m', 'one');
      box.run('sh', ['-c', 'echo text >file'], { cwd: name });
      run('add', 'file');
      run('commit', '-q', '-m', 'two');
      run('tag', '-a', '-m', 'x', 'v1');
      run('branch', 'deep/er');
      run('pack-refs', '--all');
      run('repack', '-q', '-a');
      run('commit-graph', 'write', '--reachable');
      run('update-server-info');
      run('config', 'a.b', 'c');
      return modes(box, name);
    };
    const theirs = use('git', 'theirs');
    const ours = use('bough', 'ours');
    const names = Object.keys(theirs).filter((name) => ours[name] !== undefined);
    expect(names.length).toBeGreaterThan(25);
    expect(Object.fromEntries(names.map((name) => [name, ours[name]]))).toEqual(
      Object.fromEntries(names.map((name) => [name, theirs[name]])),
    );
  },
);

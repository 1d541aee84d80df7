import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sandbox } from '../support/sandbox.js';

const hasSsh = spawnSync('ssh-keygen', ['-?']).error === undefined;

it.skipIf(!hasSsh)(
  'merge, cherry-pick, revert, commit-tree and commit sign, and say who signed (needs ssh-keygen)',
  () => {
    const box = sandbox();
    const git = (...args: string[]) => box.git(args, { cwd: 'r' });
    const bough = (...args: string[]) => box.bough(args, { cwd: 'r' });
    const key = box.path('key');
    box.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me', '-f', key]);
    box.git(['init', '-q', '-b', 'main', 'r']);
    writeFileSync(box.path('allowed'), `me@example.com namespaces="git" ${readFileSync(`${key}.pub`, 'utf8')}`);
    for (const [name, value] of [
      ['gpg.format', 'ssh'],
      ['user.signingkey', key],
      ['gpg.ssh.allowedSignersFile', box.path('allowed')],
    ]) {
      git('config', name!, value!);
    }
    const change = (file: string, text: string) => {
      appendFileSync(box.path('r', file), text);
      git('add', file);
    };
    const signed = (revision = 'HEAD') => box.tryGit(['verify-commit', revision], { cwd: 'r' }).code === 0;
    change('a', 'a\n');
    bough('commit', '-q', '-S', '-m', 'base');
    expect(signed()).toBe(true);
    git('checkout', '-q', '-b', 'side');
    change('b', 'b\n');
    git('commit', '-q', '-m', 'side');
    expect(signed()).toBe(false);
    git('checkout', '-q', 'main');
    change('c', 'c\n');
    git('commit', '-q', '-m', 'main');
    bough('merge', '-q', '--no-edit', '-S', 'side');
    expect(signed()).toBe(true);
    expect(git('rev-list', '--count', '--merges', 'HEAD')).toBe('1\n');
    bough('revert', '--no-edit', '-S', '-m', '1', 'HEAD');
    expect(signed()).toBe(true);
    git('checkout', '-q', 'side');
    git('config', 'commit.gpgSign', 'true');
    bough('cherry-pick', 'main~2');
    expect(signed()).toBe(true);
    bough('commit', '-q', '--amend', '--no-edit', '--no-gpg-sign');
    expect(signed()).toBe(false);
    const plumbing = (...more: string[]) => bough('commit-tree', ...more, '-m', 'x', 'HEAD^{tree}').trim();
    expect(signed(plumbing('-S'))).toBe(true);
    expect(signed(plumbing())).toBe(false);
    // Who signed, in bough's own words, and merges that insist on it.
    expect(box.tryBough(['verify-commit', 'main'], { cwd: 'r' })).toMatchObject({ code: 0, stdout: '' });
    expect(box.tryBough(['verify-commit', 'side'], { cwd: 'r' }).code).toBe(1);
    git('checkout', '-q', '-B', 'work', 'main~3');
    expect(box.tryBough(['merge', '--verify-signatures', 'side'], { cwd: 'r' }).stderr).toMatch(
      /^fatal: Commit [0-9a-f]{7} does not have a GPG signature\.\n$/,
    );
    expect(bough('merge', '--verify-signatures', 'main')).toContain('has a good GPG signature by me@example.com\n');
    box.fsck('r');
  },
);

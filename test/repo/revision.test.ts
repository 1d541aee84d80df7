import { isGitError } from '../../src/base/errors.js';
import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { openRepository } from '../../src/repo/repository.js';
import { resolveRevision } from '../../src/repo/revision.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import type { Sandbox } from '../support/sandbox.js';
import { sandbox } from '../support/sandbox.js';

/** Branches that part and meet, tags of both kinds, a nested tag, paths, a log to look back in. */
function makeHistory(box: Sandbox, format: string): void {
  box.git(['init', '-q', `--object-format=${format}`, '-b', 'main']);
  let tick = 1112911993;
  const env = () => ({ GIT_COMMITTER_DATE: `${(tick += 60)} +0000`, GIT_AUTHOR_DATE: `${tick} +0000` });
  const commit = (file: string, message: string): void => {
    box.git([
      'update-index',
      '--add',
      '--cacheinfo',
      `100644,${box.git(['hash-object', '-w', '--stdin'], { input: message }).trim()},${file}`,
    ]);
    box.git(['commit', '-q', '-m', message], { env: env() });
  };
  for (let i = 0; i < 6; i++) commit(`dir/file${i % 3}`, `change ${i}\n\nbody of ${i}`);
  box.git(['tag', 'light', 'HEAD~2']);
  box.git(['tag', '-a', '-m', 'one', 'v1', 'HEAD~3'], { env: env() });
  box.git(['tag', '-a', '-m', 'nested', 'v1-nested', 'v1'], { env: env() });
  box.git(['checkout', '-q', '-b', 'side', 'HEAD~3']);
  for (let i = 0; i < 3; i++) commit(`side${i}`, `side ${i}`);
  box.git(['checkout', '-q', 'main']);
  box.git(['merge', '-q', '--no-ff', '-m', 'merge side', 'side'], { env: env() });
  commit('last', 'fix the last');
  box.git(['update-ref', 'refs/remotes/origin/main', 'HEAD~1']);
  box.git(['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']);
  box.git(['config', 'remote.origin.url', '/nowhere']);
  box.git(['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*']);
  box.git(['config', 'branch.main.remote', 'origin']);
  box.git(['config', 'branch.main.merge', 'refs/heads/main']);
}

function expression(random: Random, ids: readonly string[]): string {
  const base = (): string =>
    random.pick([
      'HEAD',
      'main',
      'side',
      'light',
      'v1',
      'v1-nested',
      '@',
      'heads/side',
      'refs/tags/v1',
      'origin',
      'origin/main',
      'nothing',
      '@{-1}',
      '@{u}',
      'main@{upstream}',
      'main@{1}',
      '@{2}',
      'HEAD@{0}',
      ':/side',
      ':/^fix',
      ':/!-change',
      'v1-3-gabcdef',
      random.pick(ids).slice(0, random.between(4, 12)),
      random.pick(ids),
    ]);
  let text = base();
  for (let i = random.below(4); i > 0; i--) {
    text += random.pick([
      '^',
      '~',
      '~2',
      '^2',
      '^0',
      '~0',
      '^{}',
      '^{commit}',
      '^{tree}',
      '^{tag}',
      '^{object}',
      '^{/change}',
      '^3',
      '^{blob}',
      '~3',
    ]);
  }
  if (random.oneIn(4)) text += random.pick([':', ':dir', ':dir/file1', ':dir/', ':last', ':missing', ':./dir/file0']);
  return text;
}

describe.each(['sha1', 'sha256'])('revisions of a %s repository', (format) => {
  it('name what they name for git', async () => {
    const box = sandbox();
    makeHistory(box, format);
    const random = new Random(31);
    const ids = box.git(['rev-list', '--all', '--objects', '--no-object-names']).trim().split('\n');
    const repository = openRepository({ platform: nodePlatform, env: box.env, cwd: box.directory });
    const compared = new Compared(`revisions, ${format}`);
    let named = 0;
    for (let i = 0; i < cases(150); i++) {
      const text = expression(random, ids);
      const ran = box.tryGit(['rev-parse', '--verify', '-q', text]);
      const theirs = ran.code === 0 ? ran.stdout.trim() : 'nothing';
      let ours: string;
      try {
        ours = (await resolveRevision(repository, text, { quiet: true })) ?? 'nothing';
      } catch (error) {
        if (!isGitError(error)) throw error;
        ours = 'nothing';
      }
      if (theirs !== 'nothing') named++;
      compared.same(text, ours, theirs);
    }
    compared.finish();
    expect(named).toBeGreaterThan(cases(150) / 3);
    repository.close();
  });

  it('come out of rev-parse as out of git', () => {
    const box = sandbox();
    makeHistory(box, format);
    for (const words of [
      ['main..side'],
      ['main...side'],
      ['HEAD~1^!'],
      ['HEAD~1^@'],
      ['HEAD~1^-'],
      ['HEAD~1^-2'],
      ['^side', 'main'],
      ['--not', 'main', '^side'],
      ['--abbrev-ref', 'HEAD', 'origin'],
      ['--symbolic-full-name', 'side', 'v1'],
      ['--short', 'HEAD'],
      ['--short=12', 'v1'],
      ['--branches'],
      ['--tags', '--not', '--remotes'],
      ['--exclude=side', '--branches'],
      ['--glob=heads/s*'],
      ['--default', 'main', '--verify'],
      ['--revs-only', 'main', 'dir', '--max-count=3'],
      ['--git-dir', '--is-bare-repository', '--is-inside-work-tree', '--show-prefix', '--show-cdup'],
      ['--git-path', 'objects/info'],
      ['--path-format=absolute', '--git-dir', '--git-common-dir'],
      ['nothing'],
      ['HEAD:missing'],
      [':0:missing'],
      ['--verify', 'main', 'side'],
      ['main@{99}'],
    ]) {
      const theirs = box.tryGit(['rev-parse', ...words]);
      const ours = box.tryBough(['rev-parse', ...words]);
      expect([words, ours.code, ours.stdout, ours.stderr]).toEqual([words, theirs.code, theirs.stdout, theirs.stderr]);
    }
  });
});

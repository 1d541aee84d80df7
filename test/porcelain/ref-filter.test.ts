import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareVersions } from '../../src/porcelain/ref-filter-version.js';
import { bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import { type Sandbox, sharedSandbox } from '../support/sandbox.js';
import { current, since } from '../support/version.js';

let box: Sandbox & { remove(): void };
let bundle: string;

function makeRepository(folder: string, objectFormat: string): void {
  const git = (...args: string[]) => box.git(args, { cwd: folder });
  box.git(['init', '-q', '-b', 'main', `--object-format=${objectFormat}`, folder]);
  git('config', 'remote.origin.url', 'nowhere');
  git('config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
  git('config', 'branch.main.remote', 'origin');
  git('config', 'branch.main.merge', 'refs/heads/main');
  for (let i = 0; i < 5; i++) {
    box.env['GIT_COMMITTER_DATE'] = `${1112911993 + 60 * i} -0700`;
    git('commit', '-q', '--allow-empty', '-m', `subject ${i}\nof two lines\n\nbody ${i}\n\nSigned-off-by: S <s@x>`);
    git('tag', `v1.${i + 7}`);
    git('tag', '-a', '-m', `annotated ${i}\n\ntext of ${i}`, `a/v${i}-rc${5 - i}`);
    if (i === 2) {
      git('update-ref', 'refs/remotes/origin/main', 'HEAD');
      git('branch', 'side');
      git('branch', 'Zed');
    }
  }
  // Older releases follow only one step of a tag of a tag.
  git('tag', '-a', '-m', 'a tag of a tag', 'nested', current ? 'a/v3-rc2' : 'HEAD');
  git('symbolic-ref', 'refs/heads/link', 'refs/heads/side');
  git('update-ref', 'refs/blobs/one', git('hash-object', '-w', '-t', 'blob', '/dev/null').trim());
  git('pack-refs');
}

beforeAll(async () => {
  box = sharedSandbox();
  makeRepository('r', 'sha1');
  makeRepository('r256', 'sha256');
  bundle = await bundleCommands(box.directory);
});

afterAll(() => box.remove());

const atoms = [
  'refname',
  'refname:short',
  'refname:lstrip=2',
  'refname:rstrip=-2',
  'objecttype',
  'objectsize',
  'objectname',
  'objectname:short',
  'objectname:short=10',
  'tree',
  'parent:short',
  'numparent',
  'object',
  'type',
  'tag',
  'author',
  'authorname',
  'authoremail:trim',
  'authoremail:localpart',
  'authordate',
  'authordate:iso-strict',
  'committerdate:relative',
  'committerdate:unix',
  'taggername',
  'taggerdate:short',
  'creator',
  'creatordate:raw',
  'subject',
  'subject:sanitize',
  'body',
  'contents',
  'contents:size',
  'contents:lines=2',
  'contents:signature',
  'trailers',
  'trailers:key=Signed-off-by,valueonly',
  'upstream',
  'upstream:short',
  'upstream:track',
  'upstream:trackshort',
  'upstream:remotename',
  'push',
  'HEAD',
  'symref',
  'symref:short',
  'flag',
  '*objectname',
  '*objecttype',
  '*subject',
  '*authordate',
  'color:red',
  'color:reset',
];
const sorts = [
  'refname',
  '-refname',
  'version:refname',
  '-v:refname',
  'objectsize',
  'committerdate',
  '-creatordate',
  'taggerdate',
  'authorname',
  '*objectname',
  'objecttype',
  'upstream',
];

function format(random: Random): string {
  let text = '';
  for (let n = random.between(1, 4); n > 0; n--) {
    const atom = `%(${random.pick(atoms)})`;
    switch (random.below(6)) {
      case 0:
        text += `%(align:${random.between(1, 30)},${random.pick(['left', 'right', 'middle'])})${atom}%(end)|`;
        break;
      case 1:
        text += `%(if)${atom}%(then)yes ${atom}%(else)no%(end) `;
        break;
      case 2:
        text += `%(if:${random.pick(['equals', 'notequals'])}=commit)%(objecttype)%(then)<${atom}>%(end)`;
        break;
      default:
        text += `${atom} `;
    }
  }
  return `${text}%%%0a`;
}

describe('for-each-ref prints what stock git prints', () => {
  it.each([
    ['sha1', 'r', 20260101],
    ['sha256', 'r256', 20260102],
  ])('for random formats, sort keys and filters: %s', (objectFormat, folder, seed) => {
    const random = new Random(seed);
    box.env['GIT_TEST_DATE_NOW'] = '1112920000';
    const compared = new Compared(`for-each-ref formats, ${objectFormat}`);
    const list = random.times(cases(60), () => {
      const args = ['for-each-ref', `--format=${format(random)}`];
      for (let n = random.below(3); n > 0; n--) args.push(`--sort=${random.pick(sorts)}`);
      if (random.oneIn(4)) args.push(random.pick(['--shell', '--perl', '--python', '--tcl']));
      if (random.oneIn(6)) args.push(random.pick(['--merged=HEAD~2', '--no-merged=HEAD~2', '--contains=HEAD~1']));
      if (random.oneIn(6)) args.push(random.pick(['--no-contains=HEAD~3', '--points-at=HEAD', '--ignore-case']));
      if (random.oneIn(5)) args.push('--color=always');
      if (random.oneIn(5)) args.push(`--count=${random.between(1, 5)}`);
      if (random.oneIn(3))
        args.push(random.pick(['refs/heads', 'refs/tags/v1.*', 'refs/tags/a/', 'refs/*/*', 'refs/b*']));
      return { cwd: box.path(folder), words: args };
    });
    const ours = runBatch(box.directory, bundle, list, box.env);
    for (const [i, one] of list.entries()) {
      const theirs = stockAnswer(one, box.env);
      compared.same(one.words, [ours[i]!.code, ours[i]!.stdout], [theirs.code, theirs.stdout]);
    }
    compared.finish();
  });

  it.each([
    ['branch', '-a', '-v'],
    ['branch', '-vv'],
    ['branch', '-a', '--column=row,dense'],
    ['branch', '--merged', 'side'],
    ['tag', '-n2'],
    ['tag', '-l', '--sort=-v:refname', 'v*'],
    ['tag', '--column=column', '--contains', 'HEAD~2'],
    ['describe', '--tags', '--long'],
    ['describe', '--all', 'HEAD~1'],
    ['describe', '--contains', 'HEAD~3'],
    ['name-rev', 'HEAD', 'HEAD~2', 'nested'],
    ['show-ref', '-d'],
  ])('%s %s %s', (...args) => {
    const ours = box.tryBough(args, { cwd: 'r' });
    const theirs = box.tryGit(args, { cwd: 'r' });
    expect(ours.stdout).toBe(theirs.stdout);
    expect(ours.code).toBe(theirs.code);
  });

  it.skipIf(!since(45))('reflog list (needs git 2.45)', () => {
    expect(box.bough(['reflog', 'list'], { cwd: 'r' })).toBe(box.git(['reflog', 'list'], { cwd: 'r' }));
  });
});

describe('names compared as versions', () => {
  it.each([
    ['v1.9', 'v1.10'],
    ['1.001', '1.1'],
    ['1.0009', '1.0'],
    ['a', 'b1'],
    ['part1_f01', 'part1_f012'],
  ])('%s comes before %s', (a, b) => {
    expect(compareVersions(a, b)).toBeLessThan(0);
    expect(compareVersions(b, a)).toBeGreaterThan(0);
  });

  it('puts suffixes in the order they are given', () => {
    const names = ['1.0', '1.0-post', '1.0-rc1', '1.0-alpha2', '1.0-alpha1'];
    expect(names.sort((a, b) => compareVersions(a, b, ['-alpha', '-rc', '', '-post']))).toEqual([
      '1.0-alpha1',
      '1.0-alpha2',
      '1.0-rc1',
      '1.0',
      '1.0-post',
    ]);
  });
});

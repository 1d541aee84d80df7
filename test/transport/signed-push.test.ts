import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodePlatform } from '../../src/index.js';
import { judgeNonce, makeNonce, parseCertificate } from '../../src/transport/push-certificate.js';
import { root } from '../support/root.js';
import { sandbox, stockGit } from '../support/sandbox.js';

const bough = `${process.execPath} ${join(root, 'bin/git')}`;

const keygen = spawnSync('ssh-keygen', ['-?']).error === undefined;

it.skipIf(!keygen)(
  'pushes signed with an ssh key are taken and judged, whichever program is at which end (needs ssh-keygen)',
  () => {
    const box = sandbox();
    box.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me@example.com', '-f', 'key']);
    writeFileSync(box.path('allowed'), `me@example.com ${readFileSync(box.path('key.pub'), 'utf8')}`);
    box.git(['init', '-q', '-b', 'main', 'own']);
    box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'own' });
    box.git(['config', 'gpg.format', 'ssh'], { cwd: 'own' });
    box.git(['config', 'user.signingKey', box.path('key')], { cwd: 'own' });
    const head = box.git(['rev-parse', 'HEAD'], { cwd: 'own' }).trim();
    const key = box.run('ssh-keygen', ['-lf', 'key.pub']).stdout.split(' ')[1];
    for (const server of [bough, stockGit]) {
      for (const client of ['bough', 'stock'] as const) {
        box.run('rm', ['-rf', 'hub.git']);
        box.git(['init', '-q', '--bare', 'hub.git']);
        for (const [name, value] of [
          ['receive.certNonceSeed', 'sekrit'],
          ['receive.advertisePushOptions', 'true'],
          ['gpg.ssh.allowedSignersFile', box.path('allowed')],
        ]) {
          box.git(['config', name!, value!], { cwd: 'hub.git' });
        }
        const hook = box.path('hub.git/hooks/pre-receive');
        writeFileSync(hook, '#!/bin/sh\nenv | grep ^GIT_PUSH | sort >said\ngit cat-file blob $GIT_PUSH_CERT >cert\n');
        chmodSync(hook, 0o755);
        const words = [
          'push',
          '--signed',
          '-o',
          'an option',
          `--receive-pack=${server} receive-pack`,
          '../hub.git',
          'main',
        ];
        const ran = client === 'bough' ? box.tryBough(words, { cwd: 'own' }) : box.tryGit(words, { cwd: 'own' });
        expect([server, client, ran.code, ran.stderr]).toEqual([
          server,
          client,
          0,
          expect.stringContaining('[new branch]'),
        ]);
        const said = Object.fromEntries(
          readFileSync(box.path('hub.git/said'), 'utf8')
            .trim()
            .split('\n')
            .map((line) => line.split(/=(.*)/s).slice(0, 2)),
        ) as Record<string, string>;
        expect(said).toMatchObject({
          GIT_PUSH_CERT_KEY: key,
          GIT_PUSH_CERT_NONCE_STATUS: 'OK',
          GIT_PUSH_CERT_SIGNER: 'me@example.com',
          GIT_PUSH_CERT_STATUS: 'G',
          GIT_PUSH_OPTION_0: 'an option',
        });
        const certificate = parseCertificate(readFileSync(box.path('hub.git/cert'), 'latin1'))!;
        expect(certificate.commandLines).toEqual([`${'0'.repeat(40)} ${head} refs/heads/main`]);
        expect(certificate.pushOptions).toEqual(['an option']);
        expect(certificate.nonce).toBe(said['GIT_PUSH_CERT_NONCE']);
        expect(certificate.payload).toContain(`pusher ${key} `);
        expect(certificate.payload).toContain('pushee ../hub.git\n');
      }
    }
    // What no hook asks for is not kept.
    box.run('rm', ['hub.git/hooks/pre-receive']);
    const kept = box.git(['cat-file', '--batch-all-objects', '--batch-check'], { cwd: 'hub.git' });
    box.bough(['push', '-q', '--signed', `--receive-pack=${bough} receive-pack`, '../hub.git', 'main:again'], {
      cwd: 'own',
    });
    expect(box.git(['cat-file', '--batch-all-objects', '--batch-check'], { cwd: 'hub.git' })).toBe(kept);
    // Nobody asks for a signature any more.
    box.git(['config', '--unset', 'receive.certNonceSeed'], { cwd: 'hub.git' });
    for (const words of [['--signed'], ['--signed=if-asked'], ['--signed=perhaps'], ['--no-signed']]) {
      const all = ['push', ...words, '../hub.git', `main:${words[0]!.replace(/\W/g, '-')}`];
      const ours = box.tryBough(all, { cwd: 'own' });
      box.tryGit(['update-ref', '-d', `refs/heads/${words[0]!.replace(/\W/g, '-')}`], { cwd: 'hub.git' });
      const stock = box.tryGit(all, { cwd: 'own' });
      expect([words, ours.code, ours.stderr]).toEqual([
        words,
        stock.code,
        stock.stderr.replace('fatal: the remote end hung up unexpectedly\n', ''),
      ]);
    }
  },
  300_000,
);

it('a nonce is good only where it was made here, and for as long as it may', () => {
  const at = (seconds: number, seed = 'sekrit', path = '/hub.git') =>
    makeNonce(nodePlatform, 'sha1', seed, path, seconds);
  const own = at(1000);
  const judge = (theirs: string | undefined, stateless: boolean, slop = 0) =>
    judgeNonce(own, theirs, { at: (seconds) => at(seconds), stateless, slop });
  expect(judge(own, false)).toEqual({ status: 'OK', nonce: own });
  expect(judge(undefined, false)).toEqual({ status: 'MISSING', nonce: own });
  expect(judge(at(990), false, 60).status).toBe('BAD');
  expect(judge(at(990), true, 60)).toEqual({ status: 'OK', nonce: at(990) });
  expect(judge(at(900), true, 60)).toEqual({ status: 'SLOP', nonce: own, slop: 100 });
  expect(judge(at(990), true)).toEqual({ status: 'SLOP', nonce: own, slop: 10 });
  for (const forged of [at(990, 'other'), at(990, 'sekrit', '/other.git'), at(990).replace('990', '995'), 'x', '']) {
    expect([forged, judge(forged, true, 60).status]).toEqual([forged, 'BAD']);
  }
  expect(judgeNonce(undefined, own, { at, stateless: true, slop: 60 }).status).toBe('UNSOLICITED');
});

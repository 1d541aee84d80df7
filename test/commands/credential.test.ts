import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { type Ran, type Sandbox, sandbox } from '../support/sandbox.js';
import { since } from '../support/version.js';

/** The same words to both programs, each with a log of its own; what they said and what helpers were asked. */
function both(
  box: Sandbox,
  args: readonly string[],
  input: string,
  env: Record<string, string> = {},
): { stock: Ran & { log: string }; bough: Ran & { log: string } } {
  const one = (run: 'tryGit' | 'tryBough'): Ran & { log: string } => {
    const log = box.path('log');
    rmSync(log, { force: true });
    const ran = box[run](args, { input, env: { LOG: log, GIT_ASKPASS: 'false', ...env } });
    return { ...ran, log: existsSync(log) ? readFileSync(log, 'utf8') : '' };
  };
  return { stock: one('tryGit'), bough: one('tryBough') };
}

function same({ stock, bough }: ReturnType<typeof both>, what: string): void {
  expect({ what, code: bough.code, out: bough.stdout, log: bough.log }).toEqual({
    what,
    code: stock.code,
    out: stock.stdout,
    log: stock.log,
  });
}

/** A helper that logs what it is asked and prints given lines. */
function helper(box: Sandbox, name: string, prints: string): string {
  const file = box.path(name);
  writeFileSync(
    file,
    `#!/bin/sh\n{ echo "${name} $*"; cat; echo --; } >>"$LOG"\nif test "$1" = get; then printf '${prints}'; fi\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

describe('credential', () => {
  it('asks helpers as stock git does, whatever is set for which URL', () => {
    const box = sandbox();
    const full = helper(box, 'full', 'username=me\\npassword=secret\\n');
    const half = helper(box, 'half', 'username=halfway\\n');
    const none = helper(box, 'none', '');
    const quit = helper(box, 'quit', 'quit=1\\n');
    // Passwords end since git 2.40.
    const end = since(40) ? 'password_expiry_utc=5\\n' : '';
    const stale = end === '' ? none : helper(box, 'stale', `username=old\\npassword=gone\\n${end}`);
    const random = new Random(23);
    const hosts = ['example.com', 'example.com:8080', 'git.example.com', 'other.org'];
    const paths = [undefined, 'repo.git', 'team/repo.git'];
    for (let i = 0; i < 24; i++) {
      const settings: string[] = [];
      for (let n = 1 + random.below(3); n > 0; n--) {
        const where = random.pick([
          '',
          'https://example.com.',
          'https://*.example.com.',
          'https://example.com/team.',
          'example.com.',
          'https://user@example.com.',
        ]);
        settings.push(`credential.${where}helper=${random.pick([full, half, none, stale, full, ''])}`);
      }
      if (random.below(4) === 0) settings.push('credential.useHttpPath=true');
      if (random.below(4) === 0) settings.push('credential.https://example.com.username=configured');
      if (random.below(8) === 0) settings.push(`credential.helper=${quit}`);
      const lines = [`protocol=${random.pick(['https', 'http', 'cert'])}`, `host=${random.pick(hosts)}`];
      const path = random.pick(paths);
      if (path !== undefined) lines.push(`path=${path}`);
      if (random.below(4) === 0) lines.push('username=user');
      const input = `${lines.join('\n')}\n`;
      const words = settings.flatMap((setting) => ['-c', setting]);
      same(both(box, [...words, 'credential', 'fill'], input), `${settings.join(' ')} | ${lines.join(' ')}`);
      const whole = `${lines.join('\n')}\nusername=me\npassword=secret\n`;
      if (i % 4 === 0) same(both(box, [...words, 'credential', 'approve'], whole), `approve ${settings.join(' ')}`);
      if (i % 4 === 1) same(both(box, [...words, 'credential', 'reject'], whole), `reject ${settings.join(' ')}`);
    }
  }, 300_000);

  it.skipIf(!since(46))('takes credentials of other kinds from helpers that announce them (needs git 2.46)', () => {
    const box = sandbox();
    const modern = helper(
      box,
      'modern',
      'capability[]=authtype\\ncapability[]=state\\nauthtype=Bearer\\ncredential=token\\nstate[]=modern:1\\n',
    );
    const silent = helper(box, 'silent', 'authtype=Bearer\\ncredential=token\\n');
    for (const ask of ['capability[]=authtype\n', 'capability[]=authtype\ncapability[]=state\n', '']) {
      const input = `${ask}protocol=https\nhost=example.com\nwwwauth[]=Bearer realm=x\n`;
      same(both(box, ['-c', `credential.helper=${modern}`, 'credential', 'fill'], input), `modern ${ask}`);
      // What was not announced is not handed on.
      const unasked = both(box, ['-c', `credential.helper=${silent}`, 'credential', 'fill'], input);
      same(unasked, `silent ${ask}`);
      expect(unasked.bough.stdout).not.toContain('token');
    }
    same(both(box, ['credential', 'capability'], ''), 'capability');
  });

  it('refuses what would put lines of its own into the conversation', () => {
    const box = sandbox();
    const full = helper(box, 'full', 'username=me\\npassword=secret\\n');
    for (const url of [
      'https://example.com%0ahost=evil.org/',
      'https://one%0a:two@example.com/',
      'https://example.com/path%0apassword=x',
      'https://example.com%0d/',
      'https:///path',
      'https://',
      'no-scheme/at/all',
    ]) {
      const ran = both(
        box,
        ['-c', `credential.helper=${full}`, '-c', 'credential.useHttpPath=true', 'credential', 'fill'],
        `url=${url}\n\n`,
      );
      // Carriage returns are refused by newer versions only.
      if (url.includes('%0d')) expect(ran.bough.code).toBe(128);
      else same(ran, url);
      expect(ran.bough.log).not.toContain('evil.org\n');
    }
  });

  it('askpass is asked in the same words, and its silence is an error', () => {
    const box = sandbox();
    const askpass = box.path('askpass');
    writeFileSync(askpass, '#!/bin/sh\necho "$1" >>"$LOG"\ncase $1 in Username*) echo bob;; *) echo hunter2;; esac\n');
    chmodSync(askpass, 0o755);
    for (const input of [
      'protocol=https\nhost=example.com\n\n',
      'protocol=https\nhost=example.com\nusername=al ice\n\n',
      'url=https://example.com/deep/path.git\n\n',
    ]) {
      same(both(box, ['credential', 'fill'], input, { GIT_ASKPASS: askpass }), input);
      same(
        both(box, ['-c', `core.askPass=${askpass}`, 'credential', 'fill'], input, { GIT_ASKPASS: '' }),
        `core ${input}`,
      );
    }
    const { stock, bough } = both(box, ['credential', 'fill'], 'protocol=https\nhost=example.com\n\n');
    expect(bough.code).toBe(stock.code);
    expect(bough.stderr).toContain('terminal prompts disabled');
  });
});

describe('credential-store', () => {
  it('keeps the same file and gives the same answers as stock git', () => {
    const box = sandbox();
    const random = new Random(5);
    const word = () => random.pick(['me', 'a b', 'x:y', 'p@ss', 'ünïcode', '100%', 'a/b']);
    mkdirSync(box.path('s'));
    mkdirSync(box.path('b'));
    for (let i = 0; i < 40; i++) {
      const action = random.pick(['store', 'store', 'get', 'get', 'erase']);
      const lines = [
        `protocol=${random.pick(['https', 'http'])}`,
        `host=${random.pick(['a.org', 'a.org:99', 'b.org'])}`,
      ];
      if (random.below(3) === 0) lines.push(`path=${random.pick(['r.git', 'x y/z'])}`);
      if (action === 'store' || random.below(2) === 0) lines.push(`username=${word()}`);
      if (action === 'store') lines.push(`password=${word()}`);
      const input = `${lines.join('\n')}\n`;
      const stock = box.tryGit(['credential-store', '--file', box.path('s/file'), action], { input });
      const bough = box.tryBough(['credential-store', '--file', box.path('b/file'), action], { input });
      expect({ i, lines, action, code: bough.code, out: bough.stdout }).toEqual({
        i,
        lines,
        action,
        code: stock.code,
        out: stock.stdout,
      });
      const read = (name: string) => (existsSync(box.path(name)) ? readFileSync(box.path(name), 'latin1') : '');
      expect(read('b/file')).toBe(read('s/file'));
    }
    expect(statSync(box.path('b/file')).mode & 0o777).toBe(0o600);
  }, 300_000);
});

describe('credential-cache', () => {
  it('keeps credentials behind a socket of its owner until they run out or are erased', () => {
    const box = sandbox();
    // Socket names are short.
    const socket = box.path('c/s');
    const ask = (action: string, input: string, ...more: string[]) =>
      box.bough(['credential-cache', '--socket', socket, ...more, action], { input });
    const id = 'protocol=https\nhost=example.com\n';
    expect(ask('get', id)).toBe('');
    ask('store', `${id}username=me\npassword=secret\n`);
    try {
      expect(statSync(box.path('c')).mode & 0o077).toBe(0);
      expect(ask('get', id)).toContain('username=me\npassword=secret\n');
      expect(ask('get', 'protocol=https\nhost=other.org\n')).toBe('');
      // Another password may be erased only by its own name.
      ask('erase', `${id}username=you\n`);
      expect(ask('get', id)).toContain('password=secret');
      const before = Date.now();
      ask('store', 'protocol=https\nhost=brief.org\nusername=b\npassword=b\n', '--timeout=2');
      const brief = () => ask('get', 'protocol=https\nhost=brief.org\n');
      const there = brief();
      // On a busy machine its time may be over by now.
      if (Date.now() - before < 2000) expect(there).toContain('password=b');
      for (let i = 0; i < 50 && brief() !== ''; i++) box.run('sleep', ['0.2']);
      expect(brief()).toBe('');
      ask('erase', id);
      expect(ask('get', id)).toBe('');
    } finally {
      ask('exit', '');
    }
    for (let i = 0; i < 50 && existsSync(socket); i++) box.run('sleep', ['0.05']);
    expect(existsSync(socket)).toBe(false);
  });

  it('does not use a folder that others may enter', () => {
    const box = sandbox();
    mkdirSync(box.path('open'), { mode: 0o755 });
    const ran = box.tryBough(['credential-cache', '--socket', box.path('open/s'), 'store'], {
      input: 'protocol=https\nhost=h\nusername=u\npassword=p\n',
    });
    expect(ran.code).toBe(128);
    expect(ran.stderr).toContain('permissions on your socket directory are too loose');
  });
});

describe('URLs that begin with a dash', () => {
  it('are refused wherever a program would take them for options', () => {
    const box = sandbox();
    for (const url of [
      'ssh://-oProxyCommand=touch%20pwned/x',
      'ssh://ok/-x',
      '-oProxyCommand=touch pwned:x',
      'git://-host/x',
      'git@-host:x',
    ]) {
      for (const words of [
        ['ls-remote', '--', url],
        ['clone', '--', url, 'c'],
      ]) {
        const stock = box.tryGit(words, { env: { GIT_SSH_COMMAND: 'false' } });
        const bough = box.tryBough(words, { env: { GIT_SSH_COMMAND: 'false' } });
        expect({ words, code: bough.code }).toEqual({ words, code: stock.code });
        const said = (text: string) => text.split('\n').filter((line) => line.includes('strange'));
        // Stock git leaves the others to ssh and to the resolver.
        if (url.startsWith('ssh:')) expect(said(bough.stderr)).toEqual(said(stock.stderr));
      }
    }
    expect(existsSync(box.path('pwned'))).toBe(false);
  });
});

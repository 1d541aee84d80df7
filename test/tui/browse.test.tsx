import { EventEmitter } from 'node:events';
import { render } from 'ink';
import { expect, test } from 'vitest';
import { Browse, type BrowseSource, visible } from '../../src/tui/browse.js';

/** A terminal that keeps what was drawn last, and keys that a test presses. */
function terminal() {
  const stdout = Object.assign(new EventEmitter(), {
    columns: 80,
    rows: 20,
    isTTY: true,
    drawn: '',
    write(text: string) {
      if (/[a-z]/.test(text)) stdout.drawn = text;
      return true;
    },
  });
  const keys: string[] = [];
  const stdin = Object.assign(new EventEmitter(), {
    isTTY: true,
    setEncoding() {},
    setRawMode() {},
    resume() {},
    pause() {},
    ref() {},
    unref() {},
    read: () => keys.shift() ?? null,
  });
  return {
    streams: { stdin: stdin as unknown as NodeJS.ReadStream, stdout: stdout as unknown as NodeJS.WriteStream },
    async press(key: string) {
      while (stdin.listenerCount('readable') === 0) await new Promise((done) => setTimeout(done, 5));
      keys.push(key);
      stdin.emit('readable');
    },
    async shows(pattern: RegExp) {
      for (let i = 0; i < 400 && !pattern.test(stdout.drawn); i++) await new Promise((done) => setTimeout(done, 5));
      expect(stdout.drawn).toMatch(pattern);
    },
  };
}

const source: BrowseSource = {
  branch: 'main',
  rows: async (path) =>
    path === ''
      ? [
          { name: 'colours', kind: 'tree' },
          { name: 'greeting', kind: 'value' },
        ]
      : [{ name: 'sky', kind: 'value' }],
  value: async (path) => (path === 'colours/sky' ? 'blue\u001b[2J\n' : 'hello\nworld\n'),
  history: async (path) => [{ commit: '1234567890', date: 'Thu Jan 1', author: 'Ada', subject: `set ${path}` }],
};

test('moves, opens, shows values and history, goes back, and leaves', async () => {
  const screen = terminal();
  const app = render(<Browse source={source} path="" />, { ...screen.streams, patchConsole: false, debug: true });
  const ended = app.waitUntilExit();
  await screen.shows(/colours\/[\s\S]*greeting/);
  await screen.press('j');
  await screen.shows(/hello\n[\s\S]*world/);
  await screen.press('k');
  await screen.shows(/^(?![\s\S]*hello)/);
  await screen.press('\r');
  await screen.shows(/main:colours[\s\S]*sky[\s\S]*blue\^\[\[2J/);
  await screen.press('h');
  await screen.shows(/1234567 Thu Jan 1 Ada: set colours\/sky/);
  await screen.press('\u001b[D');
  await screen.shows(/greeting/);
  await screen.press('q');
  await ended;
});

test('nothing in a value steers the terminal', () => {
  expect(visible('a\u001b]0;x\u0007\u009b1m\u202e\udc80\ud83d\ude00')).toBe(
    'a^[]0;x^G\ufffd1m\ufffd\ufffd\ud83d\ude00',
  );
});

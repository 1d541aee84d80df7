import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { decodeText } from '../../src/base/bytes.js';
import { nodeProcesses } from '../../src/platform/node/processes.js';

const env = { PATH: process.env['PATH'] };

test('arguments reach a program byte for byte', async () => {
  const words = ['plain', '', "it's $HOME %s \\101", 'f\xfcr', 'line\n\n', '-n'].map((text) =>
    decodeText(Uint8Array.from(text, (char) => char.charCodeAt(0))),
  );
  expect(words[3]).not.toBe('f\xfcr');
  const argv = ['printf', '%s\\0', ...words] as const;
  const sent = Buffer.from("plain\0\0it's $HOME %s \\101\0f\xfcr\0line\n\n\0-n\0", 'latin1');
  expect(Buffer.from(nodeProcesses.runSync(argv, { env }).stdout)).toEqual(sent);
  expect(Buffer.from((await nodeProcesses.run(argv, { env })).stdout)).toEqual(sent);
});

test('a program starts in a directory whose name is no UTF-8', () => {
  const parent = mkdtempSync(join(tmpdir(), 'bough-processes-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const odd = Buffer.concat([Buffer.from(`${parent}/f`), Uint8Array.of(0xfc)]);
  mkdirSync(odd);
  const ran = nodeProcesses.runSync(['sh', '-c', 'echo "$1" >here', 'sh', 'word'], { env, cwd: decodeText(odd) });
  expect(ran.code).toBe(0);
  expect(readFileSync(Buffer.concat([odd, Buffer.from('/here')]), 'utf8')).toBe('word\n');
});

test('a program that is not there is told as one', () => {
  const strange = decodeText(Uint8Array.of(0xfc));
  expect(nodeProcesses.runSync(['no-such-program-anywhere'], { env }).code).toBe(127);
  expect(nodeProcesses.runSync(['no-such-program-anywhere', strange], { env }).code).toBe(127);
});

import * as fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { decodeText } from '../base/bytes.js';
import { endingAtOnce } from './interrupt.js';

/** Asks at the terminal itself, whatever standard input and output are; `undefined` where there is no terminal. */
export function terminalPrompt(): ((question: string, secret: boolean) => Promise<string>) | undefined {
  let descriptor: number;
  try {
    descriptor = fs.openSync('/dev/tty', 'r+');
    fs.closeSync(descriptor);
  } catch {
    return undefined;
  }
  return async (question, secret) => {
    descriptor = fs.openSync('/dev/tty', 'r+');
    const echo = (on: boolean): void => {
      spawnSync('stty', [on ? 'echo' : '-echo'], { stdio: [descriptor, 'ignore', 'ignore'] });
    };
    try {
      fs.writeSync(descriptor, question);
      if (secret) echo(false);
      const bytes: number[] = [];
      const one = new Uint8Array(1);
      const read = (): number => endingAtOnce(() => fs.readSync(descriptor, one, 0, 1, null));
      while (read() === 1 && one[0] !== 10) bytes.push(one[0]!);
      if (secret) fs.writeSync(descriptor, '\n');
      return decodeText(Uint8Array.from(bytes));
    } finally {
      if (secret) echo(true);
      fs.closeSync(descriptor);
    }
  };
}

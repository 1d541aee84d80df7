import { decodeText } from '../base/bytes.js';
import { childProcess } from '../platform/node/builtins.js';
import type { CommandContext } from './command.js';
import { endingAtOnce } from './interrupt.js';

let warned = false;

/**
 * One key of the terminal, without waiting for a line: a character, or what a function key sends. `undefined` at the
 * end of the input; `unsupported` where standard input is no terminal that can do so.
 */
export function readKey(context: CommandContext, question: string): string | undefined | 'unsupported' {
  // The terminal is set first: what is typed as soon as the question is seen must not be shown by it.
  const settings = context.io.stdin.isTerminal ? stty(['-g']) : undefined;
  if (settings === undefined || stty(['-icanon', '-echo', 'min', '1', 'time', '0']) === undefined) {
    if (!warned) {
      context.warning('reading single keystrokes not supported on this platform; reading line instead');
      warned = true;
    }
    return 'unsupported';
  }
  try {
    const key = endingAtOnce(() => {
      context.print(question);
      context.io.stdout.flush();
      return context.io.stdin.readChunk();
    });
    return key === undefined || key[0] === 4 ? undefined : decodeText(key).replace(/[\r\n]+$/, '');
  } finally {
    stty([settings]);
  }
}

function stty(words: readonly string[]): string | undefined {
  const ran = childProcess().spawnSync('stty', words, { stdio: ['inherit', 'pipe', 'ignore'] });
  return ran.status === 0 ? ran.stdout.toString().trim() : undefined;
}

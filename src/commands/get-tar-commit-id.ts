import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isOid } from '../base/oid.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'get-tar-commit-id',
  summary: 'Extract commit ID from an archive created using git-archive',
  bareUsage: true,
  usage: ['get-tar-commit-id'],
  options: {},
  async *run(context, args): AsyncGenerator<{ readonly commit: string }, number | undefined> {
    if (args.rest.length > 0) throw new UsageError('');
    const head = context.io.stdin.read(1024);
    if (head.length < 1024) throw new GitError('USAGE', 'git get-tar-commit-id: EOF before reading tar header');
    // A global extended header ('g') whose first record is the comment.
    if (head[156] !== 0x67) return 1;
    const text = decodeText(head.subarray(512));
    const match = /^(\d+) comment=([0-9a-f]+)\n/.exec(text);
    if (match === null || !isOid(match[2]!) || Number(match[1]) !== match[0].length) return 1;
    yield { commit: match[2]! };
    return undefined;
  },
  render: ({ commit }) => `${commit}\n`,
});

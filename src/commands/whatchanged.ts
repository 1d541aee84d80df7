import { GitError } from '../base/errors.js';
import { defineCommand } from './command.js';
import { LogRun } from './log-run.js';
import type { LogResult } from './log-run.js';

const farewell = `'git whatchanged' is nominated for removal.

hint: You can replace 'git whatchanged <opts>' with:
hint:\tgit log <opts> --raw --no-merges
hint: Or make an alias:
hint:\tgit config set --global alias.whatchanged 'log --raw --no-merges'

If you still use this command, here's what you can do:

- read https://git-scm.com/docs/BreakingChanges.html
- check if anyone has discussed this on the mailing
  list and if they came up with something that can
  help you: https://lore.kernel.org/git/?q=git%20whatchanged
- send an email to <git@vger.kernel.org> to let us
  know that you still use this command and were unable
  to determine a suitable replacement

`;

export const command = defineCommand({
  name: 'whatchanged',
  summary: 'Show logs with differences each commit introduces',
  usage: ['log [<options>] [<revision-range>] [[--] <path>...]', 'show [<options>] <object>...'],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<LogResult, number> {
    if (!context.argv.includes('--i-still-use-this')) {
      context.printError(farewell);
      throw new GitError('UNSUPPORTED', 'refusing to run without --i-still-use-this');
    }
    return yield* new LogRun(context, 'whatchanged').run();
  },
  render: (result: LogResult) => result.text,
});

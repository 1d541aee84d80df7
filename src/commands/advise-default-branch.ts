import { readUserConfig } from '../repo/repository.js';
import type { CommandContext } from './command.js';

/** `advice.defaultBranchName`: how a first branch gets another name, told where nobody has chosen one. */
export function adviseDefaultBranch(context: CommandContext, name: string): void {
  const config = readUserConfig(context);
  const own = config.getBool('advice.defaultbranchname');
  if (own === false || context.env['GIT_ADVICE'] === '0') return;
  const text =
    `Using '${name}' as the name for the initial branch. This default branch name\n` +
    'will change to "main" in Git 3.0. To configure the initial branch name\n' +
    'to use in all of your new repositories, which will suppress this warning,\n' +
    'call:\n\n\tgit config --global init.defaultBranch <name>\n\n' +
    `Names commonly chosen instead of '${name}' are 'main', 'trunk' and\n` +
    "'development'. The just-created branch can be renamed via this command:\n\n\tgit branch -m <name>\n" +
    (own === true ? '' : '\nDisable this message with "git config set advice.defaultBranchName false"');
  context.hint(text.trimEnd());
}

import { decodeText } from '../base/bytes.js';
import { commentLines, commentPrefix, stripSpace } from '../porcelain/message.js';
import { readUserConfig } from '../repo/repository.js';
import { defineCommand } from './command.js';
import { GitError } from '../base/errors.js';

export const command = defineCommand({
  name: 'stripspace',
  summary: 'remove blank space that is not needed',
  usage: ['stripspace [-s | --strip-comments]', 'stripspace [-c | --comment-lines]'],
  options: {
    'strip-comments': {
      type: 'flag',
      short: 's',
      negatable: false,
      help: 'skip and remove all lines starting with comment character',
    },
    'comment-lines': {
      type: 'flag',
      short: 'c',
      negatable: false,
      help: 'prepend comment character and space to each line',
    },
  },
  async *run(context, { values }): AsyncGenerator<{ text: string }, void> {
    if (values['strip-comments'] === true && values['comment-lines'] === true) {
      throw new GitError('USAGE', "options '-c' and '-s' cannot be used together");
    }
    const text = decodeText(context.io.stdin.readAll());
    const wants = values['strip-comments'] === true || values['comment-lines'] === true;
    const config = context.maybeRepository()?.config ?? readUserConfig(context);
    const comment = wants ? commentPrefix(config, text) : '#';
    if (values['comment-lines'] === true) yield { text: commentLines(text, comment) };
    else yield { text: stripSpace(text, values['strip-comments'] === true ? comment : undefined) };
  },
  render: ({ text }) => text,
});

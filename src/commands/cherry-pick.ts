import { GitError } from '../base/errors.js';
import { defineCommand } from './command.js';
import { pickOptions, runPick } from './pick.js';

export const command = defineCommand({
  name: 'cherry-pick',
  summary: 'Apply the changes introduced by some existing commits',
  usage: [
    'cherry-pick [--edit] [-n] [-m <parent-number>] [-s] [-x] [--ff]\n                [-S[<keyid>]] <commit>...',
    'cherry-pick (--continue | --skip | --abort | --quit)',
  ],
  options: {
    ...pickOptions,
    x: { type: 'flag', short: 'x', shortOnly: true, help: 'append commit name' },
    ff: { type: 'flag', help: 'allow fast-forward' },
    'allow-empty': { type: 'flag', help: 'preserve initially empty commits' },
    'allow-empty-message': { type: 'flag', help: 'allow commits with empty messages' },
    'keep-redundant-commits': { type: 'flag', help: 'deprecated: use --empty=keep instead' },
    empty: {
      type: 'string',
      value: '(stop|drop|keep)',
      negatable: false,
      help: 'how to handle commits that become empty',
    },
  },
  parsing: { keepUnknown: true },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly code: number }, number> {
    const empty = values.empty ?? undefined;
    if (empty !== undefined && !['stop', 'drop', 'keep'].includes(empty)) {
      throw new GitError('USAGE', `invalid value for '--empty': '${empty}'`);
    }
    const keep = values['keep-redundant-commits'] === true || empty === 'keep';
    const code = await runPick(context, 'cherry-pick', values, rest, {
      recordOrigin: values.x === true,
      fastForward: values.ff === true,
      allowEmpty: values['allow-empty'] === true || values['keep-redundant-commits'] === true,
      allowEmptyMessage: values['allow-empty-message'] === true,
      redundant: keep ? 'keep' : empty === 'drop' ? 'drop' : 'stop',
    });
    yield { code };
    return code;
  },
  render: () => '',
});

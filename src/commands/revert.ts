import { defineCommand } from './command.js';
import { pickOptions, runPick } from './pick.js';

export const command = defineCommand({
  name: 'revert',
  summary: 'Revert some existing commits',
  usage: [
    'revert [--[no-]edit] [-n] [-m <parent-number>] [-s] [-S[<keyid>]] <commit>...',
    'revert (--continue | --skip | --abort | --quit)',
  ],
  options: {
    ...pickOptions,
    reference: { type: 'flag', help: "use the 'reference' format to refer to commits" },
  },
  parsing: { keepUnknown: true },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly code: number }, number> {
    const reference = values.reference ?? context.repository().config.getBool('revert.reference', false);
    const code = await runPick(context, 'revert', values, rest, { reference });
    yield { code };
    return code;
  },
  render: () => '',
});

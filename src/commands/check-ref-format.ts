import { GitError } from '../base/errors.js';
import { checkRefFormat, isValidBranchName, normalizeRefName } from '../refs/name.js';
import { priorCheckout } from '../repo/revision-branch.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'check-ref-format',
  summary: 'Ensures that a reference name is well formed',
  bareUsage: true,
  usage: ['check-ref-format [--normalize] [<options>] <refname>', 'check-ref-format --branch <branchname-shorthand>'],
  options: {},
  parsing: { none: true },
  async *run(context, args) {
    const words = args.rest;
    if (words.length === 1 && words[0] === '-h') throw new UsageError('', { help: true });
    if (words.length === 2 && words[0] === '--branch') {
      yield { name: await branchName(words[1]!) };
      return;
    }
    let normalize = false;
    let allowOneLevel = false;
    let refspecPattern = false;
    let i = 0;
    for (; i < words.length && words[i]!.startsWith('-'); i++) {
      const word = words[i];
      if (word === '--normalize' || word === '--print') normalize = true;
      else if (word === '--allow-onelevel') allowOneLevel = true;
      else if (word === '--no-allow-onelevel') allowOneLevel = false;
      else if (word === '--refspec-pattern') refspecPattern = true;
      else throw new UsageError('');
    }
    if (words.length !== i + 1) throw new UsageError('');
    const name = normalize ? normalizeRefName(words[i]!) : words[i]!;
    if (!checkRefFormat(name, { allowOneLevel, refspecPattern })) return 1;
    if (normalize) yield { name };
    return;

    async function branchName(text: string): Promise<string> {
      const match = /^@\{-(\d+)\}$/.exec(text);
      const repository = match === null ? undefined : context.maybeRepository();
      const name =
        match === null || repository === undefined
          ? text
          : ((await priorCheckout(repository, Number(match[1]))) ?? text);
      if (!isValidBranchName(name) && !(match !== null && name !== text)) {
        throw new GitError('REF_INVALID', `'${text}' is not a valid branch name`);
      }
      return name;
    }
  },
  render: (result: { readonly name: string }) => `${result.name}\n`,
});

import { systemMessage } from '../platform/system-message.js';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { GitError } from '../base/errors.js';
import type { InitResult } from '../repo/init.js';
import { initRepository } from '../repo/init.js';
import type { Sharing } from '../repo/shared.js';
import { parseSharing } from '../repo/shared.js';
import { adviseDefaultBranch } from './advise-default-branch.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Result extends InitResult {
  readonly quiet: boolean;
}

export const command = defineCommand({
  name: 'init',
  summary: 'make an empty repository, or complete one that is there',
  usage: [
    'init [-q | --quiet] [--bare] [--template=<template-directory>]\n' +
      '         [--separate-git-dir <git-dir>] [--object-format=<format>]\n' +
      '         [--ref-format=<format>]\n' +
      '         [-b <branch-name> | --initial-branch=<branch-name>]\n' +
      '         [--shared[=<permissions>]] [<directory>]',
  ],
  options: {
    template: { type: 'string', value: 'template-directory', help: 'directory from which templates will be used' },
    bare: { type: 'flag', help: 'create a bare repository' },
    shared: {
      type: 'optional',
      value: 'permissions',
      implied: 'group',
      negatable: false,
      help: 'specify that the git repository is to be shared amongst several users',
    },
    quiet: { type: 'flag', short: 'q', help: 'be quiet' },
    'separate-git-dir': { type: 'string', value: 'gitdir', help: 'separate git dir from working tree' },
    'initial-branch': { type: 'string', short: 'b', value: 'name', help: 'override the name of the initial branch' },
    'object-format': { type: 'string', value: 'hash', help: 'specify the hash algorithm to use' },
    'ref-format': { type: 'string', value: 'format', help: 'specify the reference format to use' },
  },
  async *run(context, { values, rest }): AsyncGenerator<Result, number | void> {
    if (rest.length > 1) throw new UsageError();
    const bare = values.bare === true || context.globals.bare === true;
    if (bare && values['separate-git-dir'] != null) {
      throw new GitError('USAGE', "options '--separate-git-dir' and '--bare' cannot be used together");
    }
    const shared = values.shared == null ? undefined : sharingOf(values.shared);
    // Paths of options count from here, also where the repository is made elsewhere.
    const separate =
      values['separate-git-dir'] == null ? undefined : path.resolve(context.cwd, values['separate-git-dir']);
    const template = fromHere(context, values.template ?? undefined);
    const cwd = rest.length === 1 ? makeAndEnter(context, rest[0]!) : context.cwd;
    let gitDir = context.env['GIT_DIR'];
    if (bare && (rest.length === 1 || gitDir === undefined)) gitDir = cwd;
    const workTree = context.env['GIT_WORK_TREE'];
    if ((gitDir === undefined || bare) && workTree !== undefined) {
      throw new GitError(
        'USAGE',
        'GIT_WORK_TREE (or --work-tree=<directory>) not allowed without specifying GIT_DIR (or --git-dir=<directory>)',
      );
    }
    const result = initRepository({
      platform: context.platform,
      env: context.env,
      cwd,
      ...(gitDir === undefined ? {} : { gitDir }),
      ...(workTree === undefined ? {} : { workTree: path.resolve(context.cwd, workTree) }),
      ...(bare ? { bare: true } : {}),
      ...(separate === undefined ? {} : { separateGitDir: separate }),
      ...(template === undefined ? {} : { template }),
      ...(values['object-format'] == null ? {} : { objectFormat: values['object-format'] }),
      ...(values['ref-format'] == null ? {} : { refFormat: values['ref-format'] }),
      ...(values['initial-branch'] == null ? {} : { initialBranch: values['initial-branch'] }),
      ...(shared === undefined ? {} : { shared }),
      warn: context.warning,
      adviseBranch: (name) => {
        if (values.quiet !== true) adviseDefaultBranch(context, name);
      },
    });
    yield { ...result, quiet: values.quiet === true };
  },
  render({ gitDir, reinitialized, shared, quiet }) {
    if (quiet) return '';
    const head = reinitialized ? 'Reinitialized existing' : 'Initialized empty';
    return `${head}${shared ? ' shared' : ''} Git repository in ${gitDir}${gitDir.endsWith('/') ? '' : '/'}\n`;
  },
});

function sharingOf(text: string): Sharing {
  return parseSharing(text, 'arg');
}

function fromHere(context: CommandContext, template: string | undefined): string | undefined {
  return template === undefined || template === '' ? template : path.resolve(context.cwd, template);
}

function makeAndEnter(context: CommandContext, directory: string): string {
  const target = path.resolve(context.cwd, directory);
  try {
    fs.mkdirSync(target, { recursive: true });
    process.chdir(target);
  } catch (error) {
    throw new GitError('USAGE', `cannot mkdir ${directory}: ${systemMessage(error)}`);
  }
  return process.cwd();
}

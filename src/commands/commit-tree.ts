import { systemMessage } from '../platform/system-message.js';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { writeCommit } from '../porcelain/commit.js';
import { commitSigner } from '../porcelain/signing.js';
import { resolveRevision } from '../repo/revision.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'commit-tree',
  summary: 'make a commit object of a tree',
  usage: [
    'commit-tree <tree> [(-p <parent>)...]',
    'commit-tree [(-p <parent>)...] [-S[<keyid>]] [(-m <message>)...]\n                [(-F <file>)...] <tree>',
  ],
  options: {
    p: { type: 'list', short: 'p', shortOnly: true, value: 'parent', help: 'id of a parent commit object' },
    m: { type: 'list', short: 'm', shortOnly: true, value: 'message', help: 'commit message' },
    F: { type: 'list', short: 'F', shortOnly: true, value: 'file', help: 'read commit log message from file' },
    'gpg-sign': { type: 'optional', short: 'S', value: 'key-id', implied: '', help: 'GPG sign commit' },
  },
  async *run(context, { values, events, rest }): AsyncGenerator<{ oid: Oid<'commit'> }, void> {
    if (context.argv.length < 1) throw new UsageError();
    const repository = context.repository();
    if (rest.length !== 1) throw new GitError('USAGE', 'must give exactly one tree');
    const tree = await resolveRevision(repository, rest[0]!, { hint: 'treeish' });
    if (tree === undefined) throw new GitError('REF_MISSING', `not a valid object name ${rest[0]}`);
    const parents: Oid<'commit'>[] = [];
    let message: string | undefined;
    for (const { key, value } of events) {
      if (key === 'p') {
        const oid = await resolveRevision(repository, value!, { hint: 'commit' });
        if (oid === undefined) throw new GitError('REF_MISSING', `not a valid object name ${value}`);
        const header = await repository.objects.readHeader(oid);
        if (header?.kind !== 'commit') {
          throw new GitError('USAGE', `${oid} is not a valid 'commit' object`);
        }
        if (parents.includes(oid as Oid<'commit'>)) context.error(`duplicate parent ${oid} ignored`);
        else parents.push(oid as Oid<'commit'>);
      } else if (key === 'm' || key === 'F') {
        const text = key === 'm' ? value! : readMessage(value!, context.cwd, () => context.io.stdin.readAll());
        const before = message === undefined || message === '' ? '' : `${message}\n`;
        message = before + (key === 'm' && !text.endsWith('\n') ? `${text}\n` : text);
      }
    }
    message ??= decodeText(context.io.stdin.readAll());
    const header = await repository.objects.readHeader(tree);
    if (header?.kind !== 'tree') throw new GitError('USAGE', `${tree} is not a valid 'tree' object`);
    const author = repository.identity('author');
    const committer = repository.identity('committer');
    // Configuration has no say here: plumbing signs where it is asked to.
    const sign = commitSigner(repository, values['gpg-sign'] ?? null);
    yield {
      oid: await writeCommit(repository, {
        tree: tree as Oid<'tree'>,
        parents,
        author,
        committer,
        message,
        sign,
        warn: (text) => context.printError(text),
      }),
    };
  },
  render: ({ oid }) => `${oid}\n`,
});

function readMessage(file: string, cwd: string, stdin: () => Uint8Array): string {
  if (file === '-') return decodeText(stdin());
  try {
    return decodeText(fs.readFileSync(path.resolve(cwd, file)));
  } catch (error) {
    throw new GitError('PATH_MISSING', `git commit-tree: failed to open '${file}': ${systemMessage(error)}`);
  }
}

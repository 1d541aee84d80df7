import { systemMessage } from '../platform/system-message.js';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isOid } from '../base/oid.js';
import type { DescribedHead } from '../porcelain/merge-message.js';
import { mergeMessage } from '../porcelain/merge-message.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'fmt-merge-msg',
  summary: 'Produce a merge commit message',
  usage: ['fmt-merge-msg [-m <message>] [--log[=<n>] | --no-log] [--file <file>]'],
  options: {
    log: {
      type: 'optional',
      value: 'n',
      implied: '20',
      help: 'populate log with at most <n> entries from shortlog',
    },
    summary: { type: 'optional', value: 'n', implied: '20', hidden: true },
    message: { type: 'string', short: 'm', value: 'text', help: 'use <text> as start of message' },
    'into-name': { type: 'string', value: 'name', help: 'use <name> instead of the real target branch' },
    file: { type: 'string', short: 'F', value: 'file', help: 'file to read from' },
  },
  async *run(context, { values, rest }): AsyncGenerator<{ readonly message: string }, void> {
    if (rest.length > 0) throw new UsageError();
    const repository = context.repository();
    const { config } = repository;
    const given = values.log === undefined ? values.summary : values.log;
    const configured = config.has('merge.log')
      ? config.getBoolOrInt('merge.log')
      : config.getBoolOrInt('merge.summary');
    let log = configured === true ? 20 : typeof configured === 'number' ? Math.max(0, configured) : 0;
    if (given === null) log = 0;
    else if (given !== undefined) log = Number.parseInt(given, 10) || 0;
    const message = values.message ?? undefined;
    if (message !== undefined && log === 0) {
      yield { message: message.endsWith('\n') ? message : `${message}\n` };
      return;
    }
    let text: string;
    if (values.file == null || values.file === '-') text = decodeText(context.io.stdin.readAll());
    else {
      try {
        text = decodeText(readFileSync(resolve(context.cwd, values.file)));
      } catch (error) {
        throw new GitError('PATH_MISSING', `cannot open '${values.file}': ${systemMessage(error)}`);
      }
    }
    const heads: DescribedHead[] = [];
    text.split('\n').forEach((line, i) => {
      if (line === '') return;
      const [oid = '', mark, ...description] = line.split('\t');
      if (!isOid(oid) || mark === undefined) throw new GitError('USAGE', `error in line ${i + 1}: ${line}`);
      if (mark === '') heads.push({ oid, description: description.join('\t') });
    });
    const made = await mergeMessage(repository, heads, {
      title: message === undefined,
      log,
      into: values['into-name'] ?? undefined,
      credit: true,
    });
    const start = message === undefined ? '' : `${message.replace(/\n$/, '')}\n`;
    yield { message: start + made };
  },
  render: ({ message }) => message,
});

import { systemMessage } from '../platform/system-message.js';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { commentPrefix } from '../porcelain/message.js';
import type { TrailerPolicy, TrailerRequest } from '../porcelain/trailer-apply.js';
import { interpretTrailers, parseIfExists, parseIfMissing, parseWhere } from '../porcelain/trailer-apply.js';
import { readUserConfig } from '../repo/repository.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'interpret-trailers',
  summary: 'add or read trailer lines of a message',
  usage: [
    'interpret-trailers [--in-place] [--trim-empty]\n' +
      '                       [(--trailer (<key>|<key-alias>)[(=|:)<value>])...]\n' +
      '                       [--parse] [<file>...]',
  ],
  options: {
    'in-place': { type: 'flag', help: 'edit files in place' },
    'trim-empty': { type: 'flag', help: 'trim empty trailers' },
    where: { type: 'string', value: 'placement', help: 'where to place the new trailer' },
    'if-exists': { type: 'string', value: 'action', help: 'action if trailer already exists' },
    'if-missing': { type: 'string', value: 'action', help: 'action if trailer is missing' },
    'only-trailers': { type: 'flag', help: 'output only the trailers' },
    'only-input': { type: 'flag', help: 'do not apply trailer.<key-alias> configuration variables' },
    unfold: { type: 'flag', help: 'reformat multiline trailer values as single-line values' },
    parse: { type: 'flag', negatable: false, help: 'alias for --only-trailers --only-input --unfold' },
    'no-divider': { type: 'flag', help: 'do not treat "---" as the end of input' },
    trailer: { type: 'list', value: 'trailer', help: 'trailer(s) to add' },
  },
  async *run(context, { values, events, rest }): AsyncGenerator<{ text: string }, number> {
    let policy: TrailerPolicy = {};
    let requests: TrailerRequest[] = [];
    const known = <T>(value: T | undefined): T => {
      if (value === undefined) throw new UsageError('', { quiet: true });
      return value;
    };
    for (const { key, value, negated } of events) {
      if (key === 'where') policy = { ...policy, where: negated ? undefined : known(parseWhere(value!)) };
      else if (key === 'if-exists')
        policy = { ...policy, ifExists: negated ? undefined : known(parseIfExists(value!)) };
      else if (key === 'if-missing')
        policy = { ...policy, ifMissing: negated ? undefined : known(parseIfMissing(value!)) };
      else if (key === 'trailer') {
        if (negated) requests = [];
        else requests.push({ text: value!, ...policy });
      }
    }
    const parse = values.parse === true;
    const onlyInput = values['only-input'] ?? parse;
    if (onlyInput && requests.length > 0) throw new UsageError('--trailer with --only-input does not make sense');
    const inPlace = values['in-place'] === true;
    if (inPlace && rest.length === 0) throw new GitError('USAGE', 'no input file given for in-place editing');
    const repository = context.maybeRepository();
    const config = repository?.config ?? readUserConfig(context);
    const settle = (text: string): string =>
      interpretTrailers(text === '' || text.endsWith('\n') ? text : `${text}\n`, {
        config,
        platform: context.platform,
        env: context.env,
        cwd: context.cwd,
        comment: commentPrefix(config),
        requests,
        trimEmpty: values['trim-empty'] === true,
        onlyTrailers: values['only-trailers'] ?? parse,
        onlyInput,
        unfold: values.unfold ?? parse,
        noDivider: values['no-divider'] === true,
        warn: context.warning,
        error: context.error,
      });
    if (rest.length === 0) {
      yield { text: settle(decodeText(context.io.stdin.readAll())) };
      return 0;
    }
    for (const file of rest) {
      const path = resolve(context.cwd, file);
      let data: Uint8Array;
      try {
        data = readFileSync(path);
      } catch (error) {
        throw new GitError('USAGE', `could not read input file '${file}': ${systemMessage(error)}`);
      }
      const text = settle(decodeText(data));
      if (!inPlace) yield { text };
      else {
        const stat = context.platform.fs.stat(path);
        if (stat?.kind !== 'file') throw new GitError('USAGE', `file ${file} is not a regular file`);
        if ((stat.mode & 0o200) === 0) throw new GitError('USAGE', `file ${file} is not writable by user`);
        const temporary = `${path}.${context.platform.pid}.tmp`;
        context.platform.fs.writeFile(temporary, encodeText(text), stat.mode & 0o777);
        context.platform.fs.rename(temporary, path);
      }
    }
    return 0;
  },
  render: ({ text }) => text,
});

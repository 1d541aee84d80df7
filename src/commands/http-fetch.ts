import { GitError } from '../base/errors.js';
import { isOid, type Oid } from '../base/oid.js';
import { DumbWalk } from '../transport/dumb-walk.js';
import { HttpSession } from '../transport/http-session.js';
import { storeIncoming } from '../transport/incoming.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';
import { transportContext } from './transport-context.js';

const usage = 'http-fetch [-c] [-t] [-a] [-v] [--recover] [-w ref] [--stdin | --packfile=hash | commit-id] url';

export const command = defineCommand({
  name: 'http-fetch',
  summary: 'Download from a repository that is files on a web server',
  usage: [usage],
  options: {
    all: { type: 'flag', short: 'a', shortOnly: true, help: 'taken, without effect' },
    commits: { type: 'flag', short: 'c', shortOnly: true, help: 'taken, without effect' },
    trees: { type: 'flag', short: 't', shortOnly: true, help: 'taken, without effect' },
    delta: { type: 'flag', short: 'd', shortOnly: true, help: 'taken, without effect' },
    verbose: { type: 'flag', short: 'v', shortOnly: true, help: 'report what is downloaded' },
    write: { type: 'string', short: 'w', shortOnly: true, value: 'ref', help: 'write the commit to this ref' },
    recover: { type: 'flag', negatable: false, help: 'verify that all that is reached is fetched' },
    stdin: { type: 'flag', negatable: false, help: 'read commits and refs from standard input' },
    packfile: { type: 'string', value: 'hash', negatable: false, help: 'fetch the pack at the URL' },
    'index-pack-arg': { type: 'list', value: 'arg', negatable: false, help: 'how the pack is taken in' },
  },
  async *run(context, { values, rest }): AsyncGenerator<{ text: string }, number> {
    const isPack = values.packfile != null;
    const words = [...rest];
    const first = values.stdin === true || isPack ? undefined : words.shift();
    const [url] = words;
    if (context.maybeRepository() === undefined) throw new GitError('NOT_A_REPOSITORY', 'not a git repository');
    if (url === undefined || words.length > 1 || (values.stdin !== true && !isPack && first === undefined)) {
      throw new UsageError('');
    }
    const repository = context.repository();
    const surroundings = transportContext(context, repository.config, 'http-fetch');
    const session = new HttpSession(surroundings, url);
    if (isPack) {
      const args = values['index-pack-arg'];
      if (args === undefined) throw new GitError('USAGE', 'the option --packfile requires --index-pack-args');
      const { response } = await session.ask({ method: 'GET', url, headers: [['accept', '*/*']], first: true });
      if (response.status !== 200) {
        response.cancel();
        throw new GitError(
          'TRANSPORT',
          `unable to get pack file ${url}\nThe requested URL returned error: ${response.status}`,
        );
      }
      const keep = args.includes('--keep') ? '' : undefined;
      const incoming = await storeIncoming(repository, response.body, { unpackLimit: 0, keep, signal: context.signal });
      yield { text: `${keep === undefined ? 'pack' : 'keep'}\t${incoming.checksum}\n` };
      return 0;
    }
    const wanted: { readonly oid: Oid; readonly ref: string | undefined }[] = [];
    const add = (text: string, ref: string | undefined): void => {
      if (!isOid(text))
        throw new GitError('USAGE', `Could not interpret response from server '${text}' as something to pull`);
      wanted.push({ oid: text, ref });
    };
    if (values.stdin === true) {
      for (const line of context.io.stdin.lines()) {
        const [oid, ref] = line.split('\t');
        add(oid!, ref);
      }
    } else add(first!, values.write ?? undefined);
    const walk = new DumbWalk(repository, surroundings, session, url.replace(/\/+$/, ''));
    await walk.fetch(wanted.map(({ oid }) => oid));
    for (const { oid, ref } of wanted) {
      if (values.verbose === true) context.printError(`got ${oid}\n`);
      if (ref === undefined) continue;
      const result = await repository.refs.update([{ name: `refs/${ref}`, to: oid, reason: `fetch from ${url}` }]);
      if (!result.ok) throw new GitError('REF_CHANGED', result.message);
    }
    return 0;
  },
  render: renderText,
});

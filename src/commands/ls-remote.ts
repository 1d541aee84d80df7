import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { wildmatch } from '../base/wildmatch.js';
import { currentBranch } from '../porcelain/fetch.js';
import { connect, remoteRefs } from '../transport/connect.js';
import { farewell } from '../transport/fetch-pack.js';
import { protocolVersion, Remotes, checkUrlCredentials } from '../transport/remote-config.js';
import { defineCommand } from './command.js';
import { transportConfig, transportContext, transportDirectory } from './transport-context.js';

interface Result {
  readonly oid?: string;
  readonly name: string;
  readonly symbolicTarget?: string;
  readonly url?: string;
}

export const command = defineCommand({
  name: 'ls-remote',
  summary: 'List the refs of another repository',
  usage: [
    'ls-remote [--branches] [--tags] [--refs] [--upload-pack=<exec>]\n' +
      '              [-q | --quiet] [--exit-code] [--get-url] [--sort=<key>]\n' +
      '              [--symref] [<repository> [<patterns>...]]',
  ],
  options: {
    quiet: { type: 'flag', short: 'q', help: 'do not print remote URL' },
    'upload-pack': {
      type: 'string',
      value: 'exec',
      aliases: ['exec'],
      help: 'path of git-upload-pack on the remote host',
    },
    tags: { type: 'flag', short: 't', help: 'limit to tags' },
    branches: { type: 'flag', short: 'b', help: 'limit to branches' },
    heads: { type: 'flag', short: 'h', hidden: true, help: 'deprecated synonym for --branches' },
    refs: { type: 'flag', help: 'do not show peeled tags' },
    'get-url': { type: 'flag', help: 'take url.<base>.insteadOf into account' },
    sort: { type: 'list', value: 'key', help: 'field name to sort on' },
    'exit-code': { rarelyMeant: true, type: 'flag', help: 'exit with exit code 2 if no matching refs are found' },
    symref: { type: 'flag', help: 'show underlying ref in addition to the object pointed by it' },
    'server-option': { type: 'list', short: 'o', value: 'server-specific', help: 'option to transmit' },
  },
  parsing: { noHelp: false },
  async *run(context, { values, rest }): AsyncGenerator<Result, number> {
    const repository = context.maybeRepository();
    const config = transportConfig(context);
    const remotes = new Remotes(config, repository);
    const [name, ...patterns] = rest;
    const branch = repository === undefined ? undefined : await currentBranch(repository);
    const remote = remotes.get(name ?? remotes.defaultName(branch));
    if (name === '') throw new GitError('USAGE', "bad repository ''");
    if (name === undefined && !remote.configured) {
      throw new GitError('USAGE', 'No remote configured to list refs from.');
    }
    const url = remote.urls[0];
    if (url === undefined) throw new GitError('USAGE', `remote ${remote.name} has no configured URL`);
    checkUrlCredentials(remotes.config, remote.urls, (message) => context.warning(message));
    if (values['get-url'] === true) {
      yield { name: url, url };
      return 0;
    }
    const branches = values.branches === true || values.heads === true;
    const prefixes = [...(branches ? ['refs/heads/'] : []), ...(values.tags === true ? ['refs/tags/'] : [])];
    const surroundings = {
      ...transportContext(context, config, 'ls-remote'),
      cwd: transportDirectory(context, repository),
    };
    const connection = await connect('upload-pack', url, surroundings, {
      program: values['upload-pack'] ?? remote.uploadPack,
      version: protocolVersion(config, context.env),
    });
    const { refs } = await remoteRefs(connection, surroundings.agent, {
      prefixes,
      serverOptions: values['server-option'] ?? remote.serverOptions,
    });
    if (!connection.stateless) await connection.send(farewell).catch(() => {});
    await connection.close().catch(() => {});
    if (name === undefined && values.quiet !== true) context.printError(`From ${url}\n`);
    const wanted = (ref: string): boolean => {
      if ((branches || values.tags === true) && !prefixes.some((prefix) => ref.startsWith(prefix))) return false;
      return patterns.length === 0 || patterns.some((pattern) => wildmatch(`*/${pattern}`, `/${ref}`));
    };
    const shown: Result[] = [];
    for (const ref of refs) {
      if (wanted(ref.name)) {
        shown.push({
          oid: ref.oid,
          name: ref.name,
          ...(values.symref === true && ref.symbolicTarget !== undefined ? { symbolicTarget: ref.symbolicTarget } : {}),
        });
      }
      const peeled = `${ref.name}^{}`;
      if (ref.peeled !== undefined && values.refs !== true && wanted(peeled))
        shown.push({ oid: ref.peeled, name: peeled });
    }
    const final = values.refs === true ? shown.filter(({ name: ref }) => ref.startsWith('refs/')) : shown;
    sortRefs(final, values.sort ?? []);
    yield* final;
    return values['exit-code'] === true && final.length === 0 ? 2 : 0;
  },
  render(result: Result) {
    if (result.url !== undefined) return `${result.url}\n`;
    const line = `${result.oid}\t${result.name}\n`;
    return result.symbolicTarget === undefined ? line : `ref: ${result.symbolicTarget}\t${result.name}\n${line}`;
  },
});

/** Keys as for-each-ref has them, as far as a list of names and ids goes. The last key given counts first. */
function sortRefs(refs: Result[], keys: readonly string[]): void {
  for (const given of keys) {
    const descending = given.startsWith('-');
    const key = descending ? given.slice(1) : given;
    let compare: (a: Result, b: Result) => number;
    if (key === 'refname') compare = (a, b) => compareText(a.name, b.name);
    else if (key === 'objectname') compare = (a, b) => compareText(a.oid ?? '', b.oid ?? '');
    else if (/^(?:version|v):refname$/.test(key)) compare = (a, b) => compareVersions(a.name, b.name);
    else throw new GitError('USAGE', `unknown field name: ${key}`);
    refs.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  }
}

/** Numbers in names count as numbers. */
function compareVersions(a: string, b: string): number {
  const parts = (text: string) => text.match(/\d+|\D+/g) ?? [];
  const left = parts(a);
  const right = parts(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i]!;
    const y = right[i]!;
    if (x === y) continue;
    if (/^\d/.test(x) && /^\d/.test(y)) {
      const difference = Number(x) - Number(y);
      if (difference !== 0) return difference;
    }
    return compareText(x, y);
  }
  return left.length - right.length;
}

import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isOid } from '../base/oid.js';
import { fetchObjects } from '../transport/fetch-objects.js';
import { approxidate } from '../repo/dates.js';
import { connect, remoteRefs } from '../transport/connect.js';
import { farewell } from '../transport/fetch-pack.js';
import { protocolVersion } from '../transport/remote-config.js';
import { parseRemoteUrl } from '../transport/url.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';
import { receivingProgress, RemoteSpeech, transportContext } from './transport-context.js';

/** How a URL is understood, for tests and the curious. */
function diagnose(url: string): string {
  const address = parseRemoteUrl(url);
  const lines = [`url=${url}`];
  if (address.kind === 'local') lines.push('protocol=file', 'hostandport=', `path=${address.path}`);
  else if (address.kind === 'ssh') {
    lines.push('protocol=ssh', `userandhost=${address.host}`, `port=${address.port ?? 'NONE'}`, `path=${address.path}`);
  } else if (address.kind === 'git') {
    const authority = /^[^:]+:\/\/([^/]*)/.exec(url)?.[1] ?? address.host;
    lines.push('protocol=git', `hostandport=${authority}`, `path=${address.path}`);
  } else lines.push(`protocol=${address.kind}`, 'path=');
  return lines.map((line) => `Diag: ${line}\n`).join('');
}

export const command = defineCommand({
  name: 'fetch-pack',
  summary: 'Receive missing objects from another repository',
  bareUsage: true,
  usage: [
    'fetch-pack [--all] [--stdin] [--quiet | -q] [--keep | -k] [--thin] [--include-tag] ' +
      '[--upload-pack=<git-upload-pack>] [--depth=<n>] [--no-progress] [--diag-url] [-v] ' +
      '[<host>:]<directory> [<refs>...]',
  ],
  options: {
    all: { type: 'flag', negatable: false },
    quiet: { type: 'count', short: 'q' },
    keep: { type: 'count', short: 'k' },
    thin: { type: 'flag' },
    'include-tag': { type: 'flag' },
    'upload-pack': { type: 'string', value: 'git-upload-pack', aliases: ['exec'] },
    depth: { type: 'string', value: 'n' },
    'shallow-since': { type: 'string', value: 'date' },
    'shallow-exclude': { type: 'list', value: 'ref' },
    'deepen-relative': { type: 'flag' },
    'no-progress': { type: 'flag' },
    'diag-url': { type: 'flag' },
    verbose: { type: 'count', short: 'v' },
    'stateless-rpc': { type: 'flag' },
    'check-self-contained-and-connected': { type: 'flag' },
    'lock-pack': { type: 'flag' },
    cloning: { type: 'flag' },
    'update-shallow': { type: 'flag' },
    stdin: { type: 'flag' },
    filter: { type: 'string', value: 'spec' },
    refetch: { type: 'flag' },
  },
  async *run(context, { values, rest }): AsyncGenerator<{ text: string }, number> {
    const [url, ...names] = rest;
    if (url === undefined) throw new UsageError();
    if (values['diag-url'] === true) {
      yield { text: diagnose(url) };
      return 0;
    }
    const repository = context.repository();
    if (values.stdin === true) for (const line of context.io.stdin.lines()) names.push(line);
    const surroundings = transportContext(context, repository.config, 'fetch-pack');
    const connection = await connect('upload-pack', url, surroundings, {
      program: values['upload-pack'] ?? undefined,
      version: protocolVersion(repository.config, context.env),
    });
    const { refs } = await remoteRefs(connection, surroundings.agent, { prefixes: [], serverOptions: [] });
    const wanted: { oid: Oid; name: string }[] = [];
    let code = 0;
    if (values.all === true) {
      for (const ref of refs) wanted.push({ oid: ref.oid, name: ref.name });
    } else {
      for (const name of new Set(names)) {
        const ref = refs.find((candidate) => candidate.name === name);
        const [first, second] = name.split(' ');
        if (ref !== undefined) wanted.push({ oid: ref.oid, name });
        else if (isOid(first!)) wanted.push({ oid: first, name: second ?? first });
        else {
          context.error(`no such remote ref ${name}`);
          code = 1;
        }
      }
    }
    if (wanted.length === 0) {
      await connection.send(farewell).catch(() => {});
      await connection.close();
      if (names.length === 0 && values.all !== true) throw new GitError('USAGE', 'no matching remote head');
      return 1;
    }
    const speech = new RemoteSpeech(context, repository.config, url);
    const depth = values.depth == null ? 0 : Number(values.depth);
    const since = values['shallow-since'];
    const result = await fetchObjects(repository, {
      connection,
      wants: [...new Set(wanted.map((ref) => ref.oid))],
      remoteRefs: refs,
      depth,
      relative: values['deepen-relative'] === true,
      since: since == null ? undefined : String(approxidate(since, repository.clock).seconds),
      not: values['shallow-exclude'] ?? [],
      filter: values.filter ?? undefined,
      includeTag: values['include-tag'] === true,
      agent: surroundings.agent,
      serverOptions: [],
      progress: (values.quiet ?? 0) > 0 ? undefined : speech.hear,
      receiving:
        (values.quiet ?? 0) > 0 || values['no-progress'] === true || !context.io.stderr.isTerminal
          ? undefined
          : receivingProgress(context),
      keep: (values.keep ?? 0) > 0,
      clone: values.cloning === true,
      complain: (text) => context.printError(text),
      refetch: values.refetch,
      updateShallow: values['update-shallow'],
      signal: context.signal,
    });
    speech.finish();
    await connection.close().catch(() => {});
    const kept = result.incoming;
    if (kept?.pack !== undefined && ((values.keep ?? 0) > 0 || values['lock-pack'] === true))
      yield { text: `keep\t${kept.checksum}\n` };
    for (const { oid, name } of wanted) yield { text: `${oid} ${name}\n` };
    return code;
  },
  render: renderText,
});

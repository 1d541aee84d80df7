import { GitError } from '../base/errors.js';
import { resolvePath } from '../repo/paths.js';
import { allowSettings, checkProtocolAllowed } from './allowed.js';
import { parseListedRef, type Advertisement, type RemoteRef } from './advertisement.js';
import { connectGit } from './connect-git.js';
import { connectLocal } from './connect-local.js';
import { connectSsh } from './connect-ssh.js';
import type { ConnectOptions, Connection, Service, TransportContext } from './connection.js';
import { listRefs, noServerOptions } from './fetch-pack.js';
import { packetText } from './pkt-line.js';
import { parseRemoteUrl } from './url.js';

/** Connects to the repository at a URL and reads the server's first words. The URL is rewritten already. */
export async function connect(
  service: Service,
  url: string,
  context: TransportContext,
  options: ConnectOptions,
): Promise<Connection> {
  const address = parseRemoteUrl(url);
  if (service === 'upload-pack' && address.kind === 'local' && !url.includes('://')) {
    const path = resolvePath(context.cwd, address.path);
    const { fs } = context.platform;
    // Mostly it is a folder, and what reads bundles is not loaded.
    if (fs.stat(path)?.kind === 'file') {
      const { isBundleFile } = await import('./bundle.js');
      const { connectBundle } = await import('./connect-bundle.js');
      if (isBundleFile(fs, path)) return connectBundle(fs, path, address.path);
    }
  }
  const allow = (name: string) => checkProtocolAllowed(name, allowSettings(context, true));
  // Pushing has no version 2.
  const asked: ConnectOptions =
    service === 'receive-pack' && options.version === 2 ? { ...options, version: 0 } : options;
  switch (address.kind) {
    case 'local':
      allow('file');
      return connectLocal(service, address.path, context, asked);
    case 'git':
      allow('git');
      return connectGit(service, address.host, address.port, address.path, context, asked);
    case 'ssh':
      allow('ssh');
      return connectSsh(service, address.host, address.port, address.path, context, asked);
    case 'http': {
      allow(address.scheme);
      const { connectHttp } = await import('./connect-http.js');
      return connectHttp(service, address.url, context, asked);
    }
    case 'helper':
      allow(address.name);
      if (address.name === 'ext') {
        const { connectExt } = await import('./connect-ext.js');
        return connectExt(service, address.address, context);
      }
      throw new GitError('UNSUPPORTED', `Unable to find remote helper for '${address.name}'`);
  }
}

/** Which refs to ask a v2 server for. */
export interface RefQuery {
  readonly prefixes: readonly string[];
  readonly serverOptions: readonly string[];
}

/** The server's refs, whichever version it speaks; with `unbornHead` where it told of one. */
export async function remoteRefs(
  connection: Connection,
  agent: string,
  query: RefQuery,
): Promise<{ readonly refs: readonly RemoteRef[]; readonly unbornHead: string | undefined }> {
  const { advertisement } = connection;
  if (advertisement.version !== 2) {
    if (query.serverOptions.length > 0) throw noServerOptions();
    return { refs: advertisement.refs, unbornHead: unbornOf(advertisement) };
  }
  const reader = await listRefs(connection, { ...query, agent });
  const refs: RemoteRef[] = [];
  let unbornHead: string | undefined;
  for (;;) {
    const packet = await reader.read();
    if (packet === 'flush') break;
    if (typeof packet === 'string') throw new GitError('PROTOCOL', 'expected flush after ref listing');
    const listed = parseListedRef(packetText(packet));
    if (listed.oid === undefined) {
      if (listed.name === 'HEAD') unbornHead = listed.symbolicTarget;
    } else refs.push({ ...listed, oid: listed.oid });
  }
  return { refs, unbornHead };
}

/** v0 servers tell the target of an unborn HEAD among the capabilities, where they do. */
function unbornOf(advertisement: Advertisement): string | undefined {
  if (advertisement.refs.some((ref) => ref.name === 'HEAD')) return undefined;
  for (const value of advertisement.capabilities.all('symref')) if (value.startsWith('HEAD:')) return value.slice(5);
  return undefined;
}

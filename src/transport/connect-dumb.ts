import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { HashAlgorithm, Oid } from '../base/oid.js';
import type { RemoteRef } from './advertisement.js';
import { Capabilities } from './capabilities.js';
import type { Connection, TransportContext } from './connection.js';
import { readBody } from './http-body.js';
import type { HttpSession } from './http-session.js';

/** As much of HEAD as is looked at. */
const LONGEST_HEAD = 4096;

/**
 * A web server that gives out the files of a repository and knows nothing of git: `info/refs` says what there is.
 * `undefined` where that file is none. `git update-server-info` makes it.
 */
export async function connectDumb(
  session: HttpSession,
  root: string,
  listing: Bytes,
  context: TransportContext,
): Promise<Connection | undefined> {
  const refs: RemoteRef[] = [];
  let algorithm: HashAlgorithm = 'sha1';
  for (const line of decodeText(listing).split('\n')) {
    if (line === '') continue;
    const match = /^([0-9a-f]{40}|[0-9a-f]{64})\t(\S.*)$/.exec(line);
    if (match === null) return undefined;
    const [, oid, name] = match as unknown as [string, Oid, string];
    algorithm = oid.length === 64 ? 'sha256' : 'sha1';
    const last = refs[refs.length - 1];
    if (name.endsWith('^{}')) {
      if (last?.name === name.slice(0, -3)) refs[refs.length - 1] = { ...last, peeled: oid };
    } else refs.push({ name, oid });
  }
  const head = await readHead(session, root);
  if (head !== undefined) {
    const target = /^ref: *(\S+)/.exec(head)?.[1];
    const found = target === undefined ? undefined : refs.find(({ name }) => name === target);
    if (found !== undefined) refs.unshift({ name: 'HEAD', oid: found.oid, symbolicTarget: target });
    else if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})\s*$/.test(head)) refs.unshift({ name: 'HEAD', oid: head.trim() as Oid });
  }
  const capabilities = new Capabilities();
  capabilities.add(`object-format=${algorithm}`);
  return {
    advertisement: { version: 0, capabilities, algorithm, refs, shallow: [], haves: [] },
    stateless: true,
    walker: async (repository, wants) => {
      const { DumbWalk } = await import('./dumb-walk.js');
      await new DumbWalk(repository, context, session, root).fetch(wants);
    },
    send: async () => {},
    reply: () => Promise.reject(new GitError('BUG', 'a file answers nothing')),
    close: async () => 0,
  };
}

async function readHead(session: HttpSession, root: string): Promise<string | undefined> {
  const { response } = await session.ask({ method: 'GET', url: `${root}/HEAD`, headers: [['accept', '*/*']] });
  if (response.status !== 200) {
    response.cancel();
    return undefined;
  }
  return decodeText((await readBody(response.body, LONGEST_HEAD)).bytes);
}

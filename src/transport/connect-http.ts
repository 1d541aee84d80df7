import { GitError } from '../base/errors.js';
import type { ConnectOptions, Connection, Service, TransportContext } from './connection.js';

export async function connectHttp(
  _service: Service,
  url: string,
  _context: TransportContext,
  _options: ConnectOptions,
): Promise<Connection> {
  throw new GitError('UNSUPPORTED', `http is not there yet: ${url}`);
}

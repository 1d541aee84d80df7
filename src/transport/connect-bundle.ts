import { GitError } from '../base/errors.js';
import type { FileSystem } from '../platform/fs.js';
import { openBundle } from './bundle.js';
import { Capabilities } from './capabilities.js';
import type { Connection } from './connection.js';

/** A bundle file in the place of a server: its references are what is offered, its pack all there is to have. */
export async function connectBundle(fs: FileSystem, path: string, name: string): Promise<Connection> {
  const bundle = await openBundle(fs, path, name);
  const { algorithm, references } = bundle.header;
  const capabilities = new Capabilities();
  capabilities.add(`object-format=${algorithm}`);
  return {
    advertisement: {
      version: 0,
      capabilities,
      algorithm,
      // The last named comes first, as git lists them.
      refs: [...references].reverse(),
      shallow: [],
      haves: [],
    },
    stateless: true,
    bundle,
    send: async () => {},
    reply: () => Promise.reject(new GitError('BUG', 'a bundle answers nothing')),
    close: async () => {
      bundle.close();
      return 0;
    },
  };
}

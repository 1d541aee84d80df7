import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

/** One client on standard input and output, as inetd starts a server. */
export async function serveStandardStreams(serve: (socket: Socket) => Promise<void>): Promise<void> {
  const duplex = Duplex.from({ readable: process.stdin, writable: process.stdout }) as unknown as Socket;
  Object.assign(duplex, {
    remoteAddress: process.env['REMOTE_ADDR'],
    remotePort: Number(process.env['REMOTE_PORT'] ?? 0),
    destroySoon: () => duplex.end(),
  });
  await serve(duplex);
}

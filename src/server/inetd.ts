import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

/** One client on standard input and output, as inetd starts a server; `env` says who it is (`REMOTE_ADDR`, `REMOTE_PORT`). */
export async function serveStandardStreams(
  env: Readonly<Record<string, string | undefined>>,
  serve: (socket: Socket) => Promise<void>,
): Promise<void> {
  const duplex = Duplex.from({ readable: process.stdin, writable: process.stdout }) as unknown as Socket;
  Object.assign(duplex, {
    remoteAddress: env['REMOTE_ADDR'],
    remotePort: Number(env['REMOTE_PORT'] ?? 0),
    destroySoon: () => duplex.end(),
  });
  await serve(duplex);
}

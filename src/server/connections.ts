import type { Server, Socket } from 'node:net';

export interface ConnectionLimits {
  /** At once, over all peers; 0: any number. */
  readonly total: number;
  /** At once, from one address; 0: any number. */
  readonly perAddress: number;
  /** A peer that neither sends nor takes anything for so long is dropped; 0: never. */
  readonly idleMilliseconds: number;
}

/** Keeps count of a server's connections, turns away what is too much and drops what has gone quiet. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #sockets = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();
  readonly #due = new WeakMap<Socket, () => boolean>();
  /** How many were turned away. */
  refused = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Watches a server. */
  attach(server: Server): void {
    server.on('connection', (socket) => {
      if (!this.admit(socket)) socket.destroy();
    });
  }

  /** `false`: there are too many already. */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? '';
    const here = this.#byAddress.get(address) ?? 0;
    const { total, perAddress, idleMilliseconds } = this.#limits;
    if ((total > 0 && this.#sockets.size >= total) || (perAddress > 0 && here >= perAddress)) {
      this.refused++;
      return false;
    }
    this.#sockets.add(socket);
    this.#byAddress.set(address, here + 1);
    if (idleMilliseconds > 0) {
      socket.setTimeout(idleMilliseconds);
      socket.on('timeout', () => {
        const { bytesRead } = socket;
        // After a long piece of work the clock comes first: what has arrived meanwhile is looked at before anybody is
        // called silent.
        setImmediate(() => {
          const due = this.#due.get(socket);
          // Where nothing waits to be taken and nothing more is expected, it is we who are slow.
          const ours = due !== undefined && socket.writableLength === 0 && !due();
          if (ours || socket.bytesRead !== bytesRead) socket.setTimeout(idleMilliseconds);
          else socket.destroy();
        });
      });
    }
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    });
    return true;
  }

  /** Says how to tell whether it is the peer's turn to send; `undefined`: it always is. */
  watch(socket: Socket, due: (() => boolean) | undefined): void {
    if (due === undefined) this.#due.delete(socket);
    else this.#due.set(socket, due);
  }

  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Address {
  host: string;
  port: number;
}

/** A way to a server that a test can shut and open again, as a restart or a broken network does. */
export class TcpDoor implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #open = true;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Opens a door on a free port of loopback.
   * @param target asked for at every connection, where it is a function: a server may come back at another port
   */
  static async to(target: Address | (() => Address)): Promise<TcpDoor> {
    const server = createServer();
    const door = new TcpDoor(server);
    server.on("connection", (inner) => {
      if (!door.#open) return void inner.destroy();
      const outer = connect(typeof target === "function" ? target() : target);
      for (const [socket, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        door.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          door.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return door;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  /** Breaks every connection and lets nobody in. */
  shut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.#open = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shut();
    this.#server.close();
  }
}

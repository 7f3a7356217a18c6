import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Address {
  host: string;
  port: number;
}

/** Ways through a door: to the server, and back from it. */
export type Direction = "to" | "back";

/**
 * A way to a server on which a test can do what networks do: break connections and let nobody in, be slow, or swallow
 * what goes one way. As TCP has it, what was swallowed comes late, when packets pass again, unless the connection broke.
 */
export class TcpDoor implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #open = true;
  #delayMs = 0;
  readonly #stalled = new Set<Direction>();
  /** Called when packets pass again. */
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Opens a door on a free port of loopback.
   * @param target asked for at every connection, where it is a function: a server may come back at another port
   */
  static async to(target: Address | (() => Address)): Promise<TcpDoor> {
    const server = createServer({ allowHalfOpen: true });
    const door = new TcpDoor(server);
    server.on("connection", (inner) => {
      if (!door.#open) return void inner.destroy();
      const address = typeof target === "function" ? target() : target;
      const outer = connect({ ...address, allowHalfOpen: true });
      door.#carry(inner, outer, "to");
      door.#carry(outer, inner, "back");
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

  /** Everything takes so much longer, each way; 0 is as fast as it can be. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Swallows what goes one way, or both: nobody hears that a connection is broken. */
  stall(...directions: Direction[]): void {
    for (const direction of directions) this.#stalled.add(direction);
  }

  /** Lets packets pass again; what was swallowed comes now. */
  flow(): void {
    this.#stalled.clear();
    for (const pass of this.#waiting) pass();
    this.#waiting.clear();
  }

  #carry(from: Socket, to: Socket, direction: Direction): void {
    this.#sockets.add(from);
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      behind(() => to.destroy());
    });
    let last = Promise.resolve();
    // One after the other, each when it was sent and a delay later.
    const behind = (deliver: () => void) => {
      const at = performance.now() + this.#delayMs;
      last = last.then(async () => {
        const early = at - performance.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        while (this.#stalled.has(direction)) await new Promise<void>((pass) => this.#waiting.add(pass));
        if (!to.destroyed) deliver();
      });
    };
    from.on("data", (bytes) =>
      behind(() => {
        if (to.write(bytes)) return;
        from.pause();
        to.once("drain", () => from.resume());
      }),
    );
    from.on("end", () => behind(() => to.end()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shut();
    this.flow();
    this.#server.close();
  }
}

import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** A connection to a port of this machine, over which a test says what no client would. */
export class RawConnection {
  readonly #socket: Socket;
  /** Everything that came. */
  received = "";
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => {
      this.received += data.toString("latin1");
    });
    // The other side may break it off at any moment; that is what is tested.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
  }

  static async open(port: number, { tls = true } = {}): Promise<RawConnection> {
    const at = { host: "127.0.0.1", port };
    const socket = tls ? connectTls({ ...at, rejectUnauthorized: false }) : connectTcp(at);
    await once(socket, tls ? "secureConnect" : "connect");
    return new RawConnection(socket);
  }

  /** Sends bytes, says that nothing more comes, and waits for the end; what was answered. */
  static async exchange(port: number, bytes: string): Promise<string> {
    const connection = await RawConnection.open(port);
    connection.#socket.end(Buffer.from(bytes, "latin1"));
    // Not `once` of node:events, which takes a connection that is broken off for a failure.
    if (!connection.closed) await new Promise((resolve) => connection.#socket.once("close", resolve));
    return connection.received;
  }

  write(bytes: string): void {
    this.#socket.write(Buffer.from(bytes, "latin1"));
  }

  /** Sends the same bytes again and again as fast as they are taken, until the other side closes; how many went. */
  async send(bytes: string, times: number): Promise<number> {
    const piece = Buffer.from(bytes, "latin1");
    let sent = 0;
    for (let nth = 0; nth < times && this.#socket.writable; nth += 1) {
      await new Promise<void>((resolve) => {
        // Called as well, with an error, when the connection breaks.
        this.#socket.write(piece, () => resolve());
      });
      sent += piece.length;
    }
    return sent;
  }

  end(): void {
    this.#socket.destroy();
  }
}

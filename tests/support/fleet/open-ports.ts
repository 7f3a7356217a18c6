import { connect, createServer, type Server } from "node:net";

/**
 * Real listeners on every address of this machine, so that a refusal is somebody's doing: on a port
 * where nothing listens, everybody is refused.
 */
export class OpenPorts {
  readonly #servers: Server[] = [];

  /** Opens the ports that nobody has opened yet on `address`. */
  async open(address: string, ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const server = createServer((wire) => {
        wire.on("error", () => {}); // a visitor may leave at once
        wire.end("open\n");
      });
      if (await listens(server, address, port)) this.#servers.push(server);
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))),
    );
  }
}

/** Whether the server could take the port; false when somebody else listens there already. */
const listens = (server: Server, host: string, port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    server.once("listening", () => resolve(true));
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(false) : reject(error),
    );
    server.listen({ host, port });
  });

/** Whether something answers when this machine itself connects. */
export const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const wire = connect({ host, port });
    wire.once("connect", () => resolve(true));
    wire.once("error", () => resolve(false));
    wire.once("connect", () => wire.destroy());
  });

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

/** The first message of a client that wants TLS, and the version that every other one names. */
const SSL_REQUEST = 80877103;
const VERSION_3 = 196608;

/**
 * What Supabase's pooler adds to a session pooler: TLS, and logins that name their project (`role.project`), which it
 * takes off. Whoever names none, or another one, is refused in the pooler's words.
 */
export class ProjectDoor implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(
    project: string,
    tls: { certificate: string; key: string },
    target: () => { host: string; port: number },
  ): Promise<ProjectDoor> {
    const server = createServer();
    const door = new ProjectDoor(server);
    const secureContext = createSecureContext({ cert: tls.certificate, key: tls.key });
    server.on("connection", (plain) => {
      door.#keep(plain);
      plain.once("data", (first) => {
        if (first.readInt32BE(4) !== SSL_REQUEST)
          return void plain.end(refusal("SSL connection is required"));
        plain.write("S");
        const inner = door.#keep(new TLSSocket(plain, { isServer: true, secureContext }));
        inner.once("data", (startup) => door.#begin(inner, startup, project, target()));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return door;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #begin(inner: Socket, startup: Buffer, project: string, target: { host: string; port: number }): void {
    const renamed = withoutProject(startup, project);
    if (!renamed) return void inner.end(refusal("Tenant or user not found"));
    const outer = this.#keep(connect(target));
    outer.write(renamed);
    inner.pipe(outer).pipe(inner);
  }

  #keep<S extends Socket>(socket: S): S {
    this.#sockets.add(socket);
    // Either side may break it off; the other one then ends too.
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** A startup message with its user's project taken off; undefined where it names none or another one. */
function withoutProject(message: Buffer, project: string): Buffer | undefined {
  if (message.readInt32BE(4) !== VERSION_3) return message;
  const fields = message
    .subarray(8, message.readInt32BE(0) - 2)
    .toString()
    .split("\0");
  const at = fields.findIndex((field, index) => index % 2 === 0 && field === "user") + 1;
  const user = fields[at] ?? "";
  if (!user.endsWith(`.${project}`)) return undefined;
  fields[at] = user.slice(0, -project.length - 1);
  const body = Buffer.from(`${fields.join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(VERSION_3, 4);
  return Buffer.concat([head, body]);
}

/** The server's message that ends a connection. */
function refusal(text: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0CXX000\0M${text}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

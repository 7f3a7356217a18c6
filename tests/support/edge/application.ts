import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

const websocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Stands in for a tenant's application, with the traffic that a proxy could harm: `/api/words` sends a word and then
 * waits to be told, `/api/stream` sends one every 50 ms, an upload is answered with its size and digest, `/ws/` echoes
 * what comes behind the upgrade, and every other path is answered with the request's headers.
 */
export class StubApplication implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Sends the next word to whoever reads `/api/words`. */
  say: (word: string) => void = () => {};

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const path = request.url ?? "";
      if (path.startsWith("/api/words")) {
        response.writeHead(200, { "content-type": "text/event-stream" });
        this.say = (word) => (word === "" ? response.end() : response.write(`data: ${word}\n\n`));
        return this.say("first");
      }
      if (path.startsWith("/api/stream")) return stream(request, response);
      if (request.method === "POST") return response.end(JSON.stringify(await received(request)));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(request.headers));
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("upgrade", (request, socket) => {
      const accept = createHash("sha1")
        .update(`${request.headers["sec-websocket-key"]}${websocketGuid}`)
        .digest("base64");
      const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
      socket.write(`${[...head, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`);
      socket.on("error", () => {});
      socket.on("data", (chunk) => socket.write(chunk));
    });
  }

  static async start(): Promise<StubApplication> {
    const application = new StubApplication();
    await new Promise<void>((resolve) => application.#server.listen(0, "127.0.0.1", resolve));
    return application;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A word every 50 ms, as many as `?words=` says. */
function stream(request: IncomingMessage, response: import("node:http").ServerResponse): void {
  const words = Number(new URL(request.url ?? "", "http://stub").searchParams.get("words"));
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`data: ${sent}\n\n`);
    sent += 1;
    if (sent < words) return;
    clearInterval(timer);
    response.end();
  }, 50);
  response.once("close", () => clearInterval(timer));
}

async function received(request: IncomingMessage): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

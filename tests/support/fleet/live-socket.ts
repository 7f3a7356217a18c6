import type { Origin } from "./http.ts";
import { until } from "./until.ts";
import { WebSocketLink } from "./web-socket-link.ts";

/** engine.io's packet types, and socket.io's inside its messages, as they stand on the wire. */
const PING = "2";
const PONG = "3";
const CONNECT = "40";
const EVENT = "42";
const ACKNOWLEDGE = "43";

/**
 * Open WebUI's socket.io connection, as far as the tests need it: it stays open, answers the server's
 * pings and can ask the server who it is.
 */
export class LiveSocket {
  readonly #link: WebSocketLink;
  readonly #token: string;
  readonly #received: string[] = [];
  #asked = 0;

  private constructor(link: WebSocketLink, token: string) {
    this.#link = link;
    this.#token = token;
    link.on("text", (packet: string) => {
      if (packet === PING) link.send(PONG);
      else this.#received.push(packet);
    });
  }

  static async open(origin: Origin, token: string): Promise<LiveSocket> {
    const link = await WebSocketLink.open(origin, "/ws/socket.io/?EIO=4&transport=websocket");
    const socket = new LiveSocket(link, token);
    link.send(`${CONNECT}${JSON.stringify({ token })}`);
    await until("socket.io to accept the connection", () => socket.#find(CONNECT));
    return socket;
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  /** Asks over the socket who its user is: it still works both ways. */
  async whoAmI(): Promise<string> {
    const id = this.#asked++;
    const event = ["user-join", { auth: { token: this.#token } }];
    this.#link.send(`${EVENT}${id}${JSON.stringify(event)}`);
    const head = `${ACKNOWLEDGE}${id}`;
    const answer = await until("an answer over the WebSocket", () => this.#find(`${head}[`));
    const [user] = JSON.parse(answer.slice(head.length)) as [{ name: string }];
    return user.name;
  }

  close(): void {
    this.#link.close();
  }

  #find(prefix: string): string | undefined {
    return this.#received.find((packet) => packet.startsWith(prefix));
  }
}

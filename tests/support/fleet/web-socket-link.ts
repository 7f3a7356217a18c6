import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { request } from "node:http";
import { request as secureRequest } from "node:https";
import type { Duplex } from "node:stream";
import type { Origin } from "./http.ts";

const TEXT_FRAME = 0x81; // final fragment, opcode text
const CLOSE_FRAME = 0x88;
const PING_FRAME = 0x89;
const PONG_FRAME = 0x8a;

/**
 * A WebSocket client over node:http or node:https, for text frames of a well-behaved server; answers its pings.
 *
 * Node's own WebSocket resolves the name it sends as Host, and `acme.localhost` resolves in browsers only.
 * Emits `text` for each message and `close` once.
 */
export class WebSocketLink extends EventEmitter {
  readonly #wire: Duplex;
  #unread = Buffer.alloc(0);
  isOpen = true;

  private constructor(wire: Duplex, head: Buffer) {
    super();
    this.#wire = wire;
    wire.on("data", (chunk: Buffer) => this.#read(chunk));
    wire.on("error", () => {}); // `close` follows
    wire.once("close", () => {
      this.isOpen = false;
      this.emit("close");
    });
    // Frames that came with the head are read after the caller has added its listeners.
    setImmediate(() => this.#read(head));
  }

  static open(origin: Origin, path: string): Promise<WebSocketLink> {
    const { ca, domain, port } = origin;
    // As browsers write it: Open WebUI takes no socket from any other origin than its own.
    const host = port === (ca === undefined ? 80 : 443) ? domain : `${domain}:${port}`;
    const asking = ca === undefined ? request : (secureRequest as typeof request);
    return new Promise((resolve, reject) => {
      const upgrade = asking({
        ...(ca === undefined ? {} : { ca, servername: origin.domain }),
        host: origin.address,
        port: origin.port,
        path,
        headers: {
          Host: host,
          Origin: `${ca === undefined ? "http" : "https"}://${host}`,
          Connection: "Upgrade",
          Upgrade: "websocket",
          "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
        },
      });
      upgrade.once("upgrade", (_answer, wire, head) => resolve(new WebSocketLink(wire, head)));
      upgrade.once("response", ({ statusCode }) => reject(new Error(`no upgrade: HTTP ${statusCode}`)));
      upgrade.once("error", reject);
      upgrade.end();
    });
  }

  /** Sends one text message of at most 65,535 bytes. */
  send(text: string): void {
    this.#wire.write(frame(TEXT_FRAME, Buffer.from(text)));
  }

  /** Says goodbye and doesn't wait for an answer, which a proxy may hold back. */
  close(): void {
    this.#wire.end(frame(CLOSE_FRAME, Buffer.alloc(0)), () => this.#wire.destroy());
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (let message = unframe(this.#unread); message; message = unframe(this.#unread)) {
      this.#unread = this.#unread.subarray(message.length);
      if (message.opcode === CLOSE_FRAME) this.#wire.end();
      if (message.opcode === PING_FRAME) this.#wire.write(frame(PONG_FRAME, message.payload));
      if (message.opcode === TEXT_FRAME) this.emit("text", message.payload.toString());
    }
  }
}

/** A client's frame: masked, as the protocol asks of clients. */
const frame = (opcode: number, payload: Buffer): Buffer => {
  const mask = randomBytes(4);
  const short = payload.length < 126;
  const head = Buffer.alloc(short ? 2 : 4);
  head[0] = opcode;
  head[1] = 0x80 | (short ? payload.length : 126);
  if (!short) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
};

/** The first whole frame of a server's bytes, or undefined while it is not all there. */
const unframe = (bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined => {
  if (bytes.length < 2) return undefined;
  const [opcode = 0, marker = 0] = bytes;
  const head = marker === 127 ? 10 : marker === 126 ? 4 : 2;
  if (bytes.length < head) return undefined;
  const size =
    marker === 127 ? Number(bytes.readBigUInt64BE(2)) : marker === 126 ? bytes.readUInt16BE(2) : marker;
  if (bytes.length < head + size) return undefined;
  return { opcode, payload: bytes.subarray(head, head + size), length: head + size };
};

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:https";
import { connect, type TLSSocket } from "node:tls";

/** Whom the crowd visits: sites behind nginx's port on loopback, the first `real` of them applications themselves. */
export interface Crowd {
  port: number;
  /** The authority of the sites' certificates, PEM. */
  ca: string;
  domains: string[];
  real: number;
  /** Idle WebSockets, over all sites. */
  sockets: number;
  /** Streaming answers, over the stubs. */
  streams: number;
}

/** What became of it: WebSockets that ended early, streams of which a word is missing. */
export interface CrowdEnded {
  lost: number;
  broken: number;
}

/** Words of a streaming answer, one in 50 ms: a minute, longer than what is measured meanwhile. */
const WORDS = 1_200;

/** An idle WebSocket to a site, open. */
async function websocket({ port, ca }: Crowd, domain: string): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, servername: domain, ca });
  await once(socket, "secureConnect");
  const key = randomBytes(16).toString("base64");
  const head = [
    `GET /ws/socket.io/?EIO=4&transport=websocket HTTP/1.1`,
    `Host: ${domain}`,
    "Upgrade: websocket",
  ];
  const more = ["Connection: Upgrade", `Sec-WebSocket-Key: ${key}`, "Sec-WebSocket-Version: 13"];
  socket.write(`${[...head, ...more].join("\r\n")}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  if (!String(answer).startsWith("HTTP/1.1 101"))
    throw new Error(`no upgrade: ${String(answer).slice(0, 80)}`);
  socket.on("data", (chunk: Buffer) => {
    const reply = replyTo(chunk);
    if (reply) socket.write(reply);
  });
  return socket;
}

/**
 * What keeps a WebSocket open: the application asks now and then whether anybody is there, by a ping of the protocol,
 * which is answered with its own bytes, and by a text frame that says 2, to which 3 is the answer. Masked by zeros.
 */
function replyTo(frame: Buffer): Buffer | undefined {
  const [kind, length = 0] = frame;
  if (kind === 0x89) return Buffer.from([0x8a, 0x80 | length, 0, 0, 0, 0, ...frame.subarray(2, 2 + length)]);
  if (frame.equals(Buffer.from([0x81, 1, 0x32]))) return Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x33]);
  return undefined;
}

/** Reads a streaming answer; whether every word came. */
const streamed = ({ port, ca }: Crowd, domain: string): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, servername: domain, ca, headers: { Host: domain } };
    request({ ...options, path: `/api/stream?words=${WORDS}`, agent: false }, (answer) => {
      let seen = 0;
      answer.on("data", (chunk) => {
        seen += String(chunk).split("data: ").length - 1;
      });
      answer.once("end", () => resolve(seen === WORDS)).once("error", () => resolve(false));
    })
      .once("error", () => resolve(false))
      .end();
  });

/** A process of visitors, so that their work delays nobody's clock: told whom to visit, it says when it does; told to end, how it went. */
const [crowd] = (await once(process, "message")) as [Crowd];
const { domains, real } = crowd;
const open: TLSSocket[] = [];
for (let from = 0; from < crowd.sockets; from += 50) {
  const some = Array.from(
    { length: Math.min(50, crowd.sockets - from) },
    (_, index) => domains[(from + index) % domains.length] as string,
  );
  open.push(...(await Promise.all(some.map((domain) => websocket(crowd, domain)))));
}
let lost = 0;
for (const socket of open) socket.once("error", () => {}).once("close", () => lost++);
const stubs = domains.slice(real);
const running = Array.from({ length: crowd.streams }, (_, index) =>
  streamed(crowd, stubs[index % stubs.length] as string),
);
process.send?.("open");
await once(process, "message");
const broken = (await Promise.all(running)).filter((whole) => !whole).length;
const ended: CrowdEnded = { lost, broken };
process.send?.(ended, () => process.exit(0));

import { routes } from "../../../../sync-runtime/node/api/routes.ts";

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A request that no declaration allows, as HTTP or as bytes that are none. */
export type Malformed =
  | { method: string; path: string; headers: Record<string, string>; body?: string }
  | { bytes: string };

const known = routes.filter(({ path }) => path !== "/api/v1/events");
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];
const PIECES = [
  "%",
  "%zz",
  "%00",
  "..%2f",
  "'",
  '"',
  "<x>",
  "\\",
  "%ff%fe",
  "null",
  "-1",
  "1e400",
  "{}",
  "%F0%9F%92%A9",
];
const BODIES = [
  "{",
  "[]",
  "null",
  '"x"',
  '{"held":7}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{}}}',
  '{"held":"0b8f7c1e-6a55-4b5c-9d3e-2f1a0c9b8d7e","more":1}',
  `{"held":${"[".repeat(2000)}`,
  '{"client":"acme","status":"nowhere"}',
  '{"client":{"$ne":null}}',
  '{"held":"\\u0000"}',
];
const TYPES = [
  "application/json",
  "text/plain",
  "application/xml",
  "multipart/form-data",
  "",
  "application/json; charset=utf-16",
];

/** One malformed request. @param token of an operator, so that some come past the door */
export function malformedRequest(random: () => number, token: string): Malformed {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const bytes = (length: number) =>
    String.fromCharCode(...Array.from({ length }, () => Math.floor(random() * 256)));
  const piece = () => (random() < 0.5 ? pick(PIECES) : encodeURIComponent(`${pick(PIECES)}${random()}`));
  const path = () => pick(known).path.replaceAll(/\{\w+\}/g, piece);
  if (random() < 0.2) return { bytes: rawRequest(pick, bytes, token) };
  const method = pick(METHODS);
  const headers: Record<string, string> = { authorization: `Bearer ${random() < 0.8 ? token : piece()}` };
  if (random() < 0.3) headers["idempotency-key"] = pick(["", " ", "k".repeat(300), "a b", `k${random()}`]);
  if (random() < 0.2) headers["last-event-id"] = piece();
  const query = random() < 0.7 ? `?${piece()}=${piece()}&limit=${piece()}&after=${piece()}` : "";
  const body = method !== "GET" && method !== "HEAD" && random() < 0.8 ? pick(BODIES) : undefined;
  if (body !== undefined) {
    headers["content-type"] = pick(TYPES);
    headers["content-length"] = String(Buffer.byteLength(body));
  }
  return { method, path: `${path()}${query}`, headers, ...(body === undefined ? {} : { body }) };
}

function rawRequest(
  pick: <T>(choices: readonly T[]) => T,
  bytes: (length: number) => string,
  token: string,
): string {
  const authorized = `Host: localhost\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n`;
  return pick([
    () => bytes(200),
    () => `${bytes(8)} /health HTTP/1.1\r\n\r\n`,
    () => `GET /health HTTP/${pick(["0.9", "3.0", "1.1.1", "x"])}\r\n\r\n`,
    () => `GET ${"/a".repeat(3000)} HTTP/1.1\r\n${authorized}\r\n`,
    () => `GET /health HTTP/1.1\r\nHost: localhost\r\n${bytes(50)}: x\r\n\r\n`,
    () =>
      `POST /api/v1/sync/trigger/acme HTTP/1.1\r\n${authorized}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    () =>
      `POST /api/v1/sync/trigger/acme HTTP/1.1\r\n${authorized}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n`,
    () => `POST /api/v1/sync/trigger/acme HTTP/1.1\r\n${authorized}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    () =>
      `POST /api/v1/sync/accept/acme HTTP/1.1\r\n${authorized}Content-Type: application/json\r\nContent-Length: -1\r\n\r\n{}`,
    () => `GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n`,
    () => `GET http://elsewhere.example/health HTTP/1.1\r\n${authorized}\r\n`,
    () => `CONNECT elsewhere.example:443 HTTP/1.1\r\n${authorized}\r\n`,
    () =>
      `GET /api/v1/cluster HTTP/1.1\r\n${authorized}Expect: ${bytes(5).replaceAll(/[\r\n\0]/g, "x")}\r\n\r\n`,
    () => `GET /api/v1/cluster HTTP/1.1\r\n${authorized}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  ])();
}

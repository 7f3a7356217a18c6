import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routes } from "../../../../sync-runtime/node/api/routes.ts";
import { keyId, SCOPES, type Scope } from "../../../../sync-runtime/node/api/token.ts";
import { TestAuthority } from "../../../support/certificates.ts";
import { until } from "../../../support/fleet/until.ts";
import { NodeProcess } from "../../../support/node-process.ts";
import { intentOf, TestDatabase } from "../../../support/postgres.ts";
import { RawConnection } from "../../../support/raw-connection.ts";
import { malformedRequest, seededRandom } from "./malformed.ts";

let database: TestDatabase;
let node: NodeProcess;
/** Asked by these tests more often than anybody may. */
const rates = { perSecond: 1e6, burst: 1e6 };
let agent: Agent;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(intentOf(["acme"]));
  const authority = await TestAuthority.create();
  node = await NodeProcess.start({
    ...{ database, authority, node: "a" },
    rates: { address: rates, subject: rates },
  });
  agent = new Agent({ keepAlive: true, maxSockets: 8, ca: node.certificateAuthority });
});
afterAll(async () => {
  agent?.destroy();
  await node?.[Symbol.asyncDispose]();
  await database?.drop();
});

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** One request over a connection that is used again. */
const ask = (
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: "localhost", port: node.port, method, path, headers, agent });
    asked.once("error", reject);
    asked.once("response", (answer) => {
      const { statusCode: status = 0, headers } = answer;
      // A stream has no end; that it began is what is asked about.
      if (headers["content-type"] === "text/event-stream") {
        answer.destroy();
        return resolve({ status, headers, body: "" });
      }
      text(answer).then((body) => resolve({ status, headers, body }), reject);
    });
    asked.end(body);
  });

interface Claims {
  scope?: string;
  key?: KeyObject;
  kid?: string;
  audience?: string;
  age?: number;
  life?: number;
}

const signed = ({
  scope = "admin",
  key = node.operatorKey,
  kid,
  ...claims
}: Claims = {}): Promise<string> => {
  const issued = Math.floor(Date.now() / 1000) - (claims.age ?? 0);
  return new SignJWT({ scope, sub: "test", jti: randomUUID() })
    .setProtectedHeader({ alg: "EdDSA", kid: kid ?? keyId(key) })
    .setAudience(claims.audience ?? "owui-cluster")
    .setIssuedAt(issued)
    .setExpirationTime(issued + (claims.life ?? 300))
    .sign(key);
};

/** A token put together by hand, as no library would. */
function forged(alg: string, signature: (signedPart: string) => string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { scope: "admin", sub: "test", jti: "1", aud: "owui-cluster", iat: now, exp: now + 300 };
  const body = `${part({ alg, kid: keyId(node.operatorKey) })}.${part(claims)}`;
  return `${body}.${signature(body)}`;
}

const publicPem = () => createPublicKey(node.operatorKey).export({ type: "spki", format: "pem" }) as string;
const stranger = generateKeyPairSync("ed25519").privateKey;

/** Tokens that nobody may use, by what is wrong with them. */
const refused: Record<string, () => Promise<string> | string> = {
  "no token": () => "",
  "an expired token": () => signed({ age: 400 }),
  "a stranger's key": () => signed({ key: stranger }),
  "a stranger's key under the operator's id": () => signed({ key: stranger, kid: keyId(node.operatorKey) }),
  "another audience": () => signed({ audience: "elsewhere" }),
  "too long a life": () => signed({ life: 601 }),
  "no algorithm": () => forged("none", () => ""),
  "a symmetric signature with the public key": () =>
    forged("HS256", (part) => createHmac("sha256", publicPem()).update(part).digest("base64url")),
};

const addressOf = (path: string): string =>
  path
    .replace("{tenant}", "acme")
    .replace("{client}", "acme")
    .replace(/\{\w+\}/, "7");
const guarded = routes
  .filter(({ scope }) => scope !== "public")
  .map(({ method, path, scope }) => [method, addressOf(path), scope as Scope] as const);

describe("a request is refused", () => {
  test.each(Object.keys(refused))("on every route with %s", async (what) => {
    for (const [method, path] of guarded) {
      const token = await refused[what]?.();
      const { status, body } = await ask(method, path, token ? { authorization: `Bearer ${token}` } : {});
      expect([method, path, status]).toEqual([method, path, 401]);
      expect(JSON.parse(body).type).toBe("urn:owui:problem:not-authenticated");
    }
  });

  test.each(SCOPES)("with scope %s on exactly the routes that ask for more", async (scope) => {
    for (const [method, path, asked] of guarded) {
      const { status } = await ask(method, path, { authorization: `Bearer ${await signed({ scope })}` });
      const may = SCOPES.indexOf(scope) >= SCOPES.indexOf(asked);
      expect([method, path, status === 403]).toEqual([method, path, !may]);
      expect(status).toBeLessThan(500);
    }
  });
});

/** What an answer must never have in it: how the node is made, what it asks, whom it knows. */
const INTERNAL = /node_modules|\.m?[jt]s:\d|\bat \w+ \(|SELECT |sync_metadata|password|\/tmp\//;

test("10,000 malformed requests leave the node healthy, without a fault, and tell nothing of it", async () => {
  const random = seededRandom(20_261_121);
  const token = await signed({ life: 600 });
  const before = node.anonymousMemory();
  const statuses = new Map<number, number>();
  const note = (status: number, text: string) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect(text).not.toMatch(INTERNAL);
  };
  const requests = Array.from({ length: 10_000 }, () => malformedRequest(random, token));
  const work = async () => {
    for (let next = requests.pop(); next; next = requests.pop()) {
      if ("bytes" in next) {
        const answer = await RawConnection.exchange(node.port, next.bytes);
        note(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0), answer);
      } else {
        const { status, body } = await ask(next.method, next.path, next.headers, next.body);
        note(status, body);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  const seen = Object.fromEntries([...statuses].sort(([a], [b]) => a - b));
  console.log(`answers by status: ${JSON.stringify(seen)}`);
  expect([...statuses].filter(([status]) => status >= 500)).toEqual([]);
  expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(10_000);
  expect((await ask("GET", "/ready")).status).toBe(200);
  expect(node.log.filter(({ msg }) => msg === "a request failed")).toEqual([]);
  const grown = node.anonymousMemory() - before;
  console.log(
    `memory: ${Math.round(before / 1e6)} MB before, ${Math.round(grown / 1e6)} MB more behind them`,
  );
  expect(grown).toBeLessThan(100e6);
});

describe.concurrent("whoever is slow", () => {
  test("with headers loses the connection, while others are served", async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, () => RawConnection.open(node.port)));
    for (const connection of slow) connection.write("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow:");
    expect((await ask("GET", "/health")).status).toBe(200);
    await until("every slow connection was closed", () => slow.every(({ closed }) => closed));
    expect(slow.filter(({ received }) => received.startsWith("HTTP/1.1 408"))).toHaveLength(100);
  });

  test("with a body is told so within the time that a request has", async () => {
    const slow = await RawConnection.open(node.port);
    const token = await signed();
    slow.write(
      `POST /api/v1/sync/accept/acme HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
    await until("it was closed", () => slow.closed);
    expect(slow.received).toMatch(/^HTTP\/1\.1 408/);
  });

  test("without a word of TLS loses the connection too", async () => {
    const silent = await RawConnection.open(node.port, { tls: false });
    await until("it was closed", () => silent.closed);
  });
});

describe("a body of 100 MB", () => {
  const SIZE = 100 * 2 ** 20;
  const head = async (how: string, token = "") =>
    `POST /api/v1/sync/accept/acme HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token || (await signed())}\r\nContent-Type: application/json\r\n${how}\r\n\r\n`;

  test.each([
    ["announced", `Content-Length: ${SIZE}`, "", 413],
    ["in chunks", "Transfer-Encoding: chunked", "", 413],
    ["of a stranger", `Content-Length: ${SIZE}`, "x", 401],
  ])("%s is refused long before it is there", async (_, how, token, status) => {
    const sender = await RawConnection.open(node.port);
    sender.write(await head(how, token));
    const piece = "a".repeat(65_536);
    const chunk = how.startsWith("Transfer") ? `10000\r\n${piece}\r\n` : piece;
    const sent = await sender.send(chunk, SIZE / piece.length);
    await until("it was closed", () => sender.closed);
    if (sender.received !== "") expect(sender.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`));
    expect(sent).toBeLessThan(16 * 2 ** 20);
    expect((await ask("GET", "/health")).status).toBe(200);
  });
});

describe("headers", () => {
  test.each([
    ["too many", Array.from({ length: 100 }, (_, nth) => `X-${nth}: 1\r\n`).join("")],
    ["too large", `X-Large: ${"a".repeat(20_000)}\r\n`],
  ])("that are %s are refused", async (_, headers) => {
    const answer = await RawConnection.exchange(
      node.port,
      `GET /health HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431/);
    expect(answer).toContain("urn:owui:problem:headers-too-large");
  });
});

test("whoever asks too often hears when to come again, before the token is looked at", async () => {
  const authority = await TestAuthority.create();
  await using usual = await NodeProcess.start({ database, authority, node: "b" });
  const answers = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const connection = await RawConnection.open(usual.port);
      connection.write("GET /api/v1/cluster HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20));
      await until("all were answered", () => (connection.received.match(/HTTP\/1\.1 /g) ?? []).length === 20);
      connection.end();
      return connection.received;
    }),
  );
  const all = answers.join("");
  expect(all).toContain("HTTP/1.1 401");
  expect(all).toMatch(/HTTP\/1\.1 429[\s\S]*?retry-after: \d+/);
});

test("what happens is told over HTTPS, and goes on from the last event", async () => {
  const listener = await RawConnection.open(node.port);
  const listen = async (more = "") =>
    `GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${await signed()}\r\n${more}\r\n`;
  listener.write(await listen());
  await until("it listens", () => listener.received.includes("retry: 3000"));
  await node.put("/api/v1/state", { client: "acme", status: "paused", reason: "a test" });
  await until("it was told", () => listener.received.includes("event: state-changed"));
  const [, id] = /id: (\d+)\nevent: state-changed/.exec(listener.received) ?? [];
  listener.end();
  await node.put("/api/v1/state", { client: "acme", status: "provisioning", reason: "another" });
  const again = await RawConnection.open(node.port);
  again.write(await listen(`Last-Event-ID: ${id}\r\n`));
  await until(
    "it was told",
    () => again.received.includes('"reason": "another"') || again.received.includes('"reason":"another"'),
  );
  expect(again.received).not.toContain("a test");
  again.end();
});

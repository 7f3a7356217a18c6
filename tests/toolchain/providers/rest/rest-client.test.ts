import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { RestClient, RestError } from "../../../../toolchain/providers/rest/rest-client.ts";

/** A client of a server that gives these answers in turn; 0 breaks the connection, 302 leads to itself. */
const against = async (...answers: number[]) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const status = answers[seen.length - 1] ?? 200;
    if (status === 0) return void request.socket.destroy();
    response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {});
    response.end(status === 204 ? undefined : JSON.stringify({ message: `answer ${status}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const endpoint = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const reason = (body: unknown) => (body as { message: string }).message;
  const client = new RestClient({
    endpoint,
    token: "a-token",
    retries: 2,
    waitMin: 0.01,
    waitMax: 0.02,
    reason,
  });
  return { client, seen };
};

const { signal } = new AbortController();

test("429, 5xx and broken connections are tried again, as often as it is told", async () => {
  const { client, seen } = await against(429, 0, 200);
  expect(await client.send("GET", "/v2/account", signal)).toEqual({ message: "answer 200" });
  expect(seen).toEqual(Array(3).fill("GET /v2/account Bearer a-token"));
});

test("what still fails is an error with method, address and the API's words, without the token", async () => {
  const { client } = await against(500, 500, 503);
  const error = await client.send("POST", "/v2/droplets", signal, {}).catch((thrown: Error) => thrown);
  expect(error).toBeInstanceOf(RestError);
  expect((error as Error).message).toMatch(/^POST http:.*\/v2\/droplets: 503 answer 503$/);
  expect(String((error as Error).stack)).not.toContain("a-token");
});

test("what the request itself got wrong is not tried again", async () => {
  const { client, seen } = await against(422);
  await expect(client.send("POST", "/v2/droplets", signal, {})).rejects.toThrow("422 answer 422");
  expect(seen).toHaveLength(1);
});

test("a redirect is not followed: it could lead away from this machine", async () => {
  const { client, seen } = await against(302, 302, 302);
  await expect(client.send("GET", "/v2/account", signal)).rejects.toThrow();
  expect(seen.some((line) => line.includes("elsewhere"))).toBe(false);
});

test("what is not there is found as nothing, and removed without a word", async () => {
  const { client } = await against(404, 404, 204);
  expect(await client.find("/v2/droplets/1", signal)).toBeUndefined();
  await client.remove("/v2/droplets/1", signal);
  await client.remove("/v2/droplets/2", signal);
});

test("cancelling ends the waiting between two attempts", async () => {
  const { client } = await against(500, 500);
  const controller = new AbortController();
  const sending = client.send("GET", "/v2/account", controller.signal);
  controller.abort();
  await expect(sending).rejects.toThrow();
});

import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  connect,
  Engine,
  EngineError,
  labelList,
  labelMap,
  unless,
} from "../../../../toolchain/providers/docker/engine.ts";

let folder: string;
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const engine = () => new Engine(`unix://${folder}/engine.sock`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "owui-engine-"));
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(join(folder, "engine.sock"), resolve));
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true });
});

const status =
  (code: number, body = "") =>
  (_: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(code).end(body);

test("an answer of 400 or more is an error in the engine's own words", async () => {
  answer = status(409, '{"message":"name is taken"}');
  const failed = await engine()
    .send("POST", "/x")
    .catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(EngineError);
  expect(failed).toMatchObject({ status: 409, message: "name is taken" });
  answer = status(500, "no JSON at all\n");
  await expect(engine().send("GET", "/x")).rejects.toThrow(/^no JSON at all$/);
});

test("looking for what is not there finds nothing; other errors are not swallowed", async () => {
  answer = status(404, '{"message":"no such thing"}');
  expect(await engine().find("/x")).toBeUndefined();
  answer = status(500, '{"message":"broken"}');
  await expect(engine().find("/x")).rejects.toThrow("broken");
  expect(() => unless(404)(new Error("socket hang up"))).toThrow("socket hang up");
});

test("a body is sent as JSON, and a path as it is", async () => {
  const seen: unknown[] = [];
  answer = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    seen.push(request.method, request.url, request.headers["content-type"], Buffer.concat(chunks).toString());
    response.writeHead(204).end();
  };
  await engine().post("/containers/a%2Fb/start?x=1", new AbortController().signal, { A: 1 });
  expect(seen).toEqual(["POST", "/containers/a%2Fb/start?x=1", "application/json", '{"A":1}']);
});

test("an abandoned request fails at once", async () => {
  const abandon = new AbortController();
  answer = () => abandon.abort();
  await expect(engine().send("GET", "/x", abandon.signal)).rejects.toThrow("aborted");
});

test("configuring fails where no engine answers, and refuses ways it does not know", async () => {
  answer = status(200, "OK");
  expect((await connect({ host: engine().host })).host).toBe(engine().host);
  const nowhere = `unix://${folder}/nowhere.sock`;
  await expect(connect({ host: nowhere })).rejects.toThrow(
    `failed to connect to any docker daemon: ${nowhere}: `,
  );
  await expect(connect({ host: "tcp://host:2376" })).rejects.toThrow(
    "the docker stand-in cannot reach tcp://host:2376: it only speaks to engines on this machine (unix://…) and over " +
      "ssh (ssh://…).",
  );
});

test("labels go there and back, in order", () => {
  const labels = [
    { label: "b", value: "2" },
    { label: "a", value: "1" },
  ];
  expect(labelMap(labels)).toEqual({ a: "1", b: "2" });
  expect(labelList(labelMap(labels)).map(({ label }) => label)).toEqual(["a", "b"]);
  expect([labelMap(undefined), labelList(null)]).toEqual([{}, []]);
});

import { once } from "node:events";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AgentClient } from "../../../sync-runtime/node/agent-client.ts";
import { identityProblem } from "../../../sync-runtime/node/pinned-client.ts";
import { TestAuthority } from "../../support/certificates.ts";

const IDENTITY = "urn:owui:agent:local";

test.each([
  ["DNS:agent.local, URI:urn:owui:agent:local", undefined],
  ["URI:urn:owui:agent:local", undefined],
  ["DNS:agent.local", "its certificate is not that of urn:owui:agent:local but of DNS:agent.local"],
  [undefined, "its certificate is not that of urn:owui:agent:local but of nobody"],
  ["URI:urn:owui:agent:local2", expect.any(String)],
  ["URI:urn:owui:node:main:a", expect.any(String)],
  ["DNS:urn:owui:agent:local", expect.any(String)],
  // As Node prints a name that holds a comma.
  ['URI:"urn:x, URI:urn:owui:agent:local"', expect.any(String)],
])("a certificate of %j speaks for the agent: problem %j", (subjectaltname, problem) => {
  expect(identityProblem(IDENTITY, { subjectaltname })?.message).toEqual(problem);
});

test("an agent that takes the connection and then says nothing is given up after five seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const mute = createServer(() => {}).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const authority = await TestAuthority.create();
  const { certificate, key } = await authority.node("main", "a");
  const [cert, ca] = [Buffer.from(certificate), Buffer.from(authority.certificate)];
  const agents = new AgentClient({
    current: { cert, key: Buffer.from(key), ca },
    onChange: () => {},
    see: () => {},
  });
  try {
    const { port } = mute.address() as AddressInfo;
    const agent = { host: "local", address: `127.0.0.1:${port}`, identity: IDENTITY };
    const connected = once(mute, "connection");
    const asked = agents.changes(
      agent,
      "acme",
      null,
      { full: false, held: null },
      new AbortController().signal,
    );
    await connected;
    vi.advanceTimersByTime(5_000);
    await expect(asked).rejects.toMatchObject({
      code: "agent-unreachable",
      message: expect.stringContaining("no connection within 5 s"),
    });
  } finally {
    vi.useRealTimers();
    agents.close();
    mute.close();
  }
});

describe("a connection that was kept from an earlier question", () => {
  const INVENTORY = { host: "local", tenants: [] };
  let authority: TestAuthority;
  let agents: AgentClient;
  let server: ReturnType<typeof createTlsServer>;
  /** Whether the next question is answered; else its connection is closed instead. */
  let answers: boolean[];
  let asked: number;

  beforeAll(async () => {
    authority = await TestAuthority.create();
    const shown = await authority.agent("local");
    const { certificate, key } = await authority.node("main", "a");
    server = createTlsServer({ cert: shown.certificate, key: shown.key }, ({ socket }, response) => {
      asked += 1;
      if (answers.shift() === false) socket.destroy();
      else response.end(JSON.stringify(INVENTORY));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const ca = Buffer.from(authority.certificate);
    agents = new AgentClient({
      current: { cert: Buffer.from(certificate), key: Buffer.from(key), ca },
      onChange: () => {},
      see: () => {},
    });
  });
  afterAll(() => {
    agents.close();
    server.close();
  });

  const inventory = () => {
    const { port } = server.address() as AddressInfo;
    const agent = { host: "local", address: `127.0.0.1:${port}`, identity: IDENTITY };
    return agents.inventory(agent, new AbortController().signal);
  };
  const say = (...what: boolean[]) => {
    answers = what;
    asked = 0;
  };

  test("and is closed in the moment of the next is replaced, and the question asked again", async () => {
    say(true, false, true);
    expect(await inventory()).toEqual(INVENTORY);
    expect(await inventory()).toEqual(INVENTORY);
    expect(asked).toBe(3);
  });

  test("is replaced once: who closes the new one, too, cannot be asked", async () => {
    say(true, false, false, true);
    await inventory();
    await expect(inventory()).rejects.toMatchObject({ code: "agent-unreachable" });
    expect(asked).toBe(3);
  });

  test("is the only one that is: a first one that is closed says that the agent cannot be asked", async () => {
    agents.close();
    say(false, true);
    await expect(inventory()).rejects.toMatchObject({ code: "agent-unreachable" });
    expect(asked).toBe(1);
  });
});

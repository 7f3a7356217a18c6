import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test, vi } from "vitest";
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

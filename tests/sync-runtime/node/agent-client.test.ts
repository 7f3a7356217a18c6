import { expect, test } from "vitest";
import { identityProblem } from "../../../sync-runtime/node/agent-client.ts";

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

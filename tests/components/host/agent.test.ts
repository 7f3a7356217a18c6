import { expect, test } from "vitest";
import { agentConfig } from "../../../components/host/agent.ts";

const cluster = { cluster: "main", nodes: [{ id: "a", host: "local", port: 9443 }] };

test("an agent is told its bandwidth where the host has one, and nothing otherwise", () => {
  const limited = JSON.parse(agentConfig({ id: "local", syncBandwidth: 10_000_000 }, cluster));
  expect(limited).toMatchObject({ host: "local", cluster: "main", bandwidth: 10_000_000 });
  expect(JSON.parse(agentConfig({ id: "local" }, cluster))).not.toHaveProperty("bandwidth");
});

test("an agent is called from the networks that it is on, and from nowhere else", () => {
  expect(JSON.parse(agentConfig({ id: "local" }, cluster))).toMatchObject({ callers: "neighbours" });
});

test("an agent is told which nodes the cluster has, so that one which is removed opens no door", () => {
  expect(JSON.parse(agentConfig({ id: "local" }, cluster))).toMatchObject({ cluster: "main", nodes: ["a"] });
});

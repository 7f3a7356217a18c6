import { expect, test } from "vitest";
import { agentConfig } from "../../../components/host/agent.ts";

test("an agent is told its bandwidth where the host has one, and nothing otherwise", () => {
  const limited = JSON.parse(agentConfig({ id: "local", syncBandwidth: 10_000_000 }, "main"));
  expect(limited).toMatchObject({ host: "local", cluster: "main", bandwidth: 10_000_000 });
  expect(JSON.parse(agentConfig({ id: "local" }, "main"))).not.toHaveProperty("bandwidth");
});

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../../bench/engine.ts";
import { fleetWith } from "../../bench/preview/fleet.ts";
import { repository } from "../../toolchain/setup/paths.mjs";

const project = { name: "policy-test", folder: join(import.meta.dirname, "program") };
const pack = ["--policy-pack", join(repository, "policy/run")];

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine.stop());

test("the fleet's own preview keeps every rule", async () => {
  const fleet = { name: "open-webui-infrastructure", folder: repository };
  const stack = await engine.stack(fleet, "fleet", fleetWith(2));
  expect(await engine.preview(stack, pack)).toContain("✅ fleet@");
});

test("a preview whose resources keep the rules passes, though ids and labels are unknown", async () => {
  const stack = await engine.stack(project, "kept", { privileged: false });
  expect(await engine.preview(stack, pack)).toContain("✅ fleet@");
});

test("a preview with a privileged container fails and says which, why and what to do", async () => {
  const stack = await engine.stack(project, "broken", { privileged: true });
  const { stdout } = await engine.preview(stack, pack).catch((error) => error);
  expect(stdout).toContain("❌ fleet@");
  expect(stdout.match(/\[mandatory\].*/g)).toEqual([
    "[mandatory]  container-unprivileged  (docker:index:Container: globex)",
  ]);
  expect(stdout).toContain("so whoever breaks it owns the host. Name the capabilities it needs instead.");
});

import random from "@pulumi/random";
import { expect, test } from "vitest";
import { isMarked } from "../../../toolchain/providers/plugin/marker.ts";
import { kind } from "./conformance/plugins.ts";
import { conformance } from "./conformance/suite.ts";

conformance("random", (stack) => {
  const program = () => ({ id: new random.RandomUuid("uuid").id });

  test("the state says whether stand-ins made the stack", async () => {
    await stack().up(program);
    const providers = Object.values(await stack().state()).filter(({ type }) =>
      type.startsWith("pulumi:providers"),
    );
    expect(providers.map(({ inputs }) => isMarked(inputs as never))).toEqual([kind === "stand-ins"]);
  });

  test.runIf(kind === "stand-ins")("a stand-in leaves a stack alone that a real plugin made", async () => {
    await stack().rewrite((resources) => {
      for (const { inputs, outputs } of resources.filter(({ type }) => type.startsWith("pulumi:providers"))) {
        delete inputs.standIn;
        delete outputs.standIn;
      }
    });
    const refusal = "was made by the real random plugin, but a stand-in is installed";
    await expect(stack().preview(program)).rejects.toThrow(refusal);
    await expect(stack().refresh()).rejects.toThrow(refusal);
    await stack().rewrite((resources) => {
      for (const { inputs } of resources.filter(({ type }) => type.startsWith("pulumi:providers"))) {
        inputs.standIn = "open-webui-infrastructure";
      }
    });
  });
});

import random from "@pulumi/random";
import { expect, test } from "vitest";
import { isSecret } from "../conformance/stack.ts";
import { conformance } from "../conformance/suite.ts";

conformance("random", (stack) => {
  const program = (keeper: string) => () => {
    const keepers = { keeper };
    const password = new random.RandomPassword("password", {
      length: 20,
      special: false,
      minNumeric: 4,
      keepers,
    });
    const symbols = new random.RandomString("symbols", {
      length: 12,
      lower: false,
      upper: false,
      numeric: false,
    });
    const id = new random.RandomId("id", { byteLength: 6, prefix: "p-" });
    const uuid = new random.RandomUuid("uuid");
    const bytes = new random.RandomBytes("bytes", { length: 9 });
    return {
      password: password.result,
      symbols: symbols.result,
      id: id.id,
      hex: id.hex,
      dec: id.dec,
      uuid: uuid.result,
      base64: bytes.base64,
    };
  };

  test("values have the length and the characters asked for", async () => {
    const { outputs } = await stack().up(program("one"));
    expect(outputs.password).toMatch(/^(?=(.*[0-9]){4})[A-Za-z0-9]{20}$/);
    expect(outputs.symbols).toMatch(/^[!@#$%&*()\-_=+[\]{}<>:?]{12}$/);
    expect(outputs.hex).toBe(`p-${Buffer.from(String(outputs.id), "base64url").toString("hex")}`);
    expect(outputs.dec).toBe(`p-${BigInt(String(outputs.hex).replace("p-", "0x"))}`);
    expect(outputs.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Buffer.from(String(outputs.base64), "base64")).toHaveLength(9);
  });

  test("passwords and bytes are secret in the state, ids and strings are their values", async () => {
    const { password, bytes, symbols, uuid } = await stack().state();
    expect([password?.outputs.result, bytes?.outputs.base64].every(isSecret)).toBe(true);
    expect(symbols?.id).toBe(symbols?.outputs.result);
    expect(uuid?.id).toBe(uuid?.outputs.result);
  });

  test("they stay until a keeper changes", async () => {
    expect(await stack().refresh()).toEqual({});
    expect(await stack().preview(program("one"))).toEqual({});
    const changes = await stack().preview(program("two"));
    expect(Object.keys(changes)).toEqual(["password"]);
    expect(changes.password?.forced).toEqual(["keepers"]);
  });
});

import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { TokenGate } from "../../../sync-runtime/node/api/token.ts";
import { operatorToken } from "../../../toolchain/commands/operator-token.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const operatorKey = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const gate = new TokenGate([publicKey.export({ type: "spki", format: "pem" }) as string]);

test("the nodes accept what the commands sign, for whom it says", async () => {
  const token = await operatorToken(operatorKey, { scope: "operate", subject: "ana" });
  const caller = await gate.require(`Bearer ${token}`, "read");
  expect(caller).toMatchObject({ subject: "ana", token: expect.stringMatching(/^[0-9a-f-]{36}$/) });
});

test("a token is of whoever runs the command, unless somebody is named", async () => {
  const token = await operatorToken(operatorKey, { scope: "read" });
  expect((await gate.require(`Bearer ${token}`, "read")).subject).not.toBe("");
});

test("one for the longest that nodes accept is accepted, and allows no more than its scope", async () => {
  const token = await operatorToken(operatorKey, { scope: "read", seconds: 600 });
  await expect(gate.require(`Bearer ${token}`, "read")).resolves.toBeDefined();
  await expect(gate.require(`Bearer ${token}`, "operate")).rejects.toThrow(
    "The token's scope does not include operate.",
  );
});

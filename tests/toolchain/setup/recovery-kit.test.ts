import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { type Kit, seal, unseal } from "../../../toolchain/setup/recovery-kit.ts";

const newKey = () => randomBytes(32).toString("base64url");
const kit: Kit = {
  stack: "prod",
  written: "2026-11-22T04:00:00.000Z",
  passphrase: "the passphrase\n",
  source: "config: {}\n",
  effective: "encryptionsalt: v1:abc\n",
  state: '{"version": 3}',
  to: "/mnt/elsewhere/prod.kit",
};

test("a kit opens with its key and says everything that went in", () => {
  const key = newKey();
  expect(unseal(seal(kit, key), `${key}\n`)).toEqual(kit);
});

test("a kit tells its stack and time, and nothing else, to whoever has no key", () => {
  const { data, iv, tag, ...readable } = JSON.parse(seal(kit, newKey()));
  expect(readable).toEqual({
    format: "open-webui-infrastructure recovery kit 1",
    stack: "prod",
    written: kit.written,
  });
  for (const part of [data, iv, tag])
    expect(Buffer.from(part, "base64").toString("latin1")).not.toContain("passphrase");
});

test("another key does not open it", () => {
  expect(() => unseal(seal(kit, newKey()), newKey())).toThrow(
    /recovery kit of stack prod, written at 2026-11-22T04:00:00.000Z, does not open with this key, or was changed/,
  );
});

test.each(["data", "tag", "iv"])("a changed byte of its %s is seen", (part) => {
  const key = newKey();
  const sealed = JSON.parse(seal(kit, key));
  const bytes = Buffer.from(sealed[part], "base64");
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  expect(() => unseal(JSON.stringify({ ...sealed, [part]: bytes.toString("base64") }), key)).toThrow(
    /was changed/,
  );
});

test("a kit cannot pass for another stack's", () => {
  const key = newKey();
  const sealed = { ...JSON.parse(seal(kit, key)), stack: "staging" };
  expect(() => unseal(JSON.stringify(sealed), key)).toThrow(/was changed/);
});

test("what is no kit, half a kit or no key is said to be that", () => {
  const key = newKey();
  expect(() => unseal("not JSON", key)).toThrow(/is no recovery kit, or not a whole one/);
  expect(() => unseal(seal(kit, key).slice(0, -20), key)).toThrow(/not a whole one/);
  expect(() => unseal(seal(kit, key), "too short")).toThrow(/not 43 characters long/);
});

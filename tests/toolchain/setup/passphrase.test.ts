import { expect, test } from "vitest";
import { opens } from "../../../toolchain/setup/passphrase.ts";

/** As the CLI wrote it into a stack of the passphrase `x`. */
const salt = "v1:XK3urUY/VQ4=:v1:zkja2gKkRtiaFAox:Z5zSEzMcZDwOPHXr/qkIoxRQjALSgQ==";

test("a passphrase is known by the salt that the CLI made with it", () => {
  expect(opens(salt, "x\n")).toBe(true);
  expect(opens(salt, "y")).toBe(false);
});

test("a salt of another form is left for the CLI to judge", () => {
  expect(opens("v2:anything", "x")).toBe(true);
});

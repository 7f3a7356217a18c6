import { describe, expect, it } from "vitest";
import { sameDependencies } from "../../../toolchain/setup/dependencies.mjs";

const wanted = {
  "": {},
  "node_modules/zod": { version: "4.6.7" },
  "node_modules/@esbuild/aix-ppc64": { version: "0.28.2", optional: true },
  "node_modules/sync-runtime": { link: true },
  "sync-runtime": { version: "0.1.0" },
};

describe("installed dependencies", () => {
  it("are what the lock wants when only packages for other platforms are missing", () => {
    expect(sameDependencies(wanted, { "node_modules/zod": { version: "4.6.7" } })).toBe(true);
  });

  it.each([
    ["a package is missing", {}],
    ["a package has another version", { "node_modules/zod": { version: "4.6.6" } }],
    [
      "a package is there that nothing wants",
      { "node_modules/zod": { version: "4.6.7" }, "node_modules/left": { version: "1.0.0" } },
    ],
    [
      "an optional package has another version",
      { "node_modules/zod": { version: "4.6.7" }, "node_modules/@esbuild/aix-ppc64": { version: "0.28.1" } },
    ],
  ])("are not when %s", (_, installed) => {
    expect(sameDependencies(wanted, installed)).toBe(false);
  });
});

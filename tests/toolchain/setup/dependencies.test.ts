import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { refuseLink, sameDependencies } from "../../../toolchain/setup/dependencies.mjs";

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

describe("installing", () => {
  it("is refused where node_modules is a link: npm would empty what it leads to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "owui-link-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [other, checkout] = [join(folder, "other"), join(folder, "checkout")];
    await mkdir(other);
    await mkdir(checkout);
    await writeFile(join(other, "a-package"), "");
    // Nothing there, or a folder of its own: npm may do what it does.
    await refuseLink(checkout);
    await symlink(other, join(checkout, "node_modules"));
    await expect(refuseLink(checkout)).rejects.toThrow(/is a link.*would empty.*Remove the link/s);
    expect(await readdir(other)).toEqual(["a-package"]);
    await rm(join(checkout, "node_modules"));
    await mkdir(join(checkout, "node_modules"));
    await refuseLink(checkout);
  });
});

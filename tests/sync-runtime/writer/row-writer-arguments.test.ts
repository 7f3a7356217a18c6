import { expect, it } from "vitest";
import { rowWriterArguments } from "../../../sync-runtime/writer/row-writer-process.ts";

it("holds a row writer to its tenant, its program and its descriptors; what is written comes by standard input", () => {
  const argv = rowWriterArguments({
    database: "/tenants/acme/data/webui.db",
    identityFile: "/tenants/acme/data/.owui-identity.json",
    tenant: "acme",
    request: { identity: "1b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10", schema: {}, rows: [] },
  });
  expect(argv[0]).toBe("--permission");
  expect(argv.filter((argument) => argument.startsWith("--allow"))).toEqual([
    expect.stringMatching(/^--allow-fs-read=.*\/sync-runtime$/),
    "--allow-fs-read=/tenants/acme/data",
    "--allow-fs-read=/proc/self/fd",
    "--allow-fs-write=/tenants/acme/data/webui.db",
    "--allow-fs-write=/tenants/acme/data/webui.db-wal",
    "--allow-fs-write=/tenants/acme/data/webui.db-shm",
    "--allow-fs-write=/tenants/acme/data/webui.db-journal",
  ]);
  expect(argv.at(-1)).toMatch(/\/row-writer\.ts$/);
});

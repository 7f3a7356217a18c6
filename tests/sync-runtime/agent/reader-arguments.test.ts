import { expect, it } from "vitest";
import type { ReaderTask } from "../../../sync-runtime/agent/reader/task.ts";
import { readerArguments } from "../../../sync-runtime/agent/reader-process.ts";

const task: ReaderTask = {
  sync: "0b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10",
  generation: 1,
  base: null,
  throughSqlite: false,
  identity: {
    fleet: "local",
    tenant: "acme",
    id: "1b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10",
    created: "2025-11-21",
  },
  database: "/tenants/acme/data/webui.db",
  state: "live",
  copyPath: "/state/spool/acme.db",
  maxRows: 1,
  maxContentBytes: 1,
};

it("holds a reader to its tenant, its program, its copy and its descriptors, and allows it nothing else", () => {
  const argv = readerArguments(task);
  const allowed = argv.filter((argument) => argument.startsWith("--allow"));
  expect(argv[0]).toBe("--permission");
  expect(allowed).toEqual([
    expect.stringMatching(/^--allow-fs-read=.*\/sync-runtime$/),
    "--allow-fs-read=/tenants/acme/data",
    "--allow-fs-read=/state/spool/acme.db",
    "--allow-fs-read=/state/spool/acme.db-wal",
    "--allow-fs-read=/state/spool/acme.db-journal",
    "--allow-fs-read=/proc/self/fd",
    "--allow-fs-write=/state/spool/acme.db",
    "--allow-fs-write=/state/spool/acme.db-wal",
    "--allow-fs-write=/state/spool/acme.db-journal",
  ]);
});

it("gives a reader its task as its only argument", () => {
  const argv = readerArguments(task);
  expect(argv.at(-2)).toMatch(/\/reader\.ts$/);
  expect(JSON.parse(argv.at(-1) ?? "")).toEqual(task);
});

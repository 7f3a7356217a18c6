import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { postgresArguments, postgresHost, serverHasRun } from "../../../components/sync/postgres.ts";

describe("the server's arguments", () => {
  const settings = postgresArguments().filter((word) => word !== "-c");

  it.each([
    ["encrypt what passes a network", "ssl=on"],
    ["compress long texts the fast way", "default_toast_compression=lz4"],
    ["keep statements out of the log", "log_min_error_statement=panic"],
    ["keep rows out of the log", "log_error_verbosity=terse"],
    ["put the socket where it may write", "unix_socket_directories=/tmp"],
  ])("%s", (_, setting) => {
    expect(settings).toContain(setting);
  });
});

it("the server is called by its container's name", () => {
  expect(postgresHost("local")).toBe("owui-local-postgres");
});

it("a server has run where it left its version, and where that cannot be seen it may have", () => {
  const directory = mkdtempSync(join(tmpdir(), "postgres-"));
  try {
    expect(serverHasRun(directory)).toBe(false);
    expect(serverHasRun(join(directory, "none"))).toBe(false);
    writeFileSync(join(directory, "PG_VERSION"), "15");
    expect(serverHasRun(directory)).toBe(true);
    // A link to itself stands for every way of not seeing it.
    symlinkSync("loop", join(directory, "loop"));
    expect(serverHasRun(join(directory, "loop"))).toBe(true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

import { describe, expect, it } from "vitest";
import { postgresArguments, postgresHost } from "../../../components/sync/postgres.ts";

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

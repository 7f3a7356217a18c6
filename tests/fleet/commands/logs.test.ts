import { describe, expect, it } from "vitest";
import { logLine, logsArgv } from "../../../fleet/commands/logs.ts";

const asked = { stack: "local", lines: "100" };

describe("logs", () => {
  it.each([
    [asked, "--tail 100 c"],
    [{ ...asked, follow: true, lines: "all" }, "--tail all --follow c"],
    [{ ...asked, since: "10m" }, "--tail 100 --since 10m c"],
    [{ ...asked, since: "2d" }, "--tail 100 --since 48h c"],
    [
      { ...asked, since: "2026-11-22T07:00:00Z", json: true },
      "--tail 100 --since 2026-11-22T07:00:00Z --timestamps c",
    ],
  ])("asked as %j are asked of the engine", (invocation, words) => {
    expect(logsArgv(invocation, "c").join(" ")).toBe(`docker logs ${words}`);
  });

  it("refuses what is no number of lines and no time, both at once", () => {
    expect(() => logsArgv({ ...asked, lines: "-5", since: "yesterday" }, "c")).toThrow(
      /--lines -5 is not understood[\s\S]*--since yesterday is not understood[\s\S]*Write 10m/,
    );
  });

  it("have the engine's time beside each line", () => {
    expect(logLine("acme", "stderr", "2026-11-22T07:00:00.123456789Z started: ok")).toEqual({
      tenant: "acme",
      stream: "stderr",
      at: "2026-11-22T07:00:00.123456789Z",
      text: "started: ok",
    });
    expect(logLine("acme", "stdout", "no time").at).toBeNull();
  });
});

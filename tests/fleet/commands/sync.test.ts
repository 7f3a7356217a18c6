import { describe, expect, it } from "vitest";
import { cancelledText, stateText } from "../../../fleet/commands/sync.ts";
import {
  endText,
  type PastSync,
  type Progress,
  progressText,
  sizeText,
} from "../../../toolchain/commands/sync-view.ts";

const table = (name: string, rows: number, rows_total: number, bytes = 0, bytes_total = 0) => ({
  table: name,
  rows,
  rows_total,
  bytes,
  bytes_total,
});

describe("progress", () => {
  it.each<[Progress, string | undefined]>([
    [null, undefined],
    [{ tables: [] }, undefined],
    [
      { tables: [table("user", 9, 9, 900, 1000), table("chat", 5, 4000, 5000, 3e6), table("tag", 0, 1)] },
      "chat: 14 of 4,010 rows, 5.9 kB of 3.0 MB",
    ],
    // Bytes are about; more than all of them never came.
    [{ tables: [table("user", 9, 9, 1200, 1000)] }, "9 of 9 rows, 1.2 kB of 1.2 kB, comparing"],
  ])("%j reads: %s", (progress, text) => {
    expect(progressText(progress)).toBe(text);
  });
});

describe("a size", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [34_400_000, "34 MB"],
    [1_200_000_000, "1.2 GB"],
  ])("of %d bytes reads %s", (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});

describe("a job", () => {
  const running = { id: "7", kind: "sync", started_at: "", progress: null };

  it.each([
    [undefined, "waiting for a node"],
    [{ ...running, id: "6" }, "waiting for the sync before it"],
    [running, "asking the agent"],
    [{ ...running, kind: "verify" }, "reading every row back"],
    [{ ...running, progress: { tables: [table("chat", 1, 2)] } }, "chat: 1 of 2 rows, 0 B of 0 B"],
  ])("%j is %s", (state, text) => {
    expect(stateText(state, "7")).toBe(text);
  });

  const ended: PastSync = {
    ...{ id: "7", client: "acme", kind: "sync", reason: "manual", status: "success", attempt: 1, node: "a" },
    ...{ runs: 1, started_at: "", finished_at: "", seconds: 1.24, rows: 1200, bytes: 34_000 },
    ...{ differences: 0, differing: null, progress: null, error_code: null, error: null },
  };

  it.each<[Partial<PastSync>, string]>([
    [{}, "equal; 1,200 rows and 34 kB came (1.2 s)"],
    [{ status: "unchanged" }, "equal; nothing was written since the last sync (1.2 s)"],
    [{ status: "failed", error: "The agent is away." }, "failed: The agent is away."],
    [{ status: "held", error: "The replica of acme is held." }, "held: The replica of acme is held."],
    [{ status: "cancelled", error: "ana cancelled it." }, "cancelled: ana cancelled it."],
    [{ kind: "verify" }, "equal; 1,200 rows were read back, none differed (1.2 s)"],
    [
      {
        ...{ kind: "verify", differences: 4 },
        differing: [
          { table: "chat", altered: 2, missing: 0, extra: 1, digest: 0 },
          { table: "user", altered: 0, missing: 0, extra: 0, digest: 1 },
        ],
      },
      "equal again; 4 rows differed and were repaired: chat (2 altered, 1 too many); user (1 with a wrong digest) (1.2 s)",
    ],
  ])("that ended with %j reads: %s", (changed, text) => {
    expect(endText({ ...ended, ...changed })).toBe(text);
  });
});

describe("what was cancelled", () => {
  it.each([
    [[], "Nothing of acme waits or runs: there is nothing to cancel."],
    [
      [
        { job: "7", status: "running" },
        { job: "8", status: "cancelled" },
      ],
      "job 7 is being broken off, job 8 waits no more. The replica keeps what it has; the next sync comes at its interval.",
    ],
  ])("%j reads: %s", (jobs, text) => {
    expect(cancelledText("acme", jobs)).toBe(text);
  });
});

import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { conflictTable, diffText, plain, stateText } from "../../../fleet/commands/conflict-text.ts";
import { type ConflictsInvocation, conflicts } from "../../../fleet/commands/conflicts.ts";
import type { Conflict, Field } from "../../../toolchain/commands/conflict-view.ts";
import type { SetupError } from "../../../toolchain/setup/problem.mjs";

const conflict: Conflict = {
  ...{ id: "7", client: "acme", table: "chat", key: { id: "c1" }, type: "update/update", strategy: "manual" },
  ...{ winner: "pending", why: "Conflicts in chat wait for an operator.", edited_by: "postgres", job: "12" },
  edited_at: "2026-11-21T20:00:00.000Z",
  detected_at: "2026-11-21T20:01:00.000Z",
  ...{ decided_by: "rule", resolved_at: null, accepted: null, edited: false, superseded_by: null },
  ...{ written_at: null, written_by: null, converged_at: null, refused: null },
  rows: { base: true, source: true, remote: true, result: null },
};
const now = Date.parse("2026-11-21T20:04:00.000Z");

describe("conflicts as a table", () => {
  it("name the row, and what became of it", () => {
    const other = {
      ...conflict,
      id: "6",
      table: "user",
      key: null,
      type: "none/delete",
      winner: "remote",
    } as const;
    expect(conflictTable([conflict, { ...other, strategy: "newest_wins" }], now)).toBe(
      [
        "conflict   tenant   row          source / replica   found       state",
        "7          acme     chat id=c1   update/update      3 min ago   waits for you",
        "6          acme     user         none/delete        3 min ago   replica won, by newest_wins",
      ].join("\n"),
    );
  });

  it.each<[Partial<Conflict>, string]>([
    [{}, "waits for you"],
    [{ accepted: "remote", decided_by: "ana" }, "remote accepted by ana, goes in with the next sync"],
    [
      { accepted: "remote", edited: true, decided_by: "ana" },
      "an edited row accepted by ana, goes in with the next sync",
    ],
    [{ winner: "source", strategy: "source_wins" }, "source won, by source_wins"],
    [{ winner: "merged", strategy: "merge" }, "merged, by merge"],
    [{ winner: "merged", decided_by: "ana" }, "edited row, by ana"],
    [{ winner: "remote", decided_by: "ana" }, "replica won, by ana"],
    [{ winner: "source", superseded_by: "9" }, "superseded by 9"],
  ])("say how it stands: %j: %s", (changed, text) => {
    expect(stateText({ ...conflict, ...changed })).toBe(text);
  });
});

describe("one conflict", () => {
  const shown = (text: string, size = text.length) => ({ text, size });
  const title: Field = {
    ...{ column: "title", type: "text", changed_by: ["source", "remote"], hidden: false },
    ...{
      base: shown("was"),
      source: shown("theirs"),
      remote: shown(`x${"y".repeat(300)}`, 4000),
      result: null,
    },
  };

  it("is shown field by field", () => {
    const chat: Field = {
      ...{ ...title, column: "chat", type: "json", changed_by: ["remote"] },
      paths: [
        {
          path: "history.messages.m1",
          base: null,
          source: null,
          remote: shown('{"id":"m1"}'),
          result: shown("2"),
        },
      ],
      more: 1200,
    };
    const secret: Field = { ...title, column: "variables", type: "json", hidden: true, changed_by: [] };
    expect(diffText({ conflict, fields: [title, chat, secret] }, now).split("\n")).toEqual([
      "Conflict 7: chat id=c1 of acme, update/update, waits for you",
      "Changed in the replica by postgres at 2026-11-21T20:00:00.000Z, found 3 min ago by job 12.",
      "Conflicts in chat wait for an operator.",
      "",
      "title (text, changed by source and remote)",
      "  base    was",
      "  source  theirs",
      `  remote  x${"y".repeat(99)}… (4,000 characters)`,
      "chat (json, changed by remote)",
      "  history.messages.m1",
      "    base    -",
      "    source  -",
      '    remote  {"id":"m1"}',
      "    result  2",
      "  and 1,200 places more",
      "variables (json): holds credentials, not shown",
    ]);
  });

  it("says where there is no such row", () => {
    const rows = { base: true, source: false, remote: true, result: false };
    expect(diffText({ conflict: { ...conflict, rows }, fields: [] }, now)).toContain(
      "There is no such row in: source, result.\n\nNo field differs.",
    );
  });

  it("does nothing to the terminal, whatever a tenant or an editor wrote", () => {
    expect(plain("a\u001b[31m\nb\u202ec\u009b\u2028")).toBe("a\\u001b[31m\\u000ab\\u202ec\\u009b\\u2028");
  });
});

describe("refused before anybody is asked:", () => {
  const refusal = (options: Partial<ConflictsInvocation>, id?: string) =>
    conflicts({ stack: "local", ...options }, id).then(
      () => "nothing",
      (error) => (error as SetupError).problems[0]?.what,
    );

  it.each<[string, Partial<ConflictsInvocation>, string | undefined]>([
    ['"seven" is no conflict.', {}, "seven"],
    ['"-1" is no conflict.', {}, "-1"],
    ["A conflict's number and --client or --all do not go together.", { client: "acme" }, "7"],
    ["--resolve and --row do not go together.", { resolve: "source", row: "row.json" }, "7"],
    ["Which conflict is decided is not said.", { resolve: "source" }, undefined],
    ["nowhere.json is no row.", { row: "nowhere.json" }, "7"],
  ])("%s", async (what, options, id) => {
    expect(await refusal(options, id)).toBe(what);
  });

  it.each(["[1]", "null", '{"title":'])("a file with %s for a row", async (text) => {
    const file = join(await mkdtemp(join(tmpdir(), "conflicts-")), "row.json");
    await writeFile(file, text);
    expect(await refusal({ row: file }, "7")).toBe(`${file} is no row.`);
  });
});

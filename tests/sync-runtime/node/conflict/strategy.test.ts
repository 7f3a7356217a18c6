import { expect, test } from "vitest";
import { type Conflicts, strategyFor } from "../../../../sync-runtime/node/conflict/strategy.ts";

test.each<[string, string, Conflicts, string]>([
  ["users by the newest", "user", {}, "newest_wins"],
  ["chats by merging", "chat", {}, "merge"],
  ["sessions for the source", "oauth_session", {}, "source_wins"],
  ["settings by an operator", "config", {}, "manual"],
  ["all else for the source", "message", {}, "source_wins"],
  ["all else as declared", "message", { default: "target_wins" }, "target_wins"],
  ["a table with a default of its own not by the declared one", "chat", { default: "target_wins" }, "merge"],
  [
    "a named table as declared",
    "chat",
    { default: "manual", tables: { chat: "source_wins" } },
    "source_wins",
  ],
  ["a table named like what every object has", "constructor", { tables: {} }, "source_wins"],
])("decides %s", (_, table, conflicts, strategy) => {
  expect(strategyFor(table, conflicts)).toBe(strategy);
});

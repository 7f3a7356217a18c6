import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentProcess } from "../../support/agent-process.ts";
import { stopChild } from "../../support/child-process.ts";
import { contentsOfMessages } from "../../support/table-contents.ts";

const WRITER = new URL("../../support/ledger-writer.ts", import.meta.url).pathname;

let agent: AgentProcess;
beforeAll(async () => {
  agent = await AgentProcess.start();
});
afterAll(() => agent[Symbol.asyncDispose]());

it.each(["wal", "rollback"] as const)(
  "every snapshot is one committed state of a database in %s mode, whatever is written and rolled back meanwhile",
  async (journal) => {
    const path = join(agent.tenant(journal), "webui.db");
    const writer = spawn(process.execPath, [WRITER, path, journal], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(writer.stdout, "data");
      const seen: bigint[] = [];
      for (let round = 0; round < 5; round++) {
        const messages = await agent.changes(journal);
        if (messages.at(-1)?.type === "error") throw new Error(JSON.stringify(messages.at(-1)));
        const rows = contentsOfMessages(messages).contents.ledger ?? [];
        expect(rows).toHaveLength(300);
        // The first value of a row: `I` and eight bytes.
        const turns = new Set(rows.map((row) => BigInt(`0x${row.slice(2, 18)}`)));
        expect(turns.size).toBe(1);
        seen.push(...turns);
      }
      expect(seen.filter((turn) => turn % 3n === 0n && turn > 0n)).toEqual([]);
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(a - b)));
    } finally {
      await stopChild(writer, "SIGKILL");
    }
  },
);

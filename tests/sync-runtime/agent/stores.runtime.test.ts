import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentProcess, messagesOf } from "../../support/agent-process.ts";
import { addChats, createWebuiDatabase } from "../../support/webui-database.ts";
import { digestsOfDatabase, Replica } from "./snapshot-taker.ts";

let agent: AgentProcess;
beforeAll(async () => {
  agent = await AgentProcess.start();
});
afterAll(() => agent[Symbol.asyncDispose]());

/** A tenant with a running application, and a replica that is sent its changes. */
class Tenant implements Disposable {
  readonly id: string;
  readonly application: DatabaseSync;
  replica = new Replica();
  committed: string | null = null;
  #chats = 1000;

  constructor(id: string, journal: "wal" | "rollback" = "wal") {
    this.id = id;
    const path = join(agent.tenant(id), "webui.db");
    createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal });
    this.application = new DatabaseSync(path);
  }

  write(): void {
    addChats(this.application, this.#chats++, 1);
    this.application.exec("DELETE FROM chat WHERE rowid = (SELECT min(rowid) FROM chat)");
  }

  /** Asks for changes, commits them unless told otherwise, and says how they came. */
  async sync({ full = false, commit = true } = {}): Promise<string> {
    const options = { method: "POST", path: `/v1/tenants/${this.id}/changes` };
    const response = await agent.request(options, JSON.stringify({ committed: this.committed, full }));
    const messages = await Array.fromAsync(messagesOf(response));
    const [first] = messages;
    if (first?.type !== "header") throw new Error(JSON.stringify(first));
    if (commit) {
      for (const message of messages) this.replica.accept(message);
      this.committed = first.header.sync;
      expect(this.replica.contents).toEqual(digestsOfDatabase(this.application));
    }
    expect(messages.at(-1)?.type).toBe("manifest");
    return `${first.header.mode} ${first.header.generation}`;
  }

  /** The stores the agent has of it. */
  get stores(): string[] {
    return readdirSync(agent.path("state", "stores"))
      .filter((name) => name.startsWith(`${this.id}.`))
      .map((name) => name.split(".")[1] as string);
  }

  [Symbol.dispose](): void {
    this.application.close();
  }
}

const storePath = (tenant: Tenant, sync = tenant.committed) =>
  agent.path("state", "stores", `${tenant.id}.${sync}.store`);

describe.each(["wal", "rollback"] as const)("a replica of a database in %s mode", (journal) => {
  it("is sent everything once, and then what changed", async () => {
    using tenant = new Tenant(`changes-${journal}`, journal);
    tenant.write();
    expect(await tenant.sync()).toBe("full 1");
    for (let round = 0; round < 3; round++) {
      tenant.write();
      expect(await tenant.sync()).toBe("delta 1");
    }
  });

  it("that did not commit what it was sent is sent the changes since what it has", async () => {
    using tenant = new Tenant(`uncommitted-${journal}`, journal);
    await tenant.sync();
    const first = tenant.committed;
    tenant.write();
    await tenant.sync({ commit: false });
    expect(tenant.stores).toHaveLength(2);
    tenant.write();
    expect(await tenant.sync()).toBe("delta 1");
    tenant.write();
    await tenant.sync();
    expect(tenant.stores).toHaveLength(2);
    expect(tenant.stores).not.toContain(first);
  });

  it("is sent every row on request, and changes again behind that", async () => {
    using tenant = new Tenant(`full-${journal}`, journal);
    await tenant.sync();
    expect(await tenant.sync({ full: true, commit: false })).toBe("full 1");
    tenant.write();
    expect(await tenant.sync()).toBe("delta 1");
    expect(await tenant.sync({ full: true })).toBe("full 1");
    tenant.write();
    expect(await tenant.sync()).toBe("delta 1");
  });
});

describe("a store", () => {
  it.each<[string, (tenant: Tenant) => void]>([
    ["that was lost", (tenant) => rmSync(storePath(tenant))],
    [
      "that is torn",
      (tenant) => writeFileSync(storePath(tenant), readFileSync(storePath(tenant)).subarray(0, -100)),
    ],
    [
      "in which a bit was changed",
      (tenant) => {
        const bytes = readFileSync(storePath(tenant));
        bytes[1000] = (bytes[1000] as number) ^ 1;
        writeFileSync(storePath(tenant), bytes);
      },
    ],
    ["that is another sync's", (tenant) => cpSync(agent.path("state", "other.store"), storePath(tenant))],
  ])("%s costs a full stream and a new generation", async (what, harm) => {
    using tenant = new Tenant(`harmed-${what.replaceAll(/\W/g, "-")}`);
    await tenant.sync();
    cpSync(storePath(tenant), agent.path("state", "other.store"));
    tenant.write();
    await tenant.sync();
    harm(tenant);
    tenant.write();
    expect(await tenant.sync()).toBe("full 2");
    tenant.write();
    expect(await tenant.sync()).toBe("delta 2");
  });

  it("of which no record speaks is removed when the agent starts", async () => {
    using tenant = new Tenant("orphans");
    await tenant.sync();
    cpSync(storePath(tenant), storePath(tenant, "0b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10"));
    cpSync(
      storePath(tenant),
      agent.path("state", "stores", "gone.0b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10.store"),
    );
    await agent.stop();
    await agent.run();
    expect(tenant.stores).toEqual([tenant.committed]);
    expect(readdirSync(agent.path("state", "stores")).filter((name) => name.startsWith("gone"))).toEqual([]);
    tenant.write();
    expect(await tenant.sync()).toBe("delta 1");
  });

  it("of an older state than the replica's is not taken for its own", async () => {
    using tenant = new Tenant("rolled-back");
    await tenant.sync();
    await agent.stop();
    cpSync(agent.path("state"), agent.path("backup"), { recursive: true });
    await agent.run();
    for (let round = 0; round < 2; round++) {
      tenant.write();
      await tenant.sync();
    }
    await agent.stop("SIGKILL");
    rmSync(agent.path("state"), { recursive: true });
    cpSync(agent.path("backup"), agent.path("state"), { recursive: true });
    await agent.run();
    tenant.write();
    expect(await tenant.sync()).toBe("full 2");
  });

  it("of another agent that reads the same tenant does not count: each knows its own syncs", async () => {
    using tenant = new Tenant("twice-read");
    await tenant.sync();
    const other = tenant.committed;
    await agent.stop();
    cpSync(agent.path("state"), agent.path("first-agent"), { recursive: true });
    rmSync(agent.path("state"), { recursive: true });
    cpSync(agent.path("first-agent"), agent.path("state"), { recursive: true });
    for (const name of ["records", "stores"]) rmSync(agent.path("state", name), { recursive: true });
    await agent.run();
    tenant.write();
    expect(await tenant.sync()).toMatch(/^full/);
    expect(tenant.stores).not.toContain(other);
  });
});

describe("kill -9", () => {
  it.each([
    "reader:opened",
    "reader:half-read",
    "reader:store-written",
    "agent:reader-ended",
    "agent:pending-saved",
    "agent:sent",
  ])("at %s loses nothing: the next delta is exact", async (point) => {
    using tenant = new Tenant(point.replace(":", "-"));
    await tenant.sync();
    tenant.write();
    await agent.stop();
    await agent.run({ OWUI_FAULT: point });
    const answered = await agent
      .ask(tenant.id, tenant.committed)
      .then(async (response) => (await Array.fromAsync(messagesOf(response))).at(-1)?.type)
      .catch(() => "nothing");
    // Behind the last point everything was sent.
    if (point !== "agent:sent") expect(answered).not.toBe("manifest");
    await agent.stop("SIGKILL");
    await agent.run();
    tenant.write();
    expect(await tenant.sync()).toBe("delta 1");
    expect(tenant.stores.length).toBeLessThanOrEqual(2);
  });
});

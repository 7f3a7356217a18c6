import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostLine } from "../../../fleet/commands/hosts.ts";
import type { LogLine } from "../../../fleet/commands/logs.ts";
import type { Restarted } from "../../../fleet/commands/power.ts";
import type { TenantLine } from "../../../fleet/commands/tenants.ts";
import type { UserLine } from "../../../fleet/commands/users.ts";
import type { Applied } from "../../../fleet/config-edit/apply-edit.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { adminOf } from "../../support/fleet/stack-file.ts";

/** What operators do day by day, with the operator's command line. */
export const operating = (fleet: Fleet) => {
  /** Runs a command that prints JSON. */
  const told = async <T>(command: string, args: string[], input?: string): Promise<T> =>
    JSON.parse(
      (await fleet.driver.operate(command, [...args, "--json"], { input: input ?? "" })).stdout,
    ) as T;
  const refused = (command: string, args: string[]) => fleet.driver.operate(command, args, { mayFail: true });
  const container = fleet.name("tenant-acme");
  const others = () => fleet.snapshotBeside("acme");
  const empty = async () => expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);

  describe("looking at the fleet", () => {
    it("tells what each tenant uses, and what is left of the host", async () => {
      const { tenants } = await told<{ tenants: TenantLine[] }>("tenants", []);
      expect(tenants.map(({ id, health }) => [id, health])).toEqual([
        ["acme", "healthy"],
        ["globex", "healthy"],
      ]);
      for (const { memory, stored, cpu } of tenants) {
        expect(memory.used).toBeGreaterThan(100e6);
        expect(stored).toBeGreaterThan(100e3);
        expect(cpu).toEqual(expect.any(Number));
      }
      const { hosts } = await told<{ hosts: HostLine[] }>("hosts", []);
      expect(hosts).toMatchObject([{ id: "local", control: true, tenants: 2, cpus: expect.any(Number) }]);
      expect(hosts[0]?.disk?.free).toBeGreaterThan(0);
    });

    it("shows what an application printed, for people and line by line for scripts", async () => {
      const { stdout, stderr } = await fleet.driver.operate("logs", ["acme", "--lines", "all"]);
      expect(stdout + stderr).toContain("Waiting for application startup");
      const lines = (await fleet.driver.operate("logs", ["acme", "--lines", "5", "--json"])).stdout;
      for (const line of lines.trim().split("\n"))
        expect(JSON.parse(line) as LogLine).toMatchObject({
          tenant: "acme",
          at: expect.stringMatching(/^\d{4}-/),
        });
    });
  });

  describe("restarting a tenant", () => {
    it("is refused unless it is confirmed", async () => {
      const before = await fleet.snapshot();
      expect((await refused("restart", ["acme"])).code).toBe(1);
      expect(await fleet.snapshot()).toEqual(before);
    });

    it("starts its container anew and nobody else's, and says how long it was away", async () => {
      const [before, rest] = [await fleet.snapshot(), await others()];
      const { tenants } = await told<{ tenants: Restarted[] }>("restart", ["acme", "--yes"]);
      expect(tenants).toEqual([{ tenant: "acme", seconds: expect.any(Number) }]);
      const now = await fleet.snapshot();
      expect(now[container]?.id).toBe(before[container]?.id);
      expect(now[container]?.startedAt).not.toBe(before[container]?.startedAt);
      expect(await others()).toEqual(rest);
      expect((await fleet.tenant("acme").get("/health")).status).toBe(200);
    });
  });

  describe("a tenant's users", () => {
    const ana = "ana.o'neill@acme.example";
    const password = "Ana's own password 1";
    const list = async (...args: string[]) =>
      (await told<{ users: UserLine[] }>("users", ["acme", ...args])).users;
    const roleOf = async (email: string) => (await list()).find((user) => user.email === email)?.role;

    beforeAll(async () => {
      await (await fleet.signIn("acme")).addUser({ name: "Ana", email: ana, password, role: "pending" });
    });

    it("are listed, the primary admin first", async () => {
      const users = await list();
      expect(users[0]).toMatchObject({ email: adminOf("acme"), role: "admin", primary: true });
      expect(users.find(({ email }) => email === ana)).toMatchObject({ role: "pending", primary: false });
    });

    it("are approved, promoted, demoted and suspended, which the application goes by", async () => {
      for (const [action, role] of [
        ["approve", "user"],
        ["promote", "admin"],
        ["demote", "user"],
        ["suspend", "pending"],
      ] as const) {
        // Open WebUI lets one address in fifteen times in three minutes: no command more than needed.
        const users = await list(action, ana);
        expect(users.find(({ email }) => email === ana)?.role).toBe(role);
        expect((await fleet.tenant("acme").signIn(ana, password)).role).toBe(role);
      }
    });

    it("are not the primary admin when they are to be deleted or demoted: nobody is changed then", async () => {
      for (const action of ["delete", "demote"]) {
        const { code, stderr } = await refused("users", ["acme", action, ana, adminOf("acme"), "--yes"]);
        expect([code, stderr]).toEqual([1, expect.stringMatching(/is the primary admin of acme/)]);
      }
    });

    it("are deleted once that is confirmed", async () => {
      expect((await refused("users", ["acme", "delete", ana])).code).toBe(1);
      expect(await roleOf(ana)).toBe("pending");
      const left = await list("delete", ana, "--yes");
      expect(left.map(({ email }) => email)).not.toContain(ana);
      await expect(fleet.tenant("acme").signIn(ana, password)).rejects.toThrow();
    });

    it("get another primary admin, in the application and in the stack's config, and the former one back", async () => {
      const rest = await fleet.snapshot();
      await told<Applied>("users", ["acme", "hand-over", ana, "--name", "Ana O'Neill", "--yes"]);
      expect((await list())[0]).toMatchObject({ email: ana, name: "Ana O'Neill", primary: true });
      expect(await fleet.driver.password("acme")).toContain(ana);
      expect(await fleet.snapshot()).toEqual(rest);
      await told<Applied>("users", [
        "acme",
        "hand-over",
        adminOf("acme"),
        "--name",
        "Administrator",
        "--yes",
      ]);
      expect((await fleet.signIn("acme")).role).toBe("admin");
    });
  });

  describe("a tenant's variables", () => {
    const secret = "tvly-$(never run) 'quoted' \"twice\"";
    afterAll(async () => {
      await fleet.driver.operate("env", ["acme", "unset", "RAG_TOP_K", "TAVILY_API_KEY", "--yes"], {
        mayFail: true,
      });
    });

    it("that are misspelt, managed by the fleet, or secret and readable by others are refused", async () => {
      const { code, stderr } = await refused("env", [
        "acme",
        "set",
        "RAG_TOPK=5",
        "WEBUI_URL=x",
        "TAVILY_API_KEY=y",
      ]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/Did you mean RAG_TOP_K\?[\s\S]*WEBUI_URL is managed[\s\S]*looks like a secret/);
    });

    it("reach its application as they were typed, and no other tenant's container is touched", async () => {
      const rest = await others();
      await told<Applied>("env", ["acme", "set", "RAG_TOP_K=5", "TAVILY_API_KEY", "--yes"], `${secret}\n`);
      expect(await fleet.engine.environmentOf(container)).toMatchObject({
        RAG_TOP_K: "5",
        TAVILY_API_KEY: secret,
      });
      expect(await others()).toEqual(rest);
      await empty();
    });

    it("are shown with their origin, and secrets are not", async () => {
      const { stdout } = await fleet.driver.operate("env", ["acme"]);
      expect(stdout).toMatch(/^RAG_TOP_K +"5" +config: environment$/m);
      expect(stdout).toMatch(/^TAVILY_API_KEY +\(secret\) +config: environment$/m);
      expect(stdout).not.toContain("tvly-");
    });

    it("are gone when they are unset", async () => {
      await told<Applied>("env", ["acme", "unset", "RAG_TOP_K", "TAVILY_API_KEY", "--yes"]);
      const left = await fleet.engine.environmentOf(container);
      expect(left).not.toHaveProperty("RAG_TOP_K");
      expect(left).not.toHaveProperty("TAVILY_API_KEY");
    });
  });

  describe("stopping a tenant", () => {
    it("takes its container and keeps the rest, until it is started", async () => {
      const rest = await others();
      const chat = await (await fleet.signIn("acme")).createChat("Kept while stopped");
      await told<Applied>("stop", ["acme", "--yes"]);
      expect(await fleet.engine.containers()).not.toContain(container);
      expect(await others()).toEqual(rest);
      expect((await refused("restart", ["acme", "--yes"])).stderr).toMatch(/does not run/);
      await told<Applied>("start", ["acme"]);
      expect((await (await fleet.signIn("acme")).chats()).map(({ id }) => id)).toContain(chat);
      expect(await others()).toEqual(rest);
    });
  });
};

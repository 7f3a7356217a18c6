import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AskedHost } from "../../../fleet/on-host/asked-host.ts";
import { ScratchApplication } from "../../../fleet/on-host/scratch-application.ts";

/** Images of the end-to-end suite's two versions. */
const image = (version: string) => `ghcr.io/open-webui/open-webui:${version}`;
const there = (version: string) => {
  try {
    execFileSync("docker", ["image", "inspect", image(version)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(process.getuid?.() !== 0)("a real Open WebUI on a copy", () => {
  const folder = mkdtempSync(join(tmpdir(), "scratch-application-"));
  const host = { spec: { kind: "local", id: "local" }, told: undefined, doors: [] } as unknown as AskedHost;
  const stack = `scratch-${process.pid}`;
  const limits = { memory: { reserved: 700 * 2 ** 20, limit: 1400 * 2 ** 20 }, cpus: 2, pids: 512 };
  const key = join(folder, "webui_secret_key");
  const application = new ScratchApplication(host, stack, "trial");
  const containers = () =>
    execFileSync("docker", ["ps", "--all", "--quiet", "--filter", `label=owui.stack=${stack}`], {
      encoding: "utf8",
    });

  beforeAll(() => writeFileSync(key, "a secret key with 'quotes'\n", { mode: 0o600 }));
  afterAll(async () => {
    await application.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const version of ["v0.11.3", "v0.9.6"])
    describe.skipIf(!there(version))(version, () => {
      const data = join(folder, version);
      const start = (more: object = {}) =>
        application.start({ image: image(version), data, key, limits, ...more });

      beforeAll(async () => {
        mkdirSync(data);
        await start({ settings: { ENABLE_INITIAL_ADMIN_SIGNUP: "True" } });
        const body = { name: "Ana", email: "ana@acme.example", password: "Ana's own password 1" };
        const made = await application.ask("POST", "/api/v1/auths/signup", { as: "nobody", body });
        expect(made.status).toBe(200);
      });

      it("lets its admin in by the secret key, and shows a chat and what it counts", async () => {
        const body = { chat: { title: "Kept", models: [], messages: [], history: { messages: {} } } };
        expect((await application.ask("POST", "/api/v1/chats/new", { body })).status).toBe(200);
        const seen = await application.signIn();
        expect(seen).toMatchObject({ users: 1, rows: { user: 1, chat: 1 }, version: version.slice(1) });
        expect(seen.chat).toEqual(expect.any(String));
      });

      it("is removed whole, and takes up its data again", async () => {
        await application.remove();
        expect(containers()).toBe("");
        await expect(application.signIn()).rejects.toThrow(/was asked, and/);
        await start();
        expect((await application.signIn()).rows.chat).toBe(1);
      });

      it("gives back an uploaded file as it lies on the disk, and tells where it does not", async () => {
        const text = "what was uploaded";
        mkdirSync(join(data, "uploads"), { recursive: true });
        writeFileSync(join(data, "uploads/one.txt"), text);
        const { admin } = await application.signIn();
        const database = new DatabaseSync(join(data, "webui.db"));
        database
          .prepare(
            "INSERT INTO file (id, user_id, filename, path, meta, created_at, updated_at) VALUES ('one', ?, 'one.txt', '/app/backend/data/uploads/one.txt', '{}', 1, 1)",
          )
          .run(admin);
        database.close();
        expect((await application.signIn()).file).toBe("one");
      });

      it("does not let its admin in who is no admin any more", async () => {
        const database = new DatabaseSync(join(data, "webui.db"));
        database.exec("UPDATE user SET role = 'user'");
        database.close();
        await expect(application.signIn()).rejects.toThrow(/no admin among its users/);
      });

      it("reaches nothing outside of itself", async () => {
        const inside = ["exec", `owui-${stack}-scratch-trial`, "ls", "/sys/class/net"];
        expect(execFileSync("docker", inside, { encoding: "utf8" }).trim()).toBe("lo");
        await application.remove();
      });
    });

  it("whose database is no database ends, says where to read on, and leaves no container", async () => {
    const data = join(folder, "broken");
    mkdirSync(data);
    writeFileSync(join(data, "webui.db"), "no database at all, and longer than a header of one ".repeat(20));
    const started = application.start({ image: image("v0.11.3"), data, key, limits, patience: 60 });
    await expect(started).rejects.toThrow(/on a copy of the data; .*broken\.log/);
    expect(containers()).toBe("");
  });
});

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyRestored } from "../../../sync-runtime/drill/verify.ts";
import type { BackupManifest } from "../../../sync-runtime/protocol/backup-manifest.ts";
import { ArgumentWatch } from "../../support/argument-watch.ts";
import { BackupHome } from "../../support/backup-home.ts";
import { until } from "../../support/fleet/until.ts";
import { StrictDatabase } from "../promote/strict-database.ts";

const run = promisify(execFile);

let home: BackupHome;
let database: StrictDatabase;
let restored: StrictDatabase;
let password: string;
let url: string;

beforeEach(async () => {
  home = new BackupHome();
  home.addTenant("acme");
  database = await StrictDatabase.create();
  restored = await StrictDatabase.create({ prepared: false });
  const whole = new URL(database.url);
  password = whole.password;
  whole.password = "";
  url = whole.href;
  await addChats(1, 40);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  await Promise.all([database.drop(), restored.drop()]);
});

/** Chats as an application writes them: with values that texts, numbers and JSON may have. */
const addChats = (from: number, to: number) =>
  database.client.query(
    `INSERT INTO chat (id, user_id, title, chat, created_at, updated_at)
     SELECT 'chat-' || n, 'user', E'größe \\t \\\\ "' || n, json_build_object('n', n, 'x', E'\\n'), n, n
     FROM generate_series($1::int, $2::int) AS n`,
    [from, to],
  );

/** The latest backup of acme, read back. */
const fetched = async () => {
  const folder = home.path("fetched");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const ended = await home.command("fetch", "acme", "latest", folder);
  const manifest = () =>
    JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Extract<BackupManifest, { format: 2 }>;
  return { folder, manifest, ...ended };
};

/** As drill.sh and an operator by hand do it, into a database that has nothing in it. */
const restore = async (folder: string) => {
  await restored.client.query("DROP SCHEMA public");
  const { password: PGPASSWORD, href } = new URL(restored.url);
  await run(
    "pg_restore",
    [
      "--no-owner",
      "--exit-on-error",
      "--dbname",
      href.replace(`:${PGPASSWORD}@`, "@"),
      join(folder, "database.dump"),
    ],
    { env: { ...process.env, PGPASSWORD } },
  );
};

describe("a tenant that works on a Postgres", () => {
  it("is backed up as that is at one moment, whoever writes to it, and is the same again where it is restored", async () => {
    home.setPostgres("acme", { url, password });
    let writing = true;
    const writer = (async () => {
      for (let n = 1000; writing; n++) await addChats(n, n);
    })();
    home.start();
    const { code, complained } = await home.command("run", "acme");
    writing = false;
    await writer;
    expect([code, complained]).toEqual([0, ""]);

    const { folder, manifest, ...back } = await fetched();
    expect(back).toMatchObject({ code: 0, complained: "" });
    expect(readdirSync(folder).sort()).toEqual(["config", "data", "database.dump", "manifest.json"]);
    expect(existsSync(join(folder, "data/webui.db"))).toBe(false);
    expect(readFileSync(join(folder, "data/uploads/letter.txt"), "utf8")).toBe("a letter to acme");
    const { format, database: held } = manifest();
    expect({ format, ...held }).toMatchObject({ format: 2, kind: "postgres", server: 15, schema: "public" });
    // Only some of what was written went in, and just that is in both: the dump and what was counted are of one moment.
    expect(held.tables.chat?.rows).toBeGreaterThanOrEqual(40);
    expect(held.tables.chat?.rows).toBeLessThan(await database.count("chat"));

    await restore(folder);
    expect(await verifyRestored(folder, restored.url)).toMatchObject({
      verified: { tenant: "acme", tables: Object.keys(held.tables).length },
    });
  });

  it("is told by name what differs where it was restored, whatever its tenant has rows look like", async () => {
    await database.client.query(`
      CREATE FUNCTION told(chat) RETURNS text LANGUAGE sql AS $$SELECT 'the same always'$$;
      CREATE CAST (chat AS text) WITH FUNCTION told(chat)`);
    home.setPostgres("acme", { url, password });
    home.start();
    await home.command("run", "acme");
    const { folder } = await fetched();
    await restore(folder);
    expect(await verifyRestored(folder, restored.url)).toHaveProperty("verified");
    await restored.client.query("UPDATE chat SET title = 'another' WHERE id = 'chat-7'");
    await restored.client.query("DROP TABLE memory");
    expect(await verifyRestored(folder, restored.url)).toEqual({
      problems: ["table chat has 40 rows of other content", "table memory is missing, with its 0 rows"],
    });
    writeFileSync(join(folder, "database.dump"), "x", { flag: "a" });
    const { verify } = await import("../../../sync-runtime/drill/verify.ts");
    expect(await verify(folder, "acme")).toEqual({
      problems: [expect.stringMatching(/^database\.dump has \d+ bytes instead of \d+$/)],
    });
  });

  it("has its password in no argument, log, status or backup", async () => {
    await database.client.query(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'hunter two'`);
    try {
      const own = new URL(url);
      own.username = role;
      home.setPostgres("acme", { url: own.href, password: "hunter two" });
      using watch = new ArgumentWatch();
      home.start();
      expect((await home.command("run", "acme")).complained).toBe("");
      const { seen } = watch;
      expect(seen).toContain("--format=custom");
      const { folder } = await fetched();
      const kept = readFileSync(home.path("status/acme.json"), "utf8");
      const stored = readFileSync(join(folder, "database.dump"), "latin1");
      const said =
        JSON.stringify(home.log) + home.complaints + readFileSync(home.path("backup.json"), "utf8");
      for (const text of [seen, kept, stored, said, readFileSync(join(folder, "manifest.json"), "utf8")])
        expect(text).not.toContain("hunter two");
    } finally {
      await database.client.query(`DROP ROLE ${role}`);
    }
  });
});

const role = "owner_of_backed_up";

describe("a dump that is put in place", () => {
  /** What is where: titles in the schema in use, and the schemas. */
  const found = async () => {
    const schemas = await database.client.query<{ name: string }>(
      "SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1",
    );
    const { rows } = await database.client.query<{ n: string }>("SELECT count(*) AS n FROM public.chat");
    return { schemas: schemas.rows.map(({ name }) => name), chats: Number(rows[0]?.n) };
  };
  const asked = async (...argv: string[]) => {
    const { code, complained } = await home.command(...argv);
    expect([argv[0], code, complained]).toEqual([argv[0], 0, ""]);
  };
  let folder: string;

  beforeEach(async () => {
    home.setPostgres("acme", { url, password });
    home.start();
    await asked("run", "acme");
    ({ folder } = await fetched());
    await addChats(100, 104);
  });

  it("keeps what was there whole, under another name, until that is put back or removed", async () => {
    await asked("placeable", "acme", folder);
    await asked("place", "acme", folder, "--operation", "7");
    expect(await found()).toEqual({ schemas: ["public", "public_before_7"], chats: 40 });
    // As a command that was killed is taken on.
    await asked("place", "acme", folder, "--operation", "7");
    expect(await found()).toEqual({ schemas: ["public", "public_before_7"], chats: 40 });

    await asked("placeable", "acme", "--before", "7");
    await asked("exchange", "acme", "--before", "7", "--operation", "8");
    expect(await found()).toEqual({ schemas: ["public", "public_before_8"], chats: 45 });
    await asked("exchange", "acme", "--before", "8", "--operation", "7");
    expect(await found()).toEqual({ schemas: ["public", "public_before_7"], chats: 40 });

    await asked("unplace", "acme", "--operation", "7");
    await asked("unplace", "acme", "--operation", "7");
    expect(await found()).toEqual({ schemas: ["public"], chats: 45 });

    await asked("place", "acme", folder, "--operation", "9");
    await asked("forget", "acme", "--operation", "7", "--operation", "9");
    expect(await found()).toEqual({ schemas: ["public"], chats: 40 });
    expect((await home.command("placeable", "acme", "--before", "9")).complained).toMatch(
      /Nothing of before restore 9 is kept/,
    );
  });

  it("which breaks off leaves what was there to be taken back", async () => {
    const dump = join(folder, "database.dump");
    writeFileSync(dump, readFileSync(dump).subarray(0, -2_000));
    const { code, complained } = await home.command("place", "acme", folder, "--operation", "7");
    expect([code, complained]).toEqual([1, expect.stringMatching(/pg_restore ended with exit code 1/)]);
    await asked("unplace", "acme", "--operation", "7");
    expect(await found()).toEqual({ schemas: ["public"], chats: 45 });
  });

  it("is refused where the tenant's role does not own what it would take the place of", async () => {
    const { pathname } = new URL(url);
    await database.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'own'`);
    try {
      const own = new URL(url);
      own.username = role;
      home.setPostgres("acme", { url: own.href, password: "own" });
      expect((await home.command("placeable", "acme", folder)).complained).toMatch(
        /it owns not the database/,
      );
      await database.client.query(`ALTER DATABASE ${pathname.slice(1)} OWNER TO ${role}`);
      await database.client.query("ALTER SCHEMA public OWNER TO postgres");
      expect((await home.command("placeable", "acme", folder)).complained).toMatch(
        /it owns the database, and not that\. .*ALTER SCHEMA/,
      );
      expect(await found()).toEqual({ schemas: ["public"], chats: 45 });
    } finally {
      await database.client.query(`ALTER DATABASE ${pathname.slice(1)} OWNER TO postgres`);
      await database.client.query(`DROP ROLE ${role}`);
    }
  });
});

describe("a tenant that goes to a Postgres", () => {
  it("is backed up from there at once, begins anew as one that is not protected, and so does its way back", async () => {
    home.start();
    const sqlite = JSON.parse((await home.command("run", "acme")).said);
    const drill = {
      at: new Date().toISOString(),
      ok: true,
      snapshot: sqlite.snapshot,
      seconds: 0,
      why: null,
    };
    writeFileSync(home.path("status/acme.json"), JSON.stringify({ ...home.status("acme"), drill }));

    home.setPostgres("acme", { url, password });
    home.tell();
    const postgres = await until("a backup of the Postgres", () => {
      const kept = home.status("acme");
      return kept.database === url && kept.lastGood !== null && kept;
    });
    expect(postgres).toMatchObject({ failing: null, drill: null, repository: sqlite.repository });
    expect(postgres.since > sqlite.since).toBe(true);
    expect((await fetched()).manifest().format).toBe(2);

    home.setPostgres("acme");
    home.tell();
    await until("a backup of the SQLite file", () => {
      const kept = home.status("acme");
      return kept.database === null && kept.lastGood !== null;
    });
    const { said } = await home.command("list", "acme");
    const kinds = (JSON.parse(said) as { database: string }[]).map((one) => one.database);
    expect(kinds.at(-1)).toBe("sqlite");
    expect(kinds).toContain("postgres");
    expect((await fetched()).folder).toSatisfy((folder: string) => existsSync(join(folder, "webui.db")));
  });

  it("breaks off what is being stored of its former database, and takes no trial restore of that for its own", async () => {
    writeFileSync(home.path("tenants/acme/data/uploads/large.bin"), Buffer.alloc(400_000_000, "large"));
    home.start();
    await until("the backup", () => existsSync(home.path("state/staging/acme")));
    const began = Date.now();
    home.setPostgres("acme", { url, password });
    home.tell();
    await until("its end", () => home.log.some(({ msg }) => /works on another database/.test(String(msg))));
    await sleep(1_100);
    const outcome = (at: number, seconds: number) =>
      JSON.stringify({ at: new Date(at).toISOString(), ok: true, snapshot: "former", seconds, why: null });
    await home.ask("drilled", outcome(Date.now(), Math.ceil((Date.now() - began) / 1000) + 2));
    expect(home.status("acme").drill).toBeNull();
    await home.ask("drilled", outcome(Date.now(), 0));
    expect(home.status("acme").drill).toMatchObject({ ok: true });
  });
});

describe("a Postgres that cannot be dumped", () => {
  const failure = async () => {
    home.start();
    const { code, complained } = await home.command("run", "acme");
    expect(code).toBe(1);
    return complained;
  };

  it("which lets nobody in, is told with what to look at", async () => {
    home.setPostgres("acme", { url, password: "another" });
    expect(await failure()).toMatch(
      /The tenant's Postgres \S+\/strict_\w+ cannot be asked: password authentication failed.*tenants\.<name>\.database/s,
    );
    expect(home.status("acme")).toMatchObject({ lastGood: null, database: url });
  });

  it("which is newer than what dumps it, is told with what to set", async () => {
    const programs = home.path("programs");
    mkdirSync(join(programs, "bin"), { recursive: true });
    const older = '#!/bin/sh\necho "pg_dump (PostgreSQL) 14.9 (Debian)"\n';
    writeFileSync(join(programs, "bin/pg_dump"), older, { mode: 0o755 });
    home.setPostgres("acme", { url, password });
    home.start({ POSTGRES_CLIENT: programs });
    expect((await home.command("run", "acme")).complained).toMatch(
      /of version 15, and what dumps it of version 14\..*Set `backups\.postgres`/s,
    );
  });

  it("whose tables somebody keeps locked, ends with the program", async () => {
    await database.client.query("BEGIN; LOCK TABLE chat IN ACCESS EXCLUSIVE MODE");
    home.setPostgres("acme", { url, password });
    home.start();
    const asked = home.command("run", "acme");
    await until("who waits for it", async () => {
      const { rows } = await database.client.query("SELECT FROM pg_locks WHERE NOT granted");
      return rows.length > 0;
    });
    expect(await home.stop()).toBe(0);
    expect((await asked).code).toBe(1);
    await database.client.query("ROLLBACK");
    expect(existsSync(home.path("state/staging/acme"))).toBe(false);
  });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningPostgres, startServer } from "../../support/postgres-server.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { Rig } from "./rig.ts";

let postgres: RunningPostgres;
let rig: Rig;

beforeAll(async () => {
  postgres = await startServer({
    name: "owui-test-full",
    arguments: ["--tmpfs", "/var/lib/postgresql/data", "--tmpfs", "/small:size=30m,mode=1777"],
    settings: ["fsync=off"],
  });
  rig = await Rig.start(1, postgres.server);
  await rig.admin.query("COPY (SELECT) TO PROGRAM 'mkdir /small/space'");
  await rig.admin.query("CREATE TABLESPACE small LOCATION '/small/space'");
  await rig.admin.query(`ALTER DATABASE ${rig.database.name} SET default_tablespace = small`);
  await rig.admin.query("GRANT CREATE ON TABLESPACE small TO PUBLIC");
});
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  await postgres?.stop();
});

test("Postgres' disk is full in the middle of a sync: it says so, keeps nothing, and is equal once there is room", async () => {
  const { id, path } = rig.newTenant();
  createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal: "wal", megabytes: 20, odd: true });
  await rig.admin.query("COPY (SELECT) TO PROGRAM 'head -c 25000000 /dev/zero > /small/filler'");
  await expect(rig.sync(id)).rejects.toThrow(/No space left on device/);
  await rig.admin.query("COPY (SELECT) TO PROGRAM 'rm /small/filler'");
  await rig.sync(id);
  await rig.requireEqual(id, path);
});

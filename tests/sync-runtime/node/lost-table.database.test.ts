import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type TestReplica, TestReplicas } from "./test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;

beforeAll(async () => {
  replicas = await TestReplicas.create(10);
});
afterAll(() => replicas[Symbol.asyncDispose]());

beforeEach(async () => {
  replica = replicas.nextTenant();
  replica.source.tables = {
    user: { columns: ["id TEXT", "name TEXT"], key: ["id"], rows: [["1", "Ann"]] },
    tag: { columns: ["id TEXT", "ctid TEXT"], key: ["id"], rows: [["blue", "odd name"]] },
  };
  await replica.sync();
});

const asAdmin = (statement: string) =>
  replicas.admin.query(statement.replaceAll("TENANT", `"tenant_${replica.tenant}"`));

test.each([
  ["a table that somebody dropped", ["DROP TABLE TENANT.tag"]],
  ["a column that somebody dropped", ["ALTER TABLE TENANT.tag DROP COLUMN _replica_ctid CASCADE"]],
  ["digests that somebody dropped", ["ALTER TABLE TENANT.tag DROP COLUMN _replica_digest"]],
  [
    "a table that somebody wrote to and then dropped",
    ["INSERT INTO TENANT.tag (id) VALUES ('red')", "DROP TABLE TENANT.tag"],
  ],
])("%s is named by the next sync and made anew by the one after", async (_, statements) => {
  for (const statement of statements) await asAdmin(statement);
  await expect(replica.sync(replica.source.unchanged)).rejects.toThrow(
    /not equal: tag is not there as it was made\. Somebody other than the nodes dropped it/,
  );
  expect(await replica.sync(replica.source.delta)).toMatchObject({ status: "success" });
  expect(await replica.rowsOf("tag", "id, _replica_ctid")).toEqual([
    { id: "blue", _replica_ctid: "odd name" },
  ]);
  expect(await replica.sync(replica.source.unchanged)).toMatchObject({ status: "unchanged" });
});

test("an equal replica's tables are never forgotten", async () => {
  await asAdmin("DROP TABLE TENANT.tag");
  await replicas.database
    .connect("sync_main")
    .then((login) => login.query("SELECT sync_metadata.forget_lost_tables($1)", [replica.tenant]));
  const { rows } = await replicas.admin.query(
    "SELECT name FROM sync_metadata.replica_tables WHERE tenant = $1 ORDER BY name",
    [replica.tenant],
  );
  expect(rows).toEqual([{ name: "tag" }, { name: "user" }]);
});

import type pg from "pg";
import { beforeEach, describe, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import {
  asleep,
  awake,
  type Deployment,
  IllegalMoveError,
  MovedMeanwhileError,
  moveTenant,
  type State,
} from "../../../sync-runtime/node/tenant-state.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";

let tenant: string;
const tenants = Array.from({ length: 20 }, (_, index) => `tenant-${index}`);
const unused = [...tenants];

const cluster = ClusterDatabase.forAll(intentOf(tenants));
beforeEach(() => {
  tenant = unused.pop() as string;
});

/** What a node's Postgres is to a move: one statement after the other. */
const postgresOf = (client: pg.Client) => ({
  rows: async (name: string, parameters: unknown[] = []) =>
    (await client.query(query(name), parameters)).rows,
});
const move = (target: (now: Deployment) => State, actor = "ana", postgres = postgresOf(cluster.sync)) =>
  moveTenant(postgres, tenant, target, { actor, reason: "a test" });
const verify = async () => {
  await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]);
  await cluster.sync.query(
    "UPDATE sync_metadata.replicas SET verified_at = clock_timestamp() WHERE tenant = $1",
    [tenant],
  );
};
const moves = async () => {
  const made = "SELECT actor FROM sync_metadata.transitions WHERE tenant = $1 ORDER BY id OFFSET 1";
  return (await cluster.sync.query(made, [tenant])).rows.map(({ actor }) => actor);
};

describe("a tenant", () => {
  test("is paused and resumed, each by whoever did it", async () => {
    await verify();
    expect(await move(asleep)).toMatchObject({ status: "paused", by: "ana", reason: "a test" });
    expect(await move(awake, "bo")).toMatchObject({ status: "active", by: "bo" });
  });

  test("that was never verified is resumed as provisioning", async () => {
    await move(asleep);
    expect(await move(awake)).toMatchObject({ status: "provisioning" });
  });

  test("that is paused already stays who paused it", async () => {
    await move(asleep, "ana");
    expect(await move(asleep, "bo")).toMatchObject({ status: "paused", by: "ana" });
    expect(await moves()).toEqual(["ana"]);
  });

  test("that is migrating is neither paused nor resumed: who moves it says when it has arrived", async () => {
    await move(asleep);
    await move(() => "migrating");
    await expect(move(asleep)).rejects.toThrow("is migrating and is synced only when asked for");
    await expect(move(awake)).rejects.toThrow(IllegalMoveError);
  });

  test.each<[State, string]>([
    ["active", "cannot move from provisioning to active: its replica was never verified"],
    ["erased", "no tenant moves from provisioning to erased"],
    ["retired", "only the stack does"],
  ])("is not put to %s against the rules, and hears why", async (to, why) => {
    await expect(move(() => to)).rejects.toThrow(why);
    await expect(move(() => to)).rejects.toThrow(`${tenant} is provisioning and stays so`);
  });

  test("that nobody has is none", async () => {
    tenant = "nobody";
    expect(await move(asleep)).toBeUndefined();
  });
});

describe("operators at once", () => {
  test("that pause one tenant make one move, and both hear whose it is", async () => {
    const others = await Promise.all([1, 2, 3, 4].map(() => cluster.database.connect("sync_main")));
    const heard = await Promise.all(
      others.map((client, index) => move(asleep, `operator-${index}`, postgresOf(client))),
    );
    const made = await moves();
    expect(made).toHaveLength(1);
    expect(heard.map((each) => each?.by)).toEqual(Array(4).fill(made[0]));
  });

  test("that pause and resume one tenant end in a state that the last move made", async () => {
    const [one, other] = [
      await cluster.database.connect("sync_main"),
      await cluster.database.connect("sync_main"),
    ];
    for (let round = 0; round < 10; round += 1)
      await Promise.all([move(asleep, "ana", postgresOf(one)), move(awake, "bo", postgresOf(other))]);
    const { rows } = await cluster.sync.query(
      `SELECT d.state, t.to_state, t.id = (SELECT max(id) FROM sync_metadata.transitions WHERE tenant = d.id) AS newest
       FROM sync_metadata.client_deployments AS d JOIN sync_metadata.transitions AS t ON t.id = d.transition
       WHERE d.id = $1`,
      [tenant],
    );
    expect(rows[0].newest).toBe(true);
    expect(rows[0].state).toBe(rows[0].to_state);
  });

  test("that forestall each other again and again are told so, and nothing was claimed to be done", async () => {
    const postgres = postgresOf(cluster.sync);
    // Between a look and its move somebody else is always first.
    const forestalled = {
      rows: async (name: string, parameters: unknown[] = []) =>
        name === "move-tenant" ? [{ moved: null }] : postgres.rows(name, parameters),
    };
    await expect(move(asleep, "ana", forestalled)).rejects.toThrow(MovedMeanwhileError);
    expect(await moves()).toEqual([]);
  });
});

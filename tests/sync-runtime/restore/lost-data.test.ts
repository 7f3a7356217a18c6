import { expect, test } from "vitest";
import { judge, type LostData } from "../../../sync-runtime/restore/lost-data.ts";

const lost: LostData = {
  tenant: "acme",
  container: "owui-acme",
  running: false,
  ifLost: "refuse",
  replica: { rows: 412, verified_at: "2026-11-21T12:00:00Z" },
  identified: true,
  used: true,
};
const fresh: Partial<LostData> = { replica: undefined, used: false };

test.each<[string, Partial<LostData>, string]>([
  ["a new tenant starts", fresh, "start-empty"],
  [
    "one whose first sync brought nothing starts",
    { ...fresh, replica: { rows: 0, verified_at: null } },
    "start-empty",
  ],
  ["one that is just starting is left alone", { ...fresh, used: true, running: true }, "start-empty"],
  ["with restore: replica it is restored, whatever else is there", { ifLost: "replica" }, "restore"],
  ["also where the identity went too", { ifLost: "replica", identified: false }, "restore"],
  ["with fresh: true it starts empty, whatever the replica holds", { ifLost: "fresh" }, "start-empty"],
])("%s", (_, changed, verdict) => {
  expect(judge({ ...lost, ...changed }).do).toBe(verdict);
});

test.each<[string, Partial<LostData>, RegExp, RegExp]>([
  [
    "what a replica could bring back is not left behind",
    {},
    /holds no database, and its replica holds 412 rows, verified at 2026-11-21T12:00:00Z/,
    /mount it.*restore: replica into tenants\.acme .*or fresh: true/,
  ],
  ["also while the container runs on", { running: true }, /holds no database/, /restore: replica/],
  [
    "nor is a volume that is not mounted taken for new",
    { ...fresh, identified: false },
    /neither a database nor the tenant's identity/,
    /mount it.*fresh: true into tenants\.acme/,
  ],
  [
    "nor a directory that Open WebUI has used",
    { ...fresh, used: true },
    /holds files of Open WebUI and no database/,
    /from a backup.*fresh: true/,
  ],
  [
    "nothing is restored from nothing",
    { ifLost: "replica", replica: undefined },
    /says restore: replica, and the replicas' database holds no row/,
    /remove restore: replica/,
  ],
  [
    "nothing is put under an application that runs",
    { ifLost: "replica", running: true },
    /owui-acme still runs/,
    /docker stop owui-acme/,
  ],
])("%s", (_, changed, found, remedy) => {
  expect(judge({ ...lost, ...changed })).toMatchObject({
    do: "refuse",
    found: expect.stringMatching(found),
    remedy: expect.stringMatching(remedy),
  });
});

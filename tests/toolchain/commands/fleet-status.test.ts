import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../components/fleet-config.ts";
import { combine } from "../../../toolchain/commands/fleet-status.ts";
import type { ClusterView } from "../../../toolchain/commands/node-api.ts";
import { interfaceOf, statusTable } from "../../../toolchain/commands/status-table.ts";
import type { TenantSync } from "../../../toolchain/commands/sync-view.ts";
import { unwell, wellText } from "../../../toolchain/commands/up.ts";

const fleet = {
  tenants: [
    { id: "acme", running: true },
    { id: "globex", running: true },
  ],
  sync: { nodes: [{ id: "a" }, { id: "b" }] },
} as unknown as Fleet;

const outputs = {
  tenants: Object.fromEntries(
    ["acme", "globex"].map((id) => [
      id,
      { url: `http://${id}.localhost:8080`, admin: { email: `admin@${id}.example`, password: "" } },
    ]),
  ),
};

const now = Date.parse("2026-11-21T15:00:20Z");
const replica = {
  ...{ verified_at: "2026-11-21T15:00:08Z", tables: 43, rows: 412, equal: true, decided: 0 },
  ...{ deep_verified_at: null, held: null },
};
const last = { status: "success", finished_at: "2026-11-21T15:00:08Z", progress: null };
const state = { is: "active", since: "2026-11-21T14:00:00Z", by: "sync", reason: "its first verified sync" };
const line = (id: string, more: Partial<TenantSync> = {}): TenantSync => ({
  id,
  paused: false,
  state,
  quarantine: null,
  write_refused: null,
  live_database: null,
  last,
  running: null,
  replica,
  ...more,
});

const backup = {
  ...{ every: 21_600, drillEvery: 604_800, since: "2026-11-01T00:00:00Z" },
  ...{ lastStarted: "2026-11-21T12:00:00Z", lastGood: "2026-11-21T12:00:00Z", snapshot: "4711" },
  ...{ bytes: 100, addedBytes: 10, snapshots: 80, failing: null },
  drill: { at: "2026-11-20T12:00:00Z", ok: true, snapshot: "4710", seconds: 30, why: null },
};

const cluster: ClusterView = {
  nodes: [
    { id: "a", leader: false, epoch: null },
    { id: "b", leader: true, epoch: 2 },
  ],
  certificates: [{ name: "urn:owui:node:main:b", expires_at: "2027-11-21T15:00:00Z" }],
  syncs: [line("acme"), line("globex")],
  users: {
    all: 3,
    tenants: [
      { client: "acme", users: 2, licence: { basis: "up-to-50-users", users: 50 } },
      { client: "globex", users: 2, licence: null },
    ],
  },
  backups: new Map([
    ["acme", { known: true, backup }],
    ["globex", { known: true, backup: null }],
  ]),
};

const up = new Map([
  ["acme", "Up 2 minutes (healthy)"],
  ["globex", "Up 2 minutes (healthy)"],
]);
const answering = new Map([
  ["acme", true],
  ["globex", true],
]);

describe("a fleet that is well", () => {
  const view = combine(fleet, outputs, up, cluster, answering, now);

  it("has the shape that scripts read", () => {
    expect(interfaceOf(view)).toEqual({
      tenants: [
        {
          ...{
            id: "acme",
            url: "http://acme.localhost:8080",
            health: "healthy",
            state,
            quarantine: null,
            write_refused: null,
            live_database: null,
          },
          ...{ replica, running: null, last, backup, protected: true, missing: [] },
        },
        {
          ...{
            id: "globex",
            url: "http://globex.localhost:8080",
            health: "healthy",
            state,
            quarantine: null,
            write_refused: null,
            live_database: null,
          },
          ...{ replica, running: null, last, backup: null, protected: false, missing: ["not backed up"] },
        },
      ],
      nodes: [
        { id: "a", leader: false, epoch: 2 },
        { id: "b", leader: true, epoch: 2 },
      ],
      certificates: cluster.certificates,
      users: { active: 3, allowed: 50, tenants: { acme: 2, globex: 2 } },
    });
  });

  it("is a table for people", () => {
    expect(statusTable(view, now)).toBe(
      `
tenant   address                        health    protected           replica
acme     http://acme.localhost:8080     healthy   yes                 equal, verified 12 s ago, 43 tables, 412 rows
globex   http://globex.localhost:8080   healthy   NO: not backed up   equal, verified 12 s ago, 43 tables, 412 rows

node   state
a      stands by
b      leads, epoch 2

3 persons used it within 30 days; branding on up-to-50-users covers 50`.trimStart(),
    );
  });

  it("leaves nothing to wait for", () => {
    expect(unwell(view, 0)).toEqual([]);
  });
});

describe("a fleet of which something is missing", () => {
  it("keeps its table when no node answers", () => {
    const view = combine(fleet, outputs, up, undefined, answering, now);
    expect(statusTable(view, now)).toMatch(/acme .* healthy {3}not known {3}not known: no node answers/);
    expect(statusTable(view, now)).toMatch(/^a {6}does not answer$/m);
    expect(interfaceOf(view).nodes).toEqual([
      { id: "a", leader: false, epoch: null },
      { id: "b", leader: false, epoch: null },
    ]);
  });

  it("tells tenants that start from those that are ill and those without a container", () => {
    const containers = new Map([["acme", "Up 5 seconds (health: starting)"]]);
    const health = (is: Map<string, string>) =>
      combine(fleet, outputs, is, cluster, new Map(), now).tenants.map((tenant) => tenant.health);
    expect(health(containers)).toEqual(["starting", "stopped"]);
    expect(health(new Map([["acme", "Up 5 minutes (unhealthy)"]]))).toEqual(["unhealthy", "stopped"]);
  });

  it("says why a sync failed", () => {
    const failed = line("acme", {
      last: { ...last, status: "failed", error: "the digests differ" },
      replica: { ...replica, equal: false },
    });
    const view = combine(fleet, outputs, up, { ...cluster, syncs: [failed, line("globex")] }, answering, now);
    expect(statusTable(view, now)).toContain("last sync failed: the digests differ");
    expect(unwell(view, 0)).toEqual(["the replica of acme"]);
  });

  it("says that a replica keeps what it has while its source cannot be read", () => {
    const unmounted = line("acme", {
      last: {
        ...last,
        status: "failed",
        error: "webui.db does not exist. Check that the volume is mounted.",
      },
    });
    const view = combine(fleet, outputs, up, { ...cluster, syncs: [unmounted] }, answering, now);
    expect(statusTable(view, now)).toContain(
      "last sync failed: webui.db does not exist. Check that the volume is mounted. (it keeps what it had 12 s ago)",
    );
  });

  it("says what a replica is held for, and what to do", () => {
    const held = {
      id: "1",
      reason: "source-empty",
      detail: {},
      text: "the source is empty",
      since: "",
      accepted: false,
    };
    const shown = (accepted: boolean) => {
      const syncs = [line("acme", { replica: { ...replica, held: { ...held, accepted } } })];
      return statusTable(combine(fleet, outputs, up, { ...cluster, syncs }, answering, now), now);
    };
    expect(shown(false)).toContain(
      "HELD: the source is empty; it keeps what it had 12 s ago. If that is right: npm run sync -- acme --accept",
    );
    expect(shown(true)).toContain("HELD, accepted: goes through with the next sync; it keeps");
  });

  it("says who paused a tenant, since when and why", () => {
    const paused = { is: "paused", since: "2026-11-21T14:57:20Z", by: "ana", reason: "they move house" };
    const shown = (reason: string) => {
      const syncs = [line("acme", { paused: true, state: { ...paused, reason } })];
      return statusTable(combine(fleet, outputs, up, { ...cluster, syncs }, answering, now), now);
    };
    expect(shown("they move house")).toContain(
      "PAUSED by ana 3 min ago, they move house; equal, verified 12 s ago",
    );
    expect(shown("")).toContain("PAUSED by ana 3 min ago; equal");
  });

  it("says where a tenant's Postgres is, not that its replica is equal, and that its backups alone protect it", () => {
    const syncs = [
      line("acme", { paused: true, live_database: "postgresql://owui@db.example.com:5433/acme" }),
    ];
    const view = combine(fleet, outputs, up, { ...cluster, syncs }, answering, now);
    expect(statusTable(view, now)).toMatch(
      /yes {39}on Postgres \(db\.example\.com:5433\/acme\); its replica stays as it was 12 s ago, before that$/m,
    );
    expect(view.tenants[0]).toMatchObject({ protected: true });
    expect(view.resting).toContain("acme");
    const bare = { ...cluster, syncs, backups: new Map([["acme", { known: true, backup: null } as const]]) };
    expect(combine(fleet, outputs, up, bare, answering, now).tenants[0]).toMatchObject({
      ...{ protected: false, missing: ["not backed up"] },
    });
  });

  it("says that a tenant is in quarantine, why, and how it is tried at once", () => {
    const failed = { ...last, status: "failed", error: "webui.db is damaged." };
    const quarantine = { since: "2026-11-21T14:57:20Z", failures: 6 };
    const syncs = [line("acme", { last: failed, quarantine })];
    const view = combine(fleet, outputs, up, { ...cluster, syncs }, answering, now);
    expect(statusTable(view, now)).toContain(
      "QUARANTINED after 6 failures, tried hourly at most (npm run sync -- acme tries now); " +
        "last sync failed: webui.db is damaged. (it keeps what it had 12 s ago)",
    );
  });

  it("says why what was decided is not in the tenant's own database", () => {
    const write_refused = { code: "busy", text: "It is locked.", since: "2026-11-21T14:57:20Z" };
    const view = combine(
      fleet,
      outputs,
      up,
      { ...cluster, syncs: [line("acme", { write_refused })] },
      answering,
      now,
    );
    expect(statusTable(view, now)).toMatch(
      /equal, verified .*; decided rows are NOT in the tenant's database: It is locked\.$/m,
    );
  });

  it("does not call a cancelled sync a failed one", () => {
    const cancelled = { ...last, status: "cancelled", error: "ana cancelled it." };
    const syncs = [line("acme", { last: cancelled })];
    const view = combine(fleet, outputs, up, { ...cluster, syncs }, answering, now);
    expect(statusTable(view, now)).toMatch(/acme .* equal, verified 12 s ago/);
  });

  it("shows how far a sync is", () => {
    const table = { table: "chat", rows: 1200, rows_total: 80_000, bytes: 3e6, bytes_total: 2e8 };
    const running = { id: "1", kind: "sync", started_at: "", progress: { tables: [table] } };
    const syncs = [line("acme", { running })];
    const view = combine(fleet, outputs, up, { ...cluster, syncs }, answering, now);
    expect(statusTable(view, now)).toContain(
      "syncing chat: 1,200 of 80,000 rows, 3.0 MB of 200 MB; equal, verified 12 s ago",
    );
    expect(interfaceOf(view).tenants[0]?.running).toEqual(running);
  });

  it("is waited for, part by part", () => {
    const fresh = line("globex", {
      last: null,
      replica: { ...replica, verified_at: null, tables: 0, rows: 0, equal: false },
    });
    const leaderless = { nodes: [], certificates: [], syncs: [line("acme"), fresh], backups: new Map() };
    const view = combine(fleet, outputs, up, leaderless, new Map([["globex", true]]), now);
    expect(unwell(view, 0)).toEqual(["acme (starting)", "the replica of globex", "a leading node"]);
  });

  it("is waited for where its replica was last found equal before the change", () => {
    const view = combine(fleet, outputs, up, cluster, answering, now);
    const verified = Date.parse(replica.verified_at);
    expect(unwell(view, verified)).toEqual([]);
    expect(unwell(view, verified + 1)).toEqual(["the replica of acme", "the replica of globex"]);
  });

  it("is not waited for where its replica was held after the change: that is the operator's to decide", () => {
    const since = Date.parse("2026-11-21T12:00:00Z");
    const held = {
      id: "1",
      reason: "identity-changed",
      detail: {},
      text: "",
      since: "2026-11-21T12:00:10Z",
      accepted: false,
    };
    const last = { status: "held", finished_at: "2026-11-21T12:00:10Z", progress: null };
    const syncs = (changed: object) => [
      line("globex", {
        last: { ...last, ...changed },
        replica: { ...replica, equal: false, held },
      }),
    ];
    const viewOf = (changed: object) => {
      const { tenants, ...view } = combine(
        fleet,
        outputs,
        up,
        { ...cluster, syncs: syncs(changed) },
        answering,
        now,
      );
      return { ...view, tenants: tenants.filter(({ id }) => id === "globex") };
    };
    expect(unwell(viewOf({}), since)).toEqual([]);
    expect(wellText(viewOf({}))).toBe("healthy; held: the replica of globex");
    const before = viewOf({ finished_at: "2026-11-21T11:59:00Z" });
    expect(unwell(before, since)).toEqual(["the replica of globex"]);
  });

  it("is not waited for where the operator put it to rest", () => {
    const resting = {
      ...fleet,
      tenants: [
        { id: "acme", running: false },
        { id: "globex", running: true },
      ],
    };
    const paused = line("globex", { paused: true, replica: { ...replica, equal: false } });
    const view = combine(
      resting as Fleet,
      outputs,
      new Map(),
      { ...cluster, syncs: [paused] },
      new Map(),
      now,
    );
    expect(unwell(view, 0)).toEqual([]);
  });
});

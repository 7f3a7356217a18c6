import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../components/fleet-config.ts";
import {
  isProtected,
  type Report,
  reportOf,
  type Seen,
  type TenantFacts,
} from "../../../fleet/report/facts.ts";
import { reportPage } from "../../../fleet/report/page.ts";
import { monthlyCost } from "../../../fleet/report/prices.ts";
import { behind } from "../../../fleet/report/releases.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const tenant = (id: string, image: string) => ({
  ...{
    id,
    host: "fra1",
    image: `ghcr.io/open-webui/open-webui:${image}`,
    memory: { reserved: 7e8, limit: 1.4e9 },
  },
  sync: { interval: 300 },
});
const fleet = {
  stack: "prod",
  tenants: [tenant("acme", "v0.12.4"), tenant("globex", "v0.9.6"), tenant("initech", "main")],
  hosts: [
    { id: "fra1", kind: "digitalocean", size: "s-4vcpu-8gb", volume: 100 },
    { id: "old", kind: "ssh" },
  ],
} as unknown as Fleet;
const backup = {
  ...{
    every: 21_600,
    drillEvery: 604_800,
    since: "",
    lastStarted: null,
    snapshot: "a",
    bytes: 1,
    addedBytes: 1,
  },
  ...{ lastGood: "2026-11-22T11:00:00Z", snapshots: 12, failing: null },
  drill: { at: "2026-11-20T12:00:00Z", ok: true, snapshot: "a", seconds: 30, why: null },
};
const status = (id: string, verified_at: string | null, more = {}) => ({
  ...{ id, url: `https://${id}.example`, health: "healthy", live_database: null },
  replica: { verified_at, equal: true, held: null, ...more },
  backup: id === "acme" ? backup : null,
  missing: [],
});
const seen = {
  view: {
    tenants: [
      status("acme", "2026-11-22T11:59:00Z"),
      status("globex", "2026-11-22T09:00:00Z"),
      status("initech", "2026-11-22T11:59:00Z", { held: { text: "all <b>rows</b> went" } }),
    ],
    users: { active: 12, allowed: 50, tenants: { acme: 10, globex: 3 } },
    certificates: [{ name: "urn:owui:node:main:a", expires_at: "2027-11-22T12:00:00Z" }],
    alive: ["a"],
  },
  usages: new Map<string, unknown>([
    [
      "fra1",
      {
        ...{ memory: { total: 8e9, free: 2e9 }, disk: { total: 1e11, free: 4e9 }, cpus: 4, load: 1 },
        tenants: new Map([["acme", { memory: 5e8, cpu: 0.1, stored: 3e9 }]]),
      },
    ],
    ["old", "it cannot be reached: <timeout>"],
  ]),
  sites: new Map([["acme", "2026-12-01T12:00:00Z"]]),
  alerts: [{ name: "DiskFull", severity: "critical", summary: "fra1 <is> full", since: "" }],
} as unknown as Seen;
const report = reportOf(fleet, seen, now);
const of = (id: string) => report.tenants.find((one) => one.id === id) as TenantFacts;

describe("what a report says", () => {
  it("calls only a tenant protected whose replica, backup and drill are all well", () => {
    expect(isProtected(of("acme"))).toBe(true);
    expect(of("acme").replica).toEqual({ ok: true, text: "verified 60 s ago" });
    for (const part of ["replica", "backup", "drill"] as const)
      for (const ok of [false, null])
        expect(isProtected({ ...of("acme"), [part]: { ok, text: "" } })).toBe(false);
  });

  it("tells of a replica that is old or held, and of a tenant without backups", () => {
    expect(of("globex").replica).toEqual({ ok: false, text: "verified 3 h ago, which is too long" });
    expect(of("initech").replica).toEqual({ ok: false, text: "held: all <b>rows</b> went" });
    expect(of("globex").backup).toEqual({ ok: false, text: "not backed up" });
    expect([of("acme").backup.text, of("acme").drill.text]).toEqual([
      "60 min ago, 12 kept",
      "restored 2 d ago",
    ]);
  });

  it.each([
    [{ lastGood: "2026-11-21T12:00:00Z" }, "its backup is too old", "restored 2 d ago"],
    [{ lastGood: null }, "no backup yet", "nothing to restore"],
    [{ drill: null }, "60 min ago, 12 kept", "no backup was restored for a trial yet"],
    [
      { drill: { ...backup.drill, ok: false, why: "it did not start" } },
      "60 min ago, 12 kept",
      "its trial restore failed: it did not start",
    ],
  ])("judges a backup with %j", (more, said, drilled) => {
    const [acme] = seen.view.tenants;
    const view = { ...seen.view, tenants: [{ ...acme, backup: { ...backup, ...more } }] } as never;
    const [facts] = reportOf(fleet, { ...seen, view }, now).tenants as [TenantFacts];
    expect([facts.backup.text, facts.drill.text]).toEqual([said, drilled]);
    expect(isProtected(facts)).toBe(false);
  });

  it("calls a tenant on Postgres protected by its backups, and by nothing else", () => {
    const [acme] = seen.view.tenants;
    const tenants = [{ ...acme, live_database: "postgresql://owui@db.example.com/acme" }];
    const [facts] = reportOf(fleet, { ...seen, view: { ...seen.view, tenants } as never }, now).tenants as [
      TenantFacts,
    ];
    expect(facts.replica).toEqual({ ok: true, text: "none: its database is a Postgres" });
    expect(isProtected(facts)).toBe(facts.backup.ok === true && facts.drill.ok === true);
    const bare = [{ ...tenants[0], backup: null, missing: ["not backed up"] }];
    const [unkept] = reportOf(fleet, { ...seen, view: { ...seen.view, tenants: bare } as never }, now)
      .tenants as [TenantFacts];
    expect(isProtected(unkept)).toBe(false);
  });

  it("calls unknown what was not to be asked", () => {
    const [acme] = seen.view.tenants;
    const tenants = [{ ...acme, backup: null, missing: ["its backups are not known"] }];
    const [facts] = reportOf(fleet, { ...seen, view: { ...seen.view, tenants } as never }, now).tenants as [
      TenantFacts,
    ];
    expect([facts.backup.ok, facts.drill.ok, isProtected(facts)]).toEqual([null, null, false]);
  });

  it("says that it does not know while no node answers", () => {
    const silent = reportOf(fleet, { ...seen, view: { ...seen.view, alive: [], users: null } }, now);
    expect(silent.tenants.map(({ replica }) => replica.ok)).toEqual([null, null, null]);
    expect(silent.tenants.map(({ users }) => users)).toEqual([null, null, null]);
    expect(reportPage(silent)).toContain("not known: no node answers");
  });

  it.each([
    ["v0.12.4", true, "newest"],
    ["0.12.3", false, "1 patch behind 0.12.4"],
    ["v0.11.3", false, "1 release line and 1 patch of its own line behind 0.12.4"],
    ["v0.9.6", false, "3 release lines behind 0.12.4"],
    ["v0.12.9", null, "later than the releases that are known here"],
    ["v0.13.0", null, "not known"],
    ["main", null, "not known"],
    ["3f2a9c1b7d00", null, "not known"],
  ])("judges %s as %s: %s", (version, ok, text) => {
    expect(behind(version)).toEqual({ ok, text });
  });

  it("knows what droplets with their volumes cost, and nothing of other servers", () => {
    expect(report.hosts.map(({ cost }) => cost)).toEqual([58, null]);
    expect(monthlyCost({ kind: "digitalocean", size: "s-99vcpu-1tb" } as never)).toBeNull();
  });
});

describe("its page", () => {
  const page = reportPage(report);

  it("needs nothing beside itself, and forbids to fetch anything", () => {
    expect(page).not.toMatch(/<(script|link|img|iframe)|@import|url\(/);
    expect(page).toContain("default-src 'none'");
  });

  it("takes nothing that was said for markup", () => {
    expect(page).not.toMatch(/<b>rows|<is>|<timeout>/);
    expect(page).toContain("all &#60;b&#62;rows");
  });

  it("shows what an operator asks first", () => {
    for (const text of [
      "1 of 3",
      "12 of 50",
      "$58",
      "a month, 1 of 2 hosts known",
      "site of acme",
      "2026-12-01",
    ])
      expect(page).toContain(text);
    expect(page).toMatch(/class="bad"><span>9 d</);
  });

  it("names each cell's column where a phone shows no head", () => {
    expect(page).toContain('data-name="Last drill"');
  });

  it("is whole for a fleet without tenants and without anything known", () => {
    const empty: Report = { ...report, tenants: [], hosts: [], users: null, certificates: [], alerts: null };
    expect(reportPage(empty)).toMatch(/<b>0 of 0<\/b>/);
  });
});

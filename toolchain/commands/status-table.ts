import { certificateWarning } from "./certificate-warning.ts";
import type { FleetStatus, FleetView, ReplicaStatus } from "./fleet-status.ts";
import { progressText } from "./sync-view.ts";

/** The part of a view that scripts get. */
export const interfaceOf = ({ tenants, nodes, certificates, users }: FleetView): FleetStatus => ({
  tenants,
  nodes,
  certificates,
  users,
});

/** The fleet as a table for people. `now` is in milliseconds since 1970. */
export function statusTable(view: FleetView, now: number): string {
  const tenants = view.tenants.map((tenant) => [
    tenant.id,
    tenant.url,
    tenant.health,
    view.alive.length === 0 ? "not known" : protectionText(tenant),
    view.alive.length === 0 ? "not known: no node answers" : syncText(tenant, view.errors[tenant.id], now),
  ]);
  const nodes = view.nodes.map(({ id, leader, epoch }) => [
    id,
    leader ? `leads, epoch ${epoch}` : view.alive.includes(id) ? "stands by" : "does not answer",
  ]);
  const warning = certificateWarning(view, now);
  return [
    ...columns([["tenant", "address", "health", "protected", "replica"], ...tenants]),
    "",
    ...columns([["node", "state"], ...nodes]),
    ...(view.users ? ["", usersText(view.users)] : []),
    ...(warning.length > 0 ? ["", ...warning] : []),
  ].join("\n");
}

/** `12 persons used it within 30 days; a look of one's own on up-to-50-users ends at 50`. What is past it stands out. */
export function usersText({ active, allowed }: NonNullable<FleetStatus["users"]>): string {
  const used = `${counted(active, "person")} used it within 30 days`;
  if (allowed === null) return used;
  if (active <= allowed) return `${used}; branding on up-to-50-users covers ${allowed}`;
  return `${used.toUpperCase()}: MORE THAN THE ${allowed} that branding on up-to-50-users covers (docs/runbook.md#usersoverlicence)`;
}

/** Whether a tenant could be brought back; the first thing that is missing, and how many others are. */
function protectionText({ missing }: Pick<FleetView["tenants"][number], "missing">): string {
  const [first, ...others] = missing;
  if (first === undefined) return "yes";
  const text = first.length > 60 ? `${first.slice(0, 59)}…` : first;
  return others.length > 0 ? `NO: ${text} (+${others.length})` : `NO: ${text}`;
}

/** The replica of one tenant and what goes on with it. What is held or failing comes first: somebody has to look at it. */
function syncText(
  {
    id,
    state,
    quarantine,
    replica,
    running,
    write_refused: unwritten,
    live_database: live,
  }: FleetView["tenants"][number],
  error: string | undefined,
  now: number,
): string {
  const { held, verified_at: verified } = replica;
  if (live !== null) return postgresText(live, verified, now);
  const kept = verified
    ? `it keeps what it had ${agoText(now - Date.parse(verified))} ago`
    : "it holds nothing yet";
  if (held?.accepted) return `HELD, accepted: goes through with the next sync; ${kept}`;
  if (held) return `HELD: ${held.text}; ${kept}. If that is right: npm run sync -- ${id} --accept`;
  if (running) {
    const doing = running.kind === "verify" ? "verifying every row" : "syncing";
    const far = progressText(running.progress);
    return `${doing}${far ? ` ${far}` : ""}; ${replicaText(replica, now)}`;
  }
  const found = error ? `last sync failed: ${error} (${kept})` : replicaText(replica, now);
  const open = unwritten ? `; decided rows are NOT in the tenant's database: ${unwritten.text}` : "";
  return restText(state, now) + quarantineText(id, quarantine) + found + open;
}

/** `on Postgres (db.example.com/acme); its replica stays as it was 3 d ago` */
export function postgresText(live: string, verified: string | null, now: number): string {
  const { host, pathname } = new URL(live);
  const kept = verified
    ? `stays as it was ${agoText(now - Date.parse(verified))} ago, before that`
    : "holds nothing";
  return `on Postgres (${host}${pathname}); its replica ${kept}`;
}

/** Why a tenant is not synced at its interval, put before what is known of its replica; empty where it is. */
function restText(state: FleetView["tenants"][number]["state"], now: number): string {
  if (state?.is !== "paused" && state?.is !== "migrating") return "";
  const why = state.reason === "" ? "" : `, ${state.reason}`;
  return `${state.is.toUpperCase()} by ${state.by} ${agoText(now - Date.parse(state.since))} ago${why}; `;
}

/** How often in a row its syncs failed, and what to do, put before the reason; empty where it is not in quarantine. */
const quarantineText = (id: string, quarantine: FleetView["tenants"][number]["quarantine"]): string =>
  quarantine
    ? `QUARANTINED after ${quarantine.failures} failures, tried hourly at most (npm run sync -- ${id} tries now); `
    : "";

/** `equal, verified 12 s ago, 43 tables, 412 rows`; `equal except 2 rows decided, …` where an edit won a conflict. */
export function replicaText(
  replica: Pick<ReplicaStatus, "verified_at" | "tables" | "rows" | "equal" | "decided">,
  now: number,
): string {
  const { verified_at, tables, rows, equal, decided } = replica;
  if (!verified_at) return "not yet verified";
  const age = agoText(now - Date.parse(verified_at));
  const except = decided > 0 ? ` except ${counted(decided, "row")} decided` : "";
  return `${equal ? `equal${except}` : "NOT equal"}, verified ${age} ago, ${counted(tables, "table")}, ${counted(rows, "row")}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** `12 s`, `3 min`, `5 h`, `2 d`: the largest unit that is not nothing. */
export function agoText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const units: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Rows as lines, every column as wide as its widest cell. */
export function columns(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd(),
  );
}

import type { Fleet, HostSpec } from "../../components/fleet-config.ts";
import type { FleetView } from "../../toolchain/commands/fleet-status.ts";
import { missingBackup, missingDrill } from "../../toolchain/commands/protection.ts";
import type { FiringAlert } from "../commands/alertmanager.ts";
import { versionOf } from "../commands/tenants.ts";
import type { HostUsage } from "../on-host/usage.ts";
import { monthlyCost } from "./prices.ts";
import { behind } from "./releases.ts";
import type { Verdict } from "./verdict.ts";

/** One tenant of a report. Sizes in bytes; null: not known. */
export interface TenantFacts {
  id: string;
  url: string;
  host: string;
  health: string;
  version: string;
  behind: Verdict;
  replica: Verdict;
  backup: Verdict;
  drill: Verdict;
  stored: number | null;
  memory: { used: number | null; limit: number };
  /** Persons who used it within 30 days. */
  users: number | null;
  /** When its site's certificate ends, ISO 8601; null: not known, or it has none. */
  certificate: string | null;
}

/** One host. Sizes in bytes. */
export interface HostFacts {
  id: string;
  kind: string;
  size: string;
  /** Dollars a month; null: not known. */
  cost: number | null;
  tenants: number;
  usage: HostUsage | null;
  /** Why it was not to be asked. */
  failure: string | null;
}

/** Everything that a report says. */
export interface Report {
  stack: string;
  /** ISO 8601. */
  at: string;
  tenants: TenantFacts[];
  hosts: HostFacts[];
  users: FleetView["users"];
  certificates: { name: string; ends: string }[];
  /** Null: nothing watches, or it does not answer. */
  alerts: { name: string; severity: string; summary: string }[] | null;
}

/** What was seen. */
export interface Seen {
  view: FleetView;
  usages: ReadonlyMap<string, HostUsage | string>;
  /** When sites' certificates end, by tenant. */
  sites: ReadonlyMap<string, string>;
  alerts: readonly FiringAlert[] | undefined;
}

/** Whether a tenant is protected: its replica, where it has one, its backup and the last drill of that are as they should be. */
export const isProtected = ({ replica, backup, drill }: TenantFacts): boolean =>
  replica.ok === true && backup.ok === true && drill.ok === true;

/** How old a replica may be by intervals before it is no protection any more; as the alert has it. */
const staleIntervals = 3;

/** The report, from what was seen; pure. */
export function reportOf(
  fleet: Pick<Fleet, "stack" | "tenants" | "hosts">,
  { view, usages, sites, alerts }: Seen,
  now: number,
): Report {
  const seen = new Map(view.tenants.map((tenant) => [tenant.id, tenant]));
  return {
    stack: fleet.stack,
    at: new Date(now).toISOString(),
    tenants: fleet.tenants.map(({ id, host, image, memory, sync }) => {
      const usage = usages.get(host);
      const used = typeof usage === "object" ? usage.tenants.get(id) : undefined;
      const status = seen.get(id);
      const version = versionOf(image);
      return {
        ...{ id, host, version, url: status?.url ?? "", health: status?.health ?? "not known" },
        behind: behind(version),
        replica: replicaVerdict(view, status, sync.interval, now),
        ...keptVerdicts(status, now),
        stored: used?.stored ?? null,
        memory: { used: used?.memory ?? null, limit: memory.limit },
        users: view.users?.tenants[id] ?? null,
        certificate: sites.get(id) ?? null,
      };
    }),
    hosts: fleet.hosts.map((spec) => {
      const usage = usages.get(spec.id);
      return {
        ...{ id: spec.id, kind: spec.kind, size: sizeOf(spec), cost: monthlyCost(spec) },
        tenants: fleet.tenants.filter(({ host }) => host === spec.id).length,
        usage: typeof usage === "object" ? usage : null,
        failure: typeof usage === "string" ? usage : null,
      };
    }),
    users: view.users,
    certificates: view.certificates.map(({ name, expires_at }) => ({ name, ends: expires_at })),
    alerts: alerts?.map(({ name, severity, summary }) => ({ name, severity, summary })) ?? null,
  };
}

const sizeOf = (spec: HostSpec): string => (spec.kind === "digitalocean" ? spec.size : "");

/** How its backups and their trial restores are. */
function keptVerdicts(
  status: FleetView["tenants"][number] | undefined,
  now: number,
): Pick<TenantFacts, "backup" | "drill"> {
  const unknown = { ok: null, text: "not known" };
  if (!status || status.missing.includes(backupsUnknown)) return { backup: unknown, drill: unknown };
  const { backup } = status;
  if (backup === null)
    return { backup: { ok: false, text: "not backed up" }, drill: { ok: false, text: "nothing to restore" } };
  const kept = { known: true, backup } as const;
  const age = (time: string) => `${ageText(Math.round((now - Date.parse(time)) / 1000))} ago`;
  const { lastGood, drill, snapshots } = backup;
  return {
    backup: verdictOf(missingBackup(kept, now), lastGood && `${age(lastGood)}, ${snapshots} kept`),
    drill:
      lastGood === null
        ? { ok: false, text: "nothing to restore" }
        : verdictOf(missingDrill(kept, now), drill && `restored ${age(drill.at)}`),
  };
}

const backupsUnknown = "its backups are not known";
const verdictOf = ([first]: string[], text: string | null): Verdict =>
  first === undefined ? { ok: true, text: text ?? "" } : { ok: false, text: first };

function replicaVerdict(
  view: FleetView,
  status: FleetView["tenants"][number] | undefined,
  interval: number,
  now: number,
): Verdict {
  if (view.alive.length === 0 || !status) return { ok: null, text: "not known: no node answers" };
  if (status.live_database !== null) return { ok: true, text: "none: its database is a Postgres" };
  const { verified_at: verified, held, equal } = status.replica;
  if (held) return { ok: false, text: `held: ${held.text}` };
  if (!verified) return { ok: false, text: "never verified" };
  const seconds = Math.round((now - Date.parse(verified)) / 1000);
  const text = `verified ${ageText(seconds)} ago`;
  if (!equal) return { ok: false, text: `not equal, ${text}` };
  if (seconds > interval * staleIntervals + 300) return { ok: false, text: `${text}, which is too long` };
  return { ok: true, text };
}

const ageText = (seconds: number): string => {
  if (seconds < 120) return `${Math.max(0, seconds)} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
};

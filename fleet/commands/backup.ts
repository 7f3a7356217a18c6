import {
  type Invocation,
  type LastUp,
  lastUp,
  noFleet,
  stepsOf,
} from "../../toolchain/commands/invocation.ts";
import { askBackups } from "../../toolchain/commands/node-api.ts";
import type { KnownBackup } from "../../toolchain/commands/protection.ts";
import { agoText, columns } from "../../toolchain/commands/status-table.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import { askedHost } from "../on-host/asked-host.ts";
import { HostBackups, type StoredBackup, type Told } from "../on-host/backups.ts";
import { unknownTenant } from "../tenant-place.ts";

/** How `fleet backup` is asked. */
export interface BackupInvocation extends Invocation {
  /** check: everything that is stored is read. */
  data?: boolean;
}

/** What can be asked of backups. */
export type BackupAction = "show" | "run" | "list" | "check";

/** `fleet backup [show|run|list|check] [tenant]`. */
export async function backup(
  invocation: BackupInvocation,
  action: BackupAction,
  tenant: string | undefined,
): Promise<void> {
  const { stack, json, data = false } = invocation;
  const last = await lastUp(stack);
  if (!last) throw refused(`Stack ${stack} has no tenants.`, noFleet(stack).trim(), "Bring it up.");
  const wanted = tenantsOf(last, stack, tenant);
  if (action === "show") return show(invocation, last, wanted);
  if (!last.fleet.backups)
    throw refused(
      `Nothing is backed up in stack ${stack}.`,
      "Its config says no `backups`.",
      "Write where they go (docs/backups.md), and run `npm run up`.",
    );
  const steps = stepsOf(invocation);
  const results: Record<string, unknown> = {};
  const failures: string[] = [];
  for (const { id, host } of wanted) {
    const spec = last.fleet.hosts.find((one) => one.id === host);
    if (!spec) continue;
    const asked = new HostBackups(askedHost(spec, last.fleet.operators.identity, last), stack);
    const told: Told<unknown> =
      action === "list"
        ? await asked.list(id)
        : await steps.run(
            `${action} ${id}`,
            () => (action === "run" ? asked.run(id) : asked.check(id, data)),
            (told: Told<unknown>) => ("failure" in told ? "failed" : ended(action, told.said)),
          );
    if ("failure" in told) failures.push(`\n  ✗ ${id}: ${told.failure}`);
    results[id] = "failure" in told ? { failure: told.failure } : told.said;
    if (action === "list" && !json && !("failure" in told))
      process.stdout.write(`${listText(id, told.said as StoredBackup[], Date.now())}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
  if (failures.length > 0) throw new CommandError(failures.join("\n"));
}

function tenantsOf({ fleet }: LastUp, stack: string, tenant: string | undefined) {
  if (tenant === undefined) return fleet.tenants;
  const found = fleet.tenants.filter(({ id }) => id === tenant);
  if (found.length === 0)
    throw new SetupError([
      unknownTenant(
        stack,
        tenant,
        fleet.tenants.map(({ id }) => id),
      ),
    ]);
  return found;
}

function ended(action: "run" | "check" | "list" | "show", said: unknown): string {
  if (action === "check") return "whole";
  const { bytes, addedBytes, snapshots } = said as { bytes: number; addedBytes: number; snapshots: number };
  return `${sizeText(bytes)}, ${sizeText(addedBytes)} of them new; ${snapshots} can be restored`;
}

async function show(
  { json }: BackupInvocation,
  { fleet, outputs }: LastUp,
  wanted: readonly { id: string }[],
): Promise<void> {
  const known = await askBackups(outputs);
  const kept = wanted.map(({ id }) => [id, known?.get(id) ?? { known: false }] as const);
  if (json) {
    const shown = kept.map(([id, one]) => ({ id, known: one.known, backup: one.known ? one.backup : null }));
    process.stdout.write(`${JSON.stringify({ tenants: shown }, undefined, 2)}\n`);
    return;
  }
  process.stdout.write(`${backupTable(new Map(kept), Date.now())}\n`);
  if (!fleet.backups)
    process.stdout.write("\nNothing is backed up: the stack's config says no `backups` (docs/backups.md).\n");
}

/** Tenants' backups for people; what fails is said below in full. */
export function backupTable(kept: ReadonlyMap<string, KnownBackup>, now: number): string {
  const ago = (time: string) => `${agoText(now - Date.parse(time))} ago`;
  const rows = [...kept].map(([id, one]) => {
    if (!one.known) return [id, "not known: no node or agent answers", "", "", "", ""];
    const { backup } = one;
    if (!backup) return [id, "not backed up", "", "", "", ""];
    const { lastGood, bytes, addedBytes, snapshots, failing, drill } = backup;
    const trial = drill ? `${drill.ok ? "good" : "FAILED"} ${ago(drill.at)}` : "never";
    return [
      id,
      `${lastGood ? ago(lastGood) : "none yet"}${failing ? ", FAILING" : ""}`,
      lastGood ? sizeText(bytes) : "",
      lastGood ? sizeText(addedBytes) : "",
      String(snapshots),
      trial,
    ];
  });
  const reasons = [...kept].flatMap(([id, one]) => {
    if (!one.known || !one.backup) return [];
    const { failing, drill } = one.backup;
    return [
      ...(failing ? [`${id} fails since ${failing.since}: ${failing.why}`] : []),
      ...(drill && !drill.ok ? [`${id}'s trial restore failed: ${drill.why ?? "it did not say why"}`] : []),
    ];
  });
  const head = ["tenant", "latest", "size", "new", "kept", "trial restore"];
  return [...columns([head, ...rows]), ...(reasons.length > 0 ? ["", ...reasons] : [])].join("\n");
}

/** What can be restored of a tenant. */
export function listText(tenant: string, stored: readonly StoredBackup[], now: number): string {
  if (stored.length === 0) return `There is no backup of ${tenant} yet.`;
  return columns([
    ["backup", "of", "", "Open WebUI", "database"],
    ...stored.map(({ id, time, openWebui, database }) => [
      id.slice(0, 8),
      time,
      `${agoText(now - Date.parse(time))} ago`,
      openWebui ?? "",
      database === "postgres" ? "Postgres" : "SQLite",
    ]),
  ]).join("\n");
}

const sizeText = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;

const refused = (what: string, why: string, remedy: string) => new SetupError([{ what, why, remedy }]);

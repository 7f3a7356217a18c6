import { join } from "node:path";
import * as z from "zod";
import { toolbox } from "../../components/machine/toolbox.ts";
import { type Invocation, lastUp, noFleet, stepsOf } from "../../toolchain/commands/invocation.ts";
import { columns } from "../../toolchain/commands/status-table.ts";
import { repository } from "../../toolchain/setup/paths.mjs";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import { type AskedHost, askedHost, runOn } from "../on-host/asked-host.ts";
import { unknownTenant } from "../tenant-place.ts";

/** How `fleet drill` is asked. */
export interface DrillInvocation extends Invocation {
  /** Only those whose last good one is older than `backups.drill`. */
  due?: boolean;
}

const Line = z.object({
  tenant: z.string(),
  drill: z.object({
    at: z.string(),
    ok: z.boolean(),
    snapshot: z.string(),
    seconds: z.number(),
    why: z.string().nullable(),
  }),
});
/** How one tenant's trial restore went. */
export type DrillLine = z.infer<typeof Line>;

/** `fleet drill [tenant...]`: the latest backups, restored for a trial where nobody is in their way. */
export async function drill(invocation: DrillInvocation, tenants: readonly string[]): Promise<void> {
  const { stack, json, due = false } = invocation;
  const last = await lastUp(stack);
  if (!last) throw refused(`Stack ${stack} has no backups.`, noFleet(stack).trim());
  if (!last.fleet.backups)
    throw refused(`Stack ${stack} has no backups.`, "Nothing is backed up without `backups` in its config.");
  const known = last.fleet.tenants.map(({ id }) => id);
  const strangers = tenants.filter((id) => !known.includes(id));
  if (strangers.length > 0) throw new SetupError(strangers.map((id) => unknownTenant(stack, id, known)));
  const wanted = last.fleet.tenants.filter(({ id }) => tenants.length === 0 || tenants.includes(id));
  const steps = stepsOf(invocation);
  const hosts = last.fleet.hosts.filter(({ id }) => wanted.some(({ host }) => host === id));
  const lines: DrillLine[] = [];
  for (const spec of hosts) {
    const own = wanted.filter(({ host }) => host === spec.id).map(({ id }) => id);
    const asked = askedHost(spec, last.fleet.operators.identity, last);
    const found = await steps.run(
      spec.id,
      (say: Progress) => {
        say(`restoring the latest backups of ${own.join(", ")} for a trial`);
        return drillOn(asked, stack, own, due);
      },
      (done) =>
        done.length === 0
          ? "none is due"
          : `${done.filter((one) => one.drill.ok).length} of ${done.length} good`,
    );
    lines.push(...found);
  }
  process.stdout.write(
    json ? `${JSON.stringify({ drills: lines }, undefined, 2)}\n` : `\n${drillText(lines)}\n`,
  );
  process.exitCode = lines.every((line) => line.drill.ok) ? 0 : 1;
}

/** Has one host do it, by the very script that its timer runs. */
async function drillOn(
  host: AskedHost,
  stack: string,
  tenants: readonly string[],
  due: boolean,
): Promise<DrillLine[]> {
  const scripts = host.spec.kind === "local" ? join(repository, "components/host") : toolbox;
  const variables = { ROOT: host.spec.root, STACK: stack, TENANTS: tenants.join(" "), DUE: due ? 1 : 0 };
  const answer = await runOn(host, 'exec sh "$SCRIPTS/drill.sh"\n', { ...variables, SCRIPTS: scripts });
  if ("failure" in answer)
    throw refused(
      `Host ${host.spec.id} could not restore anything: ${answer.failure}`,
      "Nothing was tried there.",
    );
  return readDrills(answer.said);
}

/** A line each. */
export const readDrills = (text: string): DrillLine[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => Line.parse(JSON.parse(line)));

export function drillText(lines: readonly DrillLine[]): string {
  if (lines.length === 0) return "No trial restore is due.";
  const table = columns([
    ["tenant", "restored", "backup", "took"],
    ...lines.map(({ tenant, drill: { ok, snapshot, seconds } }) => [
      ...[tenant, ok ? "well" : "NOT RESTORABLE", snapshot.slice(0, 8) || "-", `${seconds} s`],
    ]),
  ]);
  const why = lines.flatMap(({ tenant, drill }) => (drill.why === null ? [] : [`${tenant}: ${drill.why}`]));
  return [...table, ...(why.length > 0 ? ["", ...why] : [])].join("\n");
}

const refused = (what: string, why: string) =>
  new SetupError([{ what, why, remedy: "Look at docs/backups.md, then run `npm run up` and try again." }]);

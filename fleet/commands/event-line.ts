import * as z from "zod";
import { numberText, Progress, progressText, sizeText } from "../../toolchain/commands/sync-view.ts";
import type { NodeEvent } from "./node-events.ts";

const Text = z.string().nullable().catch(null);
const Amount = z.number().catch(0);

/** What a line says of; a field of another shape than today's is left out of it. */
const Told = z.object({
  client: Text,
  kind: Text,
  status: Text,
  node: Text,
  by: Text,
  to: Text,
  reason: Text,
  error: Text,
  conflict: Text,
  table: Text,
  type: Text,
  winner: Text,
  rows: Amount,
  bytes: Amount,
  epoch: Amount,
  progress: Progress.catch(null),
});

/** An event as a line for people, with its time of day. */
export function eventLine({ id, name, data }: NodeEvent): string {
  const time = new Date(Number(BigInt(id) / 1000n)).toLocaleTimeString("en-GB");
  const told = Told.parse(data);
  return `${time}  ${told.client ?? "cluster"}  ${sentence(name, told)}`;
}

function sentence(name: string, told: z.infer<typeof Told>): string {
  const job = told.kind === "verify" ? "deep verification" : "sync";
  switch (name) {
    case "job-began":
      return `${job} began on ${told.node}`;
    case "job-progress":
      return `${job}: ${progressText(told.progress) ?? "nothing came yet"}`;
    case "job-ended":
      return `${job} ended: ${told.status}${outcome(told)}`;
    case "leader-changed":
      return `${told.node} leads, epoch ${told.epoch}`;
    case "state-changed":
      return `${told.to} by ${told.by}${told.reason ? `: ${told.reason}` : ""}`;
    case "hold-began":
      return `HELD: ${told.reason}`;
    case "hold-ended":
      return "no longer held";
    case "conflict-detected":
      return `conflict ${told.conflict} in ${told.table}, ${told.type}: ${winner(told.winner)}`;
    case "conflict-written":
      return `conflict ${told.conflict} in ${told.table}: the row is in the tenant's own database`;
    case "conflict-refused":
      return `conflict ${told.conflict} in ${told.table}: the tenant's own database refused the row${reason(told)}`;
    case "write-refused":
      return `decided rows are not written into the tenant's own database${reason(told)}`;
    default:
      return name;
  }
}

const reason = ({ error }: z.infer<typeof Told>): string => (error === null ? "" : `, ${error}`);

const winner = (who: string | null): string =>
  who === "pending" ? "waits for a decision" : `the ${who} row stays`;

const outcome = ({ status, error, rows, bytes }: z.infer<typeof Told>): string => {
  if (error !== null) return `, ${error}`;
  return status === "success" ? `, ${numberText(rows)} rows, ${sizeText(bytes)}` : "";
};

import { agoText, columns } from "../../toolchain/commands/status-table.ts";
import { type FiringAlert, watchdog } from "./alertmanager.ts";

/** The worst first. */
const severities = ["critical", "warning", "info"];

/** What fires, for the people who run the fleet: everything but the watchdog, the worst first. */
export const tellable = (alerts: readonly FiringAlert[]): FiringAlert[] =>
  alerts
    .filter(({ name }) => name !== watchdog)
    .toSorted((a, b) => rank(a) - rank(b) || a.since.localeCompare(b.since));

const rank = ({ severity }: FiringAlert): number => (severities.indexOf(severity) + 4) % 4;

/**
 * The alerts as lines of the status.
 * @param alerts undefined: Alertmanager does not answer
 * @param now milliseconds since 1970
 */
export function alertsText(alerts: readonly FiringAlert[] | undefined, now: number): string {
  if (!alerts)
    return "Alerts are not known: Alertmanager does not answer. `npm run up` starts what is missing.";
  const told = tellable(alerts);
  const deaf = alerts.some(({ name }) => name === watchdog)
    ? []
    : ["Alerting does not work (yet): not even the alert that always fires came through."];
  if (told.length === 0) return deaf[0] ?? "No alert fires.";
  const rows = told.map(({ name, severity, summary, since }) => [
    name,
    severity,
    agoText(now - Date.parse(since)),
    summary,
  ]);
  const table = columns([["alert", "severity", "since", "docs/runbook.md says what to do"], ...rows]);
  return [...table, ...deaf].join("\n");
}

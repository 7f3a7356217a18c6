import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** One alert of components/monitoring/rules.yaml. */
export interface AlertRule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

/** Every alert that is shipped. */
export const alertRules: AlertRule[] = parse(
  readFileSync("components/monitoring/rules.yaml", "utf8"),
).groups.flatMap(({ rules }: { rules: AlertRule[] }) => rules);

import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { alertRules } from "./alert-rules.ts";

/** What promtool is asked, by alert: how often it has to fire, and how often not. */
interface Case {
  alertname: string;
  exp_alerts: unknown[];
}
const cases: Case[] = ["rules", "rules-of-days"].flatMap((name) =>
  parse(readFileSync(`tests/components/monitoring/${name}.promtool.yaml`, "utf8")).tests.flatMap(
    ({ alert_rule_test }: { alert_rule_test: Case[] }) => alert_rule_test,
  ),
);

/** The runbook by heading: what stands below each. */
const runbook = new Map(
  readFileSync("docs/runbook.md", "utf8")
    .split(/^## /m)
    .slice(1)
    .map((entry) => [entry.slice(0, entry.indexOf("\n")), entry]),
);

describe.each(alertRules)("the alert $alert", ({ alert, labels, annotations }) => {
  it("says how urgent it is and what is the matter, in one line", () => {
    expect(["critical", "warning", "info", "none"]).toContain(labels.severity);
    expect(annotations.summary).toMatch(/^\S.*\.$/);
  });

  it("is tested by promtool: when it fires, and when it does not", () => {
    const own = cases.filter(({ alertname }) => alertname === alert);
    const quiet = own.filter(({ exp_alerts }) => exp_alerts.length === 0);
    expect(own.length - quiet.length).toBeGreaterThan(0);
    if (alert !== "Watchdog") expect(quiet.length).toBeGreaterThan(0);
  });

  it("leads to an entry of the runbook that says what it means, what is at risk and what to do", () => {
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    const entry = runbook.get(alert);
    for (const part of ["**Means**", "**At risk**", "**Do**"]) expect(entry).toContain(part);
  });
});

test("the runbook has an entry for every alert and for nothing else, in the order of the rules", () => {
  expect([...runbook.keys()]).toEqual(alertRules.map(({ alert }) => alert));
});

import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { metricsFile, metricsReference } from "../../../toolchain/docs/metrics.ts";
import { alertRules } from "../../components/monitoring/alert-rules.ts";

test("docs/metrics.md is what nodes and agents count; `npm run docs` writes it", () => {
  expect(readFileSync(metricsFile, "utf8")).toBe(metricsReference());
});

test("a metric stands there with its labels, its type and what it means", () => {
  expect(metricsReference()).toMatch(
    /^\| `sync_duration_seconds\{client\}` \| histogram \| How long a sync took/m,
  );
  expect(metricsReference()).toMatch(
    /^\| `agent_unreachable\{host\}` \| gauge \| 1 when this node could not/m,
  );
});

describe("the alerts", () => {
  /** What Prometheus and Alertmanager tell of themselves. */
  const theirs = /^(up|alertmanager_\w+)$/;
  const told = [...metricsReference().matchAll(/^\| `(\w+)/gm)].map(([, name]) => name);

  it.each(alertRules)("look at what is told: $alert", ({ expr }) => {
    const named = expr.match(/\b[a-z]+(_[a-z0-9]+)+\b|\bup\b/g) ?? [];
    const functions = /^(group_right|group_left|\w+_over_time|predict_linear)$/;
    for (const name of named.filter((name) => !functions.test(name) && !theirs.test(name)))
      expect(told).toContain(name);
  });
});

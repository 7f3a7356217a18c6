import { describe, expect, it } from "vitest";
import { deliveredSince, readDeliveries } from "../../../fleet/commands/alert-delivery.ts";
import { alertsText, tellable } from "../../../fleet/commands/alerts-text.ts";

const now = Date.parse("2026-11-21T15:00:00Z");
const alert = (name: string, severity: string, since: string, summary = "It is so.") => ({
  ...{ name, severity, summary, runbook: `docs/runbook.md#${name.toLowerCase()}` },
  since: `2026-11-21T${since}Z`,
  labels: { client: "acme" },
});
const watchdog = alert("Watchdog", "none", "10:00:00");

describe("the alerts of the status", () => {
  it("are one line each, the worst first, and of equal ones the oldest", () => {
    const alerts = [
      watchdog,
      alert("RowsUnrepresentable", "info", "12:00:00"),
      alert(
        "ReplicaHeld",
        "critical",
        "14:57:00",
        "The replica of acme is held until somebody decides about it.",
      ),
      alert("QueueOld", "warning", "11:00:00"),
      alert("NoLeader", "critical", "14:56:00"),
    ];
    expect(alertsText(alerts, now)).toBe(
      [
        "alert                 severity   since   docs/runbook.md says what to do",
        "NoLeader              critical   4 min   It is so.",
        "ReplicaHeld           critical   3 min   The replica of acme is held until somebody decides about it.",
        "QueueOld              warning    4 h     It is so.",
        "RowsUnrepresentable   info       3 h     It is so.",
      ].join("\n"),
    );
    expect(tellable(alerts).map(({ name }) => name)).not.toContain("Watchdog");
  });

  it("are none only where the watchdog came through: silence may also be deafness", () => {
    expect(alertsText([watchdog], now)).toBe("No alert fires.");
    expect(alertsText([], now)).toContain("Alerting does not work (yet)");
    expect(alertsText([alert("NoLeader", "critical", "14:56:00")], now)).toContain("does not work (yet)");
  });

  it("are not known where Alertmanager does not answer", () => {
    expect(alertsText(undefined, now)).toContain("Alerts are not known");
  });
});

describe("what Alertmanager has delivered", () => {
  const metrics = (email: [number, number], webhook: [number, number]) =>
    `# HELP alertmanager_notification_requests_total …
alertmanager_notification_requests_total{integration="email"} ${email[0]}
alertmanager_notification_requests_total{integration="webhook"} ${webhook[0]}
alertmanager_notification_requests_failed_total{integration="email"} ${email[1]}
alertmanager_notification_requests_failed_total{integration="webhook"} ${webhook[1]}
`;
  const between = (before: string, after: string) =>
    deliveredSince(readDeliveries(before), readDeliveries(after));

  it("is what it sent and was not refused", () => {
    expect(between(metrics([3, 1], [2, 0]), metrics([4, 1], [3, 1]))).toEqual({
      delivered: ["email"],
      failed: ["webhook"],
    });
  });

  it("counts a receiver that took it when it was tried again", () => {
    expect(between(metrics([0, 0], [2, 0]), metrics([3, 2], [2, 0]))).toEqual({
      delivered: ["email"],
      failed: ["email"],
    });
  });

  it("is nothing before Alertmanager has counted", () => {
    expect(between("", "")).toEqual({ delivered: [], failed: [] });
  });
});

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AlertsSpec } from "../../components/fleet-config.ts";
import { type Invocation, lastUp, noFleet, stepsOf } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress as Say } from "../../toolchain/setup/progress.ts";
import { type Delivery, deliveredSince, readDeliveries } from "./alert-delivery.ts";
import { type AlertmanagerAccess, alertmanagerOf, askAlertmanager } from "./alertmanager.ts";

/** How long Alertmanager is given; it tries a receiver that is not there again and again. */
const patienceMs = 30_000;
/** How long the test fires; then its end is told as well. */
const lifeMs = 60_000;
const lookMs = 500;

/** `npm run alert -- --test`: sends a test alert through the real Alertmanager to every receiver. */
export async function alert(invocation: Invocation & { test?: boolean }): Promise<void> {
  const { stack } = invocation;
  if (!invocation.test)
    throw refused("Nothing was asked for.", "Sending a test is all it does.", "Add --test.");
  const last = await lastUp(stack);
  if (!last)
    throw refused("There is nothing to send with.", noFleet(stack).trim(), "Run `npm run up` first.");
  const access = alertmanagerOf(last.outputs);
  if (!access)
    throw refused(
      `Stack ${stack} has no Alertmanager.`,
      "Its config says `monitoring.enabled: false`.",
      "Take that out, then run `npm run up`.",
    );
  const { alerts } = last.fleet.monitoring;
  if (receiversOf(alerts).length === 0)
    throw refused(
      `Nobody hears of alerts of stack ${stack}.`,
      "Its config names no receiver; `npm run status` shows what fires all the same.",
      "Add monitoring.alerts.mail or .webhook (docs/alerts.md), then run `npm run up`.",
    );
  const id = randomUUID().slice(0, 8);
  const send = (say: Say) => sendTest(access, { stack, id, receivers: receiversOf(alerts), say });
  await stepsOf(invocation).run("alert", send, () => `test ${id} was delivered`);
  process.stdout.write(`\n${lookFor(alerts, stack, id)}\n`);
}

/** By the names Alertmanager has for them. */
const receiversOf = ({ mail, webhook }: AlertsSpec): Delivery["receiver"][] => [
  ...(mail ? (["email"] as const) : []),
  ...(webhook ? (["webhook"] as const) : []),
];

interface Test {
  stack: string;
  /** Tells this test from others. */
  id: string;
  receivers: Delivery["receiver"][];
  say: Say;
}

/** Sends the alert and looks until every receiver took it, by what Alertmanager counts. */
async function sendTest(access: AlertmanagerAccess, { stack, id, receivers, say }: Test): Promise<void> {
  const before = await deliveries(access);
  const now = Date.now();
  await askAlertmanager(access, "POST", "/api/v2/alerts", [
    {
      labels: { alertname: "Test", severity: "info", stack, test: id },
      annotations: {
        summary: `This is test ${id} of the alerts of stack ${stack}. Nothing is wrong.`,
        runbook: "docs/alerts.md",
      },
      startsAt: new Date(now).toISOString(),
      endsAt: new Date(now + lifeMs).toISOString(),
    },
  ]);
  for (;;) {
    const made = deliveredSince(before, await deliveries(access));
    const missing = receivers.filter((receiver) => !made.delivered.includes(receiver));
    if (missing.length === 0) return;
    if (Date.now() - now > patienceMs)
      throw refused(
        `The test was not delivered by ${missing.join(" and ")}.`,
        made.failed.length > 0
          ? `What was tried failed: ${made.failed.join(" and ")}.`
          : "Alertmanager has not tried within 30 s.",
        `\`docker logs --tail 20 owui-${stack}-alertmanager\` says what the receiver answered; correct monitoring.alerts.`,
      );
    say(`waiting for ${missing.join(" and ")}`);
    await sleep(lookMs);
  }
}

/** What Alertmanager has delivered so far; it has to be there. */
async function deliveries(access: AlertmanagerAccess): Promise<Delivery[]> {
  try {
    return readDeliveries(await askAlertmanager(access, "GET", "/metrics"));
  } catch (cause) {
    throw refused(
      "Alertmanager cannot be asked.",
      (cause as Error).message,
      "Look at `npm run status`; `npm run up` starts what is missing.",
    );
  }
}

/** Where the test has to be found now. */
const lookFor = ({ mail, webhook, heartbeat }: AlertsSpec, stack: string, id: string): string =>
  [
    "Look for:",
    ...(mail
      ? [
          `  a mail "[${stack}] Test firing" to ${mail.to.join(", ")}, and one "Test resolved" within 10 minutes`,
        ]
      : []),
    ...(webhook ? [`  a POST at the webhook whose alerts have the label test=${id}`] : []),
    heartbeat
      ? `  the heartbeat is another matter: it comes every ${heartbeat.every} s by itself`
      : "  nobody would notice that alerting itself died: monitoring.alerts.heartbeat is not set (docs/alerts.md)",
  ].join("\n");

const refused = (what: string, why: string, remedy: string): SetupError =>
  new SetupError([{ what, why, remedy }], "Nothing of the fleet was changed.");

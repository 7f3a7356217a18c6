import { describe, expect, test } from "vitest";
import { type Broken, type Loose, refusal } from "./config.ts";

const mail = { host: "smtp.example.com", from: "fleet@example.com", to: ["ops@example.com"] };
const withMail = (changed: object) => (config: Loose) => {
  config.monitoring = { alerts: { mail: { ...mail, ...changed } } };
};

const broken: Broken = [
  [
    "the monitoring's ports are had by nobody else",
    (config) => (config.monitoring = { prometheus: { port: 9443 } }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  monitoring.prometheus.port
    found:  9443, which sync.nodes.a.port already has on host "local"
    remedy: set monitoring.prometheus.port to 9445, which is free there`,
  ],
  [
    "a mail needs somebody to get it",
    withMail({ to: [] }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  monitoring.alerts.mail.to
    found:  a list
    remedy: write a list of e-mail addresses such as [ops@example.com]`,
  ],
  [
    "signing in takes a password, and TLS",
    withMail({ user: "fleet", tls: false }),
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  monitoring.alerts.mail.password
    found:  nothing, beside a user
    remedy: encrypt one with \`npm run pulumi -- config set --secret --path monitoring.alerts.mail.password\`, or leave out the user

  monitoring.alerts.mail.tls
    found:  false, beside a user
    remedy: leave it out: a password is sent over TLS only`,
  ],
  [
    "a password signs somebody in, and is not shown",
    withMail({ password: "hunter2" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  monitoring.alerts.mail.user
    found:  nothing, beside a password
    remedy: write whom it signs in`,
  ],
  [
    "a webhook's address is not shown",
    (config) => (config.monitoring = { alerts: { webhook: { url: "ftp://token@example.com" } } }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  monitoring.alerts.webhook.url
    found:  a text
    remedy: write an http or https URL; encrypt it with \`npm run pulumi -- config set --secret --path 'monitoring.alerts.webhook.url'\``,
  ],
  [
    "a heartbeat has its bounds",
    (config) => (config.monitoring = { alerts: { heartbeat: { url: "https://a.example", every: "10" } } }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  monitoring.alerts.heartbeat.every
    found:  "10"
    remedy: write a number with its unit, from 1m to 1d, such as 5m`,
  ],
];

describe("monitoring: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    expect(refusal(edit)).toBe(message);
  });
});

test("ports of a monitoring that is switched off are free", () => {
  const edit = (config: Loose) => {
    config.monitoring = { enabled: false, prometheus: { port: 9443 } };
  };
  expect(refusal(edit)).toBe("accepted");
});

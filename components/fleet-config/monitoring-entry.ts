import { z } from "zod";
import { documentation } from "./documentation.ts";
import { duration } from "./duration.ts";
import { port, portRemedy } from "./network-address.ts";
import { refuse } from "./problem.ts";

const yesOrNo = "write true or false";

/** Where alerts go. Such an address often holds a token, so that it is treated as one. */
const secretUrl = (description: string, path: string) =>
  z.url({ protocol: /^https?$/ }).register(documentation, {
    description: `${description} Encrypted, since such addresses often hold a token. Refused in plain text in the stack's file.`,
    type: "secret URL",
    example: "{ secure: v1:... }",
    remedy: `write an http or https URL; encrypt it with \`npm run pulumi -- config set --secret --path '${path}'\``,
    secret: true,
  });

const mailFields = z.strictObject({
  host: z
    .string()
    .regex(/^[\w.-]+$/)
    .register(documentation, {
      description: "Mail server that takes the alerts.",
      type: "host name or address",
      example: "smtp.example.com",
      remedy: "write the name of a mail server such as smtp.example.com",
    }),
  port: z.int().min(1).max(65_535).prefault(587).register(documentation, {
    description: "Its port. 465 speaks TLS from the first byte, others are asked to begin it.",
    remedy: "write a port from 1 to 65535; mail servers mostly take 587 or 465",
  }),
  from: z.email().register(documentation, {
    description: "Address the mails come from.",
    type: "e-mail address",
    example: "fleet@example.com",
    remedy: "write an e-mail address such as fleet@example.com",
  }),
  to: z
    .array(
      z.email().register(documentation, {
        description: "One address.",
        type: "e-mail address",
        example: "ops@example.com",
        remedy: "write an e-mail address such as ops@example.com",
      }),
    )
    .min(1)
    .register(documentation, {
      description: "Addresses that get them.",
      example: "[ops@example.com]",
      remedy: "write a list of e-mail addresses such as [ops@example.com]",
    }),
  user: z.string().min(1).optional().register(documentation, {
    description: "Whom to sign in as at the mail server; left out where it asks nobody.",
    example: "fleet@example.com",
    remedy: "write the account's name, or leave it out",
  }),
  password: z.string().prefault("").register(documentation, {
    description: "Its password, encrypted. Refused in plain text in the stack's file.",
    type: "secret text",
    default: "none",
    example: "{ secure: v1:... }",
    remedy: "encrypt it with `npm run pulumi -- config set --secret --path monitoring.alerts.mail.password`",
    secret: true,
  }),
  tls: z.boolean().prefault(true).register(documentation, {
    description:
      "False: mails are sent in the clear, for a server on this machine or in a network of one's own.",
    remedy: yesOrNo,
  }),
});

/** Signing in takes both, and a connection nobody else reads. */
const mail = mailFields.superRefine(({ user, password, tls }, context) => {
  if (user !== undefined && password === "")
    refuse(context, {
      at: ["password"],
      found: "nothing, beside a user",
      remedy:
        "encrypt one with `npm run pulumi -- config set --secret --path monitoring.alerts.mail.password`, or leave out the user",
    });
  if (user === undefined && password !== "")
    refuse(context, { at: ["user"], found: "nothing, beside a password", remedy: "write whom it signs in" });
  if (user !== undefined && !tls)
    refuse(context, {
      at: ["tls"],
      found: "false, beside a user",
      remedy: "leave it out: a password is sent over TLS only",
    });
});

const webhook = z.strictObject({
  url: secretUrl(
    "Gets every alert as Alertmanager's JSON (version 4), by POST.",
    "monitoring.alerts.webhook.url",
  ),
});

const [minute, day] = [60, 86_400];

const heartbeat = z.strictObject({
  url: secretUrl(
    "Gets a POST again and again as long as alerting works. It belongs to something outside this fleet that raises when they stay away.",
    "monitoring.alerts.heartbeat.url",
  ),
  every: duration(minute, day).prefault("5m").register(documentation, {
    description: "How often. Whoever waits for it should wait at least twice as long.",
    type: "duration",
    remedy: "write a number with its unit, from 1m to 1d, such as 5m",
  }),
});

const alerts = z.strictObject({
  mail: mail.optional().register(documentation, {
    description: "Alerts by mail.",
    remedy: "write host, from and to, or leave it out",
  }),
  webhook: webhook.optional().register(documentation, {
    description: "Alerts to a program.",
    remedy: "write its url, or leave it out",
  }),
  heartbeat: heartbeat.optional().register(documentation, {
    description: "Dead man's switch: who notices that alerting itself has died.",
    remedy: "write url, and every if you like, or leave it out",
  }),
});

const portOf = (what: string, usual: number) =>
  z.strictObject({
    port: port()
      .prefault(usual)
      .register(documentation, {
        description: `Port of ${what} on the control host's loopback; it asks for the monitoring's certificate.`,
        remedy: portRemedy,
      }),
  });

/** The entry `monitoring`. */
export const monitoringEntry = z.strictObject({
  enabled: z.boolean().prefault(true).register(documentation, {
    description: "False: neither Prometheus nor Alertmanager is there; what they have stored stays.",
    remedy: yesOrNo,
  }),
  prometheus: portOf("Prometheus", 9090).prefault({}).register(documentation, {
    description: "Collects metrics and decides what is an alert. Keeps 15 days, 1 GB at most.",
    remedy: "write its port, or leave it out",
  }),
  alertmanager: portOf("Alertmanager", 9093).prefault({}).register(documentation, {
    description: "Delivers alerts.",
    remedy: "write its port, or leave it out",
  }),
  alerts: alerts.prefault({}).register(documentation, {
    description: "Who hears of alerts. Without any of them `npm run status` still shows those that fire.",
    remedy: "write mail, webhook or heartbeat",
  }),
});

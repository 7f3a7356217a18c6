import { Argument } from "commander";
import type { Invocation } from "../../toolchain/commands/invocation.ts";
import type { Look } from "../commands/host.ts";
import type { LogsInvocation } from "../commands/logs.ts";
import type { ReportInvocation } from "../commands/report.ts";
import type { StatusInvocation } from "../commands/status.ts";
import type { Declare } from "./declare.ts";

/** What `fleet host` does. */
const looks: readonly Look[] = ["check", "repair", "security"];

/** Commands that look and change nothing, but for `host repair` and `alert --test`. */
export function looking(declare: Declare): void {
  declare("status", "shows how the fleet is doing", [
    ["status", "tenants, replicas, nodes, alerts"],
    ["status --follow", "the same, then a line for everything that happens"],
    ["status --json", "for scripts"],
  ])
    .option("--json", "for scripts")
    .option("--follow", "go on with what happens, a line for each event")
    .action(async (options: StatusInvocation) => (await import("../commands/status.ts")).status(options));

  declare(
    "menu",
    "shows how the fleet is doing, and what can be done about it; `fleet` alone does the same",
    [["menu", "arrow keys choose, return does it"]],
  ).action(async (options: Invocation) => (await import("../commands/menu.ts")).menu(options));

  declare("tenants", "lists the tenants with their version, health, and what they use of their hosts", [
    ["tenants", "all of them"],
    ["tenants --host fra1-a", "those of one host"],
  ])
    .option("--host <id>", "those of one host only")
    .option("--json", "for scripts")
    .action(async (options: Invocation & { host?: string }) =>
      (await import("../commands/tenants.ts")).tenants(options),
    );

  declare("hosts", "lists the hosts with their tenants, and what is left of memory and disk", [
    ["hosts", "all of them"],
    ["hosts --json", "for scripts"],
  ])
    .option("--json", "for scripts")
    .action(async (options: Invocation) => (await import("../commands/hosts.ts")).hosts(options));

  declare("report", "writes one page about the fleet: protection, versions, use, costs, certificates", [
    ["report", "into <stack>-report.html of this folder"],
    ["report --to /tmp/fleet.html", "into another file"],
    ["report --json", "the same facts for scripts"],
  ])
    .option("--to <file>", "the page to write")
    .option("--json", "print the facts as JSON; with --to, where the page is")
    .action(async (options: ReportInvocation) => (await import("../commands/report.ts")).report(options));

  declare("logs", "shows what a tenant's application prints", [
    ["logs acme", "its last 100 lines"],
    ["logs acme --follow", "the same, and what comes"],
    ["logs acme --since 10m --lines 10000", "the last ten minutes"],
  ])
    .argument("<tenant>")
    .option("--follow", "go on with what comes, until Ctrl-C")
    .option("--lines <number>", "how many lines at most", "100")
    .option("--since <time>", "only from then on: 10m, 2h, 2026-11-22T07:00:00Z")
    .option("--json", "an object a line: tenant, stream, at, text")
    .action(async (tenant: string, options: LogsInvocation) =>
      (await import("../commands/logs.ts")).logs(options, tenant),
    );

  declare("host", "looks at the hosts themselves: what their set-up would change, or how safe they are", [
    ["host check", "what the set-up would change on each host; changes nothing"],
    ["host check old", "the same for one, before it is brought up too"],
    ["host repair fra1-a", "run its set-up again: what somebody changed there is put right"],
    ["host security --json", "sign-in, firewall, open ports, patches and more, for scripts"],
  ])
    .addArgument(new Argument("<look>").choices(looks))
    .argument("[host]", "one of them instead of all")
    .option("--json", "for scripts")
    .action(async (look: Look, only: string | undefined, options: Invocation) =>
      (await import("../commands/host.ts")).host(options, look, only),
    );

  declare("alert", "sends a test alert to everybody who is to hear of alerts", [
    ["alert --test", "ends when each of them took it"],
  ])
    .option("--test", "what there is to send")
    .option("--json", "steps go to standard error; nothing else is printed")
    .action(async (options: Invocation & { test?: boolean }) =>
      (await import("../commands/alert.ts")).alert(options),
    );
}

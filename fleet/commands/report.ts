import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { connect } from "node:tls";
import type { Fleet } from "../../components/fleet-config.ts";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import { viewFleet } from "../../toolchain/commands/fleet-status.ts";
import { type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { askedHost } from "../on-host/asked-host.ts";
import { usageOf } from "../on-host/usage.ts";
import { reportOf } from "../report/facts.ts";
import { reportPage } from "../report/page.ts";
import { alertmanagerOf, firingAlerts } from "./alertmanager.ts";
import { tellable } from "./alerts-text.ts";

/** How `fleet report` is asked. */
export interface ReportInvocation extends Invocation {
  /** The page to write. */
  to?: string;
}

/** `fleet report`: one page about all of the fleet, to be read on a phone, printed or sent. */
export async function report({ stack, json, to }: ReportInvocation): Promise<void> {
  const last = await lastUp(stack);
  if (!last)
    throw new SetupError([
      {
        what: `Stack ${stack} has no fleet.`,
        why: noFleet(stack).trim(),
        remedy: "Name a stack that has one (--stack).",
      },
    ]);
  const { fleet, outputs } = last;
  const alertmanager = alertmanagerOf(outputs);
  const [view, usages, sites, alerts] = await Promise.all([
    viewFleet(fleet, outputs),
    Promise.all(
      fleet.hosts.map(async (spec) => {
        const usage = await usageOf(askedHost(spec, fleet.operators.identity, last), stack);
        return [spec.id, usage] as const;
      }),
    ),
    siteEnds(fleet, outputs),
    alertmanager && firingAlerts(alertmanager),
  ]);
  const seen = { view, usages: new Map(usages), sites, alerts: alerts && tellable(alerts) };
  const facts = reportOf(fleet, seen, Date.now());
  if (json && to === undefined) return void process.stdout.write(`${JSON.stringify(facts, undefined, 2)}\n`);
  const file = resolve(process.env.INIT_CWD ?? process.cwd(), to ?? `${stack}-report.html`);
  await writeFile(file, reportPage(facts)).catch((cause: Error) => {
    throw new SetupError([
      {
        what: `${file} could not be written: ${cause.message}`,
        why: "The report is one file.",
        remedy: "Name another one with --to.",
      },
    ]);
  });
  process.stdout.write(
    json ? `${JSON.stringify({ file }, undefined, 2)}\n` : `${file} shows the fleet as it is now.\n`,
  );
}

const patienceMs = 3_000;

/** When the certificates that sites show end; of those that cannot be asked from here nothing is said. */
async function siteEnds(
  { tenants, hosts }: Pick<Fleet, "tenants" | "hosts">,
  outputs: Pick<FleetOutputs, "hosts">,
): Promise<Map<string, string>> {
  const asked = tenants.map(async ({ id, host, domain, certificate, proxied }) => {
    const front = hosts.find((spec) => spec.id === host)?.https;
    if (!certificate || !front || proxied) return [];
    const near = front.address === "0.0.0.0" ? "127.0.0.1" : front.address;
    const address = outputs.hosts[host]?.target?.address ?? near;
    const ends = await shownEnd(address, front.port, domain);
    return ends === undefined ? [] : [[id, ends] as const];
  });
  return new Map((await Promise.all(asked)).flat());
}

/** When the certificate ends that is shown for a name, ISO 8601; who issued it is not asked. */
const shownEnd = (host: string, port: number, servername: string): Promise<string | undefined> =>
  new Promise((resolved) => {
    const socket = connect({ host, port, servername, rejectUnauthorized: false, timeout: patienceMs });
    const end = (ends?: string) => {
      socket.destroy();
      resolved(ends);
    };
    socket.once("timeout", () => end());
    socket.once("error", () => end());
    socket.once("secureConnect", () => {
      const { valid_to: until } = socket.getPeerCertificate();
      end(until ? new Date(until).toISOString() : undefined);
    });
  });

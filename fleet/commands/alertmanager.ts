import { request } from "node:https";
import { text } from "node:stream/consumers";
import * as z from "zod";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";

/** It is on this machine; one that does not answer within this is as good as gone. */
const patienceMs = 3_000;

/** Where Alertmanager answers, and what it asks to see. */
export type AlertmanagerAccess = Pick<
  NonNullable<FleetOutputs["monitoring"]>,
  "alertmanager" | "certificate" | "key"
> & { ca: string };

/** How a stack's Alertmanager is reached; undefined where it has none. */
export const alertmanagerOf = ({
  monitoring,
  certificateAuthority: ca,
}: Pick<FleetOutputs, "monitoring" | "certificateAuthority">): AlertmanagerAccess | undefined =>
  monitoring && { ...monitoring, ca };

/** An alert that fires and was not inhibited by another that says why. */
const FiringAlert = z
  .object({
    labels: z.record(z.string(), z.string()),
    annotations: z.object({ summary: z.string().default(""), runbook: z.string().default("") }),
    startsAt: z.string(),
  })
  .transform(({ labels: { alertname = "", severity = "", ...labels }, annotations, startsAt }) => ({
    name: alertname,
    severity,
    ...annotations,
    /** ISO 8601. */
    since: startsAt,
    /** The client, the host, or whatever else it is about. */
    labels,
  }));
export type FiringAlert = z.infer<typeof FiringAlert>;

/** The alert that always fires: without it nothing is known of the others. */
export const watchdog = "Watchdog";

/** Every alert that fires, the watchdog too; undefined where Alertmanager does not answer. */
export async function firingAlerts(access: AlertmanagerAccess): Promise<FiringAlert[] | undefined> {
  const asked = "/api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=false";
  try {
    return z.array(FiringAlert).parse(JSON.parse(await askAlertmanager(access, "GET", asked)));
  } catch (error) {
    // An answer of another shape is a mistake of this program.
    if (error instanceof z.ZodError) throw error;
    return undefined;
  }
}

/** One call of Alertmanager, by the monitoring's certificate. */
export const askAlertmanager = (
  { alertmanager, certificate, key, ca }: AlertmanagerAccess,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request(new URL(path, alertmanager), {
      method,
      ...{ cert: certificate, key, ca },
      // `localhost` may resolve to ::1 first, where nothing is published.
      lookup: (_name, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
      agent: false,
      timeout: patienceMs,
      headers: body === undefined ? {} : { "content-type": "application/json" },
    });
    asked.once("timeout", () => asked.destroy(new Error("it did not answer")));
    asked.once("error", reject);
    asked.once("response", (answer) => {
      const { statusCode } = answer;
      text(answer).then((said) => {
        if (statusCode === 200) resolve(said);
        else reject(new Error(`it answered with ${statusCode}: ${said.slice(0, 200)}`));
      }, reject);
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });

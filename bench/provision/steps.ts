/** What was seen of one host while it came to be. */
export interface Moments {
  /** The fake clouds' log: a JSON line a request. */
  requests: string;
  /** cloud-init's own status.json. */
  cloudInit: string;
  /** A line for each container: `/<name> <created> <started>`, ISO 8601. */
  containers: string;
  /** When the tenant first answered its users, ms since 1970. */
  serving: number;
  /** When its replica was last verified, ms. */
  verified: number;
}

/** One part of the way. */
export interface Step {
  name: string;
  seconds: number;
  /** What it may take: all but the last two make up the five minutes. */
  target: number;
  detail: string;
}

/** As much of cloud-init's status as tells its time; seconds since 1970. */
interface CloudInitStatus {
  v1: { "init-local": { start: number }; "modules-final": { finished: number } };
}

/** The steps from the order of a droplet to a tenant that serves; pure. */
export function stepsOf({ requests, cloudInit, containers, serving, verified }: Moments): Step[] {
  const ordered = requests
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { time: string; method: string; url: string })
    .find(({ method, url }) => method === "POST" && url === "/v2/droplets");
  if (!ordered) throw new Error("no droplet was ordered");
  const { v1 } = JSON.parse(cloudInit) as CloudInitStatus;
  const lines = containers.split("\n").map((line) => line.split(" "));
  const first = Math.min(...lines.map(([, created = ""]) => Date.parse(created)));
  const tenant = lines.find(([name = ""]) => name.includes("-tenant-"));
  if (!tenant) throw new Error("the host has no tenant's container");

  const order = Date.parse(ordered.time);
  const [begun, ended] = [v1["init-local"].start * 1000, v1["modules-final"].finished * 1000];
  const started = Date.parse(tenant[2] ?? "");
  const step = (name: string, from: number, to: number, target: number, detail: string): Step => ({
    ...{ name, target, detail },
    seconds: (to - from) / 1000,
  });
  return [
    step("droplet boots", order, begun, 30, "from its order to cloud-init's first line"),
    step("cloud-init", begun, ended, 90, "packages, users, firewall, Docker"),
    step(
      "host is ready",
      ended,
      first,
      60,
      "met, another host key, set-up, certificates, image of the runtime",
    ),
    step("containers", first, started, 60, "from nginx' to the tenant's"),
    step("application", started, serving, 60, "Open WebUI starts, its first admin, its site"),
    step("bare droplet to serving tenant", order, serving, 300, "all of the above"),
    step("replica is equal", serving, verified, 60, "the first that `up` waits for"),
  ];
}

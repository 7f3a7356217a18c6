import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import { Driver, type FleetStatus } from "../../tests/support/fleet/driver.ts";
import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import { DockerMachines } from "../../toolchain/fakes/digitalocean/docker/machines.ts";
import type { Account } from "../../toolchain/fakes/digitalocean/model.ts";
import { type Benchmark, type Result, resultOf } from "../result.ts";
import { type Moments, stepsOf } from "./steps.ts";

const stack = "provision";
const domain = "acme.fleet.example";

/** One droplet that has it all: nodes, monitoring, a tenant. */
const config = {
  hosts: { only: { kind: "digitalocean", region: "fra1", size: "s-2vcpu-4gb" } },
  dns: { kind: "cloudflare", zones: ["fleet.example"] },
  tenants: {
    acme: { host: "only", domain, admin: { email: "admin@acme.example" }, sync: { interval: "1m" } },
  },
  sync: {
    ...{ host: "only", nodes: { a: { port: 9443 }, b: { port: 9444 } } },
    database: { kind: "external" },
  },
};

/** Whether the tenant answers at an address as its users ask; who certifies it is not looked at. */
const serves = (host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { host, path: "/health", headers: { Host: domain }, servername: domain };
    const asked = request({ ...options, rejectUnauthorized: false, agent: false, timeout: 2_000 });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.once("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.end();
  });

/** Watches one `up` in a cloud that was empty. */
async function provision(folder: string, progress: (text: string) => void): Promise<Moments> {
  const file = join(folder, `Pulumi.${stack}.yaml`);
  const home = join(folder, "home");
  await writeFile(file, stringify({ config }));
  const driver = new Driver(stack, file, home, join(folder, "logs"), ["--fake"], progress);
  try {
    const up = driver.up({ flags: ["--json"] });
    const ended = up.then(
      () => true,
      () => true,
    );
    const cloud = join(home, "stacks", stack, "cloud");
    const account = async (): Promise<Partial<Account>> =>
      JSON.parse(await readFile(join(cloud, "digitalocean.json"), "utf8").catch(() => "{}"));
    let serving: number | undefined;
    while (serving === undefined && !(await Promise.race([ended, pause(250, false)]))) {
      const [reserved] = (await account()).reservedIps ?? [];
      if (reserved?.droplet && (await serves(reserved.ip))) serving = Date.now();
    }
    const status = JSON.parse((await up).stdout) as FleetStatus;
    if (serving === undefined) throw new Error("the tenant was never seen to serve");
    const [droplet] = (await account()).droplets ?? [];
    const name = new DockerMachines({ folder: join(cloud, "machines"), publicRange: "" }).nameOf(
      droplet?.id ?? 0,
    );
    const within = (...argv: string[]) => docker(["exec", name, ...argv]);
    const started =
      "docker ps -aq | xargs docker inspect --format '{{.Name}} {{.Created}} {{.State.StartedAt}}'";
    return {
      requests: await readFile(join(cloud, "requests.log"), "utf8"),
      cloudInit: await within("cat", "/run/cloud-init/status.json"),
      containers: await within("sh", "-c", started),
      serving,
      verified: Date.parse(status.tenants[0]?.replica.verified_at ?? ""),
    };
  } finally {
    progress("removing it all again");
    await driver.down(["--purge", "--yes"]);
  }
}

/** From an empty account to a tenant that serves, step by step. */
export const provisionBenchmark: Benchmark = {
  about: "from an empty account in fake clouds to a tenant that serves, step by step",
  run: async (progress): Promise<Result[]> => {
    const folder = await mkdtemp(join(tmpdir(), "owui-provision-"));
    try {
      const steps = stepsOf(await provision(folder, progress));
      return steps.map(({ name, seconds, target, detail }) =>
        resultOf({ name, unit: "s", target, detail }, [seconds]),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

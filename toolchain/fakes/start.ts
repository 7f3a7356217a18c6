import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { locked } from "../setup/lock.mjs";
import type { Progress } from "../setup/progress.ts";
import { cloudflare } from "./cloudflare/cloudflare.ts";
import { type AddressPlan, defaultPlan } from "./digitalocean/addresses.ts";
import { digitalOcean } from "./digitalocean/digitalocean.ts";
import { EngineRoots } from "./digitalocean/docker/engine-roots.ts";
import { DockerMachines } from "./digitalocean/docker/machines.ts";
import { noMachines } from "./digitalocean/driver.ts";
import { fileLog } from "./http/request-log.ts";

export interface FakesSettings {
  /** Everything they keep, and nothing else, lies here; absolute. */
  home: string;
  /** 0: a free one. */
  digitalOceanPort: number;
  cloudflarePort: number;
  /** Cloudflare's zones from the beginning. */
  zones: string[];
  /** Whether droplets boot, as containers, or are only entries in a list. */
  machines: "docker" | "none";
  /** Images of the local engine that a droplet's own engine begins with. */
  images: readonly string[];
  /** Where droplets get their addresses; absent: the usual ranges. */
  plan?: AddressPlan;
  /** What an action takes at least, in ms. */
  actionTime: number;
  /** How long what was just made is not found, in ms. */
  lag: number;
}

/** One fake that listens. */
export interface Running {
  /** What a provider is given as endpoint. */
  endpoint: string;
  /** File that holds the token, readable by its owner alone. */
  tokenFile: string;
}

export interface Fakes {
  /** Docker's name of the network that droplets' public addresses are of; undefined without machines. */
  publicNetwork: string | undefined;
  digitalOcean: Running;
  cloudflare: Running;
  /** One JSON line a request. */
  log: string;
  /** Ends the fakes; what they made goes on, and the next start finds it. */
  close: () => Promise<void>;
  /** Ends them and empties both accounts, with every machine, network and volume. Tokens and log stay. */
  clear: () => Promise<void>;
}

/** A token that fits both clouds' forms; kept, so that a stack's config outlives a restart. */
const tokenIn = async (file: string, prefix: string): Promise<string> => {
  const kept = await readFile(file, "utf8").catch(() => "");
  if (kept.trim() !== "") return kept.trim();
  const fresh = `${prefix}${randomBytes(24).toString("hex")}`;
  await writeFile(file, `${fresh}\n`, { mode: 0o600 });
  return fresh;
};

/** Machines that boot; none where droplets are only entries in a list. */
const bootingMachines = async (
  { home, machines, images, plan = defaultPlan }: FakesSettings,
  progress: Progress,
): Promise<DockerMachines | undefined> => {
  if (machines === "none") return undefined;
  const engines =
    images.length > 0
      ? await locked("fake-droplets", progress, () => EngineRoots.with(images, progress))
      : undefined;
  return new DockerMachines({ folder: join(home, "machines"), publicRange: plan.public, engines });
};

/** Starts both fakes, and goes on with what an earlier start left. */
export const startFakes = async (settings: FakesSettings, progress: Progress = () => {}): Promise<Fakes> => {
  const { home, lag } = settings;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const logFile = join(home, "requests.log");
  const files = {
    digitalOcean: join(home, "digitalocean.token"),
    cloudflare: join(home, "cloudflare.token"),
  };
  const conduct = { lag, log: fileLog(logFile) };
  const booting = await bootingMachines(settings, progress);
  const ocean = digitalOcean(
    { ...conduct, token: await tokenIn(files.digitalOcean, "dop_v1_fake_") },
    {
      driver: booting ?? noMachines,
      plan: settings.plan ?? defaultPlan,
      actionTime: settings.actionTime,
      stateFile: join(home, "digitalocean.json"),
    },
  );
  const flare = cloudflare(
    { ...conduct, token: await tokenIn(files.cloudflare, "fake_") },
    { zones: settings.zones, stateFile: join(home, "cloudflare.json") },
  );
  await ocean.cloud.resume();
  const running = ocean.cloud.account.droplets.filter(({ status }) => status === "active");
  await Promise.all(running.map(({ id }) => booting?.stock(id)));
  const oceanAddress = await ocean.fake.listen(settings.digitalOceanPort);
  const flareAddress = await flare.fake.listen(settings.cloudflarePort).catch(async (error: Error) => {
    await ocean.fake.close();
    throw error;
  });
  const close = async () => {
    await Promise.all([ocean.fake.close(), flare.fake.close()]);
    await ocean.cloud.settle();
  };
  return {
    publicNetwork: booting?.publicNetwork,
    digitalOcean: { endpoint: oceanAddress, tokenFile: files.digitalOcean },
    cloudflare: { endpoint: `${flareAddress}/client/v4`, tokenFile: files.cloudflare },
    log: logFile,
    close,
    clear: async () => {
      await close();
      await booting?.clear();
      for (const part of ["digitalocean.json", "cloudflare.json", "machines"]) {
        await rm(join(home, part), { recursive: true, force: true });
      }
    },
  };
};

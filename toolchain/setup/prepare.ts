import { postgresImage } from "../../components/host/postgres-image.ts";
import type { CloudOfStack } from "../fakes/cloud-of-stack.ts";
import {
  acmeImage,
  backupImage,
  databaseImage,
  dropletImage,
  fakeAuthorityImage,
  fleetImages,
  monitoringImages,
  sshImage,
} from "../images/catalog.ts";
import { ChildError } from "./child.mjs";
import type { CommandLine } from "./command-line.mjs";
import { ensureCommandLine } from "./command-line-build.ts";
import { writeEffective } from "./effective-config.ts";
import { ensureEngine } from "./engine.ts";
import { ensureImages } from "./images.ts";
import { locked } from "./lock.mjs";
import { ensurePassphrase } from "./passphrase.ts";
import { ensurePlugins } from "./plugins.ts";
import type { Plan } from "./preflight.ts";
import type { Progress } from "./progress.ts";
import { Pulumi } from "./pulumi.ts";
import { ensureStack } from "./stack.ts";
import { type Maker, makerOf, readCheckpoint, saltOf } from "./stack-state.ts";
import type { Steps } from "./steps.mjs";

/** Everything the program needs to run: images besides those its config names, the config it is to use. */
export interface Wanted {
  stack: string;
  plan: Plan;
  /** Config keys this run sets over the operator's. */
  overrides?: Record<string, unknown>;
  /** What its clouds are instead of real ones. */
  cloud?: CloudOfStack | undefined;
}

/** A CLI that is ready to work on a stack, and the config file to give it. */
export interface Prepared {
  pulumi: Pulumi;
  configFile: string;
}

/** Brings this machine to where the program can run on it; each step skips itself when it is done already. */
export async function prepare(
  steps: Steps,
  { stack, plan, overrides = {}, cloud }: Wanted,
): Promise<Prepared> {
  const { tenants, monitoring, backups } = plan.fleet;
  const watching = monitoring.enabled ? monitoringImages : [];
  const certifying = tenants.some(({ certificate }) => certificate === "acme") ? [acmeImage] : [];
  const storing = backups
    ? [
        ...[backupImage, ...(backups.repository.kind === "sftp" ? [sshImage] : [])],
        ...(tenants.some(({ database }) => database) ? [postgresImage(backups.postgres)] : []),
      ]
    : [];
  const needed = [
    ...fleetImages,
    ...certifying,
    ...storing,
    ...watching,
    ...tenants.map(({ image }) => image),
  ];
  const images = [...new Set(needed)];
  const cli = await provision(steps, cloud ? [...images, dropletImage, fakeAuthorityImage] : images);
  const pulumi = new Pulumi(stack, cli);
  // Where nothing is to run, droplets need nothing new in their engines.
  const onDroplets = overrides.running === false ? [] : imagesOnDroplets(images, plan);
  const source = cloud ? await startCloud(steps, cloud, onDroplets, plan, pulumi) : plan.source;
  const checkpoint = await readCheckpoint(stack);
  await provisionPlugins(steps, makerOf(checkpoint), pulumi.environment);

  await ensurePassphrase(plan.source.encryptionsalt ?? saltOf(checkpoint));
  const configFile = await writeEffective(stack, source, overrides);
  await steps.run(
    "stack",
    alone("stack", () => ensureStack(pulumi)),
  );
  for (const [path, value] of Object.entries(cloud?.secrets ?? {}))
    await encrypt(pulumi, configFile, path, value);
  return { pulumi, configFile };
}

/** Dumps of tenants' databases are made and tried on their hosts; the fleet's own stands elsewhere. */
function imagesOnDroplets(images: readonly string[], { fleet: { backups, tenants } }: Plan) {
  const dumping = backups !== undefined && tenants.some(({ database }) => database);
  return dumping ? images : images.filter((image) => image !== databaseImage);
}

/** Starts a stack's fake clouds, and tells the engine where they are; answers the config as they have it. */
async function startCloud(
  steps: Steps,
  cloud: CloudOfStack,
  images: readonly string[],
  plan: Plan,
  pulumi: Pulumi,
) {
  await steps.run(
    "fake cloud",
    alone("fake-cloud", (progress) => cloud.start(images, progress)),
  );
  Object.assign(pulumi.environment, await cloud.environment());
  return cloud.config(plan.source);
}

/** Puts a secret into the config file of a run; it comes over standard input, which nobody else reads. */
async function encrypt(pulumi: Pulumi, configFile: string, path: string, value: string): Promise<void> {
  const set = ["config", "set", "--secret", "--path", path, "--config-file", configFile];
  const outcome = await pulumi.run(set, { input: value });
  if (outcome.code !== 0)
    throw new ChildError(`${path} could not be encrypted.`, ["pulumi", ...set], outcome);
}

/**
 * Engine, images and CLI. The CLI's build keeps the processors busy while images mostly wait for downloads and
 * disks, so the two run at once.
 */
export async function provision(steps: Steps, images: string[]): Promise<CommandLine> {
  const containers = async () => {
    await steps.run("engine", alone("engine", ensureEngine));
    await steps.run(
      "images",
      alone("images", (progress) => ensureImages([...new Set(images)], progress)),
    );
  };
  const [{ cli }] = await Promise.all([
    steps.run("pulumi", alone("pulumi", ensureCommandLine), ({ text }) => text),
    containers(),
  ]);
  return cli;
}

/** Provider plugins of the kind a stack was made with. */
export const provisionPlugins = (
  steps: Steps,
  madeBy: Maker | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<string> =>
  steps.run(
    "plugins",
    alone("plugins", (progress) => ensurePlugins(madeBy, environment, progress)),
  );

/** Work that a second run waits for instead of doing the same at the same time. */
const alone =
  <T>(name: string, work: (progress: Progress) => Promise<T>) =>
  (progress: Progress): Promise<T> =>
    locked(name, progress, () => work(progress));

import type { Fleet } from "../../components/fleet-config.ts";
import { ChildError } from "../setup/child.mjs";
import { cloudsOf } from "../setup/cloud-api.ts";
import { creationsIn, removeBegun, reservedNow } from "../setup/interrupted-cloud.ts";
import { removeBegunRecords } from "../setup/interrupted-names.ts";
import { locked } from "../setup/lock.mjs";
import type { Progress } from "../setup/progress.ts";
import type { Pulumi } from "../setup/pulumi.ts";
import { lastBeginning, noteBeginning } from "../setup/run-beginning.ts";
import { isLocked, lockHolders, StackLockedError } from "../setup/stack-lock.ts";
import { type Checkpoint, readCheckpoint } from "../setup/stack-state.ts";
import type { Steps } from "../setup/steps.mjs";

/**
 * What a killed run left in the clouds goes before it is made again, and the state forgets that it was being made. Notes
 * how it is now, for the run that comes after this one if it dies too.
 *
 * @throws StackLockedError where what is being made is the work of a run that lives
 */
export async function removeHalfMade(
  steps: Steps,
  pulumi: Pulumi,
  { hosts }: Pick<Fleet, "hosts">,
  configFile: string,
): Promise<void> {
  const { stack } = pulumi;
  if (creationsIn(await readCheckpoint(stack)).length > 0)
    await steps.run(
      "half-made",
      // Another run on this machine is waited for.
      (progress: Progress) => locked(`stack-${stack}`, progress, () => clean(pulumi, configFile, progress)),
      (removed) =>
        removed.length > 0
          ? `removed what a killed run left: ${removed.join(", ")}`
          : "nothing was left of a killed run",
    );
  const checkpoint = await readCheckpoint(stack);
  const reserves = hosts.some(
    (spec) => spec.kind === "digitalocean" && spec.reservedIp && !hasAddress(spec.id, checkpoint),
  );
  const addresses = reserves
    ? await reservedNow((await cloudsOf(pulumi, configFile)).digitalOcean).catch(() => undefined)
    : undefined;
  await noteBeginning(stack, { at: Date.now(), ...(addresses && { addresses }) });
}

async function clean(pulumi: Pulumi, configFile: string, progress: Progress): Promise<string[]> {
  const checkpoint = await readCheckpoint(pulumi.stack);
  if (creationsIn(checkpoint).length === 0) return [];
  await refreshNothing(pulumi, checkpoint, configFile);
  const { digitalOcean, cloudflare } = await cloudsOf(pulumi, configFile);
  const beginning = await lastBeginning(pulumi.stack);
  const removed = [
    ...(await removeBegunRecords(checkpoint, cloudflare, beginning, progress)),
    ...(await removeBegun(checkpoint, digitalOcean, beginning, progress)),
  ];
  // Pulumi would carry what was being made along, and warn of it, for ever.
  await refreshNothing(pulumi, checkpoint, configFile, "--clear-pending-creates");
  return removed;
}

const hasAddress = (host: string, checkpoint: Checkpoint | undefined): boolean =>
  checkpoint?.checkpoint.latest?.resources?.some(({ urn }) => urn.endsWith(`::${host}-machine-address`)) ===
  true;

/** A refresh of the stack itself, which touches nothing and needs the lock, wherever that is kept. */
async function refreshNothing(
  pulumi: Pulumi,
  checkpoint: Checkpoint | undefined,
  configFile: string,
  ...more: string[]
): Promise<void> {
  const root = checkpoint?.checkpoint.latest?.resources?.find(({ type }) => type === "pulumi:pulumi:Stack");
  if (!root) return;
  const refresh = ["refresh", "--yes", "--skip-preview", "--config-file", configFile, ...more];
  const outcome = await pulumi.run([...refresh, "--target", root.urn]);
  const said = outcome.stdout + outcome.stderr;
  if (isLocked(said)) throw new StackLockedError(pulumi.stack, lockHolders(said));
  if (outcome.code !== 0)
    throw new ChildError("What a killed run left could not be looked at.", ["pulumi", ...refresh], outcome);
}

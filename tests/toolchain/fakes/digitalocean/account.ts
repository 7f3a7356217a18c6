import { onTestFinished } from "vitest";
import { digitalOcean } from "../../../../toolchain/fakes/digitalocean/digitalocean.ts";
import { type DropletDriver, noMachines } from "../../../../toolchain/fakes/digitalocean/driver.ts";
import type { Conduct } from "../../../../toolchain/fakes/http/fake.ts";
import { memoryLog } from "../../../../toolchain/fakes/http/request-log.ts";
import { type Client, clientOf, token } from "../client.ts";

/** A driver that says what it was told to do. */
export const recording = (): { told: string[]; driver: DropletDriver } => {
  const told: string[] = [];
  const driver = new Proxy(noMachines, {
    get:
      (_, name) =>
      async (...given: unknown[]) =>
        void told.push([String(name), ...given.map((each) => JSON.stringify(each))].join(" ")),
  });
  return { told, driver };
};

/** An account of its own, on a fake that ends with the test. */
export const openAccount = async (
  given: Partial<Conduct> & { driver?: DropletDriver; stateFile?: string; actionTime?: number } = {},
) => {
  const { driver = noMachines, stateFile, actionTime = 0, ...conduct } = given;
  const { lines, log } = memoryLog();
  const { fake, cloud, faults } = digitalOcean({ token, log, ...conduct }, { driver, stateFile, actionTime });
  await cloud.resume();
  const address = await fake.listen();
  onTestFinished(() => fake.close());
  return { cloud, faults, lines, address, fake, api: clientOf(address) };
};

export const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExeEupSAungeDcT7qtKykmDhFsGoMWAiT4aFEr09sbH operator";

/** A droplet that runs. */
export const boot = async (api: Client, settle: () => Promise<void>, more: object = {}): Promise<number> => {
  const asked = { name: "fra1-a", region: "fra1", size: "s-1vcpu-1gb", image: "debian-12-x64", ...more };
  const { body } = await api("POST", "/v2/droplets", asked);
  await settle();
  return body.droplet.id;
};

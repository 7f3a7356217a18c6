import type { Machine } from "../driver.ts";

/** What cloud-init finds on a droplet's first boot: the files of a NoCloud seed, by name. */
export const seedOf = (machine: Machine): Record<string, string> => ({
  "meta-data": `${JSON.stringify({
    "instance-id": String(machine.id),
    "local-hostname": machine.hostname,
    "public-keys": machine.publicKeys,
  })}\n`,
  "user-data": machine.userData === "" ? "#cloud-config\n{}\n" : machine.userData,
  "vendor-data": "",
});

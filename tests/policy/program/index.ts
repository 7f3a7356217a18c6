/** A tenant that keeps every rule, and one that is privileged where the config says so. */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { tenantContainer } from "../container.ts";

const privileged = new pulumi.Config().requireBoolean("privileged");

for (const name of ["acme", "globex"]) {
  const network = new docker.Network(name, { name });
  const args = tenantContainer({ mounts: [], privileged: privileged && name === "globex" });
  new docker.Container(name, { ...args, networksAdvanced: [{ name: network.id }] } as docker.ContainerArgs);
}

/** A tenant that keeps every rule, and one that is privileged where the config says so. */
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { tenantContainer } from "../container.ts";

const privileged = new pulumi.Config().requireBoolean("privileged");

for (const name of ["acme", "globex"]) {
  const network = new docker.Network(name, { name });
  const { labels = [], ...args } = tenantContainer({
    mounts: [],
    privileged: privileged && name === "globex",
  });
  const unknown = { label: "owui.files", value: network.id };
  new docker.Container(name, {
    ...args,
    labels: [unknown, ...labels],
    networksAdvanced: [{ name: network.id }],
  });
}

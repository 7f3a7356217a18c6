import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";

interface Network {
  Id: string;
  Labels?: Record<string, string>;
  IPAM: { Config?: { Subnet: string }[] };
}

const lines = (text: string): string[] => text.split("\n").filter(Boolean);

/**
 * Frees a range of addresses that one test has for itself: a run of it that was killed left its network there, and what
 * stands in it, with everything else of the same fake cloud.
 *
 * @param subnet as the network was made with, `198.19.242.0/24`
 */
export async function vacate(subnet: string): Promise<void> {
  const ids = lines(await docker(["network", "ls", "--quiet"]));
  const networks: Network[] = JSON.parse(await docker(["network", "inspect", ...ids]));
  for (const { Id, Labels } of networks.filter(({ IPAM }) =>
    IPAM.Config?.some(({ Subnet }) => Subnet === subnet),
  )) {
    const cloud = Labels?.["owui.fake-cloud"];
    const among = cloud === undefined ? `network=${Id}` : `label=owui.fake-cloud=${cloud}`;
    const beside =
      cloud === undefined ? [Id] : lines(await docker(["network", "ls", "--quiet", "--filter", among]));
    const there = [`network=${Id}`, among].map((filter) =>
      docker(["ps", "--all", "--quiet", "--filter", filter]),
    );
    const containers = new Set(lines((await Promise.all(there)).join("\n")));
    if (containers.size > 0) await docker(["rm", "--force", "--volumes", ...containers]);
    await docker(["network", "rm", ...beside]);
  }
}

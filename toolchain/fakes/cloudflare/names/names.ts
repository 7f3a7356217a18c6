import { dirname, join } from "node:path";
import { docker, exists } from "../../digitalocean/docker/engine.ts";

/** What runs the server: the fleet's own base image. */
const image = "node:24-bookworm-slim";

/** Where the container finds the program and the account. */
const [programs, account] = ["/fakes/cloudflare", "/account"];

/** What a name server of a fake account is given. */
export interface NamesSettings {
  /** Of its container. */
  name: string;
  /** A network of Docker's, and its address in it. */
  network: { name: string; address: string };
  /** The account's state file; it may come later. */
  stateFile: string;
  /** Where proxied names lead. */
  edge: string;
}

/**
 * A container that answers DNS for a fake account's zones, also while the account's API is not there: hosts renew their
 * certificates whenever they like.
 */
export async function startNames({
  name,
  network,
  stateFile,
  edge,
}: NamesSettings): Promise<{ remove(): Promise<void> }> {
  if (await exists("container", name)) await docker(["start", name]);
  else
    await docker([
      ...["run", "--detach", "--name", name, "--network", network.name, "--ip", network.address],
      ...["--volume", `${join(import.meta.dirname, "..")}:${programs}:ro`],
      ...["--volume", `${dirname(stateFile)}:${account}:ro`, "--init", "--memory", "128m", image],
      ...[
        "node",
        `${programs}/names/main.ts`,
        `${account}/${stateFile.slice(dirname(stateFile).length + 1)}`,
        edge,
      ],
    ]);
  return { remove: async () => void (await docker(["rm", "--force", name])) };
}

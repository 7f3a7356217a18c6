import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { filesBelow } from "./fingerprints.ts";
import type { Fleet } from "./fleet.ts";
import { needleOf, stackSecrets } from "./secrets.ts";

/** Files of a host's data root whose whole content is a secret. */
const SECRET_FILE = /(webui_secret_key|password|tls\.key)$/;

/** Every secret of the fleet by a name that says where it comes from: the stack, the host, the driver. */
export const knownSecrets = async (fleet: Fleet): Promise<Map<string, string>> => {
  const { stdout } = await fleet.driver.pulumi(["stack", "export", "--show-secrets"]);
  const files = (await filesBelow(fleet.home)).filter((path) => SECRET_FILE.test(path));
  const onDisk = [...files, "passphrase"].map(async (path) => {
    const content = await readFile(join(fleet.home, path), "utf8");
    return [path, needleOf(content)] as const;
  });
  return new Map([...stackSecrets(JSON.parse(stdout)), ...(await Promise.all(onDisk))]);
};

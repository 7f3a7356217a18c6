import { quote, scriptText } from "../host/shell.ts";
import { operatorUser, type SetUpArgs, setUpVariables } from "./set-up.ts";

/**
 * Arguments of {@link cloudInit}. A volume is attached, and the addresses the agent is reached from are known, only
 * when the machine is there: both come with the next set-up, over ssh.
 */
export interface CloudInitArgs extends Omit<SetUpArgs, "volume" | "agent"> {
  /**
   * The ed25519 key by which the first connection knows the machine. Whoever reads the user-data knows it too, so
   * that first connection replaces it (replace-host-key.sh).
   */
  hostKey: {
    /** OpenSSH or PEM form. Secret. */
    private: string;
    /** `ssh-ed25519 AAAA…` */
    public: string;
  };
}

/** What the cloud takes at most. */
export const userDataLimit = 64 * 1024;

const folder = "/usr/local/lib/fleet";

/** User-data of a new machine: its host key, and the whole set-up at its first boot. Secret, since it holds that key. */
export function cloudInit({ hostKey, ...args }: CloudInitArgs): string {
  const variables = Object.entries(setUpVariables(args)).map(
    ([name, value]) => `${name}=${quote(String(value))}`,
  );
  const config = {
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: hostKey.private, ed25519_public: hostKey.public },
    ssh_pwauth: false,
    // There from the start, so that a set-up that fails can be looked at.
    users: [
      {
        name: operatorUser,
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: args.keys,
      },
    ],
    write_files: [
      {
        path: `${folder}/set-up-host.sh`,
        permissions: "0700",
        encoding: "b64",
        content: scriptText("set-up-host").toString("base64"),
      },
    ],
    runcmd: [
      ["sh", "-c", [`chmod 0700 ${folder} &&`, ...variables, `sh ${folder}/set-up-host.sh`].join(" ")],
    ],
  };
  const text = `#cloud-config\n${JSON.stringify(config, null, 2)}\n`;
  if (Buffer.byteLength(text) > userDataLimit) {
    throw new RangeError(
      `user-data has ${Buffer.byteLength(text)} bytes, and the cloud takes ${userDataLimit}: operators.keys is too long`,
    );
  }
  return text;
}

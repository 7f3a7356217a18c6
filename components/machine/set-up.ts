import type { Bytes } from "../fleet-config.ts";
import type { Script } from "../host/shell.ts";
import { everywhere } from "./visitors.ts";

/** The user that the program and operators sign in as on a remote host; it has sudo and the Docker engine. */
export const operatorUser = "qbmgr";

/** Where a remote host's data lies, and its block-storage volume is mounted. */
export const remoteRoot = "/srv/fleet";

/** What makes a machine a host of the fleet. */
export interface SetUpArgs {
  /** OpenSSH public keys, at least one: the only ones that open {@link operatorUser}. */
  keys: string[];
  /** IPv4 or IPv6 ranges from which port 22 is reached, at least one; the world is refused. */
  addresses: string[];
  /** Ranges from which 80 and 443 are reached; absent: everywhere. */
  web?: string[];
  /** The agent's port, and the private addresses it is reached from; absent: it is closed. */
  agent?: { port: number; from: string[] };
  /** Absent: {@link remoteRoot}. */
  root?: string;
  /** Name of the block-storage volume that is mounted at the root; it must be attached. Absent: the machine's own disk. */
  volume?: string;
  /** Absent: 2 GiB; 0: none. */
  swap?: Bytes;
  /** `HH:MM` in the machine's time: when a patch that needs it restarts the machine. Absent: 04:00. */
  rebootAt?: string;
}

/** What set-up-host.sh reads; it refuses whatever is not of its form, before it changes anything. */
export const setUpVariables = ({
  keys,
  addresses,
  web = everywhere,
  agent = { port: 8050, from: [] },
  root = remoteRoot,
  volume = "",
  swap = 2 * 2 ** 30,
  rebootAt = "04:00",
}: SetUpArgs): Record<string, string | number> => ({
  OPERATOR_KEYS: keys.join("\n"),
  OPERATOR_ADDRESSES: addresses.join(" "),
  WEB_ADDRESSES: web.join(" "),
  AGENT_PORT: agent.port,
  AGENT_FROM: agent.from.join(" "),
  DATA_ROOT: root,
  VOLUME: volume,
  SWAP: swap,
  REBOOT_TIME: rebootAt,
});

/** The set-up as a script of a host: safe to run at any time, and a change to its arguments is all it changes. */
export const setUp = (args: SetUpArgs): Script => ({
  script: "set-up-host",
  variables: setUpVariables(args),
});

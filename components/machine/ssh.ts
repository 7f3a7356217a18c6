import { quote } from "../host/shell.ts";

/** A machine as an ssh client knows it before it connects. */
export interface SshTarget {
  user: string;
  /** IPv4. */
  address: string;
  /** The only key that it may show: type and key, `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** Path of the private key to sign in with; absent: ssh finds one by itself. */
  identity?: string | undefined;
}

/**
 * Options of every connection to a remote machine, of commands and of Docker alike. Nothing else of this machine's ssh
 * configuration counts, so that two operators have the same connection, and the key is known before the first one.
 */
export const sshOptions = ({ address, hostKey, identity }: Omit<SshTarget, "user">): string[] => [
  ...["-F", "none"],
  ...Object.entries({
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: "none",
    GlobalKnownHostsFile: "none",
    KnownHostsCommand: `/bin/echo ${address} ${hostKey}`,
    UpdateHostKeys: "no",
    BatchMode: "yes",
    ConnectTimeout: "10",
    ServerAliveInterval: "15",
    ServerAliveCountMax: "4",
    LogLevel: "ERROR",
    ...(identity === undefined ? {} : { IdentityFile: identity, IdentitiesOnly: "yes" }),
  }).flatMap(([option, value]) => ["-o", `${option}=${value}`]),
];

/** argv of an ssh client; the line that it is to run there comes after it. */
export const sshArguments = (target: SshTarget): string[] => [
  "ssh",
  ...sshOptions(target),
  `${target.user}@${target.address}`,
];

/** argv as a line for this machine's shell. */
export const sshLine = (target: SshTarget): string => sshArguments(target).map(quote).join(" ");

/** A shell line as somebody else's line, run by root: root may have no sudo yet, others have one that asks nothing. */
export const asRoot = (line: string, user = ""): string =>
  `${user === "root" ? "" : "sudo -n "}sh -c ${quote(line)}`;

import { readFileSync } from "node:fs";

/** Runs a script as root on this machine; whoever is not root needs a sudo that asks nothing. */
export const interpreter = (uid: number | undefined = process.getuid?.()): string[] => [
  ...(uid === 0 ? [] : ["sudo", "-n", "--preserve-env=DOCKER_HOST"]),
  "/bin/sh",
  "-c",
];

/** The engine of this machine, where the docker command would look for it too. */
export const dockerHost = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment.DOCKER_HOST ?? "unix:///var/run/docker.sock";

/** Another value after each start of the machine: what a reboot forgets is done again. */
export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

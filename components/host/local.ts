import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where everything lies that a checkout must not hold: stacks' state, and the data of this machine's hosts. */
export function dataHome(environment: NodeJS.ProcessEnv = process.env): string {
  const shared = environment.XDG_DATA_HOME ?? join(homedir(), ".local/share");
  return environment.OWUI_HOME ?? join(shared, "open-webui-infrastructure");
}

/** Runs a script, which it is given as its last argument, as root; others than root need a sudo that asks nothing. */
export const interpreter = (uid: number | undefined = process.getuid?.()): string[] =>
  uid === 0
    ? ["/bin/sh", "-c"]
    : ["/bin/sh", "-c", 'exec sudo -n --preserve-env=DOCKER_HOST env "PATH=$PATH" /bin/sh -c "$0"'];

/** The engine of this machine, where the docker command would look for it too. */
export const dockerHost = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment.DOCKER_HOST ?? "unix:///var/run/docker.sock";

/** Another value after each start of the machine: what a reboot forgets is done again. */
export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

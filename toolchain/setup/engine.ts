import { spawn } from "node:child_process";
import { access, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./child.mjs";
import { probeEngine } from "./machine.mjs";
import { installPackages } from "./packages.ts";
import { dataHome } from "./paths.mjs";
import { SetupError } from "./problem.mjs";
import type { Progress } from "./progress.ts";

const log = join(dataHome, "dockerd.log");

/** How long a fresh engine may take to answer; 2 s measured. */
const patience = 60_000;

/** A Docker engine that answers: the one that is there, else Debian's, installed and started. */
export async function ensureEngine(progress: Progress): Promise<string> {
  const running = await probeEngine();
  if (running) return `Docker ${running.version}`;

  await installPackages(["docker.io", "iptables"], progress);
  const manager = await startEngine(progress);
  const version = await untilItAnswers();
  return `Docker ${version} from Debian, started ${manager}`;
}

/** Starts it by the machine's service manager, or, where there is none, as a process that outlives this one. */
async function startEngine(progress: Progress): Promise<string> {
  const managed = await access("/run/systemd/system").then(
    () => true,
    () => false,
  );
  if (managed) {
    progress("systemctl start docker");
    await run(["systemctl", "start", "docker"]);
    return "by systemd";
  }
  progress("starting dockerd: this machine has no service manager that would");
  await mkdir(dataHome, { recursive: true, mode: 0o700 });
  const file = await open(log, "a", 0o600);
  // A session of its own: neither a closed terminal nor Ctrl-C reaches it.
  spawn("dockerd", [], { detached: true, stdio: ["ignore", file.fd, file.fd] }).unref();
  await file.close();
  return `by hand, log: ${log}`;
}

async function untilItAnswers(): Promise<string> {
  const end = Date.now() + patience;
  while (Date.now() < end) {
    const engine = await probeEngine();
    if (engine) return engine.version;
    await sleep(250);
  }
  throw new SetupError(
    [
      {
        what: "The Docker engine was started and does not answer.",
        why: "Every part of the fleet runs in containers.",
        remedy: `Read the end of ${log} (or \`journalctl -u docker\`), then run this again.`,
      },
    ],
    "Docker is installed; no container was made.",
  );
}

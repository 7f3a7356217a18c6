import { run } from "../../toolchain/setup/child.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, argvOn, notMet } from "./asked-host.ts";

/** What a container does. */
export interface ContainerState {
  /** False too where there is none. */
  running: boolean;
  exists: boolean;
  /** Id of its image; empty where there is no container. */
  image: string;
  /** Empty where there is no container. */
  id: string;
  /** How often it ended by itself since it was made. */
  restarts: number;
  /** `healthy` and its like; empty where nobody looks. */
  health: string;
  /** When it ended last, ISO 8601; null where it runs or never did. */
  endedAt: string | null;
}

/** `Id`, the name in the engine's own answer, would have it read as that, which lacks `Health` before the first start. */
const format =
  "{{.State.Running}} {{.Image}} {{.State.FinishedAt}} {{.ID}} {{.RestartCount}} {{if .State.Health}}{{.State.Health.Status}}{{end}}";

/** Looks at a container by its name. */
export async function containerState(host: AskedHost, container: string): Promise<ContainerState> {
  const { code, stdout, stderr } = await asked(host, [
    "docker",
    "container",
    "inspect",
    "--format",
    format,
    container,
  ]);
  if (code === 0) return readState(stdout);
  if (/no such (object|container)/i.test(stderr))
    return { running: false, exists: false, image: "", id: "", restarts: 0, health: "", endedAt: null };
  throw failure(host, container, "looked at", stderr);
}

/** Reads what `docker inspect` prints in that format; pure. */
export function readState(text: string): ContainerState {
  const [running, image = "", ended = "", id = "", restarts = "0", health = ""] = text.trim().split(" ");
  // The zero of Go's clock: it never ended.
  const endedAt = running === "true" || ended.startsWith("0001-") ? null : ended;
  return {
    running: running === "true",
    exists: true,
    image,
    id,
    restarts: Number(restarts),
    health,
    endedAt,
  };
}

/** Stops it; its application has half a minute to end. Nothing starts it again but somebody who says so. */
export async function stopContainer(host: AskedHost, container: string): Promise<void> {
  const { code, stderr } = await asked(host, ["docker", "stop", "--time", "30", container], 120_000);
  if (code !== 0) throw failure(host, container, "stopped", stderr);
}

/** Starts what was stopped: what it is bound to is looked up by its name anew. */
export async function startContainer(host: AskedHost, container: string): Promise<void> {
  const { code, stderr } = await asked(host, ["docker", "start", container], 120_000);
  if (code !== 0) throw failure(host, container, "started", stderr);
}

/** Removes it, running or not; what it is bound to stays. */
export async function removeContainer(host: AskedHost, container: string): Promise<void> {
  const { code, stderr } = await asked(host, ["docker", "rm", "--force", container], 120_000);
  if (code !== 0) throw failure(host, container, "removed", stderr);
}

/** What it failed with, or the last line that it said; cut off after 300 characters, and empty where it said nothing. */
export async function lastWords(host: AskedHost, container: string): Promise<string> {
  const { stdout, stderr } = await asked(host, ["docker", "logs", "--tail", "200", container]);
  return failureIn(`${stdout}\n${stderr}`);
}

/** Above what a Python program failed with stands how it came there, below it what to read about it; pure. */
export function failureIn(said: string): string {
  const lines = said.split("\n").map((line) => line.trim());
  const line =
    lines.findLast((text) => /^[\w.]+(Error|Exception): /.test(text)) ?? lines.findLast(Boolean) ?? "";
  return line.slice(0, 300);
}

async function asked(host: AskedHost, words: string[], timeout = 60_000) {
  const argv = argvOn(host, words);
  if (!argv) throw new CommandError(`Host ${host.spec.id}: ${notMet}`);
  return run(argv, { timeout });
}

const failure = ({ spec }: AskedHost, container: string, what: string, stderr: string) =>
  new CommandError(`Host ${spec.id}: ${container} could not be ${what}: ${stderr.trim()}`);

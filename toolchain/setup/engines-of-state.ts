import { quote } from "../../components/host/shell.ts";
import type { Checkpoint, CheckpointResource } from "./stack-state.ts";

/** argv of a docker command on one engine. */
export type DockerCommand = (args: readonly string[]) => string[];

/** An engine that a state knows, and what the state has on it. */
export interface EngineOfState {
  command: DockerCommand;
  /** It may not answer, and that says nothing about what it has. */
  remote: boolean;
  resources: CheckpointResource[];
}

const here: DockerCommand = (args) => ["docker", ...args];

/** As the docker provider dials it: its options come from the state, and each word is quoted for the shell over there. */
const over =
  (host: string, sshOpts: readonly string[]): DockerCommand =>
  (args) => {
    const { username, hostname, port } = new URL(host);
    const login = [...(username ? ["-l", username] : []), ...(port ? ["-p", port] : [])];
    return ["ssh", ...sshOpts, ...login, "--", hostname, ["docker", ...args].map(quote).join(" ")];
  };

/** Settings stand in a state as the texts that providers take: a list as JSON. */
const listOf = (given: unknown): string[] =>
  typeof given === "string" ? (JSON.parse(given) as string[]) : ((given ?? []) as string[]);

/** What a state has, by the engine it is on; pure. */
export function enginesOf(
  checkpoint: Checkpoint | undefined,
  of: readonly CheckpointResource[] = checkpoint?.checkpoint.latest?.resources ?? [],
): EngineOfState[] {
  const resources = checkpoint?.checkpoint.latest?.resources ?? [];
  const providers = new Map(resources.map((provider) => [`${provider.urn}::${provider.id}`, provider]));
  const byProvider = Map.groupBy(of, ({ provider = "" }) => provider);
  return [...byProvider].map(([reference, resources]) => {
    const { host, sshOpts } = providers.get(reference)?.inputs ?? {};
    const remote = typeof host === "string" && host.startsWith("ssh://");
    return { command: remote ? over(host, listOf(sshOpts)) : here, remote, resources };
  });
}

import { readFile } from "node:fs/promises";
import * as z from "zod";
import { Callers } from "../callers.ts";

/** Where the config lies in the agent's container. */
export const DEFAULT_CONFIG_PATH = "/etc/fleet/agent.json";

const AgentConfig = z.strictObject({
  /** This host's id, which its certificate names too. */
  host: z.string().min(1),
  /** The cluster whose nodes may ask. */
  cluster: z.string().min(1),
  /** Ids of those nodes; missing means all of the cluster. The certificate of one that was removed opens no door. */
  nodes: z.array(z.string().min(1)).optional(),
  /** From where connections are taken at all, whatever certificate comes with them. */
  callers: Callers,
  listen: z.strictObject({ address: z.string(), port: z.int().min(0).max(65_535) }),
  /** Paths of PEM files; read again when they change. */
  tls: z.strictObject({ certificate: z.string(), key: z.string(), ca: z.string() }),
  /** Directory of the tenants' directories, read-only. */
  tenants: z.string(),
  /** Directory of the agent's own records and spool. */
  state: z.string(),
  /** Bytes per second of all answers together; missing means unlimited. */
  bandwidth: z.int().positive().optional(),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** The config file cannot be used. The agent does not start; the tenants go on running. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Reads the agent's config, or says everything that is wrong with it. */
export async function loadConfig(path: string): Promise<AgentConfig> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read as JSON. \`npm run up\` writes it anew.`, { cause });
  }
  const parsed = AgentConfig.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path: at, message }) => `  ${at.join(".") || "(root)"}: ${message}`,
  );
  throw new ConfigError(
    `${path} is not an agent's config. \`npm run up\` writes it anew.\n${problems.join("\n")}`,
  );
}

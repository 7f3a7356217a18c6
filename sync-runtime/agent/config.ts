import * as z from "zod";
import { loadConfigFile } from "../config-file.ts";
import { Callers } from "../host/callers.ts";

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
  /** Directory in which the host's backups are told of; missing means that there are none. */
  backups: z.string().optional(),
  /** Bytes per second of all answers together; missing means unlimited. */
  bandwidth: z.int().positive().optional(),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** Reads the agent's config, or says everything that is wrong with it. */
export const loadConfig = (path: string): Promise<AgentConfig> =>
  loadConfigFile(path, AgentConfig, "an agent's config");

import * as z from "zod";
import { loadConfigFile } from "../config-file.ts";
import { Callers } from "../host/callers.ts";

/** Where the config lies in the writer's container. */
export const DEFAULT_CONFIG_PATH = "/etc/fleet/writer.json";

const WriterConfig = z.strictObject({
  /** This host's id, which its certificate names too. */
  host: z.string().min(1),
  /** The cluster whose nodes may ask. */
  cluster: z.string().min(1),
  /** Ids of those nodes. The certificate of one that was removed opens no door. */
  nodes: z.array(z.string().min(1)),
  /** From where connections are taken at all, whatever certificate comes with them. */
  callers: Callers,
  listen: z.strictObject({ address: z.string(), port: z.int().min(0).max(65_535) }),
  /** Paths of PEM files; read again when they change. */
  tls: z.strictObject({ certificate: z.string(), key: z.string(), ca: z.string() }),
  /** Ids of the tenants that may be written: those whose entry says so. */
  tenants: z.array(z.string().min(1)),
  /** Directory of those tenants' directories. */
  directory: z.string(),
  /** Directory of the writer's own memory. */
  state: z.string(),
});
export type WriterConfig = z.infer<typeof WriterConfig>;

/** Reads the writer's config, or says everything that is wrong with it. */
export const loadConfig = (path: string): Promise<WriterConfig> =>
  loadConfigFile(path, WriterConfig, "a writer's config");

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { filesBelow } from "./fingerprints.ts";
import type { Fleet } from "./fleet.ts";
import { needleOf, stackSecrets } from "./secrets.ts";

/** Files of a host's data root whose whole content is a secret. */
const SECRET_FILE = /(webui_secret_key|password|tls\.key)$/;

/** Where the webhooks' addresses stand that alerts go to; the tests' one ends with a token. */
const ALERTS_FILE = /monitoring\/alertmanager\/alertmanager\.yml$/;
const WEBHOOK_TOKEN = /"url": "http[^"]+\/(token-\w+)"/;

/** Where the host keeps what Open WebUI takes from its environment only: the keys of a tenant's connections. */
const ENVIRONMENT_FILE = /config\/environment$/;
const CONNECTION_KEY = /^OPENAI_API_KEYS='(.+)'$/m;

/**
 * The ids of the tenants' data, which stand in replicas and metrics: Pulumi takes what a command prints for a secret when
 * it is told one.
 */
const DATA_ID = /-data\/outputs\/stdout$/;

/** Every secret of the fleet by a name that says where it comes from: the stack, the host, the driver. */
export const knownSecrets = async (fleet: Fleet): Promise<Map<string, string>> => {
  const { stdout } = await fleet.driver.pulumi(["stack", "export", "--show-secrets"]);
  const files = await filesBelow(fleet.home);
  const contents = (paths: string[]) =>
    Promise.all(paths.map(async (path) => [path, await readFile(join(fleet.home, path), "utf8")] as const));
  const whole = await contents(["passphrase", ...files.filter((path) => SECRET_FILE.test(path))]);
  const environments = await contents(files.filter((path) => ENVIRONMENT_FILE.test(path)));
  const alerts = await contents(files.filter((path) => ALERTS_FILE.test(path)));
  return new Map([
    ...alerts.flatMap(([path, content]) => {
      const token = WEBHOOK_TOKEN.exec(content)?.[1];
      return token ? [[path, token] as const] : [];
    }),
    ...[...stackSecrets(JSON.parse(stdout))].filter(([path]) => !DATA_ID.test(path)),
    ...whole.map(([path, content]) => [path, needleOf(content)] as const),
    ...environments.flatMap(([path, content]) => {
      const key = CONNECTION_KEY.exec(content)?.[1];
      return key ? [[path, key] as const] : [];
    }),
  ]);
};

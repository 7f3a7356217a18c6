import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { looksSecret } from "./environment.ts";
import type { Problem } from "./problem.ts";

/** The few places of a stack's file that may hold a secret; anything of another shape is the schema's business. */
const stackFile = z.object({ config: z.record(z.string(), z.unknown()) });
const tenants = z.record(z.string(), z.unknown());
const environment = z.object({ environment: z.record(z.string(), z.unknown()) });
const connections = z.object({ connections: z.array(z.unknown()) });
const plainKey = z.object({ key: z.string().min(1) });
const database = z.object({ database: z.object({ password: z.string().min(1) }) });
const backups = z.object({ repository: plainKey });
const alerts = z.object({ alerts: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** Of `monitoring.alerts`: a password, and addresses that often hold a token. */
const alertSecrets = ["mail.password", "webhook.url", "heartbeat.url"];

/**
 * Secrets that stand readable in Pulumi.<stack>.yaml. The program itself receives every value decrypted and cannot
 * tell; the file in the repository can: an encrypted value is `{ secure: ... }` there. Config that comes from
 * another file is not looked at.
 */
export function plainTextSecrets(stack: string, repository: string): Problem[] {
  const { data } = stackFile.safeParse(parse(readStackFile(repository, stack)));
  // Pulumi's CLI writes the project's name before a key, people do not.
  const declared = new Map(
    Object.entries(data?.config ?? {}).map(([key, entry]) => [key.replace(/^.+:/, ""), entry]),
  );
  const entries = tenants.safeParse(declared.get("tenants"));
  return [
    ...Object.entries(entries.data ?? {}).flatMap(([id, entry]) => [
      ...plainVariables(`tenants.${id}`, entry),
      ...plainKeys(`tenants.${id}`, entry),
      ...(database.safeParse(entry).success ? [plain(`tenants.${id}.database.password`)] : []),
    ]),
    ...plainReceivers(declared.get("monitoring")),
    ...(backups.safeParse(declared.get("backups")).success ? [plain("backups.repository.key")] : []),
    ...(database.safeParse(declared.get("sync")).success ? [plain("sync.database.password")] : []),
  ];
}

const plainReceivers = (monitoring: unknown): Problem[] =>
  alertSecrets
    .filter((path) => {
      const [receiver = "", field = ""] = path.split(".");
      const value = alerts.safeParse(monitoring).data?.alerts[receiver]?.[field];
      return typeof value === "string" && value !== "";
    })
    .map((path) => plain(`monitoring.alerts.${path}`));

const plainVariables = (tenant: string, entry: unknown): Problem[] =>
  Object.entries(environment.safeParse(entry).data?.environment ?? {})
    .filter(([variable, value]) => looksSecret(variable) && typeof value === "string" && value !== "")
    .map(([variable]) => plain(`${tenant}.environment.${variable}`));

const plainKeys = (tenant: string, entry: unknown): Problem[] =>
  (connections.safeParse(entry).data?.connections ?? []).flatMap((connection, index) =>
    plainKey.safeParse(connection).success ? [plain(`${tenant}.connections[${index}].key`)] : [],
  );

const plain = (path: string): Problem => ({
  path,
  found: "a secret in plain text",
  remedy: `remove it from the file and encrypt it: npm run pulumi -- config set --secret --path '${path}'`,
});

/** Empty where the stack has no file in the repository. */
function readStackFile(repository: string, stack: string): string {
  try {
    return readFileSync(join(repository, `Pulumi.${stack}.yaml`), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

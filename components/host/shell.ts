import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";

/** Scripts that run on hosts, each the `.sh` file of that name beside this one. */
export const scriptNames = [
  "backup",
  "backup-folder",
  "backup-trial",
  "drill",
  "drill-timer",
  "adoption",
  "egress",
  "first-admin",
  "forget-certificate",
  "install-branding",
  "install-nginx-certificate",
  "install-nginx-file",
  "layout",
  "pids-limit",
  "reload-nginx",
  "reload-postgres",
  "remove-egress",
  "remove-nginx-file",
  "render-branding",
  "replace-host-key",
  "request-certificate",
  "restore-data",
  "scratch-application",
  "scratch-database",
  "security-report",
  "set-up-host",
  "tenant-arrival",
  "tenant-beginnings",
  "tenant-data",
  "tenant-identity",
  "tenant-move",
  "tenant-switch",
  "tenant-trial",
  "tenant-version",
  "want-certificate",
] as const;

/** One of them. */
export type ScriptName = (typeof scriptNames)[number];

/** A script and the variables it reads; none of them a secret, since a command line shows them. */
export interface Script {
  script: ScriptName;
  variables: Record<string, string | number>;
}

/** A {@link Script} some of whose variables are not known before `up`. */
export interface ScriptInput {
  script: ScriptName;
  variables: Record<string, pulumi.Input<string | number>>;
}

/** Scripts lie below the repository, from which the program and its commands run. */
const directory = "components/host";

/** One word for a POSIX shell, whatever characters `value` holds. Nothing else quotes. */
export function quote(value: string): string {
  if (value.includes("\0")) throw new RangeError("a shell word cannot hold a NUL byte");
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * What a shell is given to run scripts one after another, as long as each succeeds. Standard input is the first's.
 * @param from the folder they lie in
 */
export const shellLine = (scripts: Script[], from: string = directory): string =>
  scripts.map((script) => scriptLine(script, from)).join(" && ");

const scriptLine = ({ script, variables }: Script, from: string): string =>
  [
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(String(value))}`),
    `sh ${from}/${script}.sh`,
  ].join(" ");

/** Another value whenever one of the scripts says something else. */
export function scriptsDigest(names: ScriptName[]): string {
  const hash = createHash("sha256");
  for (const name of names) hash.update(scriptText(name));
  return hash.digest("hex").slice(0, 16);
}

const texts = new Map<ScriptName, Buffer>();

/** What a script says. Read once: a hundred tenants share the few scripts there are. */
export function scriptText(name: ScriptName): Buffer {
  const text = texts.get(name) ?? readFileSync(new URL(`${name}.sh`, import.meta.url));
  texts.set(name, text);
  return text;
}

import { readFileSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";

/** Scripts that run on hosts, each the `.sh` file of that name beside this one. */
export type ScriptName =
  | "egress"
  | "first-admin"
  | "install-branding"
  | "install-nginx-file"
  | "layout"
  | "pids-limit"
  | "reload-nginx"
  | "remove-egress"
  | "remove-nginx-file"
  | "tenant-identity";

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

/** One word for a POSIX shell, whatever characters `value` holds. Nothing else quotes. */
export function quote(value: string): string {
  if (value.includes("\0")) throw new RangeError("a shell word cannot hold a NUL byte");
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * The text a host's shell runs: each script after the variables it reads. They are assigned in the text itself,
 * since sshd passes no environment on. Secrets never stand here: they come by standard input.
 */
export const shellText = (...scripts: Script[]): string =>
  scripts.map(({ script, variables }) => `${assignments(variables)}\n${scriptText(script)}`).join("\n");

const assignments = (variables: Script["variables"]): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${quote(String(value))}`)
    .join("\n");

const texts = new Map<ScriptName, string>();

/** Read once: a hundred tenants share the few scripts there are. */
function scriptText(name: ScriptName): string {
  const text = texts.get(name) ?? readFileSync(new URL(`${name}.sh`, import.meta.url), "utf8");
  texts.set(name, text);
  return text;
}

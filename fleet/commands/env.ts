import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { TenantSpec } from "../../components/fleet-config.ts";
import { siteUrl } from "../../components/host/site.ts";
import { columns } from "../../toolchain/commands/status-table.ts";
import type { StackFile } from "../../toolchain/setup/effective-config.ts";
import { fleetOf } from "../../toolchain/setup/fleet.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { appliedText, applyEdit, type EditInvocation, fileOf } from "../config-edit/apply-edit.ts";
import type { Edit } from "../config-edit/edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { confirmed } from "../confirm.ts";
import {
  isSecret,
  knownVariables,
  type Overrules,
  readAssignments,
  refuseWrong,
} from "../environment/assignment.ts";
import { type EffectiveVariable, effectiveVariables } from "../environment/effective.ts";
import { encrypted } from "../environment/encrypt.ts";
import { unknownTenant } from "../tenant-place.ts";
import { typedSecret } from "../typed-secret.ts";
import { interruption } from "./power.ts";

/** What `fleet env` does. */
export type EnvAction = "list" | "set" | "unset";

export type EnvInvocation = EditInvocation & Overrules;

/** `fleet env acme [list|set|unset] [NAME[=value]...]`: the variables that a tenant's application is told. */
export async function env(
  invocation: EnvInvocation,
  tenant: string,
  action: EnvAction,
  words: readonly string[],
): Promise<void> {
  const { stack, json } = invocation;
  const file = await fileOf(invocation);
  const text = await readFile(file, "utf8");
  const fleet = fleetOf(stack, (parse(text) ?? {}) as StackFile);
  const spec = fleet.tenants.find(({ id }) => id === tenant);
  if (!spec)
    throw new SetupError([
      unknownTenant(
        stack,
        tenant,
        fleet.tenants.map(({ id }) => id),
      ),
    ]);
  const path = ["tenants", tenant, "environment"];
  const written = (valueAt(text, path) ?? {}) as Record<string, unknown>;
  if (action === "list") {
    const host = fleet.hosts.find(({ id }) => id === spec.host);
    const variables = effectiveVariables(spec, host ? siteUrl(host, spec.domain) : "", written);
    const value = json ? JSON.stringify({ tenant, variables }, undefined, 2) : variableTable(variables);
    return void process.stdout.write(`${value}\n`);
  }
  if (words.length === 0) throw new SetupError([nothingNamed(tenant, action)]);
  const change =
    action === "set"
      ? await settings(invocation, spec, file, words)
      : { edits: removals(tenant, words, written) };
  if (invocation.branch === undefined && spec.running)
    await confirmed(`${tenant} starts anew with other variables. ${interruption}`, invocation);
  const names = change.edits.map(({ path }) => path.at(-1)).join(", ");
  const applied = await applyEdit(invocation, { ...change, message: `${tenant}: ${names} ${action}` });
  process.stdout.write(json ? `${JSON.stringify(applied, undefined, 2)}\n` : `${appliedText(applied)}\n`);
}

/** The edits that set variables; what is secret is encrypted, and asked for where it is missing. */
async function settings(
  invocation: EnvInvocation,
  { id: tenant }: TenantSpec,
  file: string,
  words: readonly string[],
): Promise<{ edits: Edit[]; salt?: string | undefined }> {
  const assignments = readAssignments(words);
  refuseWrong(assignments, invocation);
  for (const { name } of assignments.filter(({ name }) => !knownVariables.includes(name)))
    process.stderr.write(
      `No version of Open WebUI that is known here reads ${name}; it is set all the same.\n`,
    );
  let salt: string | undefined;
  const edits: Edit[] = [];
  for (const { name, value: given } of assignments) {
    const value = given ?? (await typedSecret(`Value of ${name} for ${tenant}: `));
    const path = ["tenants", tenant, "environment", name];
    if (!isSecret(name, value, invocation)) edits.push({ path, value });
    else {
      const made = await encrypted(invocation, file, path, value);
      salt = made.salt ?? salt;
      edits.push({ path, value: made.value });
    }
  }
  return { edits, salt };
}

function removals(tenant: string, names: readonly string[], written: Record<string, unknown>): Edit[] {
  const missing = names.filter((name) => !Object.hasOwn(written, name));
  if (missing.length > 0)
    throw new SetupError([
      {
        what: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not set for ${tenant}.`,
        why: "Only what `environment` of its entry says can be taken out.",
        remedy: `Look at \`npx fleet env ${tenant}\`: it shows where each value comes from.`,
      },
    ]);
  return names.map((name) => ({ path: ["tenants", tenant, "environment", name], value: undefined }));
}

/** The variables for people: a secret is only said to be there. */
export const variableTable = (variables: readonly EffectiveVariable[]): string =>
  columns([
    ["variable", "value", "origin"],
    ...variables.map(({ name, value, origin }) => [
      name,
      value === null ? "(secret)" : JSON.stringify(value),
      origin,
    ]),
  ]).join("\n");

const nothingNamed = (tenant: string, action: EnvAction) => ({
  what: `What is to be ${action} is not said.`,
  why: "A variable has a name.",
  remedy: `Write npx fleet env ${tenant} ${action} ${action === "set" ? "NAME=value" : "NAME"}.`,
});

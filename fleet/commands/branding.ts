import { readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { renderBrand } from "../../components/branding/render.ts";
import type { TenantSpec } from "../../components/fleet-config.ts";
import { lastUp } from "../../toolchain/commands/invocation.ts";
import { judgeBranding, tooMany } from "../../toolchain/commands/licence-gate.ts";
import { askActiveUsers } from "../../toolchain/commands/node-api.ts";
import { columns } from "../../toolchain/commands/status-table.ts";
import type { StackFile } from "../../toolchain/setup/effective-config.ts";
import { fleetOf } from "../../toolchain/setup/fleet.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import { type ChosenLogo, chosenLogo, type LogoSource } from "../branding/logo-source.ts";
import { type ServedFile, servedBrand } from "../branding/served-brand.ts";
import { brandSheet } from "../branding/sheet.ts";
import { appliedText, applyEdit, type EditInvocation, fileOf } from "../config-edit/apply-edit.ts";
import type { Edit } from "../config-edit/edit.ts";
import { confirmed } from "../confirm.ts";
import { wayTo } from "../open-webui/way.ts";
import { placeOf, unknownTenant } from "../tenant-place.ts";
import { interruption } from "./power.ts";

/** What `fleet branding` does. */
export const actions = ["show", "check", "preview", "set", "remove"] as const;
export type BrandingAction = (typeof actions)[number];

/** How it is asked. */
export interface BrandingInvocation extends EditInvocation, LogoSource {
  name?: string;
  basis?: string;
  users?: number;
  /** The same as the action. */
  check?: boolean;
}

/** Open WebUI's own, where no other is declared. */
const upstreamName = "Open WebUI";

/** A tenant served something else than its brand. */
export class BrandingError extends CommandError {
  override name = "BrandingError";
}

/** `fleet branding acme [show|check|preview|set|remove]`: a tenant's own look. */
export async function branding(
  invocation: BrandingInvocation,
  tenant: string,
  action: BrandingAction,
): Promise<void> {
  const spec = await declared(invocation, tenant);
  if (invocation.check || action === "check") return check(invocation, spec);
  if (action === "show") return show(invocation, spec);
  if (action === "remove") return remove(invocation, spec);
  const logo = await chosenLogo(tenant, invocation, dirname(await fileOf(invocation)));
  if (action === "preview") return preview(invocation, spec, logo);
  return set(invocation, spec, logo);
}

/** The tenant as the config declares it. */
async function declared(invocation: BrandingInvocation, tenant: string): Promise<TenantSpec> {
  const { stack } = invocation;
  const text = await readFile(await fileOf(invocation), "utf8");
  const { tenants } = fleetOf(stack, (parse(text) ?? {}) as StackFile);
  const spec = tenants.find(({ id }) => id === tenant);
  if (spec) return spec;
  const known = tenants.map(({ id }) => id);
  throw new SetupError([unknownTenant(stack, tenant, known)]);
}

function show({ json }: BrandingInvocation, { id: tenant, branding }: TenantSpec): void {
  if (json) print({ tenant, branding: branding ?? null });
  else say(branding ? lookText(branding) : plainText(tenant));
}

const plainText = (tenant: string): string =>
  `${tenant} has Open WebUI's own look. \`npx fleet help branding\` shows how it gets another.`;

function lookText({ logo, name = upstreamName, basis, users }: NonNullable<TenantSpec["branding"]>): string {
  const rows = [
    ["logo", logo],
    ["name", `${name} (Open WebUI)`],
    ["basis", basis],
  ];
  if (users !== undefined) rows.push(["users", `${users} are covered`]);
  return columns(rows).join("\n");
}

/** Compares what the running application serves, file by file. */
async function check(invocation: BrandingInvocation, spec: TenantSpec): Promise<void> {
  const { id: tenant, branding } = spec;
  if (!branding) throw noBranding(tenant, "compared");
  const place = await placeOf(invocation, tenant);
  const brand = await renderBrand(await readFile(branding.logo), branding.name ?? upstreamName);
  const files = await servedBrand(await wayTo(place), brand);
  const wrong = files.filter(({ is }) => is !== "right");
  if (invocation.json) print({ tenant, ok: wrong.length === 0, files });
  else say(servedText(tenant, files));
  if (wrong.length > 0)
    throw new BrandingError(
      `${wrong.length} of ${files.length} files of ${tenant} are not its brand's. \`npm run up\` installs them anew; ` +
        "if that says nothing has changed, `npx fleet restart` lets the application take them from its image again.",
    );
}

/** What is served, for people. */
export const servedText = (tenant: string, files: readonly ServedFile[]): string => {
  const wrong = files.filter(({ is }) => is !== "right");
  if (wrong.length === 0) return `All ${files.length} files that ${tenant} serves are its brand's.`;
  return columns(wrong.map(({ path, is, detail }) => [path, is, detail])).join("\n");
};

/** Writes one picture of it all into the terminal's folder, and nothing else. */
async function preview(
  { json, name }: BrandingInvocation,
  { id: tenant, branding }: TenantSpec,
  logo: ChosenLogo | undefined,
): Promise<void> {
  const content = logo?.content ?? (branding && (await readFile(branding.logo)));
  if (!content) throw noLogo(tenant);
  const brand = await renderBrand(content, name ?? branding?.name ?? upstreamName);
  const file = resolve(`${tenant}-branding.png`);
  await writeFile(file, await brandSheet(brand));
  if (json) print({ tenant, file });
  else
    say(`${file} shows the logo on light and on dark, and the icon in four sizes. Nothing else was changed.`);
}

async function set(
  invocation: BrandingInvocation,
  { id: tenant, running, branding }: TenantSpec,
  logo: ChosenLogo | undefined,
): Promise<void> {
  if (!logo && !branding) throw noLogo(tenant);
  // What cannot be drawn is refused before anything is asked.
  if (logo) await renderBrand(logo.content, invocation.name ?? upstreamName);
  const { name, basis, users } = invocation;
  const said = { logo: logo?.path, name, basis, users };
  const edits: Edit[] = Object.entries(said)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ path: ["tenants", tenant, "branding", key], value }));
  if (edits.length === 0) throw nothingSaid(tenant);
  await refuseBeyondLicence(invocation.stack, tenant, basis ?? branding?.basis);
  const restarts = !branding || (name !== undefined && name !== branding.name);
  if (restarts && running && invocation.branch === undefined)
    await confirmed(`${tenant} starts anew with its own look. ${interruption}`, invocation);
  const companions = logo?.companion ? [logo.companion] : [];
  await apply(invocation, { edits, message: `${tenant}: branding`, companions });
}

/** `up` refuses it too; here nothing was edited yet. */
async function refuseBeyondLicence(stack: string, tenant: string, basis: string | undefined): Promise<void> {
  if (basis !== "up-to-50-users") return;
  const last = await lastUp(stack);
  const users = last && (await askActiveUsers(last.outputs));
  if (!users) return;
  const { refused } = judgeBranding([tenant], users);
  if (refused.length > 0) throw tooMany(refused, users.all);
}

async function remove(
  invocation: BrandingInvocation,
  { id: tenant, running, branding }: TenantSpec,
): Promise<void> {
  if (!branding) throw noBranding(tenant, "removed");
  if (running && invocation.branch === undefined)
    await confirmed(`${tenant} starts anew with Open WebUI's own look. ${interruption}`, invocation);
  const edits = [{ path: ["tenants", tenant, "branding"], value: undefined }];
  await apply(invocation, { edits, message: `${tenant}: branding removed` });
}

async function apply(invocation: BrandingInvocation, change: Parameters<typeof applyEdit>[1]): Promise<void> {
  const applied = await applyEdit(invocation, change);
  if (invocation.json) print(applied);
  else say(appliedText(applied));
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const print = (value: unknown): void => say(JSON.stringify(value, undefined, 2));

const noLogo = (tenant: string) =>
  new SetupError([
    {
      what: `No logo is given, and ${tenant} has none.`,
      why: "Every icon is made from one.",
      remedy:
        "Give --logo with a file, --url with an https:// address, or --letters with one or two letters.",
    },
  ]);

const nothingSaid = (tenant: string) =>
  new SetupError([
    {
      what: `What is to change about the look of ${tenant} is not said.`,
      why: "Nothing would be edited.",
      remedy: "Give a logo, --name, --basis or --users: `npx fleet help branding`.",
    },
  ]);

const noBranding = (tenant: string, what: string) =>
  new SetupError([
    {
      what: `${tenant} has no branding that could be ${what}.`,
      why: "Its entry declares none.",
      remedy: `Give it one with npx fleet branding ${tenant} set.`,
    },
  ]);

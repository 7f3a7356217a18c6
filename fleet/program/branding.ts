import { Argument, InvalidArgumentError, Option } from "commander";
import type { BrandingAction, BrandingInvocation } from "../commands/branding.ts";
import { edits } from "./changing.ts";
import type { Declare } from "./declare.ts";

/** The command about a tenant's own look. */
export function branding(declare: Declare): void {
  const command = declare("branding", "shows, checks or changes a tenant's own look", [
    ["branding acme", "what its entry declares"],
    ["branding acme --check", "fetches every file that it serves, and compares"],
    ["branding acme preview --letters AC --shape circle", "a picture in this folder, and nothing else"],
    ["branding acme set --letters AC --name 'Acme AI' --basis up-to-50-users", "a logo made of letters"],
    ["branding acme set --url https://acme.example/logo.svg", "another logo, fetched once and kept here"],
    ["branding acme remove", "Open WebUI's own look again"],
  ]);
  edits(command)
    .option("--json", "for scripts")
    .argument("<tenant>")
    .addArgument(
      new Argument("[action]", "what is done")
        .choices(["show", "check", "preview", "set", "remove"] satisfies BrandingAction[])
        .default("show"),
    )
    .option("--check", "the same as the action")
    .option("--logo <file>", "an svg, png, jpg or webp file")
    .option("--url <address>", "an https:// address of one")
    .option("--letters <letters>", "one or two, of which a logo is made")
    .addOption(new Option("--shape <shape>", "what they stand on").choices(["rounded", "circle", "square"]))
    .option("--colour <#rrggbb>", "of what they stand on; by default one that the letters choose")
    .addOption(new Option("--typeface <name>", "of the letters").choices(["sans", "serif", "round"]))
    .option("--name <name>", 'in the title and on the sign-in page; Open WebUI appends " (Open WebUI)"')
    .addOption(
      new Option("--basis <basis>", "why Open WebUI's licence allows it (clause 4)").choices([
        "up-to-50-users",
        "written-permission",
        "enterprise-licence",
      ]),
    )
    .option("--users <number>", "how many users a permission or a licence covers", wholeNumber)
    .action(async (tenant: string, action: BrandingAction, options: BrandingInvocation) =>
      (await import("../commands/branding.ts")).branding(options, tenant, action),
    );
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("Write a whole number.");
  return number;
}

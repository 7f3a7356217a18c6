import { type ScriptName, scriptNames, scriptText } from "../host/shell.ts";

/** Where a remote machine keeps the fleet's scripts, for root alone. */
export const toolbox = "/usr/local/lib/fleet";

/** A line for root that puts standard input into a file of the toolbox. */
export const keepLine = (name: ScriptName): string =>
  `umask 077 && mkdir -p ${toolbox} && cat >${toolbox}/${name}.staged && mv -f ${toolbox}/${name}.staged ${toolbox}/${name}.sh`;

/** Reads {@link toolboxLines}: a line for root. */
export const unpackLine = [
  `umask 077 && mkdir -p ${toolbox}`,
  `while read -r name content; do printf %s "$content" | base64 -d >${toolbox}/"$name".staged && mv -f ${toolbox}/"$name".staged ${toolbox}/"$name" || exit 1; done`,
].join(" && ");

/** Every script of hosts, one line each: `name base64`; what renders brands needs the checkout. */
export const toolboxLines = (): string =>
  scriptNames
    .filter((name) => name !== "render-branding")
    .map((name) => `${name}.sh ${scriptText(name).toString("base64")}\n`)
    .join("");

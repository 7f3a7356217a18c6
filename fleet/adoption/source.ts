import { isAbsolute, normalize } from "node:path";
import * as z from "zod";
import { type Problem, SetupError } from "../../toolchain/setup/problem.mjs";

/** Where what is adopted is found, on the host that the tenant is to run on. Kept in Postgres with the operation. */
export const Wanted = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("container"), name: z.string() }),
  /** A compose project by its name. */
  z.object({ kind: z.literal("project"), name: z.string() }),
  /** A compose project by the folder of its file. */
  z.object({ kind: z.literal("folder"), path: z.string() }),
  z.object({
    kind: z.literal("file"),
    path: z.string(),
    uploads: z.string().nullable(),
    key: z.string().nullable(),
  }),
]);
export type Wanted = z.infer<typeof Wanted>;

/** How a source is named on the command line. */
export interface NamedSource {
  container?: string;
  compose?: string;
  file?: string;
  uploads?: string;
  secretKeyFile?: string;
}

/** What is adopted; refused where none, or more than one thing is named, or a name is none. */
export function wantedOf(named: NamedSource): Wanted {
  const { container, compose, file, uploads, secretKeyFile } = named;
  const problems: Problem[] = [];
  const sources = [container, compose, file].filter((one) => one !== undefined);
  if (sources.length !== 1)
    problems.push({
      what: sources.length === 0 ? "What is to be adopted is not said." : "More than one source is named.",
      why: "A tenant's data comes from one Open WebUI.",
      remedy: "Name one of --container <name>, --compose <folder or project>, --file <webui.db>.",
    });
  if (file === undefined && (uploads !== undefined || secretKeyFile !== undefined))
    problems.push({
      what: "--uploads and --secret-key-file go with --file alone.",
      why: "A container says by itself where its files and its key are.",
      remedy: "Leave them out.",
    });
  if (container !== undefined && !containerName.test(container))
    problems.push(noName(container, "container"));
  const folder = compose?.startsWith("/");
  if (compose !== undefined && !folder && !projectName.test(compose))
    problems.push(noName(compose, "compose project"));
  for (const path of [file, uploads, secretKeyFile, folder ? compose : undefined])
    if (path !== undefined && !isPath(path))
      problems.push({
        what: `${JSON.stringify(path)} is no absolute path.`,
        why: "It is looked for on the tenant's host, where nobody stands in a folder.",
        remedy: "Write the whole path, beginning with /, without .. and control characters.",
      });
  if (problems.length > 0) throw new SetupError(problems);
  if (container !== undefined) return { kind: "container", name: container };
  if (compose !== undefined)
    return folder ? { kind: "folder", path: trimmed(compose) } : { kind: "project", name: compose };
  return {
    ...{ kind: "file", path: file ?? "" },
    ...{ uploads: uploads === undefined ? null : trimmed(uploads), key: secretKeyFile ?? null },
  };
}

/** As Docker and Compose allow them. */
const containerName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/;
const projectName = /^[a-z0-9][a-z0-9_-]{0,254}$/;

const trimmed = (path: string): string => path.replace(/(?<=.)\/+$/, "");

const isPath = (path: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
  isAbsolute(path) && normalize(path) === path && !/[\u0000-\u001f\u007f]/.test(path);

const noName = (name: string, what: string): Problem => ({
  what: `${JSON.stringify(name)} is no name of a ${what}.`,
  why: "It is handed to Docker on the host.",
  remedy:
    what === "container"
      ? "Write it as `docker ps` shows it."
      : "Write it as `docker compose ls` shows it, or the whole path of its folder.",
});

/** What people call it. */
export function sourceText(wanted: Wanted): string {
  switch (wanted.kind) {
    case "container":
      return `container ${wanted.name}`;
    case "project":
      return `compose project ${wanted.name}`;
    case "folder":
      return `the compose project in ${wanted.path}`;
    case "file":
      return wanted.path;
  }
}

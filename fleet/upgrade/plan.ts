import type { TenantSpec } from "../../components/fleet-config.ts";
import { compareReleases, type Hop, hopsBetween, type Release, releaseOfImage } from "./version.ts";

/** What is to be done with one tenant. */
export type Plan =
  | { hops: Hop[] }
  /** Why nothing is done, and what helps; null where nothing has to be done. */
  | { passed: string; remedy: string | null };

/** The way of one tenant to a release; pure. */
export function planFor(
  { id, image, running, database }: Pick<TenantSpec, "id" | "image" | "running" | "database">,
  to: Release,
): Plan {
  const from = releaseOfImage(image);
  if (!from)
    return {
      passed: `${id} runs ${image}, which is no release of Open WebUI's own`,
      remedy: `Change \`image\` of its entry and run \`npm run up\`: that tries it beside what serves. With \`version\` instead of \`image\` this command does it.`,
    };
  if (from.text === to.text) return { passed: `${id} runs ${to.text} already`, remedy: null };
  if (compareReleases(to, from) < 0)
    return {
      passed: `${id} runs ${from.text}, which is newer than ${to.text}`,
      remedy: `Open WebUI cannot take a database back to an older version. The one of before comes back with its own database: npx fleet rollback ${id}`,
    };
  if (database)
    return {
      passed: `${id} works on a Postgres, which cannot be rehearsed on nor taken back here`,
      remedy: `Have whoever runs that server make a dump of ${new URL(database.url).pathname.slice(1)}, then change \`version\` of its entry and run \`npm run up\`. If that fails, take dump and version back together.`,
    };
  if (!running) return { passed: `${id} does not run`, remedy: `Start it first: npx fleet start ${id}` };
  return { hops: hopsBetween(from, to) };
}

import { fileURLToPath } from "node:url";
import type { Engine } from "./engine.ts";

const FOLDER = fileURLToPath(new URL("./failing-version", import.meta.url));
const UPSTREAM = "ghcr.io/open-webui/open-webui";

/** Where a version fails: in a rehearsal too, or only where it is to serve. */
export type Fails = "everywhere" | "live";

/** The release that {@link makeFailingVersion} makes. */
export const failingVersion = (fails: Fails): string => `v0.11.4-fails.${fails}`;

/**
 * Builds a release after 0.11.3, in the engine alone, whose migration deletes every chat and ends the application. What is
 * built once costs nothing again.
 */
export async function makeFailingVersion(engine: Engine, fails: Fails): Promise<string> {
  const version = failingVersion(fails);
  const args = { BASE: `${UPSTREAM}:v0.11.3`, FAILS: fails, VERSION: "0.11.4" };
  await engine.docker([
    ...["build", "--quiet", "--tag", `${UPSTREAM}:${version}`],
    ...Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    FOLDER,
  ]);
  return version;
}

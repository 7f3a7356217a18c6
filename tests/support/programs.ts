import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { buildContext } from "../../components/runtime-image/build-context.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** The programs of the runtime image. */
export type Program = "agent" | "backup" | "node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the bundles of this run lie. */
    programs: string;
  }
}

/**
 * Vitest's global setup: bundles the programs as the image holds them, once for every test that runs one. From source
 * a node takes 0.4 s of processor longer to start, and each of an agent's readers 0.15 s.
 */
export default async function bundlePrograms(project: TestProject): Promise<void> {
  const { directory } = await buildContext(REPOSITORY);
  project.provide("programs", `${REPOSITORY}/${directory}`);
}

/** The file to run: the bundle of this test run, or the source where no test runs. */
export const programOf = (program: Program): string =>
  process.env.VITEST
    ? `${inject("programs")}/${program}.mjs`
    : `${REPOSITORY}/sync-runtime/${program}/main.ts`;

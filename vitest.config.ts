import { defineConfig } from "vitest/config";

/** What a whole run of a project shares. */
const postgres = "tests/support/postgres-server.ts";
const programs = "tests/support/programs.ts";

/** Tests that start servers, containers or the engine: one file at a time, with time to do so. */
const heavy = (name: string, include: string[], minutes: number, ...globalSetup: string[]) => ({
  test: {
    name,
    include,
    globalSetup,
    setupFiles: globalSetup.includes(programs) ? ["tests/support/failure-log.ts"] : [],
    fileParallelism: false,
    testTimeout: minutes * 60_000,
    hookTimeout: minutes * 60_000,
  },
});

const suffixed = (suffix: string) => [`tests/**/*.${suffix}.test.ts`];
const heavySuffixes = ["database", "runtime", "conformance", "e2e", "faults", "versions", "cloud"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          // Files share what they import: 11 s of CPU instead of 40. Unit tests keep no state between files.
          isolate: false,
          // One less than the processors otherwise: on two, half the machine.
          maxWorkers: "100%",
          include: ["tests/**/*.test.ts"],
          exclude: heavySuffixes.flatMap(suffixed),
          testTimeout: 20_000,
        },
      },
      heavy("database", suffixed("database"), 2, postgres),
      heavy("runtime", suffixed("runtime"), 3, postgres, programs),
      heavy("conformance", suffixed("conformance"), 3),
      heavy("e2e", suffixed("e2e"), 15),
      heavy("versions", suffixed("versions"), 30),
      heavy("cloud", suffixed("cloud"), 30),
      heavy("faults", suffixed("faults"), 3, postgres, programs),
    ],
  },
});

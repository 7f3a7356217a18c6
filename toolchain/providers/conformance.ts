import { spawn } from "node:child_process";
import { join } from "node:path";
import { nodeFolder, repository } from "../setup/paths.mjs";

/**
 * `npm run test:conformance [-- --real] [files …]`: runs the conformance suite against the stand-ins, or against the
 * real plugins of the user's own PULUMI_HOME. What is missing there is skipped and named.
 */
const given = process.argv.slice(2);
const real = given.includes("--real");
const files = given.filter((argument) => argument !== "--real");

const vitest = spawn(join(nodeFolder, "vitest"), ["run", "--project", "conformance", ...files], {
  cwd: repository,
  env: { ...process.env, CONFORMANCE_PLUGINS: real ? "real" : "stand-ins" },
  stdio: "inherit",
});
vitest.once("exit", (code) => {
  process.exitCode = code ?? 1;
});

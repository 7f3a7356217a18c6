import { must, run } from "./child.mjs";
import type { Progress } from "./progress.ts";

const quiet = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };

/**
 * Installs Debian packages that are missing. Another apt at work is waited for; whether this machine may do it
 * was checked before.
 */
export async function installPackages(packages: readonly string[], progress: Progress): Promise<void> {
  const known = await run([
    "dpkg-query",
    "--show",
    "--showformat",
    "$" + "{Package} $" + "{db:Status-Status}\n",
    ...packages,
  ]);
  const missing = packages.filter((name) => !known.stdout.includes(`${name} installed\n`));
  if (missing.length === 0) return;
  progress(`apt-get install ${missing.join(" ")}`);
  const apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-qq"];
  const options = {
    env: quiet,
    failure: `The Debian packages ${missing.join(", ")} could not be installed.`,
  };
  await must([...apt, "update"], options);
  await must([...apt, "install", "--yes", "--no-install-recommends", ...missing], options);
}

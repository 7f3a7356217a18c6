import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { tenantHome } from "./home.ts";

/** Whether a tenant's database is on this machine. Looked at in every run of the program: a loss changes no config. */
export function hasDatabase(root: string, tenant: string): boolean {
  const path = `${root}/${tenantHome(tenant)}/data/webui.db`;
  try {
    return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  } catch {
    return hasDatabaseForRoot(path);
  }
}

/** Others than root may not look into a tenant's directory; they have a sudo that asks nothing. */
function hasDatabaseForRoot(path: string): boolean {
  try {
    execFileSync("sudo", ["-n", "test", "-s", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

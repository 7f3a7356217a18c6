import { forward } from "../../toolchain/commands/tunnel.ts";
import { freePort } from "../../toolchain/setup/free-port.ts";
import type { TenantPlace } from "../tenant-place.ts";

/**
 * Where a tenant's application answers on this machine's loopback, past nginx: its own port there, or one that an ssh
 * client forwards until this process ends.
 */
export async function wayTo({ last: { fleet, outputs }, spec, host }: TenantPlace): Promise<URL> {
  const target = outputs.hosts[host.spec.id]?.target;
  if (!target) return new URL(`http://127.0.0.1:${spec.port}`);
  const near = String(await freePort());
  await forward({ identity: fleet.operators.identity, ...target }, [{ far: String(spec.port), near }]);
  return new URL(`http://127.0.0.1:${near}`);
}

import type { CertificateAuthority } from "./certificate-authority.ts";
import type { NameService } from "./dns/name-service.ts";
import type { DnsSpec } from "./fleet-config.ts";

/** Names that an operator sets by hand. */
export const byHand: NameService = { record: () => undefined };

/**
 * The service that a stack's config names. A provider is loaded where it is needed only.
 * @param createAuthority makes the authority of what the proxy shows, where there is a proxy
 */
export async function nameService(
  dns: DnsSpec,
  createAuthority: (name: string) => CertificateAuthority,
): Promise<NameService> {
  if (dns.kind === "manual") return byHand;
  const { CloudflareNames } = await import("./dns/cloudflare.ts");
  return new CloudflareNames(dns.zones, createAuthority);
}

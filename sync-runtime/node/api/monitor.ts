import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Certificates } from "../../certificates.ts";
import { identityProblem } from "../pinned-client.ts";
import type { Caller } from "./token.ts";

/** What the certificate of a cluster's monitoring says. */
export const monitorIdentity = (cluster: string): string => `urn:owui:monitor:${cluster}`;

/**
 * What watches the cluster, if a connection shows its certificate, signed by the stack's authority; others, and
 * connections that show none, are nobody and need a token. When its certificate ends is noted: it tells nobody itself.
 */
export function monitorOn(
  socket: Socket,
  { cluster, certificates }: { cluster: string; certificates: Pick<Certificates, "see"> },
): Caller | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const identity = monitorIdentity(cluster);
  const certificate = socket.getPeerCertificate();
  if (identityProblem(identity, certificate)) return undefined;
  const shown = socket.getPeerX509Certificate();
  if (shown) certificates.see(shown);
  return { subject: identity, token: "", expires: Date.parse(certificate.valid_to) };
}

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { identityProblem } from "../pinned-client.ts";
import type { Caller } from "./token.ts";

/** What the certificate of a cluster's monitoring says. */
export const monitorIdentity = (cluster: string): string => `urn:owui:monitor:${cluster}`;

/**
 * What watches the cluster, if a connection shows its certificate, signed by the stack's authority; others, and
 * connections that show none, are nobody and need a token.
 */
export function monitorOn(socket: Socket, cluster: string): Caller | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const identity = monitorIdentity(cluster);
  return identityProblem(identity, socket.getPeerCertificate())
    ? undefined
    : { subject: identity, token: "", expires: Date.parse(socket.getPeerCertificate().valid_to) };
}

/** A node, as its certificate names it. */
export interface NodeIdentity {
  cluster: string;
  node: string;
}

const NODE_URI = /^urn:owui:node:([^:]+):([^:]+)$/;

/**
 * The node that a client's certificate names, by its URI SAN `urn:owui:node:<cluster>:<node>`. That the certificate
 * chains to the stack's CA and may be a client's at all is the handshake's work; an agent's certificate is a server's
 * only and names no node.
 * @param subjectAltName Node's form, `DNS:a, URI:b`; a name with a comma or a quote in it is quoted there and ignored here
 */
export function nodeOf(subjectAltName: string | undefined): NodeIdentity | undefined {
  for (const entry of subjectAltName?.split(", ") ?? []) {
    const [, cluster, node] = (entry.startsWith("URI:") && NODE_URI.exec(entry.slice("URI:".length))) || [];
    if (cluster && node) return { cluster, node };
  }
  return undefined;
}

/** A node, as its certificate names it. */
export interface NodeIdentity {
  cluster: string;
  node: string;
}

/** What watches a cluster, as its certificate names it. */
export interface MonitorIdentity {
  cluster: string;
}

const NODE_URI = /^urn:owui:node:([^:]+):([^:]+)$/;
const MONITOR_URI = /^urn:owui:monitor:([^:]+)$/;

/**
 * The node that a client's certificate names, by its URI SAN `urn:owui:node:<cluster>:<node>`. That the certificate
 * chains to the stack's CA and may be a client's at all is the handshake's work; an agent's certificate is a server's
 * only and names no node.
 * @param subjectAltName Node's form, `DNS:a, URI:b`; a name with a comma or a quote in it is quoted there and ignored here
 */
export function nodeOf(subjectAltName: string | undefined): NodeIdentity | undefined {
  const [, cluster, node] = uriOf(subjectAltName, NODE_URI) ?? [];
  return cluster && node ? { cluster, node } : undefined;
}

/** What watches a cluster, if a client's certificate names that: `urn:owui:monitor:<cluster>`. Otherwise as {@link nodeOf}. */
export function monitorOf(subjectAltName: string | undefined): MonitorIdentity | undefined {
  const [, cluster] = uriOf(subjectAltName, MONITOR_URI) ?? [];
  return cluster ? { cluster } : undefined;
}

/** The first URI of a certificate that has a form. */
function uriOf(subjectAltName: string | undefined, form: RegExp): RegExpExecArray | undefined {
  for (const entry of subjectAltName?.split(", ") ?? []) {
    const found = entry.startsWith("URI:") && form.exec(entry.slice("URI:".length));
    if (found) return found;
  }
  return undefined;
}

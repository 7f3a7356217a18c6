/** What the fake remembers: plain JSON, kept in its state file. Dates are ISO 8601. */

export type RecordType = "A" | "AAAA" | "CNAME" | "TXT" | "MX" | "NS" | "CAA" | "SRV";

export interface DnsRecord {
  id: string;
  /** Fully qualified, in lower case. */
  name: string;
  type: RecordType;
  content: string;
  /** Seconds; 1 is automatic, which a proxied record always is. */
  ttl: number;
  proxied: boolean;
  priority: number | null;
  comment: string | null;
  tags: string[];
  /** Of types whose content has parts (CAA, SRV); kept as it was given. */
  data: Record<string, unknown> | null;
  settings: Record<string, unknown>;
  createdOn: string;
  modifiedOn: string;
}

export interface ZoneSetting {
  value: unknown;
  modifiedOn: string | null;
}

/** A client certificate that Cloudflare shows to origins of some hostnames. */
export interface HostnameCertificate {
  id: string;
  certificate: string;
  issuer: string;
  serialNumber: string;
  expiresOn: string;
  uploadedOn: string;
}

/** Whether a hostname's origin is shown a client certificate, and which. */
export interface HostnamePull {
  hostname: string;
  certificate: string;
  enabled: boolean;
  createdAt: string;
  updatedAt: string;
}

export interface Zone {
  id: string;
  name: string;
  createdOn: string;
  records: DnsRecord[];
  settings: Record<string, ZoneSetting>;
  pullsEnabled: boolean;
  hostnameCertificates: HostnameCertificate[];
  hostnamePulls: HostnamePull[];
}

export interface OriginCertificate {
  id: string;
  certificate: string;
  csr: string;
  hostnames: string[];
  requestType: string;
  /** Days. */
  requestedValidity: number;
  expiresOn: string;
  revokedAt: string | null;
}

/** A whole account. */
export interface Account {
  zones: Zone[];
  certificates: OriginCertificate[];
  /** PEM: PKCS#8 key and certificate of the fake's own origin CA; made with the first certificate. */
  originCa: { key: string; certificate: string } | null;
}

export const emptyAccount = (): Account => ({ zones: [], certificates: [], originCa: null });

import type { Properties, Value } from "../plugin/properties.ts";
import { replaces, resource, updates } from "../plugin/resource.ts";
import { field, flag, list, object, type Type, text } from "../plugin/types.ts";
import type { Cloudflare } from "./api.ts";

const base = (zoneId: Value | undefined) => `zones/${String(zoneId)}/origin_tls_client_auth`;

interface CertificateView {
  id: string;
  certificate: string;
  issuer: string;
  serial_number: string;
  signature: string;
  status: string;
  expires_on: string;
  uploaded_on: string;
}

/** Space around a PEM text means nothing. */
const pem: Type<string> = {
  ...text,
  fulfils: (is, asked) => String(is ?? "").trim() === String(asked).trim(),
};

const certificateState = (certificate: CertificateView): Properties => ({
  certificate: certificate.certificate,
  issuer: certificate.issuer,
  serialNumber: certificate.serial_number,
  signature: certificate.signature,
  status: certificate.status,
  expiresOn: certificate.expires_on,
  uploadedOn: certificate.uploaded_on,
});

/** A client certificate that Cloudflare shows to origins of hostnames which are associated with it. */
export const hostnameCertificate = resource<Cloudflare>()({
  inputs: {
    zoneId: replaces(text, { required: true }),
    certificate: replaces(pem, { required: true }),
    privateKey: replaces(text, { required: true }),
  },
  outputs: ["expiresOn", "issuer", "serialNumber", "signature", "status", "uploadedOn"],
  create: async ({ zoneId, certificate, privateKey }, { client, signal }) => {
    const made = await client.ask<CertificateView>("POST", `${base(zoneId)}/hostnames/certificates`, signal, {
      certificate,
      private_key: privateKey,
    });
    return { id: made.id, state: certificateState(made) };
  },
  read: async (id, state, { client, signal }) => {
    const path = `${base(state.zoneId)}/hostnames/certificates/${id}`;
    const found = await client.look<CertificateView>(path, signal);
    return found && { id, state: { ...state, ...certificateState(found) } };
  },
  delete: (id, state, { client, signal }) =>
    client.remove(`${base(state.zoneId)}/hostnames/certificates/${id}`, signal),
});

interface PullView {
  hostname: string;
  cert_id: string;
  cert_status: string;
  cert_updated_at: string;
  cert_uploaded_on: string;
  certificate: string;
  created_at: string;
  enabled: boolean;
  expires_on: string;
  issuer: string;
  serial_number: string;
  signature: string;
  status: string;
  updated_at: string;
}

/** The program's own configs stay as they are given: the API answers them in other words. */
const pullState = (pull: PullView): Properties => ({
  hostname: pull.hostname,
  certId: pull.cert_id,
  certStatus: pull.cert_status,
  certUpdatedAt: pull.cert_updated_at,
  certUploadedOn: pull.cert_uploaded_on,
  certificate: pull.certificate,
  createdAt: pull.created_at,
  enabled: pull.enabled,
  expiresOn: pull.expires_on,
  issuer: pull.issuer,
  serialNumber: pull.serial_number,
  signature: pull.signature,
  status: pull.status,
  updatedAt: pull.updated_at,
});

type Association = {
  certId?: string | undefined;
  enabled?: boolean | undefined;
  hostname?: string | undefined;
};

/** Puts the one association there is, and finds it in the zone's whole list that comes back. */
const associate = async (
  { zoneId, configs }: { zoneId: string; configs: Association[] },
  client: Cloudflare,
  signal: AbortSignal,
): Promise<PullView> => {
  const [only] = configs;
  const config = [{ hostname: only?.hostname, cert_id: only?.certId, enabled: only?.enabled }];
  const all = await client.ask<PullView[]>("PUT", `${base(zoneId)}/hostnames`, signal, { config });
  const found = all.find(({ hostname }) => hostname === only?.hostname);
  if (!found) throw new Error(`hostname not found in response: ${only?.hostname}`);
  return found;
};

/** Exactly one hostname; others are resources of their own. */
const problems = (given: Properties) => {
  const { configs } = given;
  if (Array.isArray(configs) && configs.length === 1) return [];
  return [
    {
      property: "configs",
      reason:
        "config must contain exactly one hostname association. Create separate resources to manage multiple hostnames.",
    },
  ];
};

/** Whether one hostname's origin is shown a client certificate; its id is the hostname. */
export const originPulls = resource<Cloudflare>()({
  inputs: {
    zoneId: replaces(text, { required: true }),
    configs: updates(list(object({ certId: field(text), enabled: field(flag), hostname: field(text) })), {
      required: true,
    }),
  },
  outputs: [
    ...["certId", "certStatus", "certUpdatedAt", "certUploadedOn", "certificate", "createdAt", "enabled"],
    ...["expiresOn", "hostname", "issuer", "privateKey", "serialNumber", "signature", "status", "updatedAt"],
  ],
  updated: ["certId", "certificate", "enabled", "expiresOn", "issuer", "serialNumber", "updatedAt"],
  check: async (given) => ({ inputs: given, failures: problems(given) }),
  create: async (given, { client, signal }) => {
    const made = await associate(given, client, signal);
    return { id: made.hostname, state: pullState(made) };
  },
  read: async (id, state, { client, signal }) => {
    const found = await client.look<PullView>(`${base(state.zoneId)}/hostnames/${id}`, signal);
    return found && { id, state: { ...state, ...pullState(found) } };
  },
  update: async (_id, given, _state, { client, signal }) => pullState(await associate(given, client, signal)),
  // Nothing voids an association but saying so.
  delete: async (id, state, { client, signal }) => {
    const config = [{ hostname: id, cert_id: state.certId, enabled: null }];
    await client.ask("PUT", `${base(state.zoneId)}/hostnames`, signal, { config });
  },
});

/** Whether a whole zone's origins are shown a client certificate; its id is the zone's. Deleting it changes nothing. */
export const originPullsSettings = resource<Cloudflare>()({
  inputs: {
    zoneId: replaces(text, { required: true }),
    enabled: updates(flag, { required: true }),
  },
  outputs: [],
  create: async ({ zoneId, enabled }, { client, signal }) => {
    await client.ask("PUT", `${base(zoneId)}/settings`, signal, { enabled });
    return { id: zoneId, state: {} };
  },
  read: async (id, state, { client, signal }) => {
    const found = await client.look<{ enabled: boolean }>(`${base(id)}/settings`, signal);
    return found && { id, state: { ...state, zoneId: id, enabled: found.enabled } };
  },
  update: async (id, { enabled }, _state, { client, signal }) => {
    await client.ask("PUT", `${base(id)}/settings`, signal, { enabled });
    return {};
  },
  delete: async () => {},
});

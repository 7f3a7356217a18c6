import { createPrivateKey, X509Certificate } from "node:crypto";
import { z } from "zod";
import { type Call, type Route, route } from "../http/route.ts";
import { type Cloud, newId } from "./cloud.ts";
import { ApiError, page, parsed, succeeded } from "./dialect.ts";
import type { HostnameCertificate, HostnamePull, Zone } from "./model.ts";

const upload = z.object({ certificate: z.string(), private_key: z.string() });

const associations = z.object({
  config: z
    .array(z.object({ hostname: z.string().min(1), cert_id: z.string(), enabled: z.boolean().nullish() }))
    .min(1),
});

/** The certificate with its key looked at; the key itself is not kept. */
const certificateOf = (
  cloud: Cloud,
  { certificate, private_key: key }: z.infer<typeof upload>,
): HostnameCertificate => {
  try {
    const parsedCertificate = new X509Certificate(certificate);
    if (!parsedCertificate.checkPrivateKey(createPrivateKey(key)))
      throw new Error("the key is another one's");
    return {
      id: newId(),
      certificate,
      issuer: parsedCertificate.issuer,
      serialNumber: parsedCertificate.serialNumber,
      expiresOn: new Date(parsedCertificate.validTo).toISOString(),
      uploadedOn: cloud.time(),
    };
  } catch (error) {
    throw new ApiError(
      400,
      1412,
      `The certificate or its private key is invalid: ${(error as Error).message}`,
    );
  }
};

const certificateView = (certificate: HostnameCertificate) => ({
  id: certificate.id,
  certificate: certificate.certificate,
  issuer: certificate.issuer,
  serial_number: certificate.serialNumber,
  signature: "ECDSAWithSHA256",
  status: "active",
  expires_on: certificate.expiresOn,
  uploaded_on: certificate.uploadedOn,
});

const pullView = (zone: Zone, pull: HostnamePull) => {
  const certificate = zone.hostnameCertificates.find(({ id }) => id === pull.certificate);
  return {
    hostname: pull.hostname,
    cert_id: pull.certificate,
    enabled: pull.enabled,
    status: "active",
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    cert_status: "active",
    cert_uploaded_on: certificate?.uploadedOn,
    cert_updated_at: certificate?.uploadedOn,
    certificate: certificate?.certificate,
    issuer: certificate?.issuer,
    serial_number: certificate?.serialNumber,
    signature: "ECDSAWithSHA256",
    expires_on: certificate?.expiresOn,
  };
};

const base = "/client/v4/zones/:zone/origin_tls_client_auth";

/** Authenticated origin pulls: of a whole zone, and hostname by hostname. */
export const originPullRoutes = (cloud: Cloud): Route[] => {
  const zoneOf = ({ params }: Call) => cloud.zone(params.zone);
  const certificateIn = (zone: Zone, id: string | undefined) => {
    const certificate = zone.hostnameCertificates.find((each) => each.id === id);
    if (!certificate) throw new ApiError(404, 1406, "Certificate not found");
    return certificate;
  };
  return [
    route("GET", `${base}/settings`, (call) => succeeded({ enabled: zoneOf(call).pullsEnabled })),
    route("PUT", `${base}/settings`, (call) => {
      const zone = zoneOf(call);
      zone.pullsEnabled = parsed(z.object({ enabled: z.boolean() }), call.body).enabled;
      cloud.save();
      return succeeded({ enabled: zone.pullsEnabled });
    }),
    route("GET", `${base}/hostnames/certificates`, (call) =>
      page(zoneOf(call).hostnameCertificates.map(certificateView), call),
    ),
    route("POST", `${base}/hostnames/certificates`, (call) => {
      const certificate = certificateOf(cloud, parsed(upload, call.body));
      zoneOf(call).hostnameCertificates.push(certificate);
      cloud.save();
      return succeeded(certificateView(certificate));
    }),
    route("GET", `${base}/hostnames/certificates/:certificate`, (call) =>
      succeeded(certificateView(certificateIn(zoneOf(call), call.params.certificate))),
    ),
    route("DELETE", `${base}/hostnames/certificates/:certificate`, (call) => {
      const zone = zoneOf(call);
      const certificate = certificateIn(zone, call.params.certificate);
      if (zone.hostnamePulls.some((pull) => pull.certificate === certificate.id)) {
        throw new ApiError(400, 1438, "The certificate is still associated with a hostname.");
      }
      zone.hostnameCertificates = zone.hostnameCertificates.filter((each) => each !== certificate);
      cloud.save();
      return succeeded({ ...certificateView(certificate), status: "pending_deletion" });
    }),
    // `enabled: null` voids an association.
    route("PUT", `${base}/hostnames`, (call) => {
      const zone = zoneOf(call);
      const asked = parsed(associations, call.body).config;
      for (const { cert_id: id } of asked) certificateIn(zone, id);
      for (const { hostname, cert_id: certificate, enabled } of asked) {
        const before = zone.hostnamePulls.find((pull) => pull.hostname === hostname);
        zone.hostnamePulls = zone.hostnamePulls.filter((pull) => pull !== before);
        if (enabled === null || enabled === undefined) continue;
        const createdAt = before?.createdAt ?? cloud.time();
        zone.hostnamePulls.push({ hostname, certificate, enabled, createdAt, updatedAt: cloud.time() });
      }
      cloud.save();
      return succeeded(zone.hostnamePulls.map((pull) => pullView(zone, pull)));
    }),
    route("GET", `${base}/hostnames/:hostname`, (call) => {
      const zone = zoneOf(call);
      const pull = zone.hostnamePulls.find(({ hostname }) => hostname === call.params.hostname);
      if (!pull) throw new ApiError(404, 1405, "Hostname association not found");
      return succeeded(pullView(zone, pull));
    }),
  ];
};

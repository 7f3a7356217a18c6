import { z } from "zod";
import { type Call, type Route, route } from "../http/route.ts";
import { type Cloud, newId } from "./cloud.ts";
import { ApiError, page, parsed, succeeded } from "./dialect.ts";
import type { OriginCertificate } from "./model.ts";
import { makeOriginCa, signOrigin } from "./origin-ca.ts";

const validities = [7, 30, 90, 365, 730, 1095, 5475] as const;

const creation = z.object({
  csr: z.string(),
  hostnames: z.array(z.string()).min(1),
  request_type: z.enum(["origin-rsa", "origin-ecc", "keyless-certificate"]),
  requested_validity: z.union(validities.map((days) => z.literal(days))).default(5475),
});

const view = (certificate: OriginCertificate) => ({
  id: certificate.id,
  certificate: certificate.certificate,
  csr: certificate.csr,
  hostnames: certificate.hostnames,
  request_type: certificate.requestType,
  requested_validity: certificate.requestedValidity,
  // Go's way of writing a time, as the real API has it.
  expires_on: `${certificate.expiresOn.slice(0, 19).replace("T", " ")} +0000 UTC`,
});

/** A host name of one of the account's zones; a wildcard stands for one label. */
const isOwn = (cloud: Cloud, hostname: string): boolean => {
  const name = hostname.replace(/^\*\./, "");
  return (
    !name.includes("*") &&
    cloud.account.zones.some((zone) => name === zone.name || name.endsWith(`.${zone.name}`))
  );
};

/** Certificates for origins, signed by the fake's own CA. */
export const certificateRoutes = (cloud: Cloud): Route[] => {
  const { account } = cloud;
  const of = ({ params }: Call): OriginCertificate => {
    const certificate = account.certificates.find(({ id }) => id === params.certificate);
    if (!certificate) throw new ApiError(404, 1101, "Certificate not found");
    return certificate;
  };
  return [
    route("GET", "/client/v4/certificates", (call) => {
      const zone = cloud.zone(call.query.get("zone_id") ?? undefined);
      const fitting = account.certificates.filter(({ hostnames }) =>
        hostnames.some((hostname) => hostname === zone.name || hostname.endsWith(`.${zone.name}`)),
      );
      return page(fitting.map(view), call);
    }),
    route("POST", "/client/v4/certificates", async ({ body }) => {
      const asked = parsed(creation, body);
      const foreign = asked.hostnames.find((hostname) => !isOwn(cloud, hostname));
      if (foreign !== undefined) {
        throw new ApiError(
          400,
          1010,
          `Failed to validate requested hostname ${foreign}: This zone is not part of your account.`,
        );
      }
      account.originCa ??= await makeOriginCa(cloud.now);
      const { csr, hostnames } = asked;
      const signed = await signOrigin(account.originCa, {
        ...{ csr, hostnames },
        ...{ days: asked.requested_validity, now: cloud.now },
      }).catch((error: Error) => {
        throw new ApiError(400, 1015, `Failed to decode or verify the CSR: ${error.message}`);
      });
      const certificate: OriginCertificate = {
        id: newId(),
        certificate: signed.certificate,
        csr,
        hostnames,
        requestType: asked.request_type,
        requestedValidity: asked.requested_validity,
        expiresOn: signed.expiresOn.toISOString(),
        revokedAt: null,
      };
      account.certificates.push(certificate);
      cloud.save();
      return { ...succeeded(view(certificate)), created: `/client/v4/certificates/${certificate.id}` };
    }),
    route("GET", "/client/v4/certificates/:certificate", (call) => succeeded(view(of(call)))),
    route("DELETE", "/client/v4/certificates/:certificate", (call) => {
      const certificate = of(call);
      account.certificates = account.certificates.filter((each) => each !== certificate);
      cloud.save();
      return succeeded({ id: certificate.id, revoked_at: cloud.time() });
    }),
  ];
};

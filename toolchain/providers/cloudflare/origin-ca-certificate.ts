import type { Properties } from "../plugin/properties.ts";
import { replaces, resource } from "../plugin/resource.ts";
import { choice, list, number, text } from "../plugin/types.ts";
import type { Cloudflare } from "./api.ts";

interface CertificateView {
  id: string;
  certificate: string;
  csr: string;
  hostnames: string[];
  request_type: string;
  requested_validity: number;
  expires_on: string;
}

const stateOf = (certificate: CertificateView): Properties => ({
  certificate: certificate.certificate,
  csr: certificate.csr,
  hostnames: certificate.hostnames,
  requestType: certificate.request_type,
  requestedValidity: certificate.requested_validity,
  expiresOn: certificate.expires_on,
});

/** A certificate that only Cloudflare's edge trusts, for a request of the stack's; every change makes a new one. */
export const originCaCertificate = resource<Cloudflare>()({
  inputs: {
    csr: replaces(text, { required: true }),
    hostnames: replaces(list(text), { required: true }),
    requestType: replaces(choice("origin-rsa", "origin-ecc", "keyless-certificate"), { required: true }),
    // Five thousand days and more, where the program gives none.
    requestedValidity: replaces(number, { computed: true }),
  },
  outputs: ["certificate", "expiresOn"],
  create: async ({ csr, hostnames, requestType, requestedValidity }, { client, signal }) => {
    const made = await client.ask<CertificateView>("POST", "certificates", signal, {
      ...{ csr, hostnames },
      ...{ request_type: requestType, requested_validity: requestedValidity ?? 5475 },
    });
    return { id: made.id, state: stateOf(made) };
  },
  read: async (id, _state, { client, signal }) => {
    const found = await client.look<CertificateView>(`certificates/${id}`, signal);
    return found && { id, state: stateOf(found) };
  },
  // Revokes it.
  delete: (id, _state, { client, signal }) => client.remove(`certificates/${id}`, signal),
});

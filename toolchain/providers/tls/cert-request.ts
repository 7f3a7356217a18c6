import { createHash } from "node:crypto";
import { replaces, resource } from "../plugin/resource.ts";
import { list, text } from "../plugin/types.ts";
import { signingKey } from "./signing-key.ts";
import { alternativeNames, nameOf, subjectType } from "./subject.ts";
import { Pkcs10CertificateRequestGenerator } from "./x509.ts";

/** A request for a certificate, signed with the key it is for. */
export const certRequest = resource<undefined>()({
  inputs: {
    privateKeyPem: replaces(text, { required: true }),
    subject: replaces(subjectType),
    dnsNames: replaces(list(text)),
    ipAddresses: replaces(list(text)),
    uris: replaces(list(text)),
  },
  outputs: ["certRequestPem", "keyAlgorithm"],
  create: async (given) => {
    const key = signingKey(given.privateKeyPem, "privateKeyPem");
    const request = await Pkcs10CertificateRequestGenerator.create({
      name: nameOf(given.subject),
      keys: key,
      signingAlgorithm: key.signingAlgorithm,
      extensions: alternativeNames(given),
    });
    const certRequestPem = `${request.toString("pem")}\n`;
    return {
      id: createHash("sha1").update(certRequestPem).digest("hex"),
      state: { certRequestPem, keyAlgorithm: key.algorithm },
    };
  },
  delete: async () => {},
});

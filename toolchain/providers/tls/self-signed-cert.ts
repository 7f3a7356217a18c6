import { replaces, resource } from "../plugin/resource.ts";
import { flag, list, text } from "../plugin/types.ts";
import {
  certificateExtensions,
  certificateInputs,
  certificateOutputs,
  certified,
  outdated,
  readCertificate,
  serialNumber,
  validityFrom,
} from "./certificate.ts";
import { signingKey } from "./signing-key.ts";
import { alternativeNames, nameOf, subjectType } from "./subject.ts";
import { X509CertificateGenerator } from "./x509.ts";

/** A certificate signed with its own key: a certificate authority, usually. */
export const selfSignedCert = resource<undefined>()({
  inputs: {
    ...certificateInputs,
    privateKeyPem: replaces(text, { required: true }),
    subject: replaces(subjectType),
    dnsNames: replaces(list(text)),
    ipAddresses: replaces(list(text)),
    uris: replaces(list(text)),
    setAuthorityKeyId: replaces(flag, { default: false }),
  },
  outputs: [...certificateOutputs, "keyAlgorithm"],
  outdated,
  create: async (given) => {
    const key = signingKey(given.privateKeyPem, "privateKeyPem");
    const authority = given.setAuthorityKeyId ? key.publicKey : undefined;
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: nameOf(given.subject),
      keys: key,
      signingAlgorithm: key.signingAlgorithm,
      serialNumber: serialNumber(),
      ...validityFrom(new Date(), given.validityPeriodHours),
      extensions: [
        ...(await certificateExtensions(given, key.publicKey, authority)),
        ...alternativeNames(given),
      ],
    });
    return certified(certificate, { keyAlgorithm: key.algorithm });
  },
  read: readCertificate,
  update: async () => ({}),
  delete: async () => {},
});

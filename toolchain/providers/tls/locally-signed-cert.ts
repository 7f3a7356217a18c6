import { replaces, resource } from "../plugin/resource.ts";
import { text } from "../plugin/types.ts";
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
import { Pkcs10CertificateRequest, X509Certificate, X509CertificateGenerator } from "./x509.ts";

/** subjectAltName: the only extension that is taken over from a request. */
const alternativeNamesOid = "2.5.29.17";

/** A certificate for a request's key and names, signed by a certificate authority of the stack. */
export const locallySignedCert = resource<undefined>()({
  inputs: {
    ...certificateInputs,
    caCertPem: replaces(text, { required: true }),
    caPrivateKeyPem: replaces(text, { required: true }),
    certRequestPem: replaces(text, { required: true }),
  },
  outputs: [...certificateOutputs, "caKeyAlgorithm"],
  outdated,
  create: async (given) => {
    const authorityKey = signingKey(given.caPrivateKeyPem, "caPrivateKeyPem");
    const authority = new X509Certificate(given.caCertPem);
    const request = new Pkcs10CertificateRequest(given.certRequestPem);
    const subjectKey = await request.publicKey.export();
    const names = request.getExtension(alternativeNamesOid);
    const certificate = await X509CertificateGenerator.create({
      subject: request.subjectName.toJSON(),
      issuer: authority.subjectName.toJSON(),
      publicKey: subjectKey,
      signingKey: authorityKey.privateKey,
      signingAlgorithm: authorityKey.signingAlgorithm,
      serialNumber: serialNumber(),
      ...validityFrom(new Date(), given.validityPeriodHours),
      extensions: [
        ...(await certificateExtensions(given, subjectKey, await authority.publicKey.export())),
        ...(names ? [names] : []),
      ],
    });
    return certified(certificate, { caKeyAlgorithm: authorityKey.algorithm });
  },
  read: readCertificate,
  update: async () => ({}),
  delete: async () => {},
});

import { randomBytes, type webcrypto } from "node:crypto";
import type { Properties } from "../plugin/properties.ts";
import { replaces, updates } from "../plugin/resource.ts";
import { choice, flag, list, number } from "../plugin/types.ts";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
} from "./x509.ts";

/** What both kinds of certificate share: what it may be used for, for how long, and when a new one is due. */

const keyUsages = {
  digital_signature: KeyUsageFlags.digitalSignature,
  content_commitment: KeyUsageFlags.nonRepudiation,
  key_encipherment: KeyUsageFlags.keyEncipherment,
  data_encipherment: KeyUsageFlags.dataEncipherment,
  key_agreement: KeyUsageFlags.keyAgreement,
  cert_signing: KeyUsageFlags.keyCertSign,
  crl_signing: KeyUsageFlags.cRLSign,
  encipher_only: KeyUsageFlags.encipherOnly,
  decipher_only: KeyUsageFlags.decipherOnly,
} as const;

const extendedKeyUsages = {
  server_auth: ExtendedKeyUsage.serverAuth,
  client_auth: ExtendedKeyUsage.clientAuth,
  code_signing: ExtendedKeyUsage.codeSigning,
  email_protection: ExtendedKeyUsage.emailProtection,
  timestamping: ExtendedKeyUsage.timeStamping,
  ocsp_signing: ExtendedKeyUsage.ocspSigning,
} as const;

type Use = keyof typeof keyUsages | keyof typeof extendedKeyUsages;

const uses = [...Object.keys(keyUsages), ...Object.keys(extendedKeyUsages)] as Use[];

/** Inputs that both kinds share; a change of anything but earlyRenewalHours makes a new certificate. */
export const certificateInputs = {
  allowedUses: replaces(list(choice(...uses)), { required: true }),
  validityPeriodHours: replaces(number, { required: true }),
  earlyRenewalHours: updates(number, { default: 0 }),
  isCaCertificate: replaces(flag, { default: false }),
  maxPathLength: replaces(number, { default: -1 }),
  setSubjectKeyId: replaces(flag, { default: false }),
};

/** Outputs that both kinds share. */
export const certificateOutputs = [
  "certPem",
  "readyForRenewal",
  "validityEndTime",
  "validityStartTime",
] as const;

/** Uses as the two extensions they belong to; only the first is critical. */
const useExtensions = (allowed: readonly Use[]): Extension[] => {
  const flags = allowed.flatMap((use) =>
    use in keyUsages ? [keyUsages[use as keyof typeof keyUsages]] : [],
  );
  const purposes = allowed.flatMap((use) =>
    use in extendedKeyUsages ? [extendedKeyUsages[use as keyof typeof extendedKeyUsages]] : [],
  );
  const usage = flags.reduce<number>((all, one) => all | one, 0);
  return [
    ...(flags.length > 0 ? [new KeyUsagesExtension(usage, true)] : []),
    ...(purposes.length > 0 ? [new ExtendedKeyUsageExtension(purposes)] : []),
  ];
};

/** The inputs that become extensions. */
interface Constraints {
  allowedUses: readonly Use[];
  isCaCertificate: boolean;
  maxPathLength: number;
  setSubjectKeyId: boolean;
}

/** Uses, basic constraints and key identifiers. A CA always carries its subject's, which its leaves point to. */
export const certificateExtensions = async (
  given: Constraints,
  subjectKey: webcrypto.CryptoKey,
  authorityKey: webcrypto.CryptoKey | undefined,
): Promise<Extension[]> => {
  const pathLength = given.isCaCertificate && given.maxPathLength >= 0 ? given.maxPathLength : undefined;
  const identified = given.setSubjectKeyId || given.isCaCertificate;
  return [
    ...useExtensions(given.allowedUses),
    new BasicConstraintsExtension(given.isCaCertificate, pathLength, true),
    ...(identified ? [await SubjectKeyIdentifierExtension.create(subjectKey)] : []),
    ...(authorityKey ? [await AuthorityKeyIdentifierExtension.create(authorityKey)] : []),
  ];
};

/** 127 random bits: positive, whatever the first of them. */
export const serialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString("hex");
};

const hour = 3_600_000;

/** Certificates count whole seconds. */
export const validityFrom = (start: Date, hours: number): { notBefore: Date; notAfter: Date } => {
  const seconds = Math.floor(start.getTime() / 1000) * 1000;
  return { notBefore: new Date(seconds), notAfter: new Date(seconds + hours * hour) };
};

/** RFC 3339 without fractions, as Go prints it. */
const timestamp = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");

/** Id and state of a fresh certificate. */
export const certified = (
  certificate: { serialNumber: string; notBefore: Date; notAfter: Date; toString: (format: "pem") => string },
  more: Properties,
) => ({
  id: BigInt(`0x${certificate.serialNumber}`).toString(),
  state: {
    ...more,
    certPem: `${certificate.toString("pem")}\n`,
    readyForRenewal: false,
    validityStartTime: timestamp(certificate.notBefore),
    validityEndTime: timestamp(certificate.notAfter),
  } as Properties,
});

/** Whether a certificate has come within its last `earlyRenewalHours`. */
export const isDue = (validityEndTime: string, earlyRenewalHours: number, now: Date): boolean =>
  now.getTime() >= Date.parse(validityEndTime) - earlyRenewalHours * hour;

/** A due certificate is replaced by the next update, whether or not a refresh came before it. */
export const outdated = (state: Properties, inputs: Properties): string[] => {
  const early = typeof inputs.earlyRenewalHours === "number" ? inputs.earlyRenewalHours : 0;
  return isDue(String(state.validityEndTime), early, new Date()) ? ["readyForRenewal"] : [];
};

/** A refresh notes that a certificate is due. */
export const readCertificate = async (id: string, state: Properties) => {
  const early = typeof state.earlyRenewalHours === "number" ? state.earlyRenewalHours : 0;
  return {
    id,
    state: { ...state, readyForRenewal: isDue(String(state.validityEndTime), early, new Date()) },
  };
};

import { field, list, object, text } from "../plugin/types.ts";
import { type JsonName, SubjectAlternativeNameExtension } from "./x509.ts";

/** Whom a certificate is about, as requests and self-signed certificates state it. */
export const subjectType = object({
  commonName: field(text),
  country: field(text),
  locality: field(text),
  organization: field(text),
  organizationalUnit: field(text),
  postalCode: field(text),
  province: field(text),
  serialNumber: field(text),
  streetAddresses: field(list(text)),
});

type Subject = NonNullable<(typeof subjectType)["sample"]>;

/** Names of the subject's parts, by attribute, in the order Go writes them. */
const attributes: [string, keyof Subject][] = [
  ["C", "country"],
  ["O", "organization"],
  ["OU", "organizationalUnit"],
  ["L", "locality"],
  ["ST", "province"],
  ["2.5.4.9", "streetAddresses"],
  ["2.5.4.17", "postalCode"],
  ["CN", "commonName"],
  ["2.5.4.5", "serialNumber"],
];

/** The subject's distinguished name; empty parts are left out. */
export const nameOf = (subject: Subject | undefined): JsonName =>
  attributes.flatMap(([attribute, part]) => {
    const value = subject?.[part];
    const values = (Array.isArray(value) ? value : [value]).filter((one): one is string => !!one);
    return values.map((one) => ({ [attribute]: [one] }));
  });

/** Other names a certificate speaks for. */
interface Alternatives {
  dnsNames?: string[] | undefined;
  ipAddresses?: string[] | undefined;
  uris?: string[] | undefined;
}

/** The subject's other names, as an extension; none if there are none. */
export const alternativeNames = ({ dnsNames, ipAddresses, uris }: Alternatives) => {
  const of = (type: "dns" | "ip" | "url", values: string[] = []) => values.map((value) => ({ type, value }));
  const names = [...of("dns", dnsNames), ...of("ip", ipAddresses), ...of("url", uris)];
  return names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : [];
};

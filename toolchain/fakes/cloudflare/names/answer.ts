import { isIPv4 } from "node:net";
import type { DnsRecord, Zone } from "../model.ts";

/** Numbers of DNS' types, of those that are answered. */
const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28, CAA: 257 } as const;

/** Codes of an answer. */
const codes = { none: 0, malformed: 1, noSuchName: 3, notImplemented: 4, refused: 5 } as const;

/** Seconds that what is not there may be remembered: none, since it may be there a moment later. */
const negativeTtl = 0;

/** One record of an answer, before it is written. */
interface Line {
  name: string;
  type: number;
  ttl: number;
  data: Buffer;
}

/** What a server says about one question. */
interface Said {
  code: number;
  answers: Line[];
  authorities: Line[];
}

/**
 * A DNS message's answer from an account's zones, as their name servers would give it: one question, no compression. A
 * proxied name leads to `edge`, the proxy's own address. Nothing comes back for what is no question.
 */
export function answer(message: Buffer, zones: readonly Zone[], edge: string): Buffer | undefined {
  if (message.length < 12 || message.readUInt8(2) & 0x80) return undefined;
  const question = questionIn(message);
  if (!question) return written(message, 12, { code: codes.malformed, answers: [], authorities: [] });
  const opcode = (message.readUInt8(2) >> 3) & 15;
  const said =
    opcode === 0
      ? lookedUp(question, zones, edge)
      : { code: codes.notImplemented, answers: [], authorities: [] };
  return written(message, question.end, said);
}

/** The first question of a message, and where it ends. */
function questionIn(message: Buffer): { name: string; type: number; end: number } | undefined {
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at + length + 1 > message.length) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(message.toString("latin1", at, at + length));
    at += length;
  }
  if (message.readUInt16BE(4) !== 1 || at + 4 > message.length) return undefined;
  return { name: labels.join(".").toLowerCase(), type: message.readUInt16BE(at), end: at + 4 };
}

function lookedUp(
  { name, type }: { name: string; type: number },
  zones: readonly Zone[],
  edge: string,
): Said {
  const zone = zones
    .filter((each) => name === each.name || name.endsWith(`.${each.name}`))
    .sort((one, other) => other.name.length - one.name.length)[0];
  if (!zone) return { code: codes.refused, answers: [], authorities: [] };
  const start = startOf(zone.name);
  const known = zone.records.filter((record) => record.name === name);
  const lines = [...(name === zone.name ? [start] : []), ...known.flatMap((record) => linesOf(record, edge))];
  const answers = lines.filter((line) => line.type === type || line.type === types.CNAME);
  if (answers.length > 0) return { code: codes.none, answers, authorities: [] };
  // A name with others below it is there, and has nothing.
  const there = lines.length > 0 || zone.records.some((record) => record.name.endsWith(`.${name}`));
  return { code: there ? codes.none : codes.noSuchName, answers, authorities: [start] };
}

const startOf = (zone: string): Line => ({
  ...{ name: zone, type: types.SOA, ttl: negativeTtl },
  data: Buffer.concat([
    nameBytes("ada.ns.fake.invalid"),
    nameBytes("dns.fake.invalid"),
    ...[1, 10_000, 2_400, 604_800, negativeTtl].map(fourBytes),
  ]),
});

function linesOf(record: DnsRecord, edge: string): Line[] {
  const ttl = record.ttl === 1 ? 300 : record.ttl;
  const line = (type: number, data: Buffer): Line[] => [{ name: record.name, type, ttl, data }];
  if (record.proxied) return line(types.A, addressBytes(edge));
  switch (record.type) {
    case "A":
      return isIPv4(record.content) ? line(types.A, addressBytes(record.content)) : [];
    case "AAAA":
      return line(types.AAAA, longAddressBytes(record.content));
    case "CNAME":
      return line(types.CNAME, nameBytes(record.content));
    case "NS":
      return line(types.NS, nameBytes(record.content));
    case "TXT":
      return line(types.TXT, textBytes(record.content));
    default:
      return [];
  }
}

const fourBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const twoBytes = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [place, value] of values.entries()) bytes.writeUInt16BE(value, 2 * place);
  return bytes;
};

const addressBytes = (address: string): Buffer => Buffer.from(address.split(".").map(Number));

/** `2001:db8::1`; the two colons stand for as many zeros as are missing. */
function longAddressBytes(address: string): Buffer {
  const [before = [], after] = address.split("::").map((side) =>
    side
      .split(":")
      .filter(Boolean)
      .map((part) => Number.parseInt(part, 16)),
  );
  const zeros = after === undefined ? 0 : 8 - before.length - after.length;
  return twoBytes(...before, ...Array.from({ length: zeros }, () => 0), ...(after ?? []));
}

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split(".")
      .filter(Boolean)
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])),
    Buffer.from([0]),
  ]);

/** Character strings of at most 255 bytes; Cloudflare shows a text with the quotes it may have been given. */
function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text.replace(/^"(.*)"$/, "$1"));
  const pieces = Array.from({ length: Math.max(1, Math.ceil(bytes.length / 255)) }, (_, index) =>
    bytes.subarray(index * 255, (index + 1) * 255),
  );
  return Buffer.concat(pieces.flatMap((piece) => [Buffer.from([piece.length]), piece]));
}

const lineBytes = ({ name, type, ttl, data }: Line): Buffer =>
  Buffer.concat([nameBytes(name), twoBytes(type, 1), fourBytes(ttl), twoBytes(data.length), data]);

/** The question once more, and what is said about it. */
function written(message: Buffer, end: number, { code, answers, authorities }: Said): Buffer {
  const asked = code === codes.malformed ? 0 : 1;
  const recursionDesired = message.readUInt8(2) & 1;
  // An answer, of the zone's own server.
  const flags = 0x8400 | (recursionDesired << 8) | code;
  const head = twoBytes(message.readUInt16BE(0), flags, asked, answers.length, authorities.length, 0);
  const question = asked === 0 ? Buffer.alloc(0) : message.subarray(12, end);
  return Buffer.concat([head, question, ...[...answers, ...authorities].map(lineBytes)]);
}

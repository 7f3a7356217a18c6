import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { type Call, type Route, route } from "../http/route.ts";
import { type Cloud, newId } from "./cloud.ts";
import { ApiError, page, parsed, succeeded } from "./dialect.ts";
import type { DnsRecord, Zone } from "./model.ts";

const optional = {
  content: z.string().optional(),
  ttl: z.number().optional(),
  proxied: z.boolean().optional(),
  priority: z.number().min(0).max(65_535).nullish(),
  comment: z.string().max(100).nullish(),
  tags: z.array(z.string()).nullish(),
  data: z.record(z.string(), z.unknown()).nullish(),
  settings: z.record(z.string(), z.unknown()).nullish(),
  private_routing: z.boolean().nullish(),
};

const type = z.enum(["A", "AAAA", "CNAME", "TXT", "MX", "NS", "CAA", "SRV"]);
const whole = z.object({ name: z.string().min(1).max(255), type, ...optional });
const part = whole.partial();

type Given = z.infer<typeof part>;

const view = (zone: Zone, record: DnsRecord) => ({
  id: record.id,
  zone_id: zone.id,
  zone_name: zone.name,
  name: record.name,
  type: record.type,
  content: record.content,
  proxiable: isProxiable(record.type),
  proxied: record.proxied,
  ttl: record.ttl,
  settings: record.settings,
  meta: {},
  comment: record.comment,
  tags: record.tags,
  ...(record.priority === null ? {} : { priority: record.priority }),
  ...(record.data === null ? {} : { data: record.data }),
  created_on: record.createdOn,
  modified_on: record.modifiedOn,
});

const isProxiable = (of: DnsRecord["type"]): boolean => ["A", "AAAA", "CNAME"].includes(of);

/** Names are completed with the zone's, `@` is the zone itself. */
const fullName = (zone: Zone, given: string): string => {
  const name = given.toLowerCase().replace(/\.$/, "");
  if (name === "@" || name === zone.name) return zone.name;
  return name.endsWith(`.${zone.name}`) ? name : `${name}.${zone.name}`;
};

const checkContent = ({ type: of, content }: DnsRecord): void => {
  if (of === "A" && !isIPv4(content)) {
    throw new ApiError(400, 9005, "Content for A record must be a valid IPv4 address.");
  }
  if (of === "AAAA" && !isIPv6(content)) {
    throw new ApiError(400, 9006, "Content for AAAA record must be a valid IPv6 address.");
  }
  if (content === "" && !["CAA", "SRV"].includes(of)) {
    throw new ApiError(400, 9020, "DNS Validation Error: content is required.");
  }
};

const checkNeighbours = (zone: Zone, record: DnsRecord): void => {
  const others = zone.records.filter((other) => other.id !== record.id && other.name === record.name);
  if (others.some((other) => other.type === record.type && other.content === record.content)) {
    throw new ApiError(400, 81058, "An identical record already exists.");
  }
  const addresses = ["A", "AAAA", "CNAME"];
  const clashes = (other: DnsRecord) =>
    (record.type === "CNAME" && addresses.includes(other.type)) ||
    (other.type === "CNAME" && addresses.includes(record.type));
  if (others.some(clashes)) {
    throw new ApiError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
  }
};

/** The record with what was given put over it, checked as a whole. */
const changed = (cloud: Cloud, zone: Zone, before: DnsRecord, given: Given): DnsRecord => {
  const record: DnsRecord = {
    ...before,
    name: given.name === undefined ? before.name : fullName(zone, given.name),
    type: given.type ?? before.type,
    content: given.content ?? before.content,
    ttl: given.ttl ?? before.ttl,
    proxied: given.proxied ?? before.proxied,
    priority: given.priority === undefined ? before.priority : given.priority,
    comment: given.comment === undefined ? before.comment : given.comment,
    tags: given.tags ?? before.tags,
    data: given.data === undefined ? before.data : given.data,
    settings: given.settings ?? before.settings,
    modifiedOn: cloud.time(),
  };
  if (record.proxied && !isProxiable(record.type)) {
    throw new ApiError(400, 9004, "This record type cannot be proxied.");
  }
  if (record.ttl !== 1 && (record.ttl < 60 || record.ttl > 86_400)) {
    throw new ApiError(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.");
  }
  if (record.proxied) record.ttl = 1;
  checkContent(record);
  checkNeighbours(zone, record);
  return record;
};

/** A record of these, before anything is known of it. */
const blank = (cloud: Cloud): DnsRecord => ({
  ...{ id: newId(), name: "", type: "A", content: "", ttl: 1, proxied: false },
  ...{ priority: null, comment: null, tags: [], data: null, settings: {} },
  ...{ createdOn: cloud.time(), modifiedOn: cloud.time() },
});

const filters = ({ query }: Call, record: DnsRecord): boolean => {
  const of = (name: string) => query.get(name) ?? query.get(`${name}.exact`);
  const equals = (name: string, value: string) =>
    of(name) === null || of(name)?.toLowerCase() === value.toLowerCase();
  return (
    equals("name", record.name) &&
    equals("type", record.type) &&
    equals("content", record.content) &&
    (of("proxied") === null || of("proxied") === String(record.proxied))
  );
};

const collection = "/client/v4/zones/:zone/dns_records";

/** DNS records of a zone. */
export const recordRoutes = (cloud: Cloud): Route[] => {
  const of = (call: Call): { zone: Zone; record: DnsRecord } => {
    const zone = cloud.zone(call.params.zone);
    const record = zone.records.find(({ id }) => id === call.params.record);
    if (!record) throw new ApiError(404, 81044, "Record does not exist.");
    return { zone, record };
  };
  /** PUT forgets what it is not given, PATCH does not. */
  const change = (schema: typeof whole | typeof part, forgets: boolean) => (call: Call) => {
    const { zone, record } = of(call);
    const base = forgets ? { ...blank(cloud), id: record.id, createdOn: record.createdOn } : record;
    const fresh = changed(cloud, zone, base, parsed<Given>(schema, call.body));
    Object.assign(record, fresh);
    cloud.save();
    return succeeded(view(zone, record));
  };
  return [
    route("GET", collection, (call) => {
      const zone = cloud.zone(call.params.zone);
      const fitting = zone.records.filter((record) => filters(call, record));
      return page(
        fitting.map((record) => view(zone, record)),
        call,
      );
    }),
    route("POST", collection, ({ params, body }) => {
      const zone = cloud.zone(params.zone);
      const record = changed(cloud, zone, blank(cloud), parsed(whole, body));
      zone.records.push(record);
      cloud.save();
      const created = `/client/v4/zones/${zone.id}/dns_records/${record.id}`;
      return { ...succeeded(view(zone, record)), created };
    }),
    route("GET", `${collection}/:record`, (call) => {
      const { zone, record } = of(call);
      return succeeded(view(zone, record));
    }),
    route("PUT", `${collection}/:record`, change(whole, true)),
    route("PATCH", `${collection}/:record`, change(part, false)),
    route("DELETE", `${collection}/:record`, (call) => {
      const { zone, record } = of(call);
      zone.records = zone.records.filter((each) => each !== record);
      cloud.save();
      return succeeded({ id: record.id });
    }),
  ];
};

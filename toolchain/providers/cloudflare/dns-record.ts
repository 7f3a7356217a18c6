import type { Properties, Value } from "../plugin/properties.ts";
import { replaces, resource, updates } from "../plugin/resource.ts";
import { anything, type Filled, field, flag, number, object, set, text } from "../plugin/types.ts";
import type { Cloudflare } from "./api.ts";

const inputs = {
  zoneId: replaces(text, { required: true }),
  type: replaces(text, { required: true }),
  name: updates(text, { required: true }),
  ttl: updates(number, { required: true }),
  content: updates(text, { computed: true }),
  proxied: updates(flag),
  priority: updates(number),
  comment: updates(text),
  data: updates(anything),
  privateRouting: updates(flag),
  settings: updates(object({ flattenCname: field(flag), ipv4Only: field(flag), ipv6Only: field(flag) }), {
    computed: true,
  }),
  tags: updates(set(text), { computed: true }),
};

type RecordInputs = Filled<typeof inputs>;

interface RecordView {
  id: string;
  name: string;
  type: string;
  content: string;
  ttl: number;
  proxied: boolean;
  proxiable: boolean;
  priority?: number;
  comment: string | null;
  tags: string[];
  data?: Value;
  settings: { flatten_cname?: boolean; ipv4_only?: boolean; ipv6_only?: boolean };
  meta: Properties;
  created_on: string;
  modified_on: string;
  comment_modified_on?: string;
  tags_modified_on?: string;
}

const body = (given: RecordInputs) => ({
  name: given.name,
  type: given.type,
  ttl: given.ttl,
  proxied: given.proxied ?? false,
  ...(given.content === undefined ? {} : { content: given.content }),
  ...(given.priority === undefined ? {} : { priority: given.priority }),
  ...(given.comment === undefined ? {} : { comment: given.comment }),
  ...(given.tags === undefined ? {} : { tags: given.tags }),
  ...(given.data === undefined ? {} : { data: given.data }),
  ...(given.privateRouting === undefined ? {} : { private_routing: given.privateRouting }),
  ...(given.settings === undefined
    ? {}
    : {
        settings: {
          flatten_cname: given.settings.flattenCname,
          ipv4_only: given.settings.ipv4Only,
          ipv6_only: given.settings.ipv6Only,
        },
      }),
});

const stateOf = (record: RecordView, zoneId: Value | undefined): Properties => ({
  zoneId: zoneId ?? null,
  name: record.name,
  type: record.type,
  content: record.content,
  ttl: record.ttl,
  proxied: record.proxied,
  proxiable: record.proxiable,
  ...(record.priority === undefined ? {} : { priority: record.priority }),
  ...(record.comment ? { comment: record.comment } : {}),
  ...(record.data === undefined ? {} : { data: record.data }),
  tags: record.tags.toSorted(),
  settings: {
    flattenCname: record.settings.flatten_cname ?? null,
    ipv4Only: record.settings.ipv4_only ?? null,
    ipv6Only: record.settings.ipv6_only ?? null,
  },
  meta: JSON.stringify(record.meta),
  createdOn: record.created_on,
  modifiedOn: record.modified_on,
  ...(record.comment_modified_on ? { commentModifiedOn: record.comment_modified_on } : {}),
  ...(record.tags_modified_on ? { tagsModifiedOn: record.tags_modified_on } : {}),
});

const records = (zoneId: Value | undefined) => `zones/${String(zoneId)}/dns_records`;

/** A DNS record. Its name is the whole one; zone and type are for life. */
export const dnsRecord = resource<Cloudflare>()({
  inputs,
  outputs: ["commentModifiedOn", "createdOn", "meta", "modifiedOn", "proxiable", "tagsModifiedOn"],
  updated: ["modifiedOn"],
  create: async (given, { client, signal }) => {
    const made = await client.ask<RecordView>("POST", records(given.zoneId), signal, body(given));
    return { id: made.id, state: stateOf(made, given.zoneId) };
  },
  read: async (id, state, { client, signal }) => {
    const found = await client.look<RecordView>(`${records(state.zoneId)}/${id}`, signal);
    return found && { id, state: stateOf(found, state.zoneId) };
  },
  update: async (id, given, _state, { client, signal }) => {
    const path = `${records(given.zoneId)}/${id}`;
    return stateOf(await client.ask<RecordView>("PUT", path, signal, body(given)), given.zoneId);
  },
  delete: (id, state, { client, signal }) => client.remove(`${records(state.zoneId)}/${id}`, signal),
});

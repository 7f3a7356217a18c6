import type { Properties } from "../plugin/properties.ts";
import { replaces, resource, updates } from "../plugin/resource.ts";
import { text } from "../plugin/types.ts";
import { RestError } from "../rest/rest-client.ts";
import { type DigitalOcean, failing } from "./account.ts";

interface VpcView {
  id: string;
  urn: string;
  name: string;
  description: string;
  region: string;
  ip_range: string;
  default: boolean;
  created_at: string;
}

const stateOf = (vpc: VpcView): Properties => ({
  name: vpc.name,
  description: vpc.description,
  region: vpc.region,
  ipRange: vpc.ip_range,
  vpcUrn: vpc.urn,
  default: vpc.default,
  createdAt: vpc.created_at,
});

const path = (id: string) => `/v2/vpcs/${id}`;

/** A VPC that still has members says so by one of these, and is asked again while they leave. */
const inUse = new Set([403, 409]);

/** A private network; region and range are for life. */
export const vpc = resource<DigitalOcean>()({
  inputs: {
    name: updates(text),
    description: updates(text),
    region: replaces(text, { required: true }),
    ipRange: replaces(text, { computed: true }),
  },
  outputs: ["createdAt", "default", "vpcUrn"],
  autonamed: true,
  create: async ({ name, description, region, ipRange }, { client, signal }) => {
    const body = {
      name,
      region,
      ...(description ? { description } : {}),
      ...(ipRange ? { ip_range: ipRange } : {}),
    };
    const { vpc: made } = await client
      .send<{ vpc: VpcView }>("POST", "/v2/vpcs", signal, body)
      .catch(failing("Error creating VPC"));
    return { id: made.id, state: stateOf(made) };
  },
  read: async (id, _state, { client, signal }) => {
    const found = await client.find<{ vpc: VpcView }>(path(id), signal);
    return found && { id, state: stateOf(found.vpc) };
  },
  update: async (id, { name, description }, state, { client, signal }) => {
    const body = { name, description: description ?? "", default: state.default };
    const { vpc: changed } = await client.send<{ vpc: VpcView }>("PUT", path(id), signal, body);
    return stateOf(changed);
  },
  delete: async (id, _state, { client, signal }) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(120_000)]);
    await client.until(limit, () =>
      client.remove(path(id), limit).then(
        () => true,
        (error: Error) => {
          if (error instanceof RestError && inUse.has(error.status)) return undefined;
          throw error;
        },
      ),
    );
  },
});

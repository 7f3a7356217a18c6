import { setTimeout as sleep } from "node:timers/promises";
import type { Properties } from "../plugin/properties.ts";
import { type Context, replaces, resource } from "../plugin/resource.ts";
import { type Filled, field, flag, map, object, set, text } from "../plugin/types.ts";
import { type Engine, EngineError, labelList, labelMap } from "./engine.ts";

const computed = { computed: true } as const;
const required = { required: true } as const;

const inputs = {
  name: replaces(text, required),
  driver: replaces(text, computed),
  options: replaces(map(text), computed),
  labels: replaces(set(object({ label: field(text, required), value: field(text, required) }))),
  internal: replaces(flag, computed),
  attachable: replaces(flag),
  ingress: replaces(flag),
  ipv6: replaces(flag),
  ipamDriver: replaces(text, { default: "default" }),
  ipamOptions: replaces(map(text)),
  ipamConfigs: replaces(
    set(
      object({
        subnet: field(text),
        ipRange: field(text),
        gateway: field(text),
        auxAddress: field(map(text)),
      }),
    ),
    computed,
  ),
};

type NetworkInputs = Filled<typeof inputs>;

/** What the engine says about a network. */
interface NetworkInspect {
  Id: string;
  Name: string;
  Scope: string;
  Driver: string;
  EnableIPv6: boolean;
  IPAM: {
    Driver: string;
    Options: Record<string, string> | null;
    Config: IpamConfig[] | null;
  };
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  Options: Record<string, string> | null;
  Labels: Record<string, string> | null;
}

/** One range of addresses. */
interface IpamConfig {
  Subnet?: string | undefined;
  IPRange?: string | undefined;
  Gateway?: string | undefined;
  AuxiliaryAddresses?: Record<string, string> | undefined;
}

/** The body of POST /networks/create. */
const networkSpec = (given: NetworkInputs) => ({
  Name: given.name,
  CheckDuplicate: true,
  Driver: given.driver,
  Options: given.options,
  Labels: labelMap(given.labels),
  Internal: given.internal,
  Attachable: given.attachable,
  Ingress: given.ingress,
  EnableIPv6: given.ipv6,
  IPAM: {
    Driver: given.ipamDriver,
    Options: given.ipamOptions,
    Config: (given.ipamConfigs ?? []).map(
      ({ subnet, ipRange, gateway, auxAddress }): IpamConfig => ({
        Subnet: subnet,
        IPRange: ipRange,
        Gateway: gateway,
        AuxiliaryAddresses: auxAddress,
      }),
    ),
  },
});

const ipamState = ({ Subnet, IPRange, Gateway, AuxiliaryAddresses }: IpamConfig): Properties => ({
  subnet: Subnet ?? "",
  ipRange: IPRange ?? "",
  gateway: Gateway ?? "",
  auxAddress: AuxiliaryAddresses ?? {},
});

/** Everything is read back: a network that was made anew outside shows as drift. */
const networkState = (network: NetworkInspect): Properties => ({
  name: network.Name,
  driver: network.Driver,
  options: network.Options ?? {},
  labels: labelList(network.Labels),
  internal: network.Internal,
  attachable: network.Attachable,
  ingress: network.Ingress,
  ipv6: network.EnableIPv6,
  ipamDriver: network.IPAM.Driver,
  ipamOptions: network.IPAM.Options ?? {},
  ipamConfigs: (network.IPAM.Config ?? []).map(ipamState),
  scope: network.Scope,
});

/** How long a network may keep containers that are on their way out, as long as the real plugin waits. */
const removalLimit = 30_000;

/** Removes a network; one that is still in use is tried again until its last container has gone. */
const remove = async (id: string, { client, signal }: Context<Engine>): Promise<void> => {
  const limit = AbortSignal.timeout(removalLimit);
  for (;;) {
    try {
      await client.send("DELETE", `/networks/${id}`, signal);
      return;
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return;
      if (limit.aborted || !(error as Error).message.includes("has active endpoints")) throw error;
    }
    await sleep(500);
  }
};

/** A network; anything about it that changes makes a new one. */
export const network = resource<Engine>()({
  inputs,
  outputs: ["scope"],
  autonamed: true,
  create: async (given, { client, signal }) => {
    const answer = await client.post("/networks/create", signal, networkSpec(given)).catch((error: Error) => {
      throw new Error(`Unable to create network: ${error.message}`, { cause: error });
    });
    const { Id: id } = JSON.parse(answer) as { Id: string };
    return { id, state: networkState(await client.get<NetworkInspect>(`/networks/${id}`, signal)) };
  },
  read: async (id, _state, { client, signal }) => {
    const found = await client.find<NetworkInspect>(`/networks/${id}`, signal);
    return found && { id: found.Id, state: networkState(found) };
  },
  delete: (id, _state, context) => remove(id, context),
});

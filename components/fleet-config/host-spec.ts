import { resolve } from "node:path";
import { memoryOf } from "./droplet-size.ts";
import type { HostEntry } from "./host-entry.ts";
import type { HostSpec } from "./model.ts";

/** Data root of hosts of kinds other than local. */
export const remoteRoot = "/srv/fleet";

/** Swap of hosts of kinds other than local, unless the entry says otherwise. */
const usualSwap = 2e9;

/** Where nginx listens unless the entry says otherwise. */
export const listenOf = (kind: HostEntry["kind"]): HostSpec["http"] =>
  kind === "local" ? { address: "127.0.0.1", port: 8080 } : { address: "0.0.0.0", port: 80 };

/** The model of a host whose entry is right, by the rules as well. */
export function hostSpecOf(
  stack: string,
  id: string,
  entry: HostEntry,
  where: { repository: string; dataHome: string },
): HostSpec {
  const { agentPort, writerPort, syncBandwidth } = entry;
  const memory = entry.memory ?? memoryOf(entry.size);
  const any = {
    id,
    http: entry.http ?? listenOf(entry.kind),
    agentPort,
    writerPort,
    ...(memory === undefined ? {} : { memory }),
    ...(syncBandwidth === undefined ? {} : { syncBandwidth }),
  };
  const https = { address: "0.0.0.0", port: 443 };
  const remote = { ...any, https, root: remoteRoot, swap: entry.swap ?? usualSwap };
  switch (entry.kind) {
    case "local":
      return {
        ...any,
        ...(entry.https ? { https: entry.https } : {}),
        kind: "local",
        root: entry.root ? resolve(where.repository, entry.root) : resolve(where.dataHome, stack),
      };
    case "ssh": {
      const { address = "", hostKey = "", user = "root", privateAddress = address } = entry;
      return { ...remote, kind: "ssh", address, hostKey, user, privateAddress };
    }
    case "digitalocean": {
      const {
        region = "",
        size = "",
        image = "debian-12-x64",
        volume,
        reservedIp = true,
        generation = 1,
      } = entry;
      return {
        ...{ ...remote, kind: "digitalocean", region, size, image, reservedIp, generation },
        ...(volume === undefined ? {} : { volume }),
      };
    }
  }
}

import { isIPv4 } from "node:net";
import { z } from "zod";
import { documentation } from "./documentation.ts";
import { port, portRemedy } from "./network-address.ts";
import { rate, rateRemedy, size, sizeRemedy } from "./size.ts";

const http = z.strictObject({
  address: z.string().refine(isIPv4).prefault("127.0.0.1").register(documentation, {
    description: "Address nginx listens on. Plain HTTP, so keep it on loopback.",
    type: "IPv4 address",
    remedy: "write an IPv4 address of this machine, such as 127.0.0.1",
  }),
  port: port()
    .prefault(8080)
    .register(documentation, { description: "Port nginx listens on.", remedy: portRemedy }),
});

/** One entry of `hosts`. */
export const hostEntry = z
  .strictObject({
    kind: z.literal("local").register(documentation, {
      description: "`local` is the machine the program runs on; a stack has at most one such host.",
      example: "local",
      remedy: "write local: hosts of other kinds are not supported yet",
    }),
    root: z.string().regex(/^[^~]/).optional().register(documentation, {
      description:
        "Folder of everything the host must not lose: tenants' data, keys, the replicas' database. Relative paths start at the repository.",
      type: "path",
      default: "`<data home>/<stack>`, that is ~/.local/share/open-webui-infrastructure/local",
      example: "/srv/fleet",
      remedy: "write the path of a folder; a leading ~ is not understood",
    }),
    http: http.prefault({}).register(documentation, {
      description: "Where users reach the host's tenants.",
      remedy: "write address and port",
    }),
    agentPort: port().prefault(8050).register(documentation, {
      description: "Port of the agent, which lets the sync nodes read the tenants' databases.",
      remedy: portRemedy,
    }),
    memory: size().optional().register(documentation, {
      description:
        "Memory of the machine. If given, tenants whose reservations add up to more than 70 % of it are refused at preview; stopped tenants count too.",
      type: "size",
      default: "not checked",
      example: "8GB",
      remedy: sizeRemedy,
    }),
    syncBandwidth: rate().optional().register(documentation, {
      description:
        "The most that the host's agent sends to the sync nodes, for all tenants together, compressed as it is.",
      type: "size per second",
      default: "not limited",
      example: "10MB/s",
      remedy: rateRemedy,
    }),
  })
  .register(documentation, {
    description: "A machine that runs tenants.",
    remedy: "give it a kind: { kind: local }",
  });

import { BlockList, isIPv4 } from "node:net";
import { z } from "zod";
import { documentation } from "./documentation.ts";
import type { EndpointSpec } from "./model.ts";
import { refuse } from "./problem.ts";

const hostName =
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The ranges a tenant cannot reach unless one of its private endpoints says so. */
const privateRanges = new BlockList();
privateRanges.addSubnet("10.0.0.0", 8);
privateRanges.addSubnet("172.16.0.0", 12);
privateRanges.addSubnet("192.168.0.0", 16);
privateRanges.addSubnet("100.64.0.0", 10);

/** Whether an IPv4 address lies in a range that is closed to tenants by default. */
export const isPrivate = (address: string): boolean => isIPv4(address) && privateRanges.check(address);

/** A host name as users type it; lower case once parsed. */
export const domain = () => z.string().toLowerCase().regex(hostName);

/** A TCP port. */
export const port = (first = 1, last = 65_535) => z.int().min(first).max(last);

/** What to do about a port that is refused. */
export const portRemedy = "write a port from 1 to 65535 that nothing else on the host listens on";

/** An IPv4 address with a port, in a range that is closed by default. */
export const privateEndpoint = () =>
  z
    .string()
    .transform((text, context): EndpointSpec => {
      const [, address = "", digits = ""] = /^([\d.]+):(\d{1,5})$/.exec(text) ?? [];
      const endpoint = { address, port: Number(digits) };
      if (!isIPv4(address) || endpoint.port < 1 || endpoint.port > 65_535) {
        context.addIssue({ code: "custom", input: text });
        return z.NEVER;
      }
      if (isPrivate(address)) return endpoint;
      refuse(context, {
        found: `"${text}", which is in no private range`,
        remedy:
          "remove it: public addresses are reachable anyway, loopback and link-local ones (the cloud's metadata) never are; an exception lies in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10",
      });
      return z.NEVER;
    })
    .register(documentation, {
      description: "A model server of your own.",
      type: "address:port",
      remedy: 'write an IPv4 address and a port, such as "10.1.2.3:8000"',
    });

/** A tenant's network: one of the 524,288 aligned /28 of 10.128.0.0/9. */
export const subnet = () => z.string().refine(isTenantSubnet);

function isTenantSubnet(text: string): boolean {
  const [address = "", length] = text.split("/");
  if (!isIPv4(address) || length !== "28") return false;
  const [first, second = 0, , fourth = 0] = address.split(".").map(Number);
  return first === 10 && second >= 128 && fourth % 16 === 0;
}

/** The /28 an address lies in. */
export const subnetAround = (address: string): string => {
  const [first, second, third, fourth = 0] = address.split(".").map(Number);
  return `${first}.${second}.${third}.${fourth & ~15}/28`;
};

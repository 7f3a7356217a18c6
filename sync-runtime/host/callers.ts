import { BlockList, isIP, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import * as z from "zod";

/** A subnet, `10.0.0.0/24` or `2001:db8::/64`; a single address is `/32` or `/128`. */
const Subnet = z.string().refine(isSubnet, "is no subnet such as 10.0.0.0/24 or 2001:db8::/64");

const NEIGHBOURS = z.literal("neighbours");

/**
 * From where a server takes connections: subnets, and "neighbours", whoever is on a network that this machine (or
 * container) is on itself. That is what a container's engine chose, so nobody has to know it before.
 */
export const Callers = z.union([NEIGHBOURS, z.array(z.union([NEIGHBOURS, Subnet]))]);
export type Callers = z.infer<typeof Callers>;

/** An address that was not let in is named in the log once in this time, so that nobody fills it. */
const QUIET_MS = 60_000;
/** Addresses remembered for that; a flood from more is told as fast as it makes this forget. */
const REMEMBERED = 1_000;

/**
 * A server's list of who may connect at all, whatever certificate they have. Given to a server of Node's as its
 * `blockList`, which closes the connection before a byte of it is read.
 */
export class CallerList extends BlockList {
  readonly #allowed = new BlockList();
  readonly #refused: (address: string, isNews: boolean) => void;
  readonly #now: () => number;
  /** When an address was last named in the log. */
  readonly #named = new Map<string, number>();

  /**
   * @param refused is told of each connection that is closed; `isNews` when the address was not named lately
   * @param now milliseconds on a clock that never steps
   */
  constructor(
    callers: Callers,
    refused: (address: string, isNews: boolean) => void = () => {},
    now: () => number = () => performance.now(),
  ) {
    super();
    this.#refused = refused;
    this.#now = now;
    const listed = callers === "neighbours" ? [callers] : callers;
    for (const subnet of listed.flatMap((one) => (one === "neighbours" ? neighbouringSubnets() : [one]))) {
      const [address, length] = parts(subnet);
      this.#allowed.addSubnet(address, length, familyOf(address));
    }
  }

  /** Whether an address may connect; an IPv4 one may be written as IPv6 writes it, `::ffff:10.0.0.1`. */
  allows(address: string): boolean {
    return isIP(address) !== 0 && this.#allowed.check(address, familyOf(address));
  }

  /** Asked by the server for each connection: true closes it. */
  override check(address: unknown): boolean {
    const from = String(address);
    if (this.allows(from)) return false;
    this.#refused(from, this.#isNews(from));
    return true;
  }

  #isNews(address: string): boolean {
    const now = this.#now();
    const named = this.#named.get(address);
    if (named !== undefined && now - named < QUIET_MS) return false;
    this.#named.delete(address);
    this.#named.set(address, now);
    if (this.#named.size > REMEMBERED) this.#named.delete(this.#named.keys().next().value as string);
    return true;
  }
}

/** Subnets of this machine's network interfaces, its loopback among them. */
const neighbouringSubnets = (): string[] =>
  Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.flatMap(({ cidr }) => cidr ?? []) ?? [],
  );

const familyOf = (address: string): "ipv4" | "ipv6" => (isIPv6(address) ? "ipv6" : "ipv4");

const parts = (subnet: string): [address: string, length: number] => {
  const [address = "", length = ""] = subnet.split("/");
  return [address, /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN];
};

function isSubnet(text: string): boolean {
  const [address, length] = parts(text);
  if (isIP(address) === 0 || text.split("/").length !== 2) return false;
  return length >= 0 && length <= (isIPv6(address) ? 128 : 32);
}

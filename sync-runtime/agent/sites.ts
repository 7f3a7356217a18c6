import type { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import * as z from "zod";
import { certificatesIn } from "../certificate-end.ts";
import type { Log } from "../host/log.ts";
import type { Metrics } from "./metrics.ts";

/** Where the stack writes what sites the host serves over TLS, in the agent's container; there is none where it serves none. */
export const SITES_PATH = "/etc/fleet/sites.json";

/** From one look to the next. */
const ROUND_MS = 60_000;

/** How long a handshake may take. */
const PATIENCE_MS = 5_000;

/** A site that the host's nginx serves over TLS. */
const Site = z.strictObject({
  tenant: z.string().min(1),
  domain: z.string().min(1),
  /** Who is to certify it. */
  certifier: z.enum(["self-signed", "acme", "origin-ca"]),
});
type Site = z.infer<typeof Site>;

/** Where nginx is looked at: the host, as its containers reach it. */
export interface Front {
  address: string;
  port: number;
}

/** What is told of sites. */
type SiteMetrics = Pick<Metrics, "siteEnds" | "siteShows" | "siteCertified">;

/** What the watch goes by. */
export interface SiteWatchSettings {
  /** {@link SITES_PATH}; read with every look. */
  file: string;
  /** PEM of the stack's own authorities. */
  ca: string;
  front: () => Promise<Front>;
  roundMs?: number;
}

/**
 * Looks, as a visitor's browser would, at the certificates that the host's nginx shows: renewals are made on the host
 * without anybody, and a failing one is to be noticed before it counts.
 */
export class SiteWatch {
  readonly #settings: SiteWatchSettings;
  readonly #metrics: SiteMetrics;
  readonly #log: Pick<Log, "warn">;
  #failing = false;

  constructor(settings: SiteWatchSettings, metrics: SiteMetrics, log: Pick<Log, "warn">) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Looks again and again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { roundMs = ROUND_MS } = this.#settings;
    while (!signal.aborted) {
      try {
        await this.look();
        this.#failing = false;
      } catch (error) {
        if (!this.#failing)
          this.#log.warn({ error: (error as Error).message }, "sites could not be looked at");
        this.#failing = true;
      }
      await sleep(roundMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Looks at every site once. */
  async look(): Promise<void> {
    const sites = await this.#sites();
    const { ca, front } = this.#settings;
    const own = sites.length === 0 ? [] : certificatesIn(await readFile(ca, "utf8"));
    const at = sites.length === 0 ? undefined : await front();
    const seen: [Site, X509Certificate | undefined][] = [];
    // One after the other: fifty handshakes at once would be felt.
    for (const site of sites) seen.push([site, at && (await shownBy(at, site.domain))]);

    const { siteEnds, siteShows, siteCertified } = this.#metrics;
    for (const gauge of [siteEnds, siteShows, siteCertified]) gauge.reset();
    for (const [{ tenant: client, certifier }, certificate] of seen) {
      siteShows.set({ client }, Number(certificate !== undefined));
      if (!certificate) continue;
      siteEnds.set({ client }, certificate.validToDate.getTime() / 1000);
      const byOwn = own.some(
        (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
      );
      siteCertified.set({ client }, Number(byOwn === (certifier === "self-signed")));
    }
  }

  async #sites(): Promise<Site[]> {
    try {
      return z.array(Site).parse(JSON.parse(await readFile(this.#settings.file, "utf8")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}

/** The certificate that is shown for a name; undefined where none is. Whoever is to believe it is not asked here. */
const shownBy = ({ address, port }: Front, servername: string): Promise<X509Certificate | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, servername, rejectUnauthorized: false });
    const end = (certificate?: X509Certificate) => {
      socket.destroy();
      resolve(certificate);
    };
    socket.setTimeout(PATIENCE_MS, () => end());
    socket.once("error", () => end());
    socket.once("secureConnect", () => end(socket.getPeerX509Certificate()));
  });

/** The host, by way of which the container reaches everything else: the gateway of its route to the world. */
export async function hostFront(routes = "/proc/net/route"): Promise<Front> {
  const lines = (await readFile(routes, "utf8")).split("\n").map((line) => line.split("\t"));
  const gateway = lines.find(([, destination]) => destination === "00000000")?.[2];
  if (!gateway || !/^[0-9A-F]{8}$/.test(gateway)) throw new Error("the container has no route to its host");
  // The kernel writes an address as a number of this machine's.
  const bytes = Buffer.from(gateway, "hex").reverse();
  return { address: [...bytes].join("."), port: 443 };
}

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import type { Logger } from "pino";
import { type CertificateEnd, certificatesIn, endOf } from "./certificate-end.ts";

/** How often the files are looked at. The stack waits five times as long between its steps (components/host/layout.sh). */
const LOOK_MS = 1_000;

/** Who has not shown a certificate for this long is no longer there. */
const FORGET_MS = 7 * 86_400_000;

/** Where the PEM files of one party lie. */
export interface CertificatePaths {
  certificate: string;
  key: string;
  /** Every authority that the party believes, one after the other. */
  ca: string;
}

/** What a handshake needs, as it lies in the files: this party's certificate and key, and whom it believes. */
export interface Credentials {
  cert: Buffer;
  key: Buffer;
  ca: Buffer;
}

/**
 * The certificates of one party, agent or node, as their files are now. Those who use them are told of every change, so
 * that a renewal restarts nothing. What does not fit together (the stack replaces one file after the other) is not
 * taken: the old ones stay in use until it does.
 */
export class Certificates {
  readonly #paths: CertificatePaths;
  readonly #log: Pick<Logger, "info" | "error">;
  readonly #lookMs: number;
  readonly #users: ((credentials: Credentials) => void)[] = [];
  /** What others showed, by its name, and when they last did. */
  readonly #shown = new Map<string, CertificateEnd & { at: number }>();
  #current: Credentials;

  /** Reads the files; throws when they are not there or do not fit together. */
  constructor(paths: CertificatePaths, log: Pick<Logger, "info" | "error">, lookMs = LOOK_MS) {
    this.#paths = paths;
    this.#log = log;
    this.#lookMs = lookMs;
    this.#current = readCredentials(paths);
    refuseUnfit(this.#current);
  }

  get current(): Credentials {
    return this.#current;
  }

  /** Has whoever holds credentials told of new ones. */
  onChange(use: (credentials: Credentials) => void): void {
    this.#users.push(use);
  }

  /** Notes what another party showed. */
  see(certificate: X509Certificate): void {
    const end = endOf(certificate);
    this.#shown.set(end.name, { ...end, at: performance.now() });
  }

  /** Ends of what others showed in the last week. */
  get shown(): CertificateEnd[] {
    const since = performance.now() - FORGET_MS;
    return [...this.#shown.values()]
      .filter(({ at }) => at > since)
      .map(({ name, expires }) => ({ name, expires }));
  }

  /** Ends of every certificate that this party shows, believes or was shown. */
  get ends(): CertificateEnd[] {
    const { cert, ca } = this.#current;
    return [...certificatesIn(`${cert}\n${ca}`).map(endOf), ...this.shown];
  }

  /** Looks at the files until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let failing = false;
    while (await elapsed(this.#lookMs, signal)) {
      try {
        this.#take(readCredentials(this.#paths));
        failing = false;
      } catch (err) {
        // Once per mistake, not once per second of it.
        if (!failing) this.#log.error({ err }, "certificates could not be renewed; the old ones stay in use");
        failing = true;
      }
    }
  }

  #take(found: Credentials): void {
    if (sameCredentials(this.#current, found)) return;
    refuseUnfit(found);
    this.#current = found;
    for (const use of this.#users) use(found);
    this.#log.info("certificates were renewed");
  }
}

const readCredentials = ({ certificate, key, ca }: CertificatePaths): Credentials => ({
  cert: readFileSync(certificate),
  key: readFileSync(key),
  ca: readFileSync(ca),
});

/** Throws when one of them cannot be read as what it is, or the key is not the certificate's. */
function refuseUnfit(credentials: Credentials): void {
  // A context takes a file of authorities that holds none, and then believes nobody.
  new X509Certificate(credentials.ca);
  createSecureContext(credentials);
}

const sameCredentials = (one: Credentials, other: Credentials): boolean =>
  one.cert.equals(other.cert) && one.key.equals(other.key) && one.ca.equals(other.ca);

/** Waits; false when `signal` ended the wait. */
const elapsed = (milliseconds: number, signal: AbortSignal): Promise<boolean> =>
  sleep(milliseconds, true, { signal }).catch(() => false);

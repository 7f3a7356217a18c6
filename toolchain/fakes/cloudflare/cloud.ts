import { randomBytes } from "node:crypto";
import { StateFile } from "../http/state-file.ts";
import { ApiError } from "./dialect.ts";
import { type Account, emptyAccount, type Zone } from "./model.ts";

export interface CloudSettings {
  /** Where the state is kept; absent: in memory alone. */
  stateFile?: string | undefined;
  /** Zones that the account has from the beginning. */
  zones?: readonly string[];
  /** What `/ips` answers: where the edge's requests come from. Default: a part of the range for tests. */
  edge?: { ipv4: string[]; ipv6: string[] };
  now?: () => Date;
}

/** 32 hex digits, as Cloudflare's ids are. */
export const newId = (): string => randomBytes(16).toString("hex");

/** One account and its zones. */
export class Cloud {
  readonly edge: { ipv4: string[]; ipv6: string[] };
  readonly #file: StateFile<Account>;
  readonly #now: () => Date;

  constructor({ stateFile, zones = [], edge, now }: CloudSettings) {
    this.#file = new StateFile(stateFile, emptyAccount());
    this.#now = now ?? (() => new Date());
    this.edge = edge ?? { ipv4: ["198.18.127.0/24"], ipv6: ["2001:db8:127::/48"] };
    for (const name of zones) {
      if (!this.account.zones.some((zone) => zone.name === name)) this.account.zones.push(this.#zone(name));
    }
    this.save();
  }

  #zone(name: string): Zone {
    return {
      id: newId(),
      name,
      createdOn: this.time(),
      records: [],
      settings: {},
      pullsEnabled: false,
      hostnameCertificates: [],
      hostnamePulls: [],
    };
  }

  get account(): Account {
    return this.#file.state;
  }

  get now(): Date {
    return this.#now();
  }

  time(): string {
    return this.#now().toISOString();
  }

  save(): void {
    this.#file.save();
  }

  zone(id: string | undefined): Zone {
    const zone = this.account.zones.find((each) => each.id === id);
    if (!zone) {
      const route = `/client/v4/zones/${id}`;
      throw new ApiError(
        404,
        7003,
        `Could not route to ${route}, perhaps your object identifier is invalid?`,
      );
    }
    return zone;
  }
}

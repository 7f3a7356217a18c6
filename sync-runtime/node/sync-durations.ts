import { headText, inPieces, type Told } from "./metric-text.ts";

/** Upper bounds of the buckets, seconds; the last bucket has none. */
const BOUNDS = [1, 5, 10, 30, 60, 120, 300, 600];
const BUCKETS = BOUNDS.length + 1;
const SOME_TENANTS = 16;

/**
 * The histogram of how long syncs took, by tenant. The registry would keep a dozen objects for each tenant, and make eleven
 * more and their lines for each at every scrape: of a thousand tenants the half of all its lines. Here a tenant is 44 bytes.
 */
export class SyncDurations {
  static readonly told: Told = {
    name: "sync_duration_seconds",
    help: "How long a sync took from claim to commit or failure",
    type: "histogram",
    labelNames: ["client"],
  };
  /** Where a tenant's numbers stand. */
  readonly #places = new Map<string, number>();
  /** Of each tenant the syncs of each bucket, without those of the buckets below it. */
  #counts = new Uint32Array(SOME_TENANTS * BUCKETS);
  /** Seconds of each tenant's syncs together. */
  #sums = new Float64Array(SOME_TENANTS);

  /** Counts a tenant's sync that took so many seconds. */
  observe(client: string, seconds: number): void {
    const place = this.#placeOf(client);
    const bound = BOUNDS.findIndex((bound) => seconds <= bound);
    const count = place * BUCKETS + (bound < 0 ? BOUNDS.length : bound);
    this.#counts[count] = (this.#counts[count] ?? 0) + 1;
    this.#sums[place] = (this.#sums[place] ?? 0) + seconds;
  }

  /** The histogram in Prometheus' text format, a piece at a time. */
  text(): Generator<string> {
    return inPieces(this.#lines());
  }

  *#lines(): Generator<string> {
    const { name } = SyncDurations.told;
    const bounds = [...BOUNDS.map(String), "+Inf"].map((bound) => `${name}_bucket{le="${bound}",client="`);
    yield headText(SyncDurations.told);
    for (const [client, place] of this.#places) {
      let syncs = 0;
      for (const [bucket, begin] of bounds.entries()) {
        syncs += this.#counts[place * BUCKETS + bucket] ?? 0;
        yield `${begin}${client}"} ${syncs}\n`;
      }
      yield `${name}_sum{client="${client}"} ${this.#sums[place]}\n`;
      yield `${name}_count{client="${client}"} ${syncs}\n`;
    }
  }

  #placeOf(client: string): number {
    const known = this.#places.get(client);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(client, place);
    if (place === this.#sums.length) this.#grow(2 * place);
    return place;
  }

  #grow(tenants: number): void {
    const { length } = this.#sums;
    const counts = new Uint32Array(tenants * BUCKETS);
    const sums = new Float64Array(tenants);
    counts.set(this.#counts.subarray(0, length * BUCKETS));
    sums.set(this.#sums);
    this.#counts = counts;
    this.#sums = sums;
  }
}

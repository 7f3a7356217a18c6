import { freemem, loadavg, totalmem } from "node:os";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { certificateGauge } from "../certificate-end.ts";
import { anonymousBytes } from "../host/process-usage.ts";
import { BackupMetrics } from "./backup-metrics.ts";
import type { ReaderUsage } from "./reader-process.ts";
import { freeBytes, totalBytes } from "./spool.ts";

/** How a request for changes ended. */
export type ChangesResult = "unchanged" | "sent" | "failed" | "busy";

/** What the agent counts, in the Prometheus names that are its interface. */
export class Metrics {
  readonly registry = new Registry();
  readonly changes = new Counter({
    name: "agent_changes_total",
    help: "Requests for a tenant's changes, by how they ended.",
    labelNames: ["client", "result"],
    registers: [this.registry],
  });
  readonly errors = new Counter({
    name: "agent_tenant_errors_total",
    help: "Tenants that could not be read, by reason.",
    labelNames: ["client", "code"],
    registers: [this.registry],
  });
  readonly seconds = new Histogram({
    name: "agent_changes_seconds",
    help: "Time until an answer was known to the end.",
    labelNames: ["client", "result"],
    buckets: [0.005, 0.05, 0.5, 1, 5, 10, 30, 60, 120],
    registers: [this.registry],
  });
  readonly snapshotRows = new Gauge({
    name: "agent_snapshot_rows",
    help: "Rows of the last snapshot.",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly snapshotBytes = new Gauge({
    name: "agent_snapshot_bytes",
    help: "Compressed bytes of the last snapshot.",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly databaseBytes = new Gauge({
    name: "agent_database_bytes",
    help: "Size of a tenant's database with its -wal.",
    labelNames: ["client"],
    registers: [this.registry],
  });

  readonly siteEnds = new Gauge({
    name: "site_certificate_expires_timestamp_seconds",
    help: "When the certificate ends that the host's nginx shows for a tenant's site; missing where it shows none",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly siteShows = new Gauge({
    name: "site_shows_certificate",
    help: "1 while the host's nginx shows a certificate for a tenant's site; missing where it serves it by plain HTTP",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly siteCertified = new Gauge({
    name: "site_certified",
    help: "0 while a tenant's site shows another certificate than of who is to certify it: the fleet's own, until an authority has certified",
    labelNames: ["client"],
    registers: [this.registry],
  });

  readonly backups = new BackupMetrics(this.registry);

  readonly refused = new Counter({
    name: "agent_refused_total",
    help: "Connections and requests that were not let in, by reason.",
    labelNames: ["reason"],
    registers: [this.registry],
  });

  readonly #readerSeconds = new Counter({
    name: "agent_reader_seconds_total",
    help: "Time that readers ran.",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly #readerCpuSeconds = new Counter({
    name: "agent_reader_cpu_seconds_total",
    help: "Processor time that readers used.",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly #readerMemoryBytes = new Gauge({
    name: "agent_reader_memory_peak_bytes",
    help: "Most RssAnon of the last reader, looked at five times a second.",
    labelNames: ["client"],
    registers: [this.registry],
  });

  /**
   * @param state the directory whose file system the agent writes to
   * @param spooledBytes what snapshots take of it now
   * @param certificates PEM files of the certificates that the agent uses
   */
  constructor(state: string, spooledBytes: () => Promise<number>, certificates: readonly string[]) {
    this.registry.registerMetric(certificateGauge(certificates));
    this.#measured(
      "agent_spool_bytes",
      "Size of the snapshots and copies on the agent's disk.",
      spooledBytes,
    );
    this.#measured("agent_memory_anonymous_bytes", "RssAnon of the agent.", () => anonymousBytes("self"));
    this.#measured("host_memory_total_bytes", "Memory of the host.", () => totalmem());
    this.#measured("host_memory_available_bytes", "Memory that could be taken without swapping.", () =>
      freemem(),
    );
    this.#measured("host_load1", "Processes that ran or waited over one minute.", () => loadavg()[0] ?? 0);
    this.#measured("host_disk_free_bytes", "Free space of the agent's state directory.", () =>
      freeBytes(state),
    );
    this.#measured("host_disk_total_bytes", "Size of the file system of the agent's state directory.", () =>
      totalBytes(state),
    );
  }

  /** Counts what a reader used. */
  countReader(client: string, { seconds, cpuSeconds, memoryBytes }: ReaderUsage): void {
    this.#readerSeconds.inc({ client }, seconds);
    this.#readerCpuSeconds.inc({ client }, cpuSeconds);
    this.#readerMemoryBytes.set({ client }, memoryBytes);
  }

  /** A host's value that is looked at when it is asked for. */
  #measured(name: string, help: string, measure: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await measure());
      },
    });
  }

  /** Everything, in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

import { Counter, Histogram, Registry } from "prom-client";
import { certificateGauge } from "../certificate-end.ts";

/** What the writer counts, in the Prometheus names that are its interface. */
export class Metrics {
  readonly registry = new Registry();
  readonly rows = new Counter({
    name: "writer_rows_written_total",
    help: "Rows written into a tenant's database.",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly refused = new Counter({
    name: "writer_refused_total",
    help: "Requests of which nothing was written, by reason.",
    labelNames: ["client", "code"],
    registers: [this.registry],
  });
  readonly seconds = new Histogram({
    name: "writer_request_seconds",
    help: "Time that a request to write took, whatever came of it.",
    labelNames: ["client"],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.registry],
  });
  readonly connections = new Counter({
    name: "writer_connections_refused_total",
    help: "Connections and requests that were not let in, by reason.",
    labelNames: ["reason"],
    registers: [this.registry],
  });

  /** @param certificates PEM files of the certificates that the writer uses */
  constructor(certificates: readonly string[]) {
    this.registry.registerMetric(certificateGauge(certificates));
  }

  /** Everything, in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

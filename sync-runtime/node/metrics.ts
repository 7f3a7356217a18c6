import { Counter, Gauge, Registry } from "prom-client";
import { type CertificateEnd, certificateGauge } from "../certificate-end.ts";
import { RowsProcessed } from "./rows-processed.ts";
import { SyncDurations } from "./sync-durations.ts";

/** What a node counts. The names are an interface: dashboards and alerts are built on them. */
export class Metrics {
  readonly registry = new Registry();
  readonly operations = new Counter({
    name: "sync_operations_total",
    help: "Finished syncs by outcome: success, unchanged, failed, held, cancelled",
    labelNames: ["client", "status"],
    registers: [this.registry],
  });
  /** Not in the registry, as the next: see there. */
  readonly duration = new SyncDurations();
  readonly rowsProcessed = new RowsProcessed();
  readonly unrepresentable = new Gauge({
    name: "replica_unrepresentable_rows",
    help: "Rows with a value that Postgres cannot hold in its column's type, kept losslessly beside the row; missing where there are none",
    labelNames: ["client", "table"],
    registers: [this.registry],
  });
  readonly verified = new Gauge({
    name: "replica_verified_timestamp_seconds",
    help: "When a node last found the replica equal to its source",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly interval = new Gauge({
    name: "replica_sync_interval_seconds",
    help: "How often the replica is to be brought up to date; missing while its tenant is paused",
    labelNames: ["client", "host"],
    registers: [this.registry],
  });
  readonly users = new Gauge({
    name: "tenant_users",
    help: "Users of the tenant's application, as its replica had them when it was last verified",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly activeUsers = new Gauge({
    name: "tenant_active_users",
    help: "Persons who used the tenant's application within the last 30 days, those who were deleted since among them",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly allActiveUsers = new Gauge({
    name: "fleet_active_users",
    help: "Persons who used any tenant of the database within the last 30 days, each counted once",
    registers: [this.registry],
  });
  readonly licensed = new Gauge({
    name: "tenant_licensed_users",
    help: "Users for which the declared basis of the tenant's own branding holds; missing where it sets no bound",
    labelNames: ["client", "basis"],
    registers: [this.registry],
  });
  readonly deepVerified = new Gauge({
    name: "replica_deep_verified_timestamp_seconds",
    help: "When every row of the replica was last read back and compared with its source",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly held = new Gauge({
    name: "replica_held",
    help: "1 while the replica keeps what it has because its source looks wrong, until an operator decides",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly quarantined = new Gauge({
    name: "sync_quarantined",
    help: "1 while a tenant's syncs failed so often in a row that it is tried hourly at most",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly differences = new Gauge({
    name: "replica_differences_total",
    help: "Rows that deep verifications found to differ, and repaired, since the replica was made",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly queueOldest = new Gauge({
    name: "sync_queue_oldest_seconds",
    help: "How long the oldest job has waited for a node although it is due; 0 when none does",
    registers: [this.registry],
  });
  readonly leaseEpoch = new Gauge({
    name: "sync_lease_epoch",
    help: "Epoch of the cluster's lease; grows whenever the lease changes hands or lapses",
    labelNames: ["cluster"],
    registers: [this.registry],
  });
  readonly agentUnreachable = new Gauge({
    name: "agent_unreachable",
    help: "1 when this node could not reach the host's agent the last time it asked",
    labelNames: ["host"],
    registers: [this.registry],
  });
  readonly decided = new Gauge({
    name: "replica_decided_rows",
    help: "Rows in which the replica differs from its source because a conflict was decided so",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly writeRefused = new Gauge({
    name: "replica_write_refused",
    help: "1 while decided rows are not written into the tenant's database; missing where its rows go one way only",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly rowsWritten = new Counter({
    name: "sync_rows_written_total",
    help: "Decided rows that this node had written into tenants' own databases",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly writesRefused = new Counter({
    name: "sync_writes_refused_total",
    help: "Requests to write decided rows that were refused or not answered, by the writer's code",
    labelNames: ["client", "code"],
    registers: [this.registry],
  });
  readonly conflictsWaiting = new Gauge({
    name: "conflicts_waiting",
    help: "Conflicts that wait for an operator's decision",
    labelNames: ["client"],
    registers: [this.registry],
  });
  readonly conflictsDetected = new Counter({
    name: "conflicts_detected_total",
    help: "Rows that others changed in the replica, by what the source and what they did: update/update, none/delete, ...",
    labelNames: ["client", "table", "type"],
    registers: [this.registry],
  });
  readonly conflictsResolved = new Counter({
    name: "conflicts_resolved_total",
    help: "Conflicts that were decided, by the rule that did; manual: an operator",
    labelNames: ["client", "strategy"],
    registers: [this.registry],
  });
  readonly cacheHits = new Counter({
    name: "state_cache_hits_total",
    help: "Questions about tenants and hosts that were answered from memory",
    registers: [this.registry],
  });
  readonly cacheMisses = new Counter({
    name: "state_cache_misses_total",
    help: "Questions about tenants and hosts that Postgres was asked",
    registers: [this.registry],
  });
  readonly stateLag = new Gauge({
    name: "state_sync_lag_seconds",
    help: "Since when this node has not heard of changes to tenants and hosts: by so much what it keeps may be old",
    registers: [this.registry],
  });
  readonly elections = new Counter({
    name: "leader_elections_total",
    help: "Changes of leadership seen by this node: won, lost",
    labelNames: ["result"],
    registers: [this.registry],
  });
  readonly fenced = new Counter({
    name: "fenced_writes_total",
    help: "Writes of this node that were refused because its lease or its claim of the tenant had ended: lease, claim",
    labelNames: ["guard"],
    registers: [this.registry],
  });
  readonly leader = new Gauge({
    name: "sync_container_is_leader",
    help: "1 while this node holds the lease",
    labelNames: ["node_id"],
    registers: [this.registry],
  });

  /**
   * @param certificates PEM files of the certificates that the node uses
   * @param shown those that others showed it
   */
  constructor(certificates: readonly string[] = [], shown?: () => CertificateEnd[]) {
    this.registry.registerMetric(certificateGauge(certificates, shown));
  }
}

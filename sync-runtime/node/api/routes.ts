import type { Route } from "./route.ts";
import { auditRoutes } from "./routes/audit.ts";
import { backupRoutes } from "./routes/backups.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { conflictRoutes } from "./routes/conflicts.ts";
import { deploymentRoutes } from "./routes/deployments.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { openApiRoute } from "./routes/openapi.ts";
import { operationRoutes } from "./routes/operations.ts";
import { stateRoutes } from "./routes/state.ts";
import { syncRoutes } from "./routes/sync.ts";
import { userRoutes } from "./routes/users.ts";

/** Every route of the node's API but the one that describes them, in the order of the document. */
const described: readonly Route[] = [
  ...healthRoutes,
  ...metricsRoutes,
  ...clusterRoutes,
  ...syncRoutes,
  ...historyRoutes,
  ...stateRoutes,
  ...deploymentRoutes,
  ...backupRoutes,
  ...auditRoutes,
  ...eventRoutes,
  ...conflictRoutes,
  ...operationRoutes,
  ...userRoutes,
];

/** Every route of the node's API. */
export const routes: readonly Route[] = [...described, openApiRoute(() => routes)];

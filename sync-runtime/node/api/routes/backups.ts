import * as z from "zod";
import { BackupStatus } from "../../../protocol/backup-status.ts";
import { route } from "../route.ts";
import { inventories } from "./deployments.ts";

/** Less than whoever asks the node waits for it. */
const INVENTORY_MS = 2_000;

export const backupRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/backups",
      scope: "read",
      summary: "Tell how every tenant's backups are",
      description:
        "Every host's agent is asked now, for two seconds at most. `backup` is null of a tenant that its host does not back up, " +
        "and of all of a host whose agent could not be asked: `reached` tells the two apart.",
      answer: z.object({
        tenants: z.array(
          z.object({
            client: z.string(),
            host: z.string(),
            reached: z.boolean(),
            backup: BackupStatus.omit({ tenant: true }).nullable(),
          }),
        ),
      }),
    },
    async (_, api) => {
      const [declared, reported] = [await api.states.deployments(), await inventories(api, INVENTORY_MS)];
      const present = declared.filter(({ status }) => status !== "retired" && status !== "erased");
      return {
        tenants: present.map(({ client, host }) => {
          const inventory = reported.get(host);
          const backup = inventory?.tenants.find(({ id }) => id === client)?.backup ?? null;
          return { client, host, reached: inventory !== undefined, backup };
        }),
      };
    },
  ),
];

import * as z from "zod";
import { activeUsers } from "../../active-users.ts";
import { route } from "../route.ts";

export const userRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/users/active",
      scope: "read",
      summary: "Count who used the application within the last 30 days",
      description:
        "`all` counts each person once over all tenants of the database, whatever their cluster, by a hash of the address; " +
        "who was deleted since counts until 30 days have passed. `licence` is the basis of a tenant's own look where that " +
        "holds for so many users only.",
      answer: z.object({
        all: z.number(),
        tenants: z.array(
          z.object({
            client: z.string(),
            users: z.number(),
            licence: z.object({ basis: z.string(), users: z.number() }).nullable(),
          }),
        ),
      }),
    },
    (_, { postgres }) => activeUsers(postgres),
  ),
];

import type { Provider } from "../plugin/resource.ts";
import { serve } from "../plugin/serve.ts";
import { type Postgres, postgres, settings } from "./postgres.ts";

/** Stand-in for the `postgresql` provider: roles, databases and grants of a real server. */
const postgresql: Provider<Postgres> = {
  name: "postgresql",
  config: settings,
  connect: postgres,
  resources: {
    "postgresql:index/database:Database": async () => (await import("./database.ts")).database,
    "postgresql:index/defaultPrivileges:DefaultPrivileges": async () =>
      (await import("./default-privileges.ts")).defaultPrivileges,
    "postgresql:index/extension:Extension": async () => (await import("./extension.ts")).extension,
    "postgresql:index/grant:Grant": async () => (await import("./grant.ts")).grant,
    "postgresql:index/grantRole:GrantRole": async () => (await import("./grant-role.ts")).grantRole,
    "postgresql:index/role:Role": async () => (await import("./role.ts")).role,
    "postgresql:index/schema:Schema": async () => (await import("./schema.ts")).schema,
  },
};

serve(postgresql);

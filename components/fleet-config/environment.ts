import { z } from "zod";
import { documentation } from "./documentation.ts";
import { refuse } from "./problem.ts";

const elsewhere = (field: string): string => `remove it and set ${field} of the tenant instead`;
const never = "remove it: the fleet sets it, and the tenant's data or isolation depends on the value";

/** Variables of Open WebUI that the fleet itself sets, and what to do instead of setting them. */
export const managedVariables: Readonly<Record<string, string>> = {
  CORS_ALLOW_ORIGIN: elsewhere("domain"),
  DATABASE_ENABLE_SQLITE_WAL: never,
  DATABASE_TYPE: never,
  DATABASE_URL: elsewhere("database"),
  DATA_DIR: never,
  ENABLE_INITIAL_ADMIN_SIGNUP: never,
  ENABLE_PERSISTENT_CONFIG: elsewhere("persistSettings"),
  ENABLE_SIGNUP: never,
  FRONTEND_BUILD_DIR: never,
  HOST: never,
  OPENAI_API_BASE_URL: elsewhere("connections"),
  OPENAI_API_BASE_URLS: elsewhere("connections"),
  OPENAI_API_KEY: elsewhere("connections"),
  OPENAI_API_KEYS: elsewhere("connections"),
  PORT: elsewhere("port"),
  STATIC_DIR: never,
  WEBUI_ADMIN_EMAIL: elsewhere("admin.email"),
  WEBUI_ADMIN_NAME: elsewhere("admin.name"),
  WEBUI_ADMIN_PASSWORD: "remove it: the first password is generated; `npm run password` shows it",
  WEBUI_AUTH: never,
  WEBUI_NAME: elsewhere("branding.name"),
  WEBUI_SECRET_KEY: never,
  WEBUI_SECRET_KEY_FILE: never,
  WEBUI_URL: elsewhere("domain"),
};

/** Names that promise a secret, as `OAUTH_CLIENT_SECRET` and `TAVILY_API_KEY` do. */
export const looksSecret = (variable: string): boolean =>
  /(^|_)(KEY|KEYS|SECRET|TOKEN|PASSWORD|PASS|CREDENTIALS)$/i.test(variable);

const variable = z
  .string()
  .superRefine((name, context) => {
    const instead = Object.hasOwn(managedVariables, name) ? managedVariables[name] : undefined;
    if (instead) refuse(context, { found: `"${name}", which the fleet manages`, remedy: instead });
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      refuse(context, {
        found: `"${name}", which is no name of a variable`,
        remedy: "use letters, digits and underscores only, with no digit first",
      });
  })
  .register(documentation, { description: "Name of the variable.", remedy: "choose another name" });

const value = z.string().register(documentation, {
  description: "Its value.",
  remedy: 'write a text, in quotes where YAML would read a number or a truth value: "8", "true"',
  secret: true,
});

/** Further variables of a tenant's container. */
export const environment = () => z.record(variable, value);

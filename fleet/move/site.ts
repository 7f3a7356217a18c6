import { request as plain } from "node:http";
import { request as secure } from "node:https";
import type { HostSpec, TenantSpec } from "../../components/fleet-config.ts";
import { answers } from "../open-webui/answers.ts";

/** Whether a host answers for a tenant under its name, wherever that name leads. Who certifies it is not looked at. */
export const answersSite = (
  { http, https }: Pick<HostSpec, "http" | "https">,
  address: string,
  { domain }: Pick<TenantSpec, "domain">,
): Promise<boolean> => {
  const options = { host: address, path: "/health", agent: false as const, timeout: 3_000 };
  const headers = { Host: domain };
  return answers(
    https
      ? secure({ ...options, headers, port: https.port, servername: domain, rejectUnauthorized: false })
      : plain({ ...options, headers, port: http.port }),
  );
};

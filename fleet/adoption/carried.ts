import { managedVariables } from "../../components/fleet-config/environment.ts";
import { isPrivate } from "../../components/fleet-config/network-address.ts";
import { isSecret, knownVariables } from "../environment/assignment.ts";
import type { SourceContainer } from "./container.ts";

/** A variable of the source, and what becomes of it. */
export interface CarriedVariable {
  name: string;
  value: string;
  secret: boolean;
}

/** A model server that the source was told of. */
export interface CarriedConnection {
  url: string;
  /** Empty: the server asks for none. */
  key: string;
}

/** What of a source's settings the tenant's entry gets. */
export interface Carried {
  environment: CarriedVariable[];
  connections: CarriedConnection[];
  /** Private addresses among them, `10.1.2.3:8000`: exceptions that the tenant needs to reach them. */
  endpoints: string[];
  /** Variables that do not come along, and why. */
  left: { name: string; why: string }[];
}

/** What is told by `connections` of an entry. */
const connectionVariables = [
  "OPENAI_API_BASE_URLS",
  "OPENAI_API_BASE_URL",
  "OPENAI_API_KEYS",
  "OPENAI_API_KEY",
];
const keyVariables = ["WEBUI_SECRET_KEY", "WEBUI_JWT_SECRET_KEY", "WEBUI_SECRET_KEY_FILE"];

/** Of the image's maker, or of what a shell needs; nothing of Open WebUI. */
const ofTheMachine =
  /^(PATH|HOME|HOSTNAME|LANG|LC_\w+|TERM|PWD|TZ|GPG_KEY|PYTHON\w*|LD_LIBRARY_PATH|DOCKER|ENV|UID|GID|NVIDIA_\w+)$/;

/** Decides what comes along; pure. */
export function carriedFrom({ environment }: Pick<SourceContainer, "environment">): Carried {
  const connections = connectionsOf(environment);
  const carried: Carried = { environment: [], connections, endpoints: endpointsOf(connections), left: [] };
  const leave = (name: string, why: string) => carried.left.push({ name, why });
  for (const [name, value] of Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (connectionVariables.includes(name)) {
      if (value !== "") leave(name, "it becomes `connections`");
    } else if (keyVariables.includes(name)) {
      if (value !== "") leave(name, "its key is kept as the tenant's own");
    } else if (Object.hasOwn(managedVariables, name))
      leave(name, `the fleet sets it: ${managedVariables[name]}`);
    else if (ofTheMachine.test(name)) leave(name, "it is about the machine, not about Open WebUI");
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) leave(name, "it is no name of a variable");
    else if (!knownVariables.includes(name)) leave(name, "no known version of Open WebUI reads it");
    else carried.environment.push({ name, value, secret: isSecret(name, value, {}) });
  }
  return carried;
}

/** As Open WebUI reads them: lists with semicolons, keys by their place; the one of each where there is no list. */
function connectionsOf(environment: Readonly<Record<string, string>>): CarriedConnection[] {
  const of = (list: string, one: string) =>
    (environment[list] || environment[one] || "").split(";").map((part) => part.trim());
  const keys = of("OPENAI_API_KEYS", "OPENAI_API_KEY");
  const urls = of("OPENAI_API_BASE_URLS", "OPENAI_API_BASE_URL");
  if (urls.join("") === "" && keys.join("") === "") return [];
  return urls
    .map((url, at) => ({
      url: (url || "https://api.openai.com/v1").replace(/\/+$/, ""),
      key: keys[at] ?? "",
    }))
    .filter(({ url }) => URL.canParse(url) && new URL(url).username === "" && new URL(url).search === "");
}

const endpointsOf = (connections: readonly CarriedConnection[]): string[] => {
  const urls = connections.map(({ url }) => new URL(url)).filter(({ hostname }) => isPrivate(hostname));
  return [
    ...new Set(
      urls.map(({ hostname, port, protocol }) => `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`),
    ),
  ];
};

import { must } from "../../toolchain/setup/child.mjs";

/** The migrations of a fresh database take 6 s; a machine that does much else gets ten minutes. */
const patienceMs = 600_000;

/**
 * Has Open WebUI make its own schema in a database: its settings are read, which runs the migrations, and nothing is
 * served. Runs on the host's network, so that a database on its loopback is reached as the operator reaches it.
 */
export const schemaArgv = (image: string): string[] => [
  ...["docker", "run", "--rm", "--interactive", "--network", "host", "--cap-drop", "ALL"],
  ...["--security-opt", "no-new-privileges", "--memory", "2g", "--entrypoint", "sh", image, "-c"],
  'set -a && . /dev/stdin && set +a && cd /app/backend && exec python -c "import open_webui.config"',
];

/** The variables it gets, as lines for a shell. On standard input they stand in no argv and in no container's settings. */
export const schemaVariables = (url: string): string =>
  Object.entries({ DATABASE_URL: url, WEBUI_SECRET_KEY: "unused", ENABLE_DB_MIGRATIONS: "True" })
    .map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join("");

/** Runs it to its end. */
export const makeSchema = (image: string, url: string): Promise<string> =>
  must(schemaArgv(image), {
    input: schemaVariables(url),
    timeout: patienceMs,
    failure: `Open WebUI of ${image} could not make its schema in the target. What it made until then is there.`,
  });

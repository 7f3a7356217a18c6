import { must, run } from "../../toolchain/setup/child.mjs";

/** The migrations of a fresh database take 6 s; a machine that does much else gets ten minutes. */
const patienceMs = 600_000;

/** Whose schema is made, and by what. */
export interface SchemaMaker {
  stack: string;
  tenant: string;
  image: string;
}

const containerOf = ({ stack, tenant }: Omit<SchemaMaker, "image">): string =>
  `owui-${stack}-scratch-schema-${tenant}`;

/**
 * Has Open WebUI make its own schema in a database: its settings are read, which runs the migrations, and nothing is
 * served. Runs on the host's network, so that a database on its loopback is reached as the operator reaches it.
 */
export const schemaArgv = (maker: SchemaMaker): string[] => [
  ...["docker", "run", "--rm", "--interactive", "--name", containerOf(maker)],
  ...["--label", `owui.stack=${maker.stack}`, "--label", "owui.scratch=1"],
  ...["--network", "host", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "2g"],
  ...["--entrypoint", "sh", maker.image, "-c"],
  'set -a && . /dev/stdin && set +a && cd /app/backend && exec python -c "import open_webui.config"',
];

/** The variables it gets, as lines for a shell. On standard input they stand in no argv and in no container's settings. */
export const schemaVariables = (url: string): string =>
  Object.entries({ DATABASE_URL: url, WEBUI_SECRET_KEY: "unused", ENABLE_DB_MIGRATIONS: "True" })
    .map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join("");

/** Runs it to its end. Two at once would be in each other's way: one whose command was killed is ended first. */
export async function makeSchema(maker: SchemaMaker, url: string): Promise<void> {
  await endSchema(maker);
  try {
    await must(schemaArgv(maker), {
      input: schemaVariables(url),
      timeout: patienceMs,
      failure: `Open WebUI of ${maker.image} could not make its schema in the target. What it made until then is there.`,
    });
  } finally {
    await endSchema(maker);
  }
}

/** Ends what makes a schema, if anything does: it outlives the command that began it. */
export const endSchema = async (of: Omit<SchemaMaker, "image">): Promise<void> =>
  void (await run(["docker", "rm", "--force", containerOf(of)], { timeout: 60_000 }));

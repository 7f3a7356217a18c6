import type { Change } from "./change.ts";
import { type Group, isContainer, part } from "./group.ts";
import { hostGone, nginxRestarts } from "./interruptions.ts";
import { type Step, textOf } from "./step.ts";
import { listed } from "./tenant-words.ts";

/** What happens to a host besides its machine, whose parts are told of by their types. */
export function hostChanges(group: Group): Change[] {
  if (group.born) return [{ text: "new host: nginx, agent, directories, rules for tenants", risk: "none" }];
  if (group.gone) return [gone];
  return [
    ...front(group),
    ...agent(group),
    ...quiet(group, {
      "nginx-config": "nginx's configuration is tested and taken by a reload, which ends no connection",
      egress: "which private addresses its tenants may reach",
      directories: "directories and files of the agent",
      "runtime-image": "the image of agent and nodes is built anew",
    }),
    ...fetched(group.steps),
  ];
}

const gone: Change = {
  text: "removed from the fleet: nothing of it runs any more. Its data stays on its disk",
  interruption: hostGone,
  risk: "outage",
  stop: true,
};

function front(group: Group): Change[] {
  const nginx = part(group, "nginx");
  switch (nginx?.op) {
    case "replace":
      return [{ text: `nginx is replaced${why(nginx)}`, interruption: nginxRestarts, risk: "restart" }];
    case "delete":
      return [{ text: "nginx stops", interruption: hostGone, risk: "outage" }];
    case "create":
      return [{ text: "nginx starts", risk: "none" }];
    default:
      return [];
  }
}

function agent(group: Group): Change[] {
  const step = part(group, "agent");
  switch (step?.op) {
    case "replace":
      return [{ text: `the agent is replaced${why(step)}; syncs wait some seconds`, risk: "none" }];
    case "delete":
      return [{ text: "the agent stops; replicas stay as they are", risk: "none" }];
    case "create":
      return [{ text: "the agent starts", risk: "none" }];
    default:
      return [];
  }
}

/** What happens to a host's machine itself, besides what the cloud makes, which is told of by its types. */
export const machineChanges = (group: Group): Change[] =>
  group.born || group.gone
    ? []
    : quiet(group, {
        met: "it is met for the first time again",
        toolbox: "the fleet's scripts on it",
        "set-up": "it is set up again as its entry says; containers go on",
      });

/** Upstream images it gets; those that nothing uses any more stay in its engine. */
const fetched = (steps: readonly Step[]): Change[] =>
  steps
    .filter(({ type, op }) => type === "docker:index/remoteImage:RemoteImage" && op === "create")
    .map(({ after }) => ({ text: `fetches the image ${textOf(after, "name") ?? "?"}`, risk: "none" }));

/** The writer of a host: what may write into tenants' databases. */
export function writerChanges(group: Group): Change[] {
  if (group.born) {
    return [
      { text: "gets a writer, which may write into the databases of tenants that chose it", risk: "none" },
    ];
  }
  if (group.gone)
    return [{ text: "its writer goes: no tenant on it is written into any more", risk: "none" }];
  const container = group.steps.find(isContainer);
  if (container?.op !== "replace") return [];
  return [
    { text: `the writer is replaced${why(container)}; what is to be written back waits`, risk: "none" },
  ];
}

/** What happens to the Postgres that holds the replicas. */
export function replicaChanges(group: Group): Change[] {
  if (group.born) return [{ text: "the replicas' database, its roles and its schema", risk: "none" }];
  const readers = readerChanges(group.steps);
  switch (part(group, "postgres")?.op) {
    case "replace":
      return [
        {
          text: `Postgres starts anew${why(part(group, "postgres"))}; syncs wait, tenants' users notice nothing`,
          risk: "none",
        },
        ...readers,
      ];
    case "delete":
      return [{ text: "Postgres stops; what it holds stays", risk: "none" }, ...readers];
    case "create":
      return [{ text: "Postgres starts", risk: "none" }, ...readers];
    default:
      return readers;
  }
}

/** Logins that read replicas, and the groups that say which. */
function readerChanges(steps: readonly Step[]): Change[] {
  return steps
    .filter(({ type }) => type === "postgresql:index/role:Role")
    .flatMap(({ op, name }): Change[] => {
      const [, one, group] = /-reader-(.+)$|-readers-of-(.+)$/.exec(name) ?? [];
      if (!one && !group) return [];
      const reader = one ? `reader ${one}` : `the group of ${group}'s readers`;
      const words = {
        create: "comes",
        delete: "goes",
        update: "may read other things",
        replace: "is made anew",
      };
      return [{ text: `${reader} ${words[op as keyof typeof words]}`, risk: "none" }];
    });
}

/** What happens to the sync nodes. */
export function nodeChanges(group: Group): Change[] {
  if (group.born) return [{ text: "the sync nodes", risk: "none" }];
  const containers = group.steps.filter(isContainer);
  const named = (op: Step["op"]) =>
    containers
      .filter((step) => step.op === op)
      .map(({ name }) => name.replace(/^.*-node-/, "node "))
      .sort();
  const [replaced, stopped, started] = [named("replace"), named("delete"), named("create")];
  return [
    ...(replaced.length > 0
      ? [`${listed(replaced)}: replaced, one after the other; the other one leads`]
      : []),
    ...(stopped.length > 0 ? [`${listed(stopped)}: stopped`] : []),
    ...(started.length > 0 ? [`${listed(started)}: started`] : []),
    ...(part(group, "intent")?.op === "update"
      ? ["are told what is declared now: hosts, tenants, intervals, readers"]
      : []),
  ].map((text) => ({ text, risk: "none" }));
}

/** What happens to Prometheus and Alertmanager. */
export function monitoringChanges(group: Group): Change[] {
  if (group.born) return [{ text: "Prometheus and Alertmanager", risk: "none" }];
  if (group.gone) {
    return [{ text: "goes: nobody is alerted any more. What it has stored stays", risk: "outage" }];
  }
  const words = {
    replace: "starts anew",
    delete: "stops",
    create: "starts",
    update: "is changed as it runs",
  };
  return group.steps.filter(isContainer).map((step) => ({
    text: `${step.name.endsWith("alertmanager") ? "Alertmanager" : "Prometheus"} ${words[step.op as keyof typeof words]}${why(step)}`,
    risk: "none",
  }));
}

/** Certificates of the stack's own authority, whoever shows or believes them: all of a preview are one change. */
export function certificateChanges(steps: readonly Step[]): Change[] {
  const made = steps.filter(
    ({ type, op }) => /:LocallySignedCert$/.test(type) && ["create", "replace"].includes(op),
  );
  const authorities = steps.filter(
    ({ type, op, name }) => /:SelfSignedCert$/.test(type) && op === "create" && /-certificate/.test(name),
  );
  return [
    ...(authorities.length > 0
      ? ["another authority issues certificates from now on; everybody believes both meanwhile"]
      : []),
    ...(made.length > 0
      ? [
          `${made.length} ${made.length === 1 ? "certificate is" : "certificates are"} made; whoever shows one takes it without a restart`,
        ]
      : []),
    ...(authorities.length + made.length === 0 ? ["which authorities are believed is written anew"] : []),
  ].map((text) => ({ text, risk: "none" }));
}

/** Operators' words for what a container is replaced because of. */
const reasons: Record<string, string> = {
  image: "another image",
  labels: "another configuration",
  ports: "another port",
  mounts: "other mounts",
  networksAdvanced: "another network",
  mustRun: "it had stopped",
};

const why = (step: Step | undefined): string =>
  step && step.changed.length > 0
    ? ` (${listed([...new Set(step.changed.map((input) => reasons[input] ?? input))])})`
    : "";

function quiet(group: Group, words: Record<string, string>): Change[] {
  return Object.entries(words)
    .filter(([name]) => ["update", "replace"].includes(part(group, name)?.op ?? ""))
    .map(([, text]) => ({ text, risk: "none" }));
}

import type { Fleet } from "../../components/fleet-config.ts";
import { ChangeList } from "../commands/change-list.ts";
import { changes, type EngineEvent, Tally } from "../commands/engine-events.ts";
import { type Change, type Report, type Subject, type SubjectChanges, worst } from "./change.ts";
import { cloudChange } from "./cloud-words.ts";
import { type Context, type Group, isCertificate } from "./group.ts";
import {
  certificateChanges,
  hostChanges,
  machineChanges,
  monitoringChanges,
  nodeChanges,
  replicaChanges,
  writerChanges,
} from "./host-words.ts";
import { PolicyResults } from "./policy-results.ts";
import { componentOf, type Step, stepOf } from "./step.ts";
import { tenantChanges } from "./tenant-words.ts";

/** Gathers an engine's preview and says in operators' words what it comes to. */
export class ChangeReport {
  readonly #about: Report["about"];
  readonly #stack: string;
  readonly #fleet: Context["fleet"];
  readonly #steps: Step[] = [];
  readonly #images = new Map<string, string>();
  readonly #list = new ChangeList();
  readonly #tally = new Tally();
  readonly #policies = new PolicyResults();

  /** @param fleet what is declared now; events tell the rest */
  constructor(stack: string, fleet: Pick<Fleet, "hosts" | "tenants">, about: Report["about"] = "preview") {
    this.#about = about;
    this.#stack = stack;
    this.#fleet = fleet;
  }

  add(event: EngineEvent): void {
    this.#tally.add(event);
    this.#list.add(event);
    this.#policies.add(event);
    const step = stepOf(event);
    if (!step) return;
    const { name, imageId } = step.known as { name?: string; imageId?: string };
    if (step.type === "docker:index/remoteImage:RemoteImage" && imageId)
      this.#images.set(imageId, name ?? "");
    if (step.op !== "same") this.#steps.push(step);
  }

  /** What was gathered. @param errors why the engine stopped, where its events do not tell */
  report(errors: readonly string[] = []): Report {
    const subjects = this.#subjects();
    return {
      about: this.#about,
      stack: this.#stack,
      subjects,
      risk: worst(subjects.flatMap(({ changes }) => changes.map(({ risk }) => risk))),
      counts: this.#list.counts,
      policies: this.#policies.results,
      errors: this.#tally.errors.length > 0 ? [...this.#tally.errors] : [...errors],
      diff: this.#list.groups,
      sum: this.#list.sum,
    };
  }

  /** Tenants first, then what they stand on; within a kind in the order of names. */
  #subjects(): SubjectChanges[] {
    const found = new Map<string, SubjectChanges>();
    const add = (subject: Subject, changes: Change[]) => {
      const key = `${subject.kind} ${subject.id}`;
      const known = found.get(key) ?? { ...subject, changes: [] };
      if (changes.length > 0) found.set(key, { ...known, changes: [...known.changes, ...changes] });
    };
    const context = { fleet: this.#fleet, images: this.#images };
    for (const group of this.#groups()) {
      const subject = this.#subjectOf(group);
      const own = { ...group, steps: group.steps.filter((step) => !isCertificate(step)) };
      const special = own.steps.flatMap((step) => cloudChange(step) ?? guarded(step) ?? []);
      const worded = [...wordsOf(own, context), ...special];
      add(subject, worded.length > 0 || own.steps.length === 0 ? worded : unworded(own));
    }
    const certificates = this.#steps.filter(
      (step) => isCertificate(step) && step.type !== "tls:index/privateKey:PrivateKey",
    );
    const newborn = this.#steps.some(({ type, op }) => type === "owui:fleet:Trust" && op === "create");
    if (certificates.length > 0 && !newborn)
      add({ kind: "certificates", id: "" }, certificateChanges(certificates));
    return [...found.values()].sort(
      (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (a.id < b.id ? -1 : 1),
    );
  }

  /** What changes, by component; a component that only comes or goes is a group too. */
  #groups(): Group[] {
    const groups = new Map<string, Group>();
    const group = (component: Step["component"]): Group => {
      const { type = "Stack", name = "" } = component ?? {};
      const found = groups.get(`${type} ${name}`) ?? { type, name, born: false, gone: false, steps: [] };
      groups.set(`${type} ${name}`, found);
      return found;
    };
    for (const step of this.#steps) {
      const itself = step.type.startsWith("owui:") ? componentOf(step.urn) : undefined;
      if (itself && step.op === "create") group(itself).born = true;
      if (itself && step.op === "delete") group(itself).gone = true;
      if (changes(step)) group(step.component).steps.push(step);
    }
    return [...groups.values()];
  }

  #subjectOf({ type, name, steps }: Group): Subject {
    switch (type) {
      case "Tenant": {
        const declared = this.#fleet.tenants.find(({ id }) => id === name)?.host;
        const host =
          declared ?? steps.find(({ provider }) => provider.endsWith("-docker"))?.provider.slice(0, -7);
        return { kind: "tenant", id: name, ...(host && { host }) };
      }
      case "SyncDatabase":
        return { kind: "replicas", id: "" };
      case "SyncCluster":
        return { kind: "nodes", id: "" };
      case "Monitoring":
        return { kind: "monitoring", id: "" };
      case "CertificateAuthority":
      case "Trust":
        return { kind: "certificates", id: "" };
      case "Cloud":
      case "Stack":
        return { kind: "stack", id: "" };
      default:
        // What else there is belongs to a host and is called after it.
        return { kind: "host", id: type === "ClientHost" ? name : name.replace(/-(writer|machine)$/, "") };
    }
  }
}

const kinds: Subject["kind"][] = [
  "tenant",
  "host",
  "replicas",
  "nodes",
  "monitoring",
  "certificates",
  "stack",
];

function wordsOf(group: Group, context: Context): Change[] {
  switch (group.type) {
    case "Tenant":
      return tenantChanges(group, context);
    case "ClientHost":
      return hostChanges(group);
    case "Machine":
      return machineChanges(group);
    case "Writer":
      return writerChanges(group);
    case "SyncDatabase":
      return replicaChanges(group);
    case "SyncCluster":
      return nodeChanges(group);
    case "Monitoring":
      return monitoringChanges(group);
    default:
      return [];
  }
}

/** A thing is protected because something is lost with it; whoever takes the protection off still sees it here. */
function guarded({ op, name, protected: guard }: Step): Change | undefined {
  if (!guard || (op !== "replace" && op !== "delete")) return undefined;
  const text = `${name}, which is protected, would be ${op === "delete" ? "deleted" : "replaced"}`;
  return { text, risk: "data", stop: true };
}

/** What there are no words for is named as it is. */
function unworded({ steps }: Group): Change[] {
  const told = steps.filter(({ type }) => !type.startsWith("pulumi:providers:"));
  const words = { create: "made", update: "changed", replace: "replaced", delete: "removed", same: "" };
  return told.map(({ op, name }) => ({
    text: `${name} is ${words[op]}`,
    risk: op === "replace" ? "replacement" : "none",
  }));
}

import type { Fleet } from "../../components/fleet-config.ts";
import type { Step } from "./step.ts";

/** Everything that changes below one component. */
export interface Group {
  type: string;
  name: string;
  /** The component comes with this change. */
  born: boolean;
  /** It goes with this change. */
  gone: boolean;
  /** Its resources that change. */
  steps: Step[];
}

/** What words are found with, besides the group itself. */
export interface Context {
  /** What is declared now. */
  fleet: Pick<Fleet, "hosts" | "tenants">;
  /** References of images by the ids that containers name. */
  images: ReadonlyMap<string, string>;
}

/** The step of a group's own part: `part(tenant, "container")` is that of `acme-container`. */
export const part = ({ name, steps }: Group, what: string): Step | undefined =>
  steps.find((step) => step.name === `${name}-${what}`);

/** Docker containers of a group. */
export const isContainer = ({ type }: Step): boolean => type === "docker:index/container:Container";

/** Certificates, keys, and the commands that bring them to where they are read. */
export const isCertificate = ({ type, name }: Step): boolean =>
  type.startsWith("tls:") || /-tls$/.test(name) || /^trust(-only)?-/.test(name);

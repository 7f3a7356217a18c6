import { z } from "zod";
import { documentation } from "./documentation.ts";
import { port, portRemedy } from "./network-address.ts";
import { refuse } from "./problem.ts";

/** One entry of `sync.nodes`. */
export const nodeEntry = z
  .strictObject({
    port: port().register(documentation, {
      description: "Port of the node's API.",
      example: "9443",
      remedy: portRemedy,
    }),
  })
  .register(documentation, { description: "One of the sync pair.", remedy: "give it a port" });

const nodes = z.record(z.string(), nodeEntry).superRefine((entries, context) => {
  if (Object.keys(entries).length > 0) return;
  refuse(context, {
    found: "no nodes",
    remedy: "declare a node, or two so that one can fail: { a: { port: 9443 }, b: { port: 9444 } }",
  });
});

const database = z.strictObject({
  kind: z.literal("embedded").prefault("embedded").register(documentation, {
    description: "`embedded` is a Postgres container on the control host.",
    remedy: "write embedded: databases of other kinds are not supported yet",
  }),
  port: port().prefault(15_432).register(documentation, {
    description: "Port on the control host's loopback.",
    remedy: portRemedy,
  }),
});

/** The entry `sync`. */
export const syncEntry = z.strictObject({
  host: z.string().register(documentation, {
    description: "Control host, a name under `hosts`: the nodes and the embedded database run there.",
    example: "local",
    remedy: "name one of the hosts",
  }),
  cluster: z.string().prefault("main").register(documentation, {
    description: "Name of the sync pair; part of its database role and certificates.",
    type: "DNS label",
    remedy: "name the cluster with a text",
  }),
  parallel: z.int().min(1).max(64).prefault(5).register(documentation, {
    description: "How many tenants one node syncs at once.",
    remedy: "write a whole number from 1 to 64",
  }),
  nodes: nodes.register(documentation, {
    description: "The nodes, by name. All of them work, one leads, and any of them can take over.",
    remedy: "declare a node, or two so that one can fail: { a: { port: 9443 }, b: { port: 9444 } }",
  }),
  database: database.prefault({}).register(documentation, {
    description: "Postgres that holds the replicas and the cluster's state.",
    remedy: "write kind and port, or leave it out",
  }),
});

/** One change of a stack's file. */
export interface Edit {
  /** Keys below `config`: `["tenants", "acme", "running"]`. */
  path: readonly string[];
  /** What stands there then; undefined: nothing, and no empty mapping around it either. */
  value: unknown;
}

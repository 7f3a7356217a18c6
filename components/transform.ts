/** The escape hatch of a component: changes a child's arguments just before the child is declared. */
export type Transform<Args> = (args: Args) => Args;

/** `args` as the caller's transform wants them; as they are where there is none. */
export const transformed = <Args>(transform: Transform<Args> | undefined, args: Args): Args =>
  transform ? transform(args) : args;

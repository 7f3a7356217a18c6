import type { Properties } from "./properties.ts";

/**
 * How a stack remembers that stand-ins made it: CheckConfig adds this property to the provider's inputs, which the
 * engine keeps in the state.
 */
export const markerProperty = "standIn";
export const marker = "open-webui-infrastructure";

export const isMarked = (config: Properties): boolean => config[markerProperty] === marker;

export const marked = (config: Properties): Properties => ({ ...config, [markerProperty]: marker });

/** Properties that the frameworks under the real plugins leave in a resource's state, and stand-ins never do. */
const realTraces = ["__meta", "__inputs"];

/** Something in the state was made by a real plugin, and the other kind is at work. */
export class ForeignStateError extends Error {
  override readonly name = "ForeignStateError";

  constructor(provider: string, what: string) {
    super(
      `${what} was made by the real ${provider} plugin, but a stand-in is installed in this PULUMI_HOME. ` +
        "Nothing was changed. The two keep different state: go on with the real plugins, or destroy the stack with " +
        "them first and make it anew with the stand-ins.",
    );
  }
}

/** Refuses a provider configuration that is kept in a state but was not checked by a stand-in. */
export const refuseUnmarked = (provider: string, config: Properties): void => {
  if (!isMarked(config)) throw new ForeignStateError(provider, `this stack's ${provider} provider`);
};

/** Refuses a resource's state with a real plugin's traces. */
export const refuseForeign = (provider: string, urn: string, state: Properties): void => {
  if (realTraces.some((trace) => trace in state)) throw new ForeignStateError(provider, urn);
};

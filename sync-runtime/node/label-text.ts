/** A label's value as Prometheus' text format has it. */
export const labelText = (text: string): string =>
  text.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));

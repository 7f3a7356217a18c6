/**
 * A text of outside origin made fit for a screen or a comment: what would steer a terminal, turn the reading
 * direction or stand there unseen is spelled out, and a new line does not begin a line.
 */
export const visible = (text: string): string =>
  text.replaceAll("\n", "⏎").replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });

/** A text that is not longer than asked for, and says so where it was. */
export const bounded = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length)}… (${text.length - length} more characters)`;

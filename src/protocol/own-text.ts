/** Shortest text that V8 cuts out of another without copying it. */
const SHORTEST_SLICE = 13;

/**
 * The text as a string of its own. One that was cut out of another keeps that whole: forty characters of an element that is
 * remembered for a day, or in a trace, would hold the half megabyte that the peer had put beside them.
 */
export const ownText = (text: string): string =>
  text.length < SHORTEST_SLICE ? text : Buffer.from(text, 'utf8').toString('utf8');

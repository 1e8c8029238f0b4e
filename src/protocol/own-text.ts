/** Shortest substring that V8 makes without copying. */
const SHORTEST_SLICE = 13;

/**
 * The text as a separate string. A substring keeps its whole parent in memory: forty characters of an element that are
 * remembered for a day, or in a trace, would retain the half megabyte that the peer sent with them.
 */
export const ownText = (text: string): string =>
  text.length < SHORTEST_SLICE ? text : Buffer.from(text, 'utf8').toString('utf8');

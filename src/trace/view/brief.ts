/**
 * Shortens a context for display: a stream that serves ten thousand domains has long tables of their names, and a page
 * asks for it every second.
 */

/** Maximum entries shown of a list, or of a table by domain. */
const MOST_SHOWN = 100;
/** Contexts are grouped; values deeper than this are small. */
const MAX_DEPTH = 4;

/** The same structure, with long lists and tables cut after their first entries and a note of how many follow. */
export function brief(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || depth > MAX_DEPTH) return value;
  const next = (one: unknown): unknown => brief(one, depth + 1);
  if (Array.isArray(value)) {
    const left = value.length - MOST_SHOWN;
    return left > 0 ? [...value.slice(0, MOST_SHOWN).map(next), `… and ${left} more`] : value.map(next);
  }
  const fields = value as Readonly<Record<string, unknown>>; // a record of a context
  const names = Object.keys(fields);
  const left = names.length - MOST_SHOWN;
  const shown: Record<string, unknown> = {};
  for (const name of left > 0 ? names.slice(0, MOST_SHOWN) : names) shown[name] = next(fields[name]);
  if (left > 0) shown['…'] = `and ${left} more`;
  return shown;
}

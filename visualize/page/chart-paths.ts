/** Which parts of the picture of a chart are lit: where it stands, and the way that led there. */
export interface Lit {
  /** Path of the state. */
  readonly current: string;
  /** States that were passed, outer ones not. */
  readonly passed: ReadonlySet<string>;
  /** Steps from one to the next. */
  readonly steps: readonly (readonly [from: string, to: string])[];
}

export function litIn(path: readonly { readonly state: string }[], current: string): Lit {
  const states = path.map(({ state }) => state).filter((state) => state !== '');
  const steps = states.slice(1).map((to, at) => [states[at] ?? '', to] as const);
  return { current, passed: new Set(states), steps };
}

/** `outer` is `state`, or holds it; the chart itself, an empty path, holds all. */
export const holds = (outer: string, state: string): boolean =>
  outer === '' || outer === state || state.startsWith(`${outer}.`);

/**
 * Whether an arrow may have been taken. It leaves a state or one that holds it, and enters a state or one that holds it: what holds
 * both of them was not left.
 */
export const isTaken = ({ steps }: Lit, from: string, to: string): boolean =>
  steps.some(([left, entered]) => {
    if (to !== entered && holds(to, left)) return false;
    return holds(from, left) && holds(to, entered);
  });

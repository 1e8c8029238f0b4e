/** Which parts of a chart's picture are highlighted: the current state, and the path that led there. */
export interface Lit {
  /** Path of the state. */
  readonly current: string;
  /** States that were passed, without their parents. */
  readonly passed: ReadonlySet<string>;
  /** Steps from one state to the next. */
  readonly steps: readonly (readonly [from: string, to: string])[];
}

export function litIn(path: readonly { readonly state: string }[], current: string): Lit {
  const states = path.map(({ state }) => state).filter((state) => state !== '');
  const steps = states.slice(1).map((to, at) => [states[at] ?? '', to] as const);
  return { current, passed: new Set(states), steps };
}

/** Whether `outer` is `state` or contains it; the chart itself, with an empty path, contains everything. */
export const holds = (outer: string, state: string): boolean =>
  outer === '' || outer === state || state.startsWith(`${outer}.`);

/**
 * Whether an arrow may have been taken. It leaves a state or one of its ancestors, and enters a state or one of its
 * ancestors: an ancestor of both was not left.
 */
export const isTaken = ({ steps }: Lit, from: string, to: string): boolean =>
  steps.some(([left, entered]) => {
    if (to !== entered && holds(to, left)) return false;
    return holds(from, left) && holds(to, entered);
  });

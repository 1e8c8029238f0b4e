/**
 * Concurrent activities, each in a slot whose number is reused once it is free. A spawned child has this number in its
 * id, never a name from outside: xstate remembers every event type that a chart has ever received, including the done
 * events of its children, so names chosen by peers would stay in memory as long as the process lives.
 */
export type Slots = readonly (string | null)[];

export const slotOf = (slots: Slots, name: string): number => slots.indexOf(name);

export const nameIn = (slots: Slots, slot: number): string | null => slots[slot] ?? null;

export const isHeld = (slots: Slots, name: string): boolean => slots.includes(name);

export const heldIn = (slots: Slots): number => slots.reduce((sum, name) => (name === null ? sum : sum + 1), 0);

/** Puts this name into the first free slot: there are never more slots than names were held at one time. */
export function withHeld(slots: Slots, name: string): Slots {
  const free = slots.indexOf(null);
  return free === -1 ? [...slots, name] : slots.with(free, name);
}

/** Frees the slot of this name; the other names keep theirs. */
export function withoutHeld(slots: Slots, name: string): Slots {
  const slot = slots.indexOf(name);
  if (slot === -1) return slots;
  const rest = slots.with(slot, null);
  return rest.slice(0, rest.findLastIndex((held) => held !== null) + 1);
}

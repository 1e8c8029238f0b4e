/**
 * What goes on at once, each in a slot whose number is used again once it is free. A child that is spawned has this number in
 * its id, and never a name from outside: xstate remembers every type of event that a chart has ever taken, the ends of its
 * children among them, so names that strangers choose would stay for as long as the process lives.
 */
export type Slots = readonly (string | null)[];

export const slotOf = (slots: Slots, name: string): number => slots.indexOf(name);

export const nameIn = (slots: Slots, slot: number): string | null => slots[slot] ?? null;

export const isHeld = (slots: Slots, name: string): boolean => slots.includes(name);

export const heldIn = (slots: Slots): number => slots.reduce((sum, name) => (name === null ? sum : sum + 1), 0);

/** With this name in the first slot that is free: there are never more slots than names were held at one time. */
export function withHeld(slots: Slots, name: string): Slots {
  const free = slots.indexOf(null);
  return free === -1 ? [...slots, name] : slots.with(free, name);
}

/** The others stay where they are. */
export function withoutHeld(slots: Slots, name: string): Slots {
  const slot = slots.indexOf(name);
  if (slot === -1) return slots;
  const rest = slots.with(slot, null);
  return rest.slice(0, rest.findLastIndex((held) => held !== null) + 1);
}

/** Every chart of the project in alphabetical order, which is the order of the tables in SPEC.md. */
import { allMachines as inReadingOrder } from '../../visualize/charts/machines.ts';

export const allMachines = inReadingOrder.toSorted((one, other) => (one.id < other.id ? -1 : 1));

/** The actions that an `enqueueActions` collects. */
import type { Action, Assign, Cancel, Emit, Enqueue, Raise, SendTo, Spawn, Stop } from './actions.ts';

let lined: Action[] = [];
let read: (action: unknown) => Action;

interface Sending {
  readonly id?: string;
  readonly delay?: SendTo['delay'];
}

/** Collects actions. One for all charts, since `collect` is synchronous and nothing else happens meanwhile. */
export const enqueue = Object.assign((action: unknown): void => void lined.push(read(action)), {
  assign: (assignment: Assign['assignment']): void =>
    void lined.push({ does: 'assign', assignment, params: undefined }),
  emit: (event: Emit['event']): void => void lined.push({ does: 'emit', event, params: undefined }),
  sendTo: (to: unknown, event: SendTo['event'], { id, delay }: Sending = {}): void =>
    void lined.push({ does: 'sendTo', to, event, delay, id, params: undefined }),
  raise: (event: Raise['event'], { id, delay }: Sending = {}): void =>
    void lined.push({ does: 'raise', event, delay, id, params: undefined }),
  cancel: (id: Cancel['id']): void => void lined.push({ does: 'cancel', id, params: undefined }),
  spawnChild: (src: unknown, { id, input }: Partial<Pick<Spawn, 'id' | 'input'>> = {}): void =>
    void lined.push({ does: 'spawnChild', src, id, input, params: undefined }),
  stopChild: (child: Stop['child']): void => void lined.push({ does: 'stopChild', child, params: undefined }),
});

/** @param args include {@link enqueue} */
export function linedUp(
  collect: Enqueue['collect'],
  args: object,
  params: unknown,
  readAction: (action: unknown) => Action,
): readonly Action[] {
  lined = [];
  read = readAction;
  collect(args, params);
  return lined;
}

/** What xstate's actor system offers its actors (5.33) but its types leave out. */
import type { AnyActor, AnyEventObject } from 'xstate';

export interface System {
  scheduler: Scheduler;
  _relay(source: unknown, target: unknown, event: AnyEventObject): void;
}

export interface Scheduler {
  schedule(source: object, target: unknown, event: AnyEventObject, delayMs: number, id?: string): void;
  cancel(source: object, id: string): void;
  cancelAll(source: object): void;
}

export const systemOf = ({ system }: { readonly system: AnyActor['system'] }): System => system as unknown as System;

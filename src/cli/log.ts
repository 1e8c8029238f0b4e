/** The log of the daemon: one line on stderr per thing that an operator would want to know at two in the morning. */
import type { ComponentEvent } from '../components/component-listener.ts';
import { faultSentence, type Fault } from '../protocol/faults.ts';
import type { Colour, Terminal } from './terminal.ts';

/** How much it matters: `warning` may need somebody, `error` does. */
export type Level = 'info' | 'warning' | 'error';

const PAINT: Readonly<Record<Level, Colour>> = { info: 'dim', warning: 'yellow', error: 'red' };

/** Longest line; much in it comes from peers. */
const MAX_LINE = 1_000;

export interface Log {
  readonly say: (level: Level, sentence: string) => void;
  /** `what` happened, because of `fault` if there is one. */
  readonly fault: (level: Level, what: string, fault: Fault | null) => void;
  readonly component: (event: ComponentEvent) => void;
}

export function createLog(terminal: Terminal, now: () => number): Log {
  const say = (level: Level, sentence: string): void => {
    const line = visible(sentence).slice(0, MAX_LINE);
    terminal.tell(`${new Date(now()).toISOString()} ${terminal.paint(PAINT[level], level)} ${line}`);
  };
  const saidFault = (level: Level, what: string, fault: Fault | null): void =>
    say(level, fault === null ? what : `${what}: ${faultSentence(fault)}`);
  return {
    say,
    fault: saidFault,
    component: (event) => {
      const who = `component ${event.domain ?? 'without a domain'} from ${event.remoteAddress}`;
      switch (event.kind) {
        case 'attached':
          say('info', `${who}: attached`);
          break;
        case 'detached':
          saidFault(event.fault === null ? 'info' : 'warning', `${who}: detached`, event.fault);
          break;
        case 'refused':
          saidFault('warning', `${who}: refused`, event.fault);
          break;
      }
    },
  };
}

/** Text from peers cannot break the line, nor steer the terminal. */
function visible(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the characters to replace
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

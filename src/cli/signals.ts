/** The signals of a daemon, caught from its first moment on, before its modules are loaded. */

const NAMES = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Signals that arrived before there was a handler. */
const held: NodeJS.Signals[] = [];
let hear = (signal: NodeJS.Signals): void => {
  held.push(signal);
};
const onSignal = (signal: NodeJS.Signals): void => hear(signal);

/** Keeps signals for {@link hearSignals}; without this they would end the process. */
export function holdSignals(): void {
  for (const name of NAMES) if (!process.listeners(name).includes(onSignal)) process.on(name, onSignal);
}

/** Passes signals to `handler` from now on, beginning with those that were held. */
export function hearSignals(handler: (signal: NodeJS.Signals) => void): void {
  holdSignals();
  hear = handler;
  for (const signal of held.splice(0)) handler(signal);
}

/** From now on signals are ignored: the exit is already decided and about to happen. */
export function ignoreSignals(): void {
  hear = () => undefined;
}

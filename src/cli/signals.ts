/** The signals of a daemon, which are for it from its first moment on, before its parts are loaded. */

const NAMES = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Those that came while nobody heard them. */
const held: NodeJS.Signals[] = [];
let hear = (signal: NodeJS.Signals): void => {
  held.push(signal);
};
const onSignal = (signal: NodeJS.Signals): void => hear(signal);

/** Keeps signals for {@link hearSignals}; without this they would end the process. */
export function holdSignals(): void {
  for (const name of NAMES) if (!process.listeners(name).includes(onSignal)) process.on(name, onSignal);
}

/** Hands signals to `handler`, from now on, and first those that were held. */
export function hearSignals(handler: (signal: NodeJS.Signals) => void): void {
  holdSignals();
  hear = handler;
  for (const signal of held.splice(0)) handler(signal);
}

/** Signals do nothing from here on: it is decided how the process ends, and it is about to. */
export function ignoreSignals(): void {
  hear = () => undefined;
}

/** The life cycle of the daemon: it starts, reports that it is ready, runs until a signal, and drains. */
import { ComponentListener, type ComponentRouter } from '../components/component-listener.ts';
import type { ServeConfig } from '../config/load.ts';
import type { NodePorts } from '../node-ports.ts';
import type { Observable } from 'rxjs';
import { answerUnattended } from '../components/unattended.ts';
import type { ListenOptions } from '../ports.ts';
import { FaultError, type FaultLayer, faultSentence } from '../protocol/faults.ts';
import type { Stanza } from '../protocol/stanza.ts';
import type { ReportRecord, TraceRecord } from '../trace/record.ts';
import type { TraceFile } from '../trace/trace-file.ts';
import type { Inspector } from '../inspector/server.ts';
import { createLog, type Log } from './log.ts';
import { tooFewFiles } from './open-files.ts';
import { type Reloadable, Reloads } from './reload.ts';
import { hearSignals, ignoreSignals } from './signals.ts';
import { EXIT, type ExitCode, type Terminal } from './terminal.ts';
import { writeTrace } from './trace.ts';
import { inspect, type InspectedManager } from './inspect.ts';
import { traceSpans } from '../telemetry/spans.ts';
import { measure } from './measure.ts';
import type { Measured } from '../metrics/metrics.ts';
import type { MetricsServer } from '../metrics/server.ts';

/** How long a drain may take, in milliseconds; longer than any deadline of a closing stream. */
const DRAIN_TIMEOUT_MS = 30_000;

/** What the daemon needs from the connection manager. */
export interface DaemonManager extends Reloadable, InspectedManager, Measured {
  start(): Promise<void>;
  /** Drains. */
  stop(): Promise<void>;
  readonly router: ComponentRouter;
  readonly listening: readonly ListenOptions[];
  /** Stanzas for domains without an attached component. */
  readonly stanzas$: Observable<Stanza>;
  readonly reports$: Observable<ReportRecord>;
  readonly records$: Observable<TraceRecord>;
}

export interface Daemon {
  /** The configuration file, for messages. */
  readonly file: string;
  readonly config: ServeConfig;
  readonly manager: DaemonManager;
  readonly ports: Pick<NodePorts, 'network' | 'clock' | 'random' | 'setCredentials'>;
}

/** What was started beside the manager and ends with it. */
interface Beside {
  readonly components: ComponentListener[];
  trace: TraceFile | null;
  inspector: Inspector | null;
  metrics: MetricsServer | null;
  spans: { stop(): void } | null;
}

/** Runs until SIGTERM or SIGINT, then drains; a second signal exits at once. */
export async function runDaemon(daemon: Daemon, terminal: Terminal): Promise<ExitCode> {
  const { file, config, manager, ports } = daemon;
  const log = createLog(terminal, () => ports.clock.now());
  const beside: Beside = { components: [], trace: null, inspector: null, metrics: null, spans: null };
  const starting = startAll({ config, manager, ports }, beside, log);
  const running = untilSignalled(starting, () => stopAll(manager, beside), daemon, log);
  try {
    await starting;
  } catch (error) {
    running.giveUp();
    await stopAll(manager, beside);
    return cannotStart(error, file, terminal);
  }
  announce(manager, beside, config, terminal, log);
  return running.ended;
}

async function startAll({ config, manager, ports }: Omit<Daemon, 'file'>, beside: Beside, log: Log): Promise<void> {
  if (config.trace !== null)
    beside.trace = await writeTrace(manager, config.trace, Object.keys(config.manager.hosts), ports.clock, log);
  const limits = config.manager.limits ?? {};
  // No need to unsubscribe: both end with the manager, which lives as long as the process.
  manager.reports$.subscribe(log.record);
  manager.stanzas$.subscribe((stanza) => {
    const answer = answerUnattended(stanza);
    if (answer !== null) manager.router.inject(answer, null);
  });
  // Started before the manager, so that the first stream is counted.
  if (config.metrics !== null) beside.metrics = await measure(manager, config.metrics);
  // Only if a tracer provider was registered before (`node --import`).
  beside.spans = traceSpans(manager);
  await manager.start();
  if (config.inspector !== null)
    beside.inspector = await inspect(
      manager,
      config.inspector,
      Object.keys(config.manager.hosts),
      ports.clock,
      (text) => log.say('info', text),
    );
  for (const options of config.components) {
    const tell = log.component;
    beside.components.push(
      await ComponentListener.start({ ...options, limits }, { ...ports, router: manager.router, tell }),
    );
  }
}

/**
 * Stopped first: the components, which bring new stanzas; stanzas under way still reach their streams and components.
 */
async function stopAll(
  manager: DaemonManager,
  { components, trace, inspector, metrics, spans }: Beside,
): Promise<void> {
  for (const component of components) component.drain();
  await manager.stop();
  await Promise.all(components.map((component) => component.stop()));
  spans?.stop();
  await Promise.all([trace?.close(), inspector?.stop(), metrics?.stop()]);
}

function announce(
  manager: DaemonManager,
  { components, inspector, metrics }: Beside,
  config: ServeConfig,
  terminal: Terminal,
  log: Log,
): void {
  const { listening } = manager;
  const few = tooFewFiles();
  if (few !== null) log.say('warning', few);
  const sockets = components.map(({ address, domains }) => ({ ...address, domains }));
  for (const { address, port, tls } of listening)
    log.say('info', `servers may connect to ${address} port ${port} (${tls})`);
  for (const { address, port, domains } of sockets) {
    log.say('info', `components may connect to ${address} port ${port}: ${domains.join(', ')}`);
  }
  if (inspector !== null) log.say('info', `the inspector is at ${inspector.url}`);
  if (metrics !== null) log.say('info', `metrics are at ${metrics.url}`);
  log.say('info', `serving ${Object.keys(config.manager.hosts).join(', ')}`);
  terminal.event({
    ...{ event: 'ready', listen: listening, components: sockets },
    inspector: inspector?.url ?? null,
    ...(metrics === null ? {} : { metrics: metrics.url }),
  });
}

/**
 * An address that is in use or not ours is an error of the configuration, so the exit code is 2; so is a file that
 * cannot be written.
 */
function cannotStart(error: unknown, file: string, terminal: Terminal): ExitCode {
  const expected = error instanceof FaultError ? EXPECTED[error.fault.layer] : undefined;
  if (!(error instanceof FaultError) || expected === undefined) throw error;
  const sentence = `${file}: ${expected}: ${faultSentence(error.fault)}`;
  terminal.tell(terminal.paint('red', sentence));
  return EXIT.usage;
}

/** By the layer of the fault that prevents a start: configuration keys, and what is expected there. */
const EXPECTED: Partial<Record<FaultLayer, string>> = {
  tcp: 'listen, components, inspector, metrics: expected addresses that are free',
  config: 'trace.file: expected a file that can be written',
};

/**
 * Handles signals, including those that arrive during the start, as soon as there is something to stop or to change.
 */
function untilSignalled(
  starting: Promise<void>,
  stop: () => Promise<void>,
  daemon: Daemon,
  log: Log,
): { readonly ended: Promise<ExitCode>; giveUp(): void } {
  const { file, config, manager, ports } = daemon;
  const { clock } = ports;
  const reloads = new Reloads(file, config, {
    setPolicy: (policy) => manager.setPolicy(policy),
    setProofs: (domain, proofs) => manager.setProofs(domain, proofs),
    setCredentials: (hosts) => {
      ports.setCredentials(hosts);
      manager.setCredentials(hosts);
    },
  });
  // A signal handler does not keep the process alive: without listening sockets it would end here.
  const alive = setInterval(() => undefined, 2 ** 30);
  let deadline: unknown = null;
  const rest = (): void => {
    clearInterval(alive);
    if (deadline !== null) clock.clearTimeout(deadline);
    ignoreSignals();
  };
  /** Does nothing if the start fails: that is reported, and decides the exit code, elsewhere. */
  const onceStarted = (then: () => Promise<void> | void): Promise<void> => starting.then(then, () => undefined);
  const ended = new Promise<ExitCode>((resolve, reject) => {
    const drain = async (): Promise<void> => {
      await stop();
      rest();
      log.say('info', 'drained');
      resolve(EXIT.good);
    };
    hearSignals((signal) => {
      if (signal === 'SIGHUP') {
        onceStarted(() => reloads.reload(log)).catch(reject);
        return;
      }
      if (deadline !== null) {
        log.say('warning', `${signal} again: exits at once`);
        process.exit(EXIT.bad);
      }
      log.say('info', `${signal}: drains`);
      deadline = clock.setTimeout(() => {
        log.say('error', `not drained within ${DRAIN_TIMEOUT_MS / 1000} s: exits with streams open`);
        process.exit(EXIT.bad);
      }, DRAIN_TIMEOUT_MS);
      onceStarted(drain).catch(reject);
    });
  });
  return { ended, giveUp: rest };
}

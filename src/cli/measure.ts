/** The metrics of the daemon. */
import type { InspectorConfig } from '../config/load.ts';
import { type Measured, Metrics } from '../metrics/metrics.ts';
import { MetricsServer } from '../metrics/server.ts';
import { packageVersion } from './version.ts';

/** Counts from now on. Rejects with FaultError `tcp` if the address is not available. */
export const measure = (measured: Measured, config: InspectorConfig): Promise<MetricsServer> =>
  MetricsServer.start(config, new Metrics(measured, packageVersion()));

export { FleetMetrics, type ConfigurationState } from './fleet-metrics.ts';
export { CERTIFICATE_SERIES, PLAYBOOK_SERIES } from './limits.ts';
export { EMPTY_SNAPSHOT, type MetricsSnapshot } from './snapshot.ts';

export { buildReport, REPORT_FORMATS, type ReportFile, type ReportFormat } from './build-report.ts';
export { checkPoints, parsePoints } from './read-points.ts';
export { findKnee, type Knee } from './knee.ts';

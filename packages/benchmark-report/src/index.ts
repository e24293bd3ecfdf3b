export { buildReport, REPORT_FORMATS, type ReportFile, type ReportFormat } from './build-report.ts';
export { findKnee, type Knee } from './knee.ts';
export { checkPoints, parsePoints } from './read-points.ts';
export { selectPoints, type PointFilter } from './select-points.ts';

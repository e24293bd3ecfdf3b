export * from './model.ts';
export { openJobs, type JobRow, type JobsDatabase } from './open-jobs.ts';
export { coordinate, cutBatches, findWorkers, type Coordination } from './coordinate.ts';
export { startWorker, type Worker, type WorkerOptions } from './work.ts';
export { sharedCustody, sharedPins, type SharedPinDecision, type SharedPins } from './shared-run.ts';
export { projectDigest } from './project-digest.ts';

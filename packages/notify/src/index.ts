export { NotifySinks, sinkNames, sinkProblems, type SinkProblem } from './sinks.ts';

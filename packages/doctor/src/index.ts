export { CONTROL_LINKS, LINKS, type ControlLinkId, type Link, type LinkId } from './links.ts';
export { diagnosisOf, doctorExitCode, walk, type Findings } from './walk.ts';
export { broken, notApplicable, notTold, ok, type Finding } from './finding.ts';
export type { WantedSite } from './chain.ts';
export { judgeHost, type Follow } from './judge-host.ts';
export { judgeReach, sudoersLine, type ReachEvidence } from './judge-reach.ts';
export type { BootstrapEvidence } from './judge-bootstrap.ts';

export type * from '@hsmfleet/station';

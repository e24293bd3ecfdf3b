import { HsmfleetError } from '@hsmfleet/contract';

/**
 * The control host is gone, and what was to be done needs it: run_once, delegate_to and --step go through it. The play waits
 * there until it is taken up again.
 */
export class ControlGoneError extends HsmfleetError {
  /** It was asked, and the answer is lost. */
  readonly asked: boolean;

  constructor(asked: boolean) {
    super('CONNECTION_LOST', 'the control host is gone, and this task needs it: run_once, delegate_to and --step go through it');
    this.asked = asked;
  }
}

/** Left on a host where reading tokens stopped a site: from then on tokens are read in a maintenance window only. */
export const DISTURBED_MARK = '/var/lib/hsmfleet/inventory-disturbs';

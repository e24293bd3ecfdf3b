import { fileURLToPath } from 'node:url';

/** The play that looks for faults; it lies beside the sources and the built program alike, so this file has to stay where it is. */
export const DOCTOR_PLAY = fileURLToPath(new URL('../plays/doctor.yml', import.meta.url));

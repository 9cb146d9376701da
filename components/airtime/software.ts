import type { MachineRole } from "../machine/role";
import type { SecretFile } from "../machine/secrets";

/** What one kind of playout software puts on the machine. */
export interface SoftwareRole extends MachineRole {
    secretFiles: SecretFile[];
    /** Words for `prepare`, which makes the folders on the volume. */
    prepareWords: string[];
}

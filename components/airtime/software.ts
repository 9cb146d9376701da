import type { MachineRole } from "../machine/role";

/** What one kind of playout software puts on the machine. */
export interface SoftwareRole extends MachineRole {
    /** Words for `prepare`, which makes the folders on the volume. */
    prepareWords: string[];
}

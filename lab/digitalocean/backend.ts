import { labMode } from "../cloud/mode";
import type { Backend } from "./backendInterface";
import { machineBackend } from "./machines";

/** Checks and records only. */
const recordBackend: Backend = {
    create: async () => {},
    shutDown: async () => {},
    destroy: async () => {},
    restart: async () => {},
    createVolume: async () => {},
    destroyVolume: async () => {},
    changeVolumes: async () => {},
    assign: async () => {},
    protect: async () => {},
};

/** The backend of this lab's mode. */
export function backend(): Backend {
    return labMode() === "record" ? recordBackend : machineBackend;
}

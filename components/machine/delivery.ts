import { gzipSync } from "node:zlib";

import type { MachineRole } from "./role";

/** What is delivered to a machine: its role, and how long it may take to be healthy with it. */
export interface Delivery {
    role: MachineRole;
    /** Seconds. */
    readySeconds: number;
}

/** Secrets of a delivery that are put in on the machine: where it reads them itself. */
export const noSecrets = JSON.stringify({ values: {}, files: {} });

/**
 * A delivery as `aerial-receive` reads it: JSON, compressed by gzip, in base64. All together, because scripts and units
 * resemble each other and so compress better. The same delivery gives the same text.
 *
 * @param secrets JSON of values and files by name.
 */
export function deliveryText({ role, readySeconds }: Delivery, secrets: string): string {
    return gzipSync(deliveryJson({ role, readySeconds }, secrets), { level: 9 }).toString("base64");
}

/** The same as plain JSON. */
export function deliveryJson({ role, readySeconds }: Delivery, secrets: string): string {
    return JSON.stringify({
        packages: role.packages,
        masked: role.maskedUnits,
        units: role.units,
        services: role.services.map(({ unit, reads, onChange, check = [], packages = [], well = [] }) => ({
            ...{ unit, reads, check, packages, well },
            on_change: onChange,
        })),
        files: role.files.map(({ path, mode, owner = "root:root", content, secretFormat = null }) => ({
            ...{ path, mode, owner, content },
            format: secretFormat,
        })),
        secrets: JSON.parse(secrets) as unknown,
        ready_seconds: readySeconds,
    });
}

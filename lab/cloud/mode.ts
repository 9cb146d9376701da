/**
 * Whether resources become machines and networks of this workstation, or are only checked and recorded. The command line sets
 * `AERIAL_LAB_MODE` for the engine, whose environment its providers inherit; this is the only place that touches it.
 */
export type LabMode = "machines" | "record";

/** Sets the mode of this process, for what it does to the lab cloud by itself. */
export function setLabMode(mode: LabMode): void {
    process.env.AERIAL_LAB_MODE = mode;
}

export function labMode(): LabMode {
    return process.env.AERIAL_LAB_MODE === "record" ? "record" : "machines";
}

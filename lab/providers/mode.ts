/**
 * Whether resources become machines and networks of this host, or are only checked and recorded. The command line sets
 * `AERIAL_LAB_MODE` for the engine, whose environment its providers inherit; this is its only reader.
 */
export type LabMode = "machines" | "record";

export function labMode(): LabMode {
    return process.env.AERIAL_LAB_MODE === "record" ? "record" : "machines";
}

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { checkout } from "../testing/paths";

/** The parts of a resource that its golden dump shows (tests/engine/golden.ts makes it). */
export interface DumpedResource {
    type: string;
    name: string;
    parent?: string;
    inputs: Record<string, unknown>;
    /** Whether Pulumi refuses to delete it. */
    protect?: boolean;
}

/** The committed golden dump of a stack. */
export function readGolden(stack: "prod" | "preprod"): DumpedResource[] {
    const file = join(checkout, "tests/engine/golden", `${stack}.json`);
    return JSON.parse(readFileSync(file, "utf8")) as DumpedResource[];
}

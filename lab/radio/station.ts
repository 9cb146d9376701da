import { existsSync, readFileSync } from "node:fs";

import { issuingRoots } from "../acme";
import { stackOutputs } from "../engine/outputs";
import { parseOutputs, type StationOutputs } from "./outputs";

/** The lab's stack outputs, secrets included. @throws when there is no station yet. */
export async function stationOutputs(): Promise<StationOutputs> {
    const outputs = await stackOutputs();
    if (outputs === undefined) {
        throw new Error("there is no station here (npm run lab -- up)");
    }
    return parseOutputs(outputs);
}

/** The roots of the lab's certificate authority, as PEM: all that its players and encoders trust. */
export function publicRoots(): string {
    if (!existsSync(issuingRoots)) {
        throw new Error(`there is no ${issuingRoots}: the lab's certificate authority has never run`);
    }
    return readFileSync(issuingRoots, "utf8");
}

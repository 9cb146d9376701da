import { existsSync, readFileSync } from "node:fs";

import { issuingRoots } from "../acme";
import { stackOutputs } from "../engine/outputs";
import { parseOutputs, type StationOutputs } from "./outputs";

/** The lab's stack outputs as the engine gives them. @throws when there is no station yet. */
export async function existingOutputs(secrets = true): Promise<Record<string, unknown>> {
    const outputs = await stackOutputs({ secrets });
    if (outputs === undefined) {
        throw new Error("there is no station here (npm run lab -- up)");
    }
    return outputs;
}

/** The lab's stack outputs, secrets included. @throws when there is no station yet. */
export async function stationOutputs(): Promise<StationOutputs> {
    return parseOutputs(await existingOutputs());
}

/** The roots of the lab's certificate authority, as PEM: the only ones that its players trust. */
export function publicRoots(): string {
    if (!existsSync(issuingRoots)) {
        throw new Error(`there is no ${issuingRoots}: the lab's certificate authority has never run`);
    }
    return readFileSync(issuingRoots, "utf8");
}

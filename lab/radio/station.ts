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

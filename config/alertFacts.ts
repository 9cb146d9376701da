import { planStation } from "../model/plan";
import { stationToPlan } from "./plan";
import type { Station } from "./schema";

/** What rules of alerts have to know of a station (`components/monitoring/alertRules.ts`). */
export function alertFactsOf(station: Station) {
    return {
        silenceSeconds: station.silence.afterSeconds,
        includedTransferGiB: planStation(stationToPlan(station)).transfer.includedGiB,
        backup: station.backup !== "none",
        airtimeSource: station.airtime?.source,
    };
}

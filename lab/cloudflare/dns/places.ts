import { digitalOceanRegions } from "../../../model/providerRegions";
import { steeringRegionOf, type SteeringRegion } from "../../../model/steeringRegions";
import { regionRange, regions } from "../../network/addresses";

/** Who asks from a range of addresses. */
export interface AskersRange {
    range: string;
    region: SteeringRegion;
}

/**
 * The steering region of each lab region's addresses, its listeners and machines alike. Places outside any region, such
 * as the studio, are of unknown whereabouts.
 */
export const askersRanges: readonly AskersRange[] = regions.flatMap((slug) => {
    const place = digitalOceanRegions[slug];
    return place === undefined ? [] : [{ range: regionRange(slug), region: steeringRegionOf(place) }];
});

import { z } from "zod";

import { digitalOceanRegions, digitalOceanSizes } from "./catalogue";

export const digitalOceanRegion = z.string().refine((slug) => slug in digitalOceanRegions, {
    error: `use a DigitalOcean region: ${Object.keys(digitalOceanRegions).join(", ")}`,
});

export const dropletSize = z.string().refine((slug) => slug in digitalOceanSizes, {
    error: `use a droplet size: ${Object.keys(digitalOceanSizes).join(", ")}`,
});

import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { serverCertificate } from "../../authority";
import { awsRegions, metadataAddress, sites } from "../../network/addresses";
import { handler } from "./api/server";
import { Controller } from "./controller";
import { metadataServer } from "./metadata";
import { Scaler } from "./scaler";

/** How often the records are looked at, in ms. */
const roundMs = 400;

/**
 * Amazon's part of the lab, in the place `aws`: the metadata service, the APIs, and what keeps groups at their size and
 * balancers at their targets. All it does is in the lab's records; it may be killed at any time, and started again.
 */
export async function main(): Promise<void> {
    const dnsNames = ["sts.amazonaws.com", ...awsRegions.map((region) => `*.${region}.amazonaws.com`)];
    const files = await serverCertificate("aws", { dnsNames });
    const secure = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
    createServer(secure, handler).listen(443, sites.aws);
    metadataServer().listen(80, metadataAddress);
    const parts = [new Controller(), new Scaler()];
    for (;;) {
        const began = Date.now();
        for (const part of parts) {
            // A round that failed is followed by the next, which sees the records anew.
            await part.tick().catch((error: unknown) => console.error(error));
        }
        await sleep(Math.max(50, roundMs - (Date.now() - began)));
    }
}

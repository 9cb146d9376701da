import { sweepAmazon } from "../amazon/sweep";
import { sweepNames } from "../cloudflare/sweep";
import { sweepDroplets } from "../digitalocean/sweep";

/**
 * Removes resources of the lab cloud that an interrupted run made and did not record in the state. `known` has those in
 * the state by type and id: `digitalocean:index/droplet:Droplet 400000001`. What the cloud made by itself stays.
 */
export async function sweep(known: ReadonlySet<string>): Promise<void> {
    await sweepNames(known);
    await sweepAmazon(known);
    await sweepDroplets(known);
}

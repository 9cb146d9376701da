/*
 * Deletes droplets that were left behind (`end-droplet.mjs`) in one region.
 *
 *     node end-left-behind.mjs off   those that have switched themselves off, by the list in AERIAL_OFF
 *     node end-left-behind.mjs all   every one, shut down before: their region goes
 *
 * States of stacks hold the path of this file, since it runs when its resource is deleted: it has to stay.
 */
import {
    deleteDroplet,
    dropletsWithTag,
    findDroplet,
    refuseOtherAccount,
    shutDownDroplet,
} from "./digitalOcean.mjs";

const { AERIAL_DRAINING_TAG: tag, AERIAL_VPC: vpc } = process.env;
const [, , which] = process.argv;
const off = /** @type {number[]} */ (JSON.parse(process.env.AERIAL_OFF ?? "[]"));
if (!tag || !vpc || (which !== "off" && which !== "all")) {
    console.error("usage: end-left-behind.mjs off|all; AERIAL_DRAINING_TAG and AERIAL_VPC are needed");
    process.exit(2);
}

/**
 * Never a droplet that no Relay was: it is left behind, and in this region's private network.
 *
 * @param {import("./digitalOcean.mjs").Droplet} droplet
 */
function isOurs({ tags, vpc_uuid }) {
    return tags.includes(String(tag)) && vpc_uuid === vpc;
}

/** Switched off since, or on again by somebody: what counts is how each is now. */
async function switchedOff() {
    const droplets = await Promise.all(off.map((id) => findDroplet(String(id))));
    return droplets
        .filter((droplet) => droplet !== undefined)
        .filter((droplet) => droplet.status === "off" && isOurs(droplet));
}

async function everyOne() {
    await refuseOtherAccount(String(tag));
    const droplets = (await dropletsWithTag(String(tag))).filter(isOurs);
    const running = droplets.filter(({ status }) => status === "active");
    await Promise.all(running.map(({ id }) => shutDownDroplet(String(id))));
    return droplets;
}

async function main() {
    const ended = which === "off" ? await switchedOff() : await everyOne();
    await Promise.all(
        ended.map(async ({ id, name }) => {
            await deleteDroplet(String(id));
            console.log(`${name} (droplet ${id}), left behind before, is deleted`);
        }),
    );
}

await main().catch((error) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
});

/*
 * The little of DigitalOcean's API that the end of a droplet needs, as the provider does it: with the same token and
 * address, and repeated where the API is busy.
 */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What is read of a droplet, as the API writes it.
 *
 * @typedef {object} Droplet
 * @property {number} id
 * @property {string} name
 * @property {"new" | "active" | "off" | "archive"} status
 * @property {string[]} tags
 * @property {string} vpc_uuid
 */

const { DIGITALOCEAN_TOKEN, DIGITALOCEAN_ACCESS_TOKEN, DIGITALOCEAN_API_URL } = process.env;
const token = DIGITALOCEAN_TOKEN ?? DIGITALOCEAN_ACCESS_TOKEN;
const root = DIGITALOCEAN_API_URL ?? "https://api.digitalocean.com";

/** For tests, which have less time. */
const pollMs = 1000 * Number(process.env.AERIAL_POLL_SECONDS ?? "3");
const tries = 4;
const answerMs = 20_000;
/** A droplet shuts down in seconds; one that hangs is deleted as it is. */
const shutdownLimitMs = 60_000;
/** How long a droplet may be busy with something else, such as our own shutdown, and then take to be deleted. */
const removalLimitMs = 300_000;

/**
 * The answer to a request; undefined for what is not there.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {number} [busyLimitMs] for how long it is repeated while something else is done to the droplet.
 * @returns {Promise<Record<string, unknown> | undefined>}
 * @throws {Error} with the API's own words.
 */
async function ask(method, path, body, busyLimitMs = 0) {
    if (!token) {
        throw new Error("DIGITALOCEAN_TOKEN is needed, as for pulumi up");
    }
    const busyUntil = Date.now() + busyLimitMs;
    for (let attempt = 1; ; attempt++) {
        let problem;
        let isBusy = false;
        try {
            const answer = await fetch(new URL(path, root), {
                method,
                headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
                signal: AbortSignal.timeout(answerMs),
                ...(body && { body: JSON.stringify(body) }),
            });
            const text = await answer.text();
            if (answer.ok) {
                /** @type {Record<string, unknown>} */
                const found = text === "" ? {} : JSON.parse(text);
                return found;
            }
            if (answer.status === 404) {
                return undefined;
            }
            problem = `${method} ${path}: ${answer.status} ${text.slice(0, 300)}`;
            // 422 is also what a droplet answers while something else is done to it.
            isBusy = answer.status === 422;
            if (![422, 423, 429].includes(answer.status) && answer.status < 500) {
                throw new Error(problem);
            }
        } catch (error) {
            if (!(error instanceof TypeError || (error instanceof Error && error.name === "TimeoutError"))) {
                throw error;
            }
            // What `fetch` says itself is only that it failed.
            const { cause, message } = error;
            problem = `${method} ${path}: ${cause instanceof Error ? cause.message : message}`;
        }
        if (attempt >= tries && !(isBusy && Date.now() < busyUntil)) {
            throw new Error(problem);
        }
        await sleep(Math.min(attempt, tries) * pollMs);
    }
}

/**
 * @param {string} id
 * @returns {Promise<Droplet | undefined>} undefined for a droplet that is gone.
 */
export async function findDroplet(id) {
    const answer = await ask("GET", `/v2/droplets/${id}`);
    return answer && /** @type {{ droplet: Droplet }} */ (answer).droplet;
}

/**
 * Refuses a token of another account or team. To such a token every droplet is gone, and nobody would end those that run.
 *
 * @param {string} tag one that is there as long as any droplet of the station that has to be ended.
 * @throws {Error}
 */
export async function refuseOtherAccount(tag) {
    if (!(await ask("GET", `/v2/tags/${encodeURIComponent(tag)}`))) {
        throw new Error(
            `this token sees another account: there is no tag ${tag}. Use the token of the station's account or team; if ` +
                "somebody has deleted the tag, create it again",
        );
    }
}

/**
 * @param {string} tag
 * @returns {Promise<Droplet[]>}
 */
export async function dropletsWithTag(tag) {
    /** @type {Droplet[]} */
    const found = [];
    for (let page = 1; ; page++) {
        const query = new URLSearchParams({ tag_name: tag, page: String(page), per_page: "200" });
        const answer = await ask("GET", `/v2/droplets?${query.toString()}`);
        const { droplets = [], links } =
            /** @type {{ droplets?: Droplet[], links?: { pages?: { next?: string } } }} */ (answer ?? {});
        found.push(...droplets);
        if (!links?.pages?.next) {
            return found;
        }
    }
}

/**
 * @param {string} id
 * @param {string} tag one that exists.
 */
export async function tagDroplet(id, tag) {
    const answer = await ask("POST", `/v2/tags/${encodeURIComponent(tag)}/resources`, {
        resources: [{ resource_id: id, resource_type: "droplet" }],
    });
    if (!answer) {
        throw new Error(`droplet ${id} cannot be given the tag ${tag}: one of them is gone`);
    }
}

/**
 * Ends all that runs on a droplet, in order: whoever is connected to it gets a FIN. Gives up after a minute.
 *
 * @param {string} id
 */
export async function shutDownDroplet(id) {
    try {
        await ask("POST", `/v2/droplets/${id}/actions`, { type: "shutdown" });
    } catch (error) {
        console.log(`droplet ${id} does not shut down: ${String(error)}`);
        return;
    }
    const deadline = Date.now() + shutdownLimitMs;
    while ((await findDroplet(id))?.status === "active" && Date.now() < deadline) {
        await sleep(pollMs);
    }
}

/**
 * Deletes a droplet, and waits until it is gone: its private network can be deleted only then.
 *
 * @param {string} id
 */
export async function deleteDroplet(id) {
    await ask("DELETE", `/v2/droplets/${id}`, undefined, removalLimitMs);
    const deadline = Date.now() + removalLimitMs;
    while (await findDroplet(id)) {
        if (Date.now() > deadline) {
            throw new Error(`droplet ${id} is still there ${removalLimitMs / 1000} s after its deletion`);
        }
        await sleep(pollMs);
    }
}

/*
 * Ends a droplet that has listeners. It drains: DNS no longer has it, its listeners stay until they leave, or until their
 * time is over. Then it is deleted. `pulumi up` does not wait for that without end: a droplet that still drains is left
 * behind, with a tag, and ends by itself (`aerial-drain end` on the machine).
 *
 * A droplet that is gone or dead is no reason for `pulumi up` or `destroy` to fail. One that serves, and only cannot be
 * reached by SSH from here, is: nobody's listeners are cut because `up` runs in the wrong place.
 *
 * States of stacks hold the path of this file, since it runs when its resource is deleted: it has to stay.
 */
import { setTimeout as sleep } from "node:timers/promises";

import ssh2 from "ssh2";

import {
    deleteDroplet,
    findDroplet,
    refuseOtherAccount,
    shutDownDroplet,
    tagDroplet,
} from "./digitalOcean.mjs";

const {
    AERIAL_MACHINE: name,
    AERIAL_DROPLET: id,
    AERIAL_ADDRESS: address,
    AERIAL_HOST_KEY: hostKey,
    AERIAL_USER: username,
    AERIAL_DRAINING_TAG: tag,
    AERIAL_DRAIN_LIMIT_SECONDS: drainLimitSeconds,
    AERIAL_ANSWER_SECONDS: answerSeconds,
    AERIAL_CLOSE_PER_SECOND: closePerSecond,
} = process.env;
const waitMs = 1000 * Number(process.env.AERIAL_WAIT_LIMIT_SECONDS);
/** Set by hand, for an `up` or a `destroy` that must not wait. */
const isInHaste = process.env.AERIAL_DRAIN === "no";
const pollMs = 1000 * Number(process.env.AERIAL_POLL_SECONDS ?? "5");
const port = Number(process.env.AERIAL_PORT ?? "22");
const httpPort = Number(process.env.AERIAL_HTTP_PORT ?? "80");
if (
    !name ||
    !id ||
    !address ||
    !hostKey ||
    !username ||
    !tag ||
    !drainLimitSeconds ||
    !answerSeconds ||
    !closePerSecond ||
    !(waitMs >= 0)
) {
    console.error(
        "AERIAL_MACHINE, AERIAL_DROPLET, AERIAL_ADDRESS, AERIAL_HOST_KEY, AERIAL_USER, AERIAL_DRAINING_TAG, " +
            "AERIAL_DRAIN_LIMIT_SECONDS, AERIAL_ANSWER_SECONDS, AERIAL_CLOSE_PER_SECOND and AERIAL_WAIT_LIMIT_SECONDS " +
            "are needed",
    );
    process.exit(2);
}

/** How often to dial, how long each may take, and then the machine's answer. */
const dials = 3;
const dialMs = 10_000;
const answerMs = 20_000;
/** How many looks in a row may find it silent, by SSH and by HTTP, until the machine counts as dead. */
const patience = 3;

/** @returns {Promise<string>} the private key, which comes by standard input. */
async function readKey() {
    const pieces = [];
    for await (const piece of process.stdin) {
        pieces.push(piece);
    }
    return Buffer.concat(pieces).toString("utf8");
}

/**
 * @param {string} privateKey
 * @returns {Promise<ssh2.Client>}
 */
function dial(privateKey) {
    const pinned = ssh2.utils.parseKey(String(hostKey));
    if (pinned instanceof Error) {
        throw pinned;
    }
    return new Promise((resolve, reject) => {
        const client = new ssh2.Client();
        client.once("ready", () => {
            client.removeAllListeners("error");
            // What becomes of the line shows when it is used.
            client.on("error", () => {});
            resolve(client);
        });
        client.once("error", (error) => {
            client.destroy();
            reject(error);
        });
        client.connect({
            host: address,
            port,
            username,
            privateKey,
            readyTimeout: dialMs,
            keepaliveInterval: dialMs,
            algorithms: { serverHostKey: [pinned.type] },
            hostVerifier: (/** @type {Buffer} */ given) => pinned.getPublicSSH().equals(given),
        });
    });
}

/**
 * Runs `aerial-drain` on the machine.
 *
 * @param {string} privateKey
 * @param {string} words its arguments.
 * @returns {Promise<{ draining: boolean, listeners: number | null }>}
 * @throws {Error} when the machine cannot be reached, or with its own words when it refuses.
 */
async function drain(privateKey, words) {
    const client = await dial(privateKey);
    /** @type {NodeJS.Timeout | undefined} */
    let late;
    try {
        return await new Promise((resolve, reject) => {
            late = setTimeout(() => reject(new Error(`no answer within ${answerMs / 1000} s`)), answerMs);
            client.exec(`sudo /usr/local/sbin/aerial-drain ${words}`, (error, channel) => {
                if (error) {
                    reject(error);
                    return;
                }
                let said = "";
                let complaints = "";
                channel.on("data", (/** @type {Buffer} */ data) => (said += data.toString("utf8")));
                // sudo may complain, and do its work all the same.
                channel.stderr.on(
                    "data",
                    (/** @type {Buffer} */ data) => (complaints += data.toString("utf8")),
                );
                /** @type {number | null} */
                let code = null;
                channel.on("exit", (/** @type {number | null} */ given) => (code = given));
                channel.on("close", () => {
                    try {
                        if (code === 0) {
                            /** @type {{ draining: boolean, listeners: number | null }} */
                            const answer = JSON.parse(said);
                            resolve(answer);
                            return;
                        }
                    } catch {
                        // Told below.
                    }
                    reject(
                        new Error(
                            `aerial-drain ended with ${code ?? "no status"}: ${(complaints || said).trim()}`,
                        ),
                    );
                });
            });
            client.on("close", () => reject(new Error("the machine has closed the line")));
        });
    } finally {
        clearTimeout(late);
        client.end();
    }
}

/**
 * What the machine tells everybody of its listeners. SSH may be closed to where this runs; that is open to all.
 *
 * @returns {Promise<number | null | undefined>} null if it does not know, or says something else; undefined if it is silent.
 */
async function askPublicly() {
    let text;
    try {
        const reply = await fetch(`http://${address}:${httpPort}/status.json`, {
            signal: AbortSignal.timeout(dialMs),
        });
        text = await reply.text();
    } catch {
        return undefined;
    }
    try {
        /** @type {{ listeners?: unknown } | null} */
        const status = JSON.parse(text);
        return typeof status?.listeners === "number" ? status.listeners : null;
    } catch {
        return null;
    }
}

/** As `askPublicly`, as often as SSH is dialled: a short loss of our own network makes nobody dead. */
async function askPubliclyAgain() {
    for (let attempt = 1; attempt <= dials; attempt++) {
        const listeners = await askPublicly();
        if (listeners !== undefined) {
            return listeners;
        }
        await sleep(pollMs);
    }
    return undefined;
}

/**
 * Has the machine drain, and end by itself.
 *
 * @param {string} privateKey
 * @returns {Promise<string | undefined>} why it does not.
 */
async function startDrain(privateKey) {
    let problem;
    for (let attempt = 1; attempt <= dials; attempt++) {
        try {
            const words = `end ${drainLimitSeconds} ${answerSeconds} ${closePerSecond}`;
            const { listeners } = await drain(privateKey, words);
            console.log(
                `${name} drains: ${count(listeners)}, for ${describe(Number(drainLimitSeconds))} at most`,
            );
            return undefined;
        } catch (error) {
            problem = error instanceof Error ? error.message : String(error);
        }
        await sleep(pollMs);
    }
    return problem;
}

/** @param {number | null | undefined} listeners */
function count(listeners) {
    return listeners === undefined || listeners === null
        ? "an unknown number of listeners"
        : `${listeners} ${listeners === 1 ? "listener" : "listeners"}`;
}

/** @param {number} seconds */
function describe(seconds) {
    return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
}

/**
 * Waits until the droplet may go.
 *
 * @param {string} privateKey
 * @returns {Promise<"drained" | "dead" | "left">}
 */
async function awaitDrain(privateKey) {
    const began = Date.now();
    let failures = 0;
    for (;;) {
        const droplet = await findDroplet(String(id));
        if (droplet?.status !== "active") {
            return "drained";
        }
        const passed = Date.now() - began;
        /** @type {number | null | undefined} */
        let listeners;
        try {
            ({ listeners } = await drain(privateKey, "status"));
            failures = 0;
        } catch (error) {
            console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
            // It drains, and ends by itself, whoever reaches it.
            listeners = await askPublicly();
            failures = listeners === undefined ? failures + 1 : 0;
        }
        if (failures >= patience) {
            return "dead";
        }
        if (listeners === 0 && passed >= 1000 * Number(answerSeconds)) {
            return "drained";
        }
        if (passed >= waitMs) {
            await tagDroplet(String(id), String(tag));
            console.log(
                `${name} (droplet ${id}, ${address}) is left behind with ${count(listeners)}: it ends by itself, and the ` +
                    `next pulumi up after that deletes it`,
            );
            return "left";
        }
        await sleep(Math.min(pollMs, Math.max(waitMs - passed, 1)));
    }
}

async function main() {
    const privateKey = await readKey();
    const droplet = await findDroplet(String(id));
    if (!droplet) {
        await refuseOtherAccount(String(tag));
        console.log(`${name} (droplet ${id}) is gone already`);
        return;
    }
    if (droplet.status === "active" && !(await goesNow(privateKey))) {
        return;
    }
    await deleteDroplet(String(id));
    console.log(`${name} (droplet ${id}) is deleted`);
}

/**
 * Ends what runs on the droplet.
 *
 * @param {string} privateKey
 * @returns {Promise<boolean>} whether it may be deleted now.
 * @throws {Error} when it has listeners and cannot be told to drain.
 */
async function goesNow(privateKey) {
    const problem = isInHaste ? "AERIAL_DRAIN is no" : await startDrain(privateKey);
    if (problem !== undefined) {
        const listeners = isInHaste ? 0 : await askPubliclyAgain();
        // Undefined: it is dead.
        if (listeners !== 0 && listeners !== undefined) {
            throw new Error(
                `it serves ${count(listeners)}, and does not drain: ${problem}\n` +
                    "If SSH is closed to the address where this runs, add this address to ssh.allowedFrom. To cut the " +
                    "listeners off: AERIAL_DRAIN=no",
            );
        }
        console.log(`${name} is shut down without a drain: ${problem}`);
        await shutDownDroplet(String(id));
        return true;
    }
    const end = await awaitDrain(privateKey);
    if (end === "dead") {
        console.log(`${name} answers no more and is shut down`);
        await shutDownDroplet(String(id));
    }
    return end !== "left";
}

await main().catch((error) => {
    console.error(
        `${name} (droplet ${id}) is not ended: ${error instanceof Error ? error.message : String(error)}\n` +
            "Nothing is forgotten: the next pulumi up goes on with it.",
    );
    process.exitCode = 1;
});

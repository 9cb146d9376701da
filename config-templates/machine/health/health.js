/**
 * Whether audio advances on a machine's Icecast, and whether a Relay is fit to serve listeners, as pure functions: no
 * NGINX in here. Written for njs, which lacks `for of` and destructuring. Masters and Relays have the same file.
 *
 * A sample is what Icecast counted at one moment: { atMs, mounts: { "/main.mp3": { bytes, listeners } } }, where `bytes`
 * are those it has received for the mount and a mount without a source is absent. Icecast counts every 5 s. On a Relay,
 * `upstreams` says what the feed plays on each mount, `fed` for how many seconds it has brought each to this Icecast, and
 * `drains` who still listens in slots that drain.
 */

/** Bytes must have grown over at least this time. */
const proofMs = 6000;
/** Samples older than this say nothing about now. */
const staleMs = 6000;
/** Samples kept: the proof, and what one slow measurement may take more. */
const keptMs = 14000;
/** A mount that the feed has brought for so long advances, also while there are too few samples to see it. */
const fedSeconds = 6;
/** A full Relay is offered to new listeners again below this share of its limit: else DNS would take it in and out. */
const roomAgain = 0.95;

/**
 * A sample from the XML of Icecast's `/admin/stats`.
 *
 * @param {string} xml
 * @param {number} atMs
 * @returns {Sample}
 */
function parseStats(xml, atMs) {
    if (xml.indexOf("<icestats>") < 0 || xml.indexOf("</icestats>") < 0) {
        throw new Error("Icecast's statistics are no statistics");
    }
    /** @type {Sample["mounts"]} */
    const mounts = {};
    const source = /<source mount="([^"]*)">([\s\S]*?)<\/source>/g;
    for (let found = source.exec(xml); found !== null; found = source.exec(xml)) {
        const bytes = count(found[2], "total_bytes_read");
        if (bytes !== null) {
            mounts[found[1]] = { bytes: bytes, listeners: count(found[2], "listeners") || 0 };
        }
    }
    return { atMs: atMs, mounts: mounts };
}

/**
 * @param {string} xml
 * @param {string} element
 */
function count(xml, element) {
    const found = xml.match(new RegExp("<" + element + ">(\\d+)</" + element + ">"));
    return found === null ? null : Number(found[1]);
}

/**
 * The samples to keep once `sample` is taken, oldest first.
 *
 * @param {Sample[]} samples
 * @param {Sample} sample
 */
function remember(samples, sample) {
    // A clock that was set back would make old samples look new.
    const kept = samples.filter((one) => one.atMs < sample.atMs && one.atMs >= sample.atMs - keptMs);
    return kept.concat([sample]);
}

/**
 * What a mount's source does: "absent"; "new", when it has not been there long enough to tell; "advances"; "stands".
 *
 * @param {string} mount
 * @param {Sample[]} samples
 * @returns {"absent" | "new" | "advances" | "stands"}
 */
function stateOf(mount, samples) {
    const last = samples[samples.length - 1];
    let now = last.mounts[mount];
    if (now === undefined) {
        return "absent";
    }
    const end = now.bytes;
    for (let i = samples.length - 2; i >= 0; i--) {
        const then = samples[i].mounts[mount];
        // Fewer bytes before than after would be a source that has reconnected in between.
        if (then === undefined || then.bytes > now.bytes) {
            return "new";
        }
        if (last.atMs - samples[i].atMs >= proofMs) {
            return end > then.bytes ? "advances" : "stands";
        }
        now = then;
    }
    return "new";
}

/**
 * Why a mount has no audio, or null.
 *
 * @param {string} mount
 * @param {Sample[]} samples
 */
function silent(mount, samples) {
    const state = stateOf(mount, samples);
    const fed = samples[samples.length - 1].fed;
    if (state === "new" && fed && (fed[mount] || 0) >= fedSeconds) {
        return null;
    }
    if (state === "stands") {
        return `${mount} stands still`;
    }
    return state === "advances" ? null : `${mount} has no audio that is known to advance`;
}

/**
 * The public mounts of a Relay.
 *
 * @param {Pick<Fitness, "channels">} relay
 * @returns {string[]}
 */
function mountsOf(relay) {
    return relay.channels.reduce(
        (all, channel) => all.concat(channel.mounts.map((one) => one.mount)),
        /** @type {string[]} */ ([]),
    );
}

/**
 * The verdict. One that drains or is full is not healthy, so that listeners go elsewhere, and has no fault by that.
 *
 * @param {Fitness} relay
 * @param {Sample[]} samples oldest first
 * @param {number} nowMs the present, by the samples' clock
 * @param {boolean} draining whether listeners are to go elsewhere
 * @param {boolean} [wasFull] whether the last verdict was `full`
 * @returns {RelayVerdict}
 */
function judge(relay, samples, nowMs, draining, wasFull) {
    const last = samples[samples.length - 1];
    /** @type {string[]} */
    const faults = [];
    /** @type {RelayVerdict["mounts"]} */
    const mounts = {};
    const known = last !== undefined && nowMs - last.atMs <= staleMs;
    /** @type {Record<string, Drain>} */
    const drains = (known && last.drains) || {};
    let listeners = 0;
    if (!known) {
        faults.push("Icecast tells nothing about itself");
    }
    mountsOf(relay).forEach((mount) => {
        const counted = known ? last.mounts[mount] : undefined;
        const reason = known ? silent(mount, samples) : null;
        const here = Object.keys(drains).reduce(
            (sum, slot) => sum + (drains[slot].listeners[mount] || 0),
            counted === undefined ? 0 : counted.listeners,
        );
        if (reason !== null) {
            faults.push(reason);
        }
        mounts[mount] = { upstream: (known && last.upstreams && last.upstreams[mount]) || null, listeners: here };
        listeners += here;
    });
    // What Icecast does not tell leaves a full Relay full: its listeners are still there.
    const full = known ? listeners >= relay.listenerLimit * (wasFull ? roomAgain : 1) : Boolean(wasFull);
    const reasons = (draining ? ["draining"] : []).concat(faults);
    // A group would replace a machine that its balancer calls unhealthy, with all its listeners.
    if (full && known && !relay.behindBalancer) {
        reasons.push(`full: ${listeners} of ${relay.listenerLimit} listeners`);
    }
    return {
        healthy: reasons.length === 0,
        reasons: reasons,
        faults: faults,
        known: known,
        full: full,
        listeners: listeners,
        mounts: mounts,
        drains: drains,
    };
}

/**
 * The verdict on a Master: every mount that its Liquidsoap feeds must advance. Liquidsoap that is dead, stuck or frozen
 * sends nothing, and Icecast then takes its mounts away within 4 s, so bytes are proof of both.
 *
 * @param {string[]} mounts the public mounts
 * @param {Sample[]} samples oldest first
 * @param {number} nowMs the present, by the samples' clock
 * @returns {{ healthy: boolean, reasons: string[], mounts: Record<string, string> }} such as `{ "/main.mp3": "advances" }`
 */
function judgeMaster(mounts, samples, nowMs) {
    const last = samples[samples.length - 1];
    if (last === undefined || nowMs - last.atMs > staleMs) {
        return { healthy: false, reasons: ["Icecast tells nothing about itself"], mounts: {} };
    }
    const words = {
        absent: "is not live",
        new: "is not known to advance yet",
        stands: "stands still",
    };
    /** @type {Record<string, string>} */
    const states = {};
    /** @type {string[]} */
    const reasons = [];
    mounts.forEach((mount) => {
        const state = stateOf(mount, samples);
        states[mount] = state;
        if (state !== "advances") {
            reasons.push(`${mount} ${words[state]}`);
        }
    });
    return { healthy: reasons.length === 0, reasons: reasons, mounts: states };
}

export default { parseStats, remember, stateOf, mountsOf, judge, judgeMaster };
